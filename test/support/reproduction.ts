import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { generateInteractions, writeGenerated } from '../../src/data/index.js';

/** A folder for reproductions, and in it one of data sets: a tiny one in the place of MovieLens. */
export function useReproductionFolder(): { root(): string; data(): string } {
  let root: string;
  const data = () => join(root, 'sets');
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'hashgnn-reproduce-'));
    await mkdir(join(data(), 'ml-1m'), { recursive: true });
    const size = { users: 130, items: 110, interactions: 2600, seed: 5 };
    await writeGenerated(generateInteractions(size), join(data(), 'ml-1m', 'interactions.tsv'));
  });
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });
  return { root: () => root, data };
}
