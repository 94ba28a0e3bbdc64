import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { possibleVariants, type Variants } from '../../src/layers/variants.js';
import { TrainingStep } from '../../src/train/step.js';
import { keptTuning, tuningFile } from '../../src/train/tuning.js';
import { hashgnn } from '../support/cli.js';
import { useGpu } from '../support/gpu.js';
import { graphOf } from '../support/graphs.js';
import { hostOf, smallOptions } from './device_step.js';

const gpu = useGpu();
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-tuning-'));
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a tuning is measured once and then read, until it is measured again or its file is of no use', async () => {
  const file = join(root, 'deep', 'er', 'tuning.json');
  const first = await keptTuning(gpu(), { file });
  expect(first.source).toBe('measured');
  expect(first.notKept).toBeUndefined();
  const second = await keptTuning(gpu(), { file });
  expect(second).toEqual({ ...first, source: 'file' });
  expect((await keptTuning(gpu(), { file, again: true })).source).toBe('measured');

  // The other adapters in the file stay there.
  const content = JSON.parse(await readFile(file, 'utf8'));
  const [name] = Object.keys(content.adapters);
  content.adapters.other = { any: 'thing' };
  const changed = async (change: (entry: Record<string, unknown>) => void) => {
    const copy = structuredClone(content);
    change(copy.adapters[name!]);
    await writeFile(file, JSON.stringify(copy));
    return (await keptTuning(gpu(), { file })).source;
  };
  expect(await changed(() => {})).toBe('file');
  expect(await changed((entry) => Object.assign(entry, { kernels: 'of another version' }))).toBe('measured');
  expect(JSON.parse(await readFile(file, 'utf8')).adapters.other).toEqual({ any: 'thing' });
  expect(await changed((entry) => Object.assign(entry, { variants: { dense: 'magic', gather: 'lanes' } }))).toBe(
    'measured',
  );
  for (const wrong of [{ measured: 7 }, { variants: null }]) {
    expect(await changed((entry) => Object.assign(entry, wrong)), JSON.stringify(wrong)).toBe('measured');
  }
  for (const rubbish of ['', '{', 'null', '[]', '{"format":"hashgnn-tuning","version":2,"adapters":{}}']) {
    await writeFile(file, rubbish);
    expect((await keptTuning(gpu(), { file })).source, rubbish).toBe('measured');
    expect((await keptTuning(gpu(), { file })).source, rubbish).toBe('file');
  }
});

test('where nothing can be kept it is measured every time, and said why', async () => {
  const file = join(root, 'a file', 'tuning.json');
  await writeFile(join(root, 'a file'), '');
  const tuning = await keptTuning(gpu(), { file });
  expect(tuning.source).toBe('measured');
  expect(tuning.notKept).toMatch(/cannot/);
});

test('the file lies where the environment says', () => {
  vi.stubEnv('HASHGNN_CACHE', '/some/where');
  expect(tuningFile()).toBe('/some/where/tuning.json');
  vi.stubEnv('HASHGNN_CACHE', '');
  vi.stubEnv('XDG_CACHE_HOME', '/else');
  expect(tuningFile()).toBe('/else/hashgnn/tuning.json');
});

test('hashgnn tune shows the variants and their times, and measures again where it is told', async () => {
  vi.stubEnv('HASHGNN_CACHE', join(root, 'cli'));
  const first = await hashgnn('tune', '--json');
  expect(first.status, first.err).toBe(0);
  expect(JSON.parse(first.out)).toMatchObject({ source: 'measured', file: join(root, 'cli', 'tuning.json') });
  const second = await hashgnn('tune');
  expect(second.status, second.err).toBe(0);
  expect(second.err).toMatch(/products of dense layers +tiles/);
  expect(second.err).toMatch(/in use/);
  expect(second.err).toMatch(/measured on .* hashgnn tune --again measures anew/);
  expect(JSON.parse((await hashgnn('tune', '--json', '--again')).out).source).toBe('measured');
});

test('the choice of variants changes a training within rounding, that of gathers not at all', async () => {
  const graph = hostOf(
    graphOf(
      30,
      20,
      Array.from({ length: 200 }, (_, at) => [(at * 7) % 30, (at * 11) % 20] as const),
    ),
  );
  const options = smallOptions({ seed: 4, learningRate: 0.002 });
  const train = async (variants: Variants) => {
    const scope = gpu().scope();
    try {
      const step = new TrainingStep(gpu(), scope, graph, options, variants);
      step.initialise();
      await step.compile();
      step.program.run(10);
      const values = await Promise.all(step.parameters().map(({ tensor }) => tensor.read()));
      return { values, losses: (await step.losses(0, 10)).map(({ total }) => total) };
    } finally {
      scope.destroy();
    }
  };
  const possible = possibleVariants(gpu());
  const [dense] = possible.dense;
  const gather = possible.gather.at(-1)!;
  const first = await train({ dense: dense!, gather: 'columns' });
  expect((await train({ dense: dense!, gather })).values).toEqual(first.values);
  for (const other of possible.dense.slice(1)) {
    const { losses } = await train({ dense: other, gather });
    losses.forEach((loss, at) => {
      expect(Math.abs(loss - first.losses[at]!)).toBeLessThan(1e-4 * Math.abs(first.losses[at]!));
    });
  }
});
