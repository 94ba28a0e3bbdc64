import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readSealedJson } from '../../src/base/checksums.js';
import { InterruptedError } from '../../src/base/errors.js';
import {
  type Dataset,
  type GenerateOptions,
  generateInteractions,
  prepareDataset,
  readDataset,
  writeGenerated,
} from '../../src/data/index.js';
import { likelyVariants } from '../../src/layers/variants.js';
import { loadCheckpoint } from '../../src/train/checkpoint.js';
import { evaluateRun } from '../../src/train/evaluate.js';
import { resolveOptions } from '../../src/train/options.js';
import { recommend } from '../../src/train/recommend.js';
import { trainToFolder } from '../../src/train/run.js';
import { readRun } from '../../src/train/run_folder.js';
import { Trainer } from '../../src/train/trainer.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();
let root: string;
let dataset: Dataset;

const small = {
  steps: 40,
  batchSize: 64,
  bits: 16,
  inputWidth: 16,
  widths: [16, 12],
  fanouts: [4, 3],
  learningRate: 0.01,
  guidanceFrom: 20,
  guidanceEvery: 4,
  logEvery: 8,
  evaluateEvery: 20,
  checkpointEvery: 16,
  candidates: 100,
};

/** Enough of a model and of steps to learn. */
const longer = {
  steps: 400,
  batchSize: 512,
  bits: 32,
  inputWidth: 32,
  widths: [32, 24],
  fanouts: [8, 4],
  guidanceFrom: 240,
  guidanceEvery: 12,
  evaluateEvery: 100,
  checkpointEvery: 400,
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-run-'));
  dataset = await planted('dataset', { users: 150, items: 120, interactions: 3000, seed: 3 });
});

/** A prepared dataset of generated interactions. */
async function planted(name: string, options: GenerateOptions): Promise<Dataset> {
  const file = join(root, `${name}.tsv`);
  await writeGenerated(generateInteractions(options), file);
  await prepareDataset({ file }, join(root, name));
  return readDataset(join(root, name));
}

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** The bytes of a run's results. */
async function bytesOf(folder: string): Promise<Record<string, string>> {
  const names = ['codes/users', 'codes/items', 'embeddings/users', 'embeddings/items'];
  const entries = names.map(async (name) => [name, (await readFile(join(folder, `${name}.npy`))).toString('base64')]);
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
}

/** The records of a run without the clock. */
async function recordsOf(folder: string): Promise<unknown[]> {
  const text = await readFile(join(folder, 'metrics.jsonl'), 'utf8');
  const untimed = (key: string, value: unknown) => (key === 'seconds' ? undefined : value);
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line, untimed));
}

describe('a run', () => {
  test('leaves the folder of the contract, and the same seed leaves the same bytes', async () => {
    const [a, b, c] = [join(root, 'a'), join(root, 'b'), join(root, 'c')];
    const result = await trainToFolder(gpu(), dataset, resolveOptions(small), a);
    await trainToFolder(gpu(), dataset, resolveOptions(small), b);
    await trainToFolder(gpu(), dataset, resolveOptions({ ...small, seed: 1 }), c);
    expect((await readdir(a)).sort()).toEqual(
      [
        'checkpoint.previous.safetensors',
        'checkpoint.safetensors',
        'codes',
        'config.json',
        'curves.svg',
        'embeddings',
        'metrics.jsonl',
        'result.json',
      ].sort(),
    );
    expect(await bytesOf(a)).toEqual(await bytesOf(b));
    expect((await bytesOf(a))['codes/users']).not.toEqual((await bytesOf(c))['codes/users']);
    expect(await recordsOf(a)).toEqual(await recordsOf(b));
    const steps = (await recordsOf(a)).map((record) => (record as { step: number }).step);
    expect(steps).toEqual([8, 16, 20, 24, 32, 40, 40]);
    const run = await readRun(a);
    expect(run.options).toEqual(resolveOptions(small));
    // The codes are the signs of the embeddings, bit j in byte j / 8.
    run.users.forEach((value, index) => {
      expect((run.userCodes[index >> 3]! >> (index & 7)) & 1).toBe(value >= 0 ? 1 : 0);
    });
    expect(result.best!.step).toBeGreaterThan(0);
    const lines = (await readFile(join(a, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const best = lines
      .map((line) => JSON.parse(line))
      .find((line) => line.validation && line.step === result.best!.step);
    expect(result.seconds.toBest).toBe(best.seconds);
    expect(result.seconds.toBest).toBeLessThanOrEqual(result.seconds.training + 0.001);
    const { predicted, liveBytes, peakBytes } = result.memory;
    expect(liveBytes).toBe(predicted.live);
    expect(peakBytes).toBeGreaterThan(liveBytes);
    expect(await readSealedJson(join(a, 'result.json'))).toEqual(result);
    expect(run.result).toEqual(result);
  });

  test.each([3, 17])('stopped in step %i and taken up again ends in the same bytes as never stopped', async (stop) => {
    const whole = join(root, `whole-${stop}`);
    const parts = join(root, `parts-${stop}`);
    await trainToFolder(gpu(), dataset, resolveOptions(small), whole);
    const abort = new AbortController();
    const events = { onStep: (step: number) => step >= stop && abort.abort() };
    const stopped = trainToFolder(gpu(), dataset, resolveOptions(small), parts, { signal: abort.signal, events });
    await expect(stopped).rejects.toThrow(InterruptedError);
    expect(await readdir(parts)).not.toContain('result.json');
    await trainToFolder(gpu(), dataset, resolveOptions(small), parts, { resume: true });
    expect(await bytesOf(parts)).toEqual(await bytesOf(whole));
    expect(await recordsOf(parts)).toEqual(await recordsOf(whole));
  });

  test.each([20, 40])('interrupted in the validation of step %i makes up for it', async (at) => {
    const [whole, parts] = [join(root, `whole-validation-${at}`), join(root, `parts-validation-${at}`)];
    const options = resolveOptions({ ...small, logEvery: 20, checkpointEvery: 1000 });
    await trainToFolder(gpu(), dataset, options, whole);
    const abort = new AbortController();
    const events = { onLoss: ({ step }: { step: number }) => step === at && abort.abort() };
    const stopped = trainToFolder(gpu(), dataset, options, parts, { signal: abort.signal, events });
    await expect(stopped).rejects.toThrow(`interrupted at step ${at} of 40; everything is saved`);
    expect(JSON.stringify((await recordsOf(parts)).at(-1))).not.toContain('validation');
    await trainToFolder(gpu(), dataset, options, parts, { resume: true });
    expect(await bytesOf(parts)).toEqual(await bytesOf(whole));
    expect(await recordsOf(parts)).toEqual(await recordsOf(whole));
  });

  test('goes on with the kernels that it was begun with, which round differently from others', async () => {
    const variants = { dense: 'tiles', gather: 'columns' } as const;
    const [whole, parts] = [join(root, 'whole-tiles'), join(root, 'parts-tiles')];
    expect((await trainToFolder(gpu(), dataset, resolveOptions(small), whole, { variants })).variants).toEqual(
      variants,
    );
    const abort = new AbortController();
    const events = { onStep: (step: number) => step >= 9 && abort.abort() };
    const stopped = trainToFolder(gpu(), dataset, resolveOptions(small), parts, {
      ...{ variants, signal: abort.signal, events },
    });
    await expect(stopped).rejects.toThrow(InterruptedError);
    const other = { variants: likelyVariants(gpu()) };
    const result = await trainToFolder(gpu(), dataset, resolveOptions(small), parts, { resume: true, ...other });
    expect(result.variants).toEqual(variants);
    expect(await bytesOf(parts)).toEqual(await bytesOf(whole));
  });

  test.each(['swept', 'deferred'])('with %s features leaves the bytes of dense ones', async (featureUpdates) => {
    const [dense, folder] = [join(root, `dense-${featureUpdates}`), join(root, featureUpdates)];
    await trainToFolder(gpu(), dataset, resolveOptions(small), dense);
    const abort = new AbortController();
    const events = { onStep: (step: number) => step >= 13 && abort.abort() };
    const options = resolveOptions({ ...small, featureUpdates });
    // Stopped in between, where checkpoints bring all rows up to date.
    const stopped = trainToFolder(gpu(), dataset, options, folder, { signal: abort.signal, events });
    await expect(stopped).rejects.toThrow(InterruptedError);
    await trainToFolder(gpu(), dataset, options, folder, { resume: true });
    expect(await bytesOf(folder)).toEqual(await bytesOf(dense));
  });

  test('whose last record a crash cut short is taken up again all the same', async () => {
    const folder = join(root, 'torn');
    const abort = new AbortController();
    const events = { onStep: (step: number) => step >= 18 && abort.abort() };
    const stopped = trainToFolder(gpu(), dataset, resolveOptions(small), folder, { signal: abort.signal, events });
    await expect(stopped).rejects.toThrow(InterruptedError);
    await appendFile(join(folder, 'metrics.jsonl'), '{"step":19,"lo');
    await trainToFolder(gpu(), dataset, resolveOptions(small), folder, { resume: true });
    expect((await recordsOf(folder)).map((record) => (record as { step: number }).step)).toEqual([
      8, 16, 20, 24, 32, 40, 40,
    ]);
  });

  test('whose records were changed is not taken up again', async () => {
    const folder = join(root, 'changed');
    const abort = new AbortController();
    const events = { onStep: (step: number) => step >= 18 && abort.abort() };
    const stopped = trainToFolder(gpu(), dataset, resolveOptions(small), folder, { signal: abort.signal, events });
    await expect(stopped).rejects.toThrow(InterruptedError);
    const metrics = join(folder, 'metrics.jsonl');
    const text = await readFile(metrics, 'utf8');
    for (const other of [text.replace('0', '1'), text.slice(text.indexOf('\n') + 1), '']) {
      await writeFile(metrics, other);
      const again = trainToFolder(gpu(), dataset, resolveOptions(small), folder, { resume: true });
      await expect(again).rejects.toThrow(/the records up to step \d+ are not those that were logged/);
      expect(await readFile(metrics, 'utf8')).toBe(other);
    }
    await writeFile(metrics, text);
    await trainToFolder(gpu(), dataset, resolveOptions(small), folder, { resume: true });
  });

  test('is not resumed with other options or other data, nor begun in a folder that is not empty', async () => {
    const folder = join(root, 'strict');
    await trainToFolder(gpu(), dataset, resolveOptions(small), folder);
    const again = (options: object, data = dataset, resume = true) =>
      trainToFolder(gpu(), data, resolveOptions({ ...small, ...options }), folder, { resume });
    await expect(again({ learningRate: 0.02 })).rejects.toThrow(/other options: learningRate 0.01 → 0.02/);
    await expect(again({ seed: 3, widths: [16, 16], features: 'half' })).rejects.toThrow(
      /other options: seed 0 → 3; widths \[16,12\] → \[16,16\]; features "float" → "half"/,
    );
    const other = { ...dataset, train: dataset.train.slice(2) };
    await expect(again({}, other)).rejects.toThrow(/another dataset/);
    const begun = join(root, 'strict-begun');
    // Nothing to go on from: from the beginning.
    await trainToFolder(gpu(), dataset, resolveOptions(small), begun, { resume: true });
    expect(await bytesOf(begun)).toEqual(await bytesOf(folder));
    await expect(again({}, dataset, false)).rejects.toThrow(/not empty/);
  });

  test('that diverges is stopped with the step, and gives out neither losses nor embeddings nor a state', async () => {
    using trainer = await Trainer.create(gpu(), dataset, resolveOptions(small));
    await trainer.advance(8);
    trainer.training.scale.write(new Float32Array([Number.NaN]));
    await trainer.advance(16);
    const named =
      /diverged: (embedding|layers\.0\.weight)\.gradient \[.*\] holds \d+ NaN and 0 infinite .* also in .*scale/;
    await expect(trainer.losses(8)).rejects.toThrow(named);
    await expect(trainer.losses(8)).rejects.toMatchObject({ details: { where: 'the 8 steps before step 16' } });
    await expect(trainer.state()).rejects.toThrow(named);
    trainer.training.encoder.embedding.write(new Float32Array([Number.POSITIVE_INFINITY]));
    await expect(trainer.encode()).rejects.toThrow(/the embedding of node \d+ is/);
    await expect(trainer.validate()).rejects.toThrow(/the embedding of node \d+ is/);
  });

  test('with clipped gradients keeps their norms over a break, and never takes a step beyond the limit', async () => {
    const [whole, parts] = [join(root, 'whole-clipped'), join(root, 'parts-clipped')];
    const options = resolveOptions({ ...small, clipNorm: 0.01 });
    await trainToFolder(gpu(), dataset, options, whole);
    const abort = new AbortController();
    const events = { onStep: (step: number) => step >= 13 && abort.abort() };
    const stopped = trainToFolder(gpu(), dataset, options, parts, { signal: abort.signal, events });
    await expect(stopped).rejects.toThrow(InterruptedError);
    await trainToFolder(gpu(), dataset, options, parts, { resume: true });
    expect(await bytesOf(parts)).toEqual(await bytesOf(whole));
    expect(await recordsOf(parts)).toEqual(await recordsOf(whole));
    const norms = (await recordsOf(whole)).flatMap(
      (record) => (record as { gradientNorm?: number }).gradientNorm ?? [],
    );
    expect(norms).toHaveLength(5);
    expect(Math.min(...norms)).toBeGreaterThan(0.01);
    using trainer = await Trainer.create(gpu(), dataset, options);
    await trainer.advance(5);
    // Those of the rows in use: a table's gradient has room for more.
    const dense = trainer.training.adam.gradients().filter(({ name }) => !name.startsWith('embedding'));
    let squares = 0;
    for (const { tensor } of dense) for (const value of await tensor.read()) squares += value * value;
    expect(Math.sqrt(squares)).toBeLessThanOrEqual(0.01 * 1.00001);
    trainer.training.scale.write(new Float32Array([Number.NaN]));
    await trainer.advance(6);
    await expect(trainer.losses(1)).rejects.toThrow(/diverged: .*gradient/);
  });

  test('whose codes have collapsed says so at each validation', async () => {
    const told: [number, string][] = [];
    const events = { onCollapse: (message: string, step: number) => told.push([step, message]) };
    const folder = join(root, 'collapsed');
    // Nothing is learnt, and all features are 0.
    const options = resolveOptions({ ...small, learningRate: 0, featureDeviation: 0 });
    await trainToFolder(gpu(), dataset, options, folder, { events });
    const message = 'all codes of users are equal, all codes of items are equal';
    expect(told).toEqual([
      [20, message],
      [40, message],
    ]);
    const records = (await recordsOf(folder)) as { codes?: object }[];
    const dead = { distinct: 1, deadBits: 16 };
    expect(records.flatMap(({ codes }) => codes ?? [])).toEqual([
      { users: dead, items: dead },
      { users: dead, items: dead },
    ]);
  });

  test('whose table or moments hold one value that is no number is stopped at the next look, which tells where', async () => {
    using trainer = await Trainer.create(gpu(), dataset, resolveOptions(small));
    await trainer.advance(8);
    const { embedding } = trainer.training.encoder;
    const values = await embedding.read();
    const [node, column] = [dataset.userCount + 3, 5];
    values[node * small.inputWidth + column] = Number.NEGATIVE_INFINITY;
    embedding.write(values);
    const place = `embedding [${embedding.shape.join(', ')}] holds 0 NaN and 1 infinite values, the first at [${node}, ${column}]`;
    await expect(trainer.losses(8)).rejects.toThrow(place);
  });

  test('that diverges leaves the last good checkpoint', async () => {
    const folder = join(root, 'diverged');
    const options = resolveOptions({ ...small, checkpointEvery: 8, evaluateEvery: 0 });
    const abort = new AbortController();
    const stop = { signal: abort.signal, events: { onStep: (step: number) => step >= 12 && abort.abort() } };
    await expect(trainToFolder(gpu(), dataset, options, folder, stop)).rejects.toThrow(InterruptedError);
    const before = (await loadCheckpoint(folder))!;
    const advance = vi.spyOn(Trainer.prototype, 'advance').mockImplementation(async function (this: Trainer, end) {
      this.step = end;
      this.training.encoder.dense.at(-1)!.layer.bias.write(new Float32Array([Number.NaN]));
    });
    try {
      await expect(trainToFolder(gpu(), dataset, options, folder, { resume: true })).rejects.toThrow(
        /diverged: hash\.bias \[.*the first at \[0, 0\]/,
      );
    } finally {
      advance.mockRestore();
    }
    expect((await loadCheckpoint(folder))!.step).toBe(before.step);
  });

  test('without validation edges keeps the last parameters', async () => {
    const folder = join(root, 'unvalidated');
    const data = { ...dataset, valid: new Int32Array(0) };
    const result = await trainToFolder(gpu(), data, resolveOptions({ ...small, steps: 10 }), folder);
    expect(result.best).toBeNull();
    expect(result.seconds.toBest).toBeNull();
    expect((await readRun(folder)).users.some((value) => value !== 0)).toBe(true);
    expect((await recordsOf(folder)).every((record) => !Object.hasOwn(record as object, 'validation'))).toBe(true);
  });

  test('learns planted structure: codes and embeddings beat popularity on the test edges', async () => {
    const folder = join(root, 'learns');
    const dataset = await planted('larger', { users: 500, items: 300, interactions: 15_000, seed: 5 });
    const options = resolveOptions({ ...small, ...longer });
    await trainToFolder(gpu(), dataset, options, folder);
    const run = await readRun(folder);
    const metrics = await evaluateRun(gpu(), run, dataset);
    for (const search of ['hamming', 'hierarchical', 'exact'] as const) {
      expect(metrics[search]['HR@10']!, search).toBeGreaterThan(1.3 * metrics.popularity['HR@10']!);
    }
    const user = dataset.userIds[7]!;
    const items = await recommend(gpu(), run, dataset, { user, k: 10 });
    expect(items).toHaveLength(10);
    const seen = new Set<string>();
    for (const part of [dataset.train, dataset.valid]) {
      for (let at = 0; at < part.length; at += 2) if (part[at] === 7) seen.add(dataset.itemIds[part[at + 1]!]!);
    }
    for (const { item } of items) expect(seen.has(item)).toBe(false);
    expect(items.map(({ score }) => score)).toEqual(items.map(({ score }) => score).sort((x, y) => y - x));
    await expect(recommend(gpu(), run, dataset, { user: 'nobody', k: 1 })).rejects.toThrow(/no user "nobody"/);
  });
});

test.each([
  { fanouts: 'all', aggregation: 'joint', weights: 'shared', activation: 'tanh' },
  { ranking: 'softplus', crossEntropyWeight: 0.1, rankingWeight: 1, guidance: 'row', guidanceRule: 'multiply' },
  { model: 'graphsage', featureUpdates: 'rows', decay: 'cosine', warmup: 4 },
  { model: 'hash-ste', preset: 'text', learnScale: true, negatives: 0 },
  { widths: [16], fanouts: [5], triplets: 0, initialisation: 'normal', features: 'half' },
])('every open point of the paper is an option: %j', async (options) => {
  using trainer = await Trainer.create(gpu(), dataset, resolveOptions({ ...small, ...options }));
  await trainer.advance(16);
  const { loss } = await trainer.losses(8);
  expect(loss).toBeGreaterThan(0);
  const { users } = await trainer.encode();
  expect(users.every(Number.isFinite)).toBe(true);
});
