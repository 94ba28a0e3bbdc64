import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateInteractions, prepareDataset, writeGenerated } from '../../src/data/index.js';
import { loadCheckpoint } from '../../src/train/checkpoint.js';
import { ROOT } from '../rules/files.js';

let root: string;
let data: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-interrupt-'));
  const file = join(root, 'a.tsv');
  await writeGenerated(generateInteractions({ users: 150, items: 100, interactions: 3000, seed: 2 }), file);
  data = join(root, 'data');
  await prepareDataset({ file }, data);
});

afterAll(() => rm(root, { recursive: true, force: true }));

const OPTIONS = [
  ...['--steps', '1000000', '--batch-size', '64', '--bits', '16', '--input-width', '16', '--widths', '16,12'],
  ...['--fanouts', '4,3', '--evaluate-every', '50', '--log-every', '10', '--checkpoint-every', '1000000', '--quiet'],
];

/** A training that never ends by itself, once it has logged something. */
async function begin(
  folder: string,
): Promise<{ child: ChildProcess; ended: Promise<{ status: unknown; err: string }> }> {
  const args = [join(ROOT, 'bin', 'hashgnn.js'), 'train', data, '--out', folder, ...OPTIONS];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let err = '';
  child.stderr!.on('data', (piece) => {
    err += String(piece);
  });
  const ended = new Promise<{ status: unknown; err: string }>((resolve) => {
    child.on('close', (status) => resolve({ status, err }));
  });
  const logged = async () => (await readFile(join(folder, 'metrics.jsonl'), 'utf8').catch(() => '')).length > 0;
  while (!(await logged())) {
    if (child.exitCode !== null) throw new Error(err);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { child, ended };
}

test.each(['SIGINT', 'SIGTERM'] as const)('%s has a training save and end with 130', async (signal) => {
  const folder = join(root, signal);
  const { child, ended } = await begin(folder);
  child.kill(signal);
  const { status, err } = await ended;
  expect({ status, err }).toEqual({
    status: 130,
    err: expect.stringMatching(/interrupted at step \d+ of 1000000; everything is saved[\s\S]*--resume/),
  });
  const { step } = (await loadCheckpoint(folder))!;
  expect(err).toContain(`at step ${step} of`);
  const lines = (await readFile(join(folder, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  expect(JSON.parse(lines.at(-1)!).step).toBeLessThanOrEqual(step);
  expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
});
