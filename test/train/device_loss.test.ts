/** What becomes of a training whose device is lost, or has no memory left. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type Dataset,
  generateInteractions,
  prepareDataset,
  readDataset,
  writeGenerated,
} from '../../src/data/index.js';
import { Gpu, GpuLostError, GpuOutOfMemoryError } from '../../src/gpu/index.js';
import { loadCheckpoint } from '../../src/train/checkpoint.js';
import { resolveOptions } from '../../src/train/options.js';
import { type RunEvents, trainToFolder } from '../../src/train/run.js';
import { Trainer } from '../../src/train/trainer.js';

const options = resolveOptions({
  ...{ steps: 40, batchSize: 64, bits: 16, inputWidth: 16, widths: [16, 12], fanouts: [4, 3] },
  ...{ logEvery: 8, evaluateEvery: 20, checkpointEvery: 8, candidates: 100 },
});

let root: string;
let dataset: Dataset;
const opened: Gpu[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-loss-'));
  const file = join(root, 'a.tsv');
  await writeGenerated(generateInteractions({ users: 150, items: 120, interactions: 3000, seed: 3 }), file);
  await prepareDataset({ file }, join(root, 'dataset'));
  dataset = await readDataset(join(root, 'dataset'));
  await trainToFolder(await open(), dataset, options, join(root, 'whole'));
});

afterEach(() => {
  for (const gpu of opened.splice(0)) gpu.destroy();
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

async function open(): Promise<Gpu> {
  const gpu = await Gpu.open({ profile: process.env.HASHGNN_PROFILE === 'portable' ? 'portable' : 'best' });
  opened.push(gpu);
  return gpu;
}

const bytesOf = (folder: string) =>
  Promise.all(
    ['codes/users', 'codes/items', 'embeddings/users', 'embeddings/items'].map((name) =>
      readFile(join(folder, `${name}.npy`)),
    ),
  );

const stepsOf = async (folder: string) =>
  (await readFile(join(folder, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).step);

const losses: [string, (gpu: Gpu) => void][] = [
  ['destroyed', (gpu) => gpu.device.destroy()],
  ['failing', (gpu) => gpu.fail(new GpuLostError('the device was lost: injected'))],
];

describe.each(losses)('with a device that is %s', (kind, lose) => {
  test.each([2, 19])(
    'once, after step %i, a training goes on from its last checkpoint to the same bytes',
    async (at) => {
      const folder = join(root, `${kind}-${at}`);
      const gpu = await open();
      const begun: number[] = [];
      const lost: string[] = [];
      const events: RunEvents = {
        onStart: (step) => begun.push(step),
        onLost: (error) => lost.push(error.message),
        onStep: (step) => {
          if (step >= at && lost.length === 0) lose(gpu);
        },
      };
      await trainToFolder(gpu, dataset, options, folder, { events });
      expect(lost).toEqual([expect.stringMatching(/the device was (lost|destroyed)/)]);
      expect(begun).toEqual([0, at === 2 ? 0 : 16]);
      expect(await bytesOf(folder)).toEqual(await bytesOf(join(root, 'whole')));
      expect(await stepsOf(folder)).toEqual(await stepsOf(join(root, 'whole')));
      expect(gpu.memory().live).toBe(0);
      expect((await gpu.living()).memory().live).toBe(0);
    },
  );

  test('twice, it stops with the reason, and what is saved can be taken up', async () => {
    const folder = join(root, `${kind}-twice`);
    const gpu = await open();
    const events: RunEvents = {
      onStep: (step) => {
        if (step >= 12) gpu.living().then(lose);
      },
    };
    await expect(trainToFolder(gpu, dataset, options, folder, { events })).rejects.toBeInstanceOf(GpuLostError);
    expect((await loadCheckpoint(folder))!.step).toBeGreaterThanOrEqual(8);
    expect(await readdir(folder)).not.toContain('.lock');
    await trainToFolder(await open(), dataset, options, folder, { resume: true });
    expect(await bytesOf(folder)).toEqual(await bytesOf(join(root, 'whole')));
  });
});

describe('with a device that has no memory left', () => {
  /** The n-th allocation from now on is reported to have failed. */
  function failAllocation({ device }: Gpu, n: number): void {
    const { popErrorScope } = device;
    let count = 0;
    device.popErrorScope = async () => {
      const error = await popErrorScope.call(device);
      count += 1;
      return count === n ? new GPUOutOfMemoryError('VK_ERROR_OUT_OF_DEVICE_MEMORY') : error;
    };
  }

  test.each([1, 30, 70])('allocation %i fails, a training is not begun, and what was allocated is freed', async (n) => {
    const gpu = await open();
    const folder = join(root, `memory-${n}`);
    failAllocation(gpu, n);
    await expect(trainToFolder(gpu, dataset, options, folder)).rejects.toBeInstanceOf(GpuOutOfMemoryError);
    expect(gpu.memory().live).toBe(0);
    // On a device with more room, the same command succeeds.
    await trainToFolder(await open(), dataset, options, folder, { resume: true });
    expect(await bytesOf(folder)).toEqual(await bytesOf(join(root, 'whole')));
  });

  test('in the middle, it stops with the last checkpoint standing', async () => {
    const gpu = await open();
    const folder = join(root, 'memory-middle');
    const events: RunEvents = {
      onStep: (step) => {
        if (step >= 12) gpu.fail(new GpuOutOfMemoryError('injected'));
      },
    };
    await expect(trainToFolder(gpu, dataset, options, folder, { events })).rejects.toBeInstanceOf(GpuOutOfMemoryError);
    expect((await loadCheckpoint(folder))!.step).toBe(8);
    expect(gpu.memory().live).toBe(0);
  });

  test('whatever is foreseen, nothing is allocated before', async () => {
    const gpu = await open();
    const create = Trainer.create(gpu, dataset, options, { memory: 1000 });
    await expect(create).rejects.toThrow(/would take \d+ bytes on the device, 1000 are allowed/);
    expect(gpu.memory()).toMatchObject({ live: 0, peak: 0 });
  });
});
