/** A disk that is full or cannot be written: one clear error, what existed stays as it was, and nothing else is left. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { HashgnnError, InputError } from '../../src/base/errors.js';
import { createFolderAtomically, writeFileAtomic, writeNpy } from '../../src/base/files.js';
import {
  type Dataset,
  generateInteractions,
  prepareDataset,
  readDataset,
  writeGenerated,
} from '../../src/data/index.js';
import { saveIndex } from '../../src/index_files.js';
import { HammingIndex } from '../../src/search/index.js';
import { CHECKPOINT, loadCheckpoint } from '../../src/train/checkpoint.js';
import { resolveOptions } from '../../src/train/options.js';
import { trainToFolder } from '../../src/train/run.js';
import { readRun } from '../../src/train/run_folder.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();
let root: string;
let source: string;
let dataset: Dataset;

const options = resolveOptions({
  ...{ steps: 24, batchSize: 32, bits: 16, inputWidth: 16, widths: [16, 12], fanouts: [3, 2] },
  ...{ logEvery: 8, evaluateEvery: 0, checkpointEvery: 8, candidates: 50 },
});

/** Whether file systems can be mounted here: as root, outside of most containers. */
const MOUNTS = (() => {
  const folder = spawnSync('mktemp', ['-d'], { encoding: 'utf8' }).stdout?.trim();
  if (!folder) return false;
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  spawnSync('rmdir', [folder]);
  return mounted;
})();
const WHERE = MOUNTS ? '' : ' (not shown here: no file system can be mounted; see the injected failures)';

async function mounted(name: string, size: string, use: (folder: string) => Promise<void>): Promise<void> {
  if (!MOUNTS) return;
  const folder = join(root, name);
  await mkdir(folder);
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]).status).toBe(0);
  try {
    await use(folder);
  } finally {
    spawnSync('umount', ['-l', folder]);
  }
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-disk-'));
  source = join(root, 'a.tsv');
  const generated = generateInteractions({ users: 150, items: 120, interactions: 3000, seed: 3 });
  await writeGenerated(generated, source);
  await prepareDataset({ file: source }, join(root, 'dataset'));
  dataset = await readDataset(join(root, 'dataset'));
});

afterAll(() => rm(root, { recursive: true, force: true }));

const FULL = /no space is left on the disk/;
const index = () => HammingIndex.create(gpu(), { codes: new Uint8Array(80_000), count: 20_000, bits: 32 });

describe(`a disk that is full${WHERE}`, () => {
  test('stops whatever is written, with nothing half-written and what was there as it was', async () => {
    await mounted('full', '32k', async (folder) => {
      const file = join(folder, 'file');
      await writeFileAtomic(file, 'before');
      using searched = await index();
      for (const write of [
        () => writeFileAtomic(file, 'x'.repeat(100_000)),
        () => writeNpy(file, new Float32Array(50_000), [50_000]),
        () => saveIndex(file, searched),
        () => prepareDataset({ file: source }, join(folder, 'data')),
        () => createFolderAtomically(join(folder, 'new'), (into) => writeFileAtomic(join(into, 'a'), 'x'.repeat(1e6))),
      ]) {
        await expect(write()).rejects.toThrow(FULL);
        await expect(write()).rejects.toBeInstanceOf(HashgnnError);
        expect(await readdir(folder)).toEqual(['file']);
        expect(await readFile(file, 'utf8')).toBe('before');
      }
    });
  });

  test('stops a training with the last good checkpoint standing, and with more room it goes on', async () => {
    await mounted('training', '512k', async (folder) => {
      const run = join(folder, 'run');
      const abort = new AbortController();
      const events = { onStep: (step: number) => step >= 9 && abort.abort() };
      await expect(trainToFolder(gpu(), dataset, options, run, { signal: abort.signal, events })).rejects.toThrow(
        /everything is saved/,
      );
      const { step } = (await loadCheckpoint(run))!;
      const handle = await open(join(folder, 'ballast'), 'w');
      while (await handle.write(new Uint8Array(1024)).catch(() => undefined));
      await handle.close();
      await expect(trainToFolder(gpu(), dataset, options, run, { resume: true })).rejects.toThrow(FULL);
      expect((await loadCheckpoint(run))!.step).toBe(step);
      expect((await readdir(run)).filter((name) => name.endsWith('.tmp') || name === '.lock')).toEqual([]);
      await rm(join(folder, 'ballast'));
      await trainToFolder(gpu(), dataset, options, run, { resume: true });
      expect((await readRun(run)).result.steps).toBe(24);
    });
  });
});

describe(`a file system that cannot be written${WHERE}`, () => {
  test('is refused by name, and read from as ever', async () => {
    await mounted('closed', '1m', async (folder) => {
      const data = join(folder, 'data');
      await prepareDataset({ file: source }, data);
      spawnSync('mount', ['-o', 'remount,ro', folder]);
      using searched = await index();
      for (const write of [
        () => prepareDataset({ file: source }, join(folder, 'other')),
        () => saveIndex(join(folder, 'index'), searched),
        () => trainToFolder(gpu(), dataset, options, join(folder, 'run')),
      ]) {
        await expect(write()).rejects.toMatchObject({
          message: expect.stringMatching(/the file system is read-only/),
          details: { where: expect.stringContaining(folder), fix: expect.stringMatching(/can be written/) },
        });
      }
      expect((await readDataset(data)).userCount).toBe(dataset.userCount);
    });
  });
});

describe('a write that fails, injected', () => {
  test.each([
    ['ENOSPC', FULL],
    ['EROFS', /the file system is read-only/],
    ['EDQUOT', /quota/],
    ['EIO', /input\/output error/],
  ])('with %s leaves what was there', async (code, message) => {
    const folder = await mkdtemp(join(root, 'injected-'));
    const run = join(folder, 'run');
    const abort = new AbortController();
    const events = { onStep: (step: number) => step >= 9 && abort.abort() };
    await expect(trainToFolder(gpu(), dataset, options, run, { signal: abort.signal, events })).rejects.toThrow();
    const before = await readFile(join(run, CHECKPOINT));
    const handle = await open(join(root, 'a.tsv'));
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    const { write } = prototype;
    // Small files are written; what fails is the checkpoint.
    const writing = vi.spyOn(prototype, 'write').mockImplementation(function (this: typeof handle, piece: never) {
      if ((piece as Uint8Array).length > 10_000) return Promise.reject(Object.assign(new Error('write'), { code }));
      return write.call(this, piece) as ReturnType<typeof write>;
    } as never);
    try {
      await expect(trainToFolder(gpu(), dataset, options, run, { resume: true })).rejects.toThrow(message);
    } finally {
      writing.mockRestore();
    }
    expect((await readFile(join(run, CHECKPOINT))).equals(before)).toBe(true);
    expect((await readdir(run)).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

test('two runs in one folder: the second is refused, the first goes on', async () => {
  const folder = join(root, 'two');
  let second: Promise<unknown> | undefined;
  const events = {
    onStep: () => {
      second ??= trainToFolder(gpu(), dataset, options, folder, { resume: true }).catch((error: unknown) => error);
    },
  };
  await trainToFolder(gpu(), dataset, options, folder, { events });
  expect(await second).toBeInstanceOf(InputError);
  expect(((await second) as InputError).message).toMatch(/is writing into this folder/);
  expect((await readRun(folder)).result.steps).toBe(24);
});
