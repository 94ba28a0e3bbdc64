import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  Csr,
  type Dataset,
  generateInteractions,
  parseShape,
  popularityScores,
  prepareDataset,
  readDataset,
  writeGenerated,
} from '../../src/data/index.js';
import { evaluatePopularity } from '../../src/search/index.js';
import { normal } from '../../src/train/initialise.js';
import { MODELS, type ModelName, resolveOptions } from '../../src/train/options.js';
import { Trainer } from '../../src/train/trainer.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();

/** Tastes that differ clearly, and items of which none is far more popular than others. */
const SHAPE = 'plain,popularity=0.2,noise=0.05,drift=0,groups=5';
let root: string;
let dataset: Dataset;
let popularity: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-models-'));
  const file = join(root, 'planted.tsv');
  const size = { users: 400, items: 150, interactions: 12_000, seed: 3 };
  await writeGenerated(generateInteractions({ ...size, shape: parseShape(SHAPE) }), file);
  await prepareDataset({ file, validRatio: 0.3 }, join(root, 'data'));
  dataset = await readDataset(join(root, 'data'));
  const { train, valid, userCount, itemCount } = dataset;
  const seen = Csr.fromEdges(train, userCount, itemCount);
  const scores = popularityScores(train, itemCount);
  popularity = evaluatePopularity(scores, seen, Csr.fromEdges(valid, userCount, itemCount))['HR@20']!;
});

afterAll(() => rm(root, { recursive: true, force: true }));

const small = {
  ...{ steps: 195, batchSize: 512, bits: 32, inputWidth: 32, widths: [32, 24], fanouts: [6, 3] },
  ...{ guidanceFrom: 160, guidanceEvery: 6, sharpnessFrom: 60, sharpnessEvery: 6, learningRate: 0.01, candidates: 50 },
  ...{ evaluateEvery: 0, logEvery: 65 },
};

test.each(Object.keys(MODELS) as ModelName[])(
  '%s beats popularity on planted data, and its loss falls',
  async (model) => {
    const options = resolveOptions({ ...small, model });
    using trainer = await Trainer.create(gpu(), dataset, options);
    const losses: number[] = [];
    for (let end = 65; end <= options.steps; end += 65) {
      await trainer.advance(end);
      losses.push((await trainer.losses(65)).loss);
    }
    // Codes make the loss of guidance and of sharper relaxations rise again later on.
    expect(Math.min(...losses)).toBeLessThan(losses[0]!);
    const { validation } = await trainer.validate();
    expect(validation.exact['HR@20']).toBeGreaterThan(1.2 * popularity);
    expect(validation.hierarchical['HR@20']).toBeGreaterThan(1.1 * popularity);
  },
);

test('from its step on, HashGNN_sp leaves all but the hash layer and the factor as they are', async () => {
  for (const featureUpdates of ['swept', 'deferred']) {
    const options = resolveOptions({ ...small, model: 'hashgnn-sp', guidanceFrom: 12, steps: 30, featureUpdates });
    using trainer = await Trainer.create(gpu(), dataset, options);
    using straight = await Trainer.create(gpu(), dataset, options);
    const read = async ({ training, step }: Trainer) => {
      training.flush(step);
      const parameters = training.parameters();
      return new Map(
        await Promise.all(parameters.map(async ({ name, tensor }) => [name, (await tensor.read()).join()] as const)),
      );
    };
    await trainer.advance(12);
    const before = await read(trainer);
    await trainer.advance(30);
    const after = await read(trainer);
    // The same bytes where one submission goes past the border, and rows are behind there.
    await straight.advance(30);
    expect(await read(straight)).toEqual(after);
    for (const [name, values] of before) {
      if (/^hash|scale/.test(name)) expect(after.get(name), name).not.toBe(values);
      else expect(after.get(name) === values, name).toBe(true);
    }
  }
});

test('LSH has codes from the sides of its hyperplanes, GraphSage from the signs of the same embeddings', async () => {
  const options = { ...small, steps: 5 };
  using lsh = await Trainer.create(gpu(), dataset, resolveOptions({ ...options, model: 'lsh' }));
  using sage = await Trainer.create(gpu(), dataset, resolveOptions({ ...options, model: 'graphsage' }));
  await lsh.advance(5);
  await sage.advance(5);
  const [{ items, itemCodes }, plain] = [await lsh.encode(), await sage.encode()];
  expect(items).toEqual(plain.items);
  const bit = (codes: Uint8Array, item: number, at: number) => (codes[item * 4 + (at >> 3)]! >> (at & 7)) & 1;
  const planes = normal(32 * 32, 1, { seed: 0, stream: 2 ** 16 });
  for (let item = 0; item < 60; item += 1) {
    const own = items.subarray(item * 32, (item + 1) * 32);
    for (let at = 0; at < 32; at += 1) {
      expect(bit(plain.itemCodes, item, at)).toBe(own[at]! >= 0 ? 1 : 0);
      const side = own.reduce((sum, value, column) => sum + value * planes[column * 32 + at]!, 0);
      if (Math.abs(side) > 1e-5) expect(bit(itemCodes, item, at)).toBe(side >= 0 ? 1 : 0);
    }
  }
});
