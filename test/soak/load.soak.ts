import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateInteractions, prepareDataset, readDataset, writeGenerated } from '../../src/data/index.js';
import { useGpu } from '../support/gpu.js';
import { searchMany, trainMany } from './load.js';
import { record } from './record.js';

const gpu = useGpu();

/** How much more a process may hold at the end than after its warm-up. */
const GROWTH = 48 * 2 ** 20;

const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);

test('a hundred thousand searches by a hundred callers at a time leave memory as it was', async () => {
  const found = await searchMany(gpu(), { times: 100_000, callers: 100, waiting: 99 });
  const { searches, wrong, rejected, warm, end, liveBytes } = found;
  record('searches', { searches, wrong, rejected, warmMiB: megabytes(warm), endMiB: megabytes(end), liveBytes });
  expect({ searches, wrong, rejected }).toEqual({ searches: 100_000, wrong: 0, rejected: 0 });
  expect(end - warm).toBeLessThan(GROWTH);
}, 3_600_000);

test('a thousand trainings in one process leave memory as it was', async () => {
  const root = await mkdtemp(join(tmpdir(), 'hashgnn-load-'));
  try {
    const file = join(root, 'a.tsv');
    const generated = generateInteractions({ users: 60, items: 50, interactions: 800, seed: 3 });
    await writeGenerated(generated, file);
    await prepareDataset({ file }, join(root, 'data'));
    const { warm, end, liveBytes } = await trainMany(gpu(), await readDataset(join(root, 'data')), 1000);
    record('trainings', { trainings: 1000, warmMiB: megabytes(warm), endMiB: megabytes(end), liveBytes });
    expect(liveBytes).toBe(0);
    expect(end - warm).toBeLessThan(GROWTH);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}, 3_600_000);
