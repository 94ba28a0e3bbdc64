import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Dataset,
  generateInteractions,
  prepareDataset,
  readDataset,
  writeGenerated,
} from '../../src/data/index.js';
import { Gpu, GpuOutOfMemoryError } from '../../src/gpu/index.js';
import { type MemoryPrediction, predictMemory, requireFits } from '../../src/train/memory.js';
import { resolveOptions } from '../../src/train/options.js';
import { Trainer } from '../../src/train/trainer.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();
let root: string;
let dataset: Dataset;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-memory-'));
  const file = join(root, 'edges.tsv');
  await writeGenerated(generateInteractions({ users: 300, items: 210, interactions: 4000, seed: 3 }), file);
  await prepareDataset({ file }, join(root, 'data'));
  dataset = await readDataset(join(root, 'data'));
});

afterAll(() => rm(root, { recursive: true, force: true }));

const small = { steps: 20, batchSize: 32, bits: 16, inputWidth: 16, widths: [24, 12], fanouts: [4, 3], candidates: 50 };

/** Where neither the rows of a batch nor its widths are those of all nodes, and where they are. */
const COMBINATIONS = [
  {},
  { aggregation: 'joint', weights: 'shared' },
  { fanouts: 'all' },
  { fanouts: 'all', aggregation: 'joint', weights: 'shared', featureUpdates: 'rows' },
  { featureUpdates: 'rows', weights: 'shared' },
  { batchSize: 4, widths: [8], fanouts: [2] },
  { bits: 136, widths: [8, 12, 8], fanouts: [2, 2, 2], learnScale: false, triplets: 0, logEvery: 3 },
  { preset: 'text', steps: 7 },
  { preset: 'best', inputWidth: 0, bits: 32, batchSize: 64 },
  { model: 'bine' },
  { model: 'lsh' },
  { model: 'hashgnn-sp', guidanceFrom: 2 },
  { encoder: 'lightgcn', propagations: 1, embeddingWeight: 1 },
  { features: 'half' },
  { features: 'half', fanouts: 'all' },
  { features: 'half', aggregation: 'joint', batchSize: 4, widths: [8], fanouts: [2] },
];

describe('the prediction', () => {
  test.each(COMBINATIONS)('is what lives on the device, byte by byte and group by group: %j', async (combination) => {
    const options = resolveOptions({ ...small, ...combination });
    const before = gpu().memory().live;
    const predicted = await predictMemory(gpu(), dataset, options);
    expect(gpu().memory().live).toBe(before);
    using trainer = await Trainer.create(gpu(), dataset, options);
    expect(gpu().memory().live - before).toBe(predicted.live);
    expect(trainer.bytesByGroup()).toEqual(predicted.groups);
    expect(trainer.predicted).toEqual(predicted);
    await trainer.advance(3);
    await trainer.validate();
    expect(gpu().memory().live - before).toBe(predicted.live);
    expect(Math.max(...gpu().memory().byLabel.values())).toBeGreaterThanOrEqual(predicted.largest.bytes);
  });

  test('names what is where: moments are two of each parameter, the graph is its arrays', async () => {
    const { groups } = await predictMemory(gpu(), dataset, resolveOptions({ ...small, learnScale: true }));
    const { userCount, itemCount, train } = dataset;
    const nodes = userCount + itemCount;
    const padded = (length: number) => 16 * Math.ceil(length / 4);
    // Own weights for users and items; each layer reads a node beside its neighbours' mean.
    const dense = (input: number, output: number) => padded(2 * input * output) + padded(2 * output);
    const parameters = padded(nodes * 16) + dense(32, 24) + dense(48, 12) + dense(12, 16) + 16;
    expect(groups).toMatchObject({ parameters, moments: 2 * parameters });
    expect(groups.graph).toBe(padded(nodes + 1) + padded(train.length));
    expect(groups.other).toBe(padded(20 * 4) + padded(50 * 4));
  });

  test('needs sizes alone, and follows them', async () => {
    const options = resolveOptions(small);
    const { userCount, itemCount, train, valid } = dataset;
    const sizes = { userCount, itemCount, train: { length: train.length }, valid: { length: valid.length } };
    const predicted = await predictMemory(gpu(), sizes, options);
    expect(predicted).toEqual(await predictMemory(gpu(), dataset, options));
    const unvalidated = await predictMemory(gpu(), { ...sizes, valid: [] }, options);
    expect(unvalidated).toMatchObject({ live: predicted.live, searches: 0, peak: predicted.live });
    const larger = await predictMemory(gpu(), { ...sizes, userCount: 10 * userCount }, options);
    expect(larger.groups.parameters).toBe(predicted.groups.parameters + 9 * userCount * 16 * 4);
  });

  test('of the peak holds', async () => {
    const device = await Gpu.open();
    try {
      using trainer = await Trainer.create(device, dataset, resolveOptions(small));
      expect(device.memory().peak).toBe(trainer.predicted.live);
      await trainer.advance(3);
      await trainer.validate();
      expect(device.memory().peak).toBeGreaterThan(trainer.predicted.live);
      expect(device.memory().peak).toBeLessThanOrEqual(trainer.predicted.peak);
    } finally {
      device.destroy();
    }
  });
});

test('where a batch reaches most nodes, nothing takes more than a quarter beside what learning needs', async () => {
  // The shape of MovieLens-1M with the default options, without its numbers being drawn.
  const sizes = { userCount: 6040, itemCount: 3706, train: { length: 1_262_000 }, valid: { length: 100_000 } };
  for (const given of [{}, { features: 'half' }, { preset: 'text' }, { aggregation: 'joint' }]) {
    const { groups, peak } = await predictMemory(gpu(), sizes, resolveOptions(given));
    const needed = groups.parameters + groups.moments + groups.graph + groups.batch;
    expect(peak / needed, JSON.stringify(given)).toBeLessThan(1.25);
  }
});

test('where a batch is small beside the graph, the encoding of all nodes keeps what is held within a quarter', async () => {
  // The shape of Gowalla.
  const sizes = { userCount: 29_858, itemCount: 40_981, train: { length: 1_292_008 }, valid: { length: 164_000 } };
  for (const given of [{}, { features: 'half' }, { negatives: 5, aggregation: 'joint', weights: 'shared' }]) {
    const { groups, live } = await predictMemory(gpu(), sizes, resolveOptions({ batchSize: 256, ...given }));
    const needed = groups.parameters + groups.moments + groups.graph + groups.batch;
    expect(live / needed, JSON.stringify(given)).toBeLessThan(1.2);
  }
});

describe('memory that is used twice', () => {
  const states = async (trainer: Trainer) =>
    new Map([...(await trainer.state())].map(([name, { data }]) => [name, data]));

  test.each([{}, { fanouts: 'all' }, { features: 'half' }, { features: 'half', fanouts: 'all' }])(
    'steps need nothing that an encoding overwrites: %j',
    async (given) => {
      const options = resolveOptions({ ...small, ...given });
      using plain = await Trainer.create(gpu(), dataset, options);
      await plain.advance(6);
      using disturbed = await Trainer.create(gpu(), dataset, options);
      for (let step = 1; step <= 6; step += 1) {
        await disturbed.advance(step);
        await disturbed.encode();
        // Whatever the encoding leaves there; what is read before it is written would spread.
        for (const scratch of disturbed.training.encoding.scratch) {
          scratch.write(new Float32Array(scratch.length).fill(Number.NaN));
        }
      }
      expect(await states(disturbed)).toEqual(await states(plain));
    },
  );

  test.each(['float', 'half'])('an encoding needs nothing that steps overwrite: features %s', async (features) => {
    using trainer = await Trainer.create(gpu(), dataset, resolveOptions({ ...small, features }));
    await trainer.advance(2);
    const first = await trainer.encode();
    for (const scratch of trainer.training.encoding.scratch) {
      scratch.write(new Float32Array(scratch.length).fill(Number.NaN));
    }
    expect(await trainer.encode()).toEqual(first);
  });
});

describe('what does not fit is refused before anything is allocated', () => {
  let predicted: MemoryPrediction;
  beforeAll(async () => {
    predicted = await predictMemory(gpu(), dataset, resolveOptions(small));
  });

  const failure = (use: () => void): GpuOutOfMemoryError => {
    try {
      use();
    } catch (error) {
      expect(error).toBeInstanceOf(GpuOutOfMemoryError);
      return error as GpuOutOfMemoryError;
    }
    throw new Error('nothing was refused');
  };

  test('a tensor beyond what the device binds, with its name and the option to lower', () => {
    const { largest } = predicted;
    requireFits(predicted, largest.bytes);
    const text = failure(() => requireFits(predicted, largest.bytes - 1)).describe();
    expect(text).toContain(largest.label);
    expect(text).toContain(`${largest.bytes} bytes`);
    expect(text).toMatch(/--\w/);
  });

  test('a training beyond its budget, with what takes most', () => {
    const huge = Number.POSITIVE_INFINITY;
    requireFits(predicted, huge, predicted.peak);
    const text = failure(() => requireFits(predicted, huge, predicted.peak - 1)).describe();
    expect(text).toContain(`${predicted.peak} bytes`);
    const batch = { ...predicted.groups, batch: 10 * predicted.peak };
    expect(failure(() => requireFits({ ...predicted, groups: batch }, huge, 1)).describe()).toMatch(/--batch-size/);
    const graph = { ...predicted.groups, graph: 10 * predicted.peak };
    expect(failure(() => requireFits({ ...predicted, groups: graph }, huge, 1)).describe()).toMatch(/stronger filters/);
  });

  test('by the trainer itself, which allocates nothing, not even for a moment', async () => {
    const device = await Gpu.open();
    try {
      const told: MemoryPrediction[] = [];
      const settings = { memory: 1000, onMemory: (prediction: MemoryPrediction) => told.push(prediction) };
      await expect(Trainer.create(device, dataset, resolveOptions(small), settings)).rejects.toThrow(
        /would take \d+ bytes on the device, 1000 are allowed/,
      );
      // Beyond any device: 2^20 batch edges of a thousand negatives.
      const large = resolveOptions({ ...small, batchSize: 2 ** 20, negatives: 1000, steps: 1 });
      await expect(Trainer.create(device, dataset, large)).rejects.toThrow(/this device binds \d+ at most/);
      expect(device.memory().peak).toBe(0);
      expect(told).toHaveLength(1);
    } finally {
      device.destroy();
    }
  });
});
