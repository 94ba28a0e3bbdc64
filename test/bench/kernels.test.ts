import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { casesOf } from '../../bench/kernels/cases.js';
import { benchKernels, type KernelBenchResult, NO_CASE, selectKernels } from '../../bench/kernels/index.js';
import { timeCase } from '../../bench/kernels/measure.js';
import { describeSummary, KernelTable } from '../../bench/kernels/report.js';
import { Setting } from '../../bench/kernels/setting.js';
import { drawGraph, QUICK, SIZES, selectSizes } from '../../bench/kernels/sizes.js';
import { HashgnnError, InterruptedError, UsageError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/index.js';
import { loadShaders } from '../../src/gpu/platform.js';
import { hashgnn } from '../support/cli.js';
import { useGpu } from '../support/gpu.js';

// A driver that compiles every kernel for the first time may take a minute.
vi.setConfig({ testTimeout: 240_000 });

const gpu = useGpu();
const root = mkdtempSync(join(tmpdir(), 'hashgnn-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const shaders = loadShaders();
const kernels = [...shaders.keys()].filter((name) => !name.startsWith('lib/')).sort();

test('a quick run checks and times every kernel, or says why not', async () => {
  const told: string[] = [];
  const result = await benchKernels(
    gpu(),
    { seed: 3, repeat: 5, quick: true },
    { onRow: ({ kernel }) => told.push(kernel) },
  );
  expect(result).toMatchObject({ seed: 3, quick: true });
  expect(told).toEqual(result.kernels.map(({ kernel }) => kernel));
  expect([...new Set(told)]).toEqual(kernels);
  for (const { kernel, size, checked, notRun, time, cost, share } of result.kernels) {
    expect(size).toBe('quick');
    const runnable =
      !gpu().shaders.get(kernel).enables.includes('subgroups') || (gpu().adapter.subgroupSize?.[0] ?? 0) >= 8;
    expect({ kernel, run: notRun === null }).toEqual({ kernel, run: runnable });
    if (!runnable) {
      expect([notRun, checked, time, cost, share]).toEqual([expect.stringMatching(/needs/), null, null, null, null]);
      continue;
    }
    expect(checked).toBe('quick');
    expect(time!.seconds, kernel).toBeGreaterThan(0);
    expect(time!.all, kernel).toHaveLength(1);
    expect(cost!.bytes, kernel).toBeGreaterThan(0);
    expect(share!.bytes, kernel).toBeGreaterThan(0);
  }
  for (const rate of Object.values(result.ceilings)) {
    for (const one of Array.isArray(rate) ? rate : [{ tableBytes: 0, bytesPerSecond: rate }]) {
      expect(one.bytesPerSecond).toBeGreaterThan(0);
    }
  }
  expect(describeSummary(result)).toMatch(new RegExp(`^${told.length - lackingRows(result)} measurements of`));
});

const lackingRows = (result: KernelBenchResult) => result.kernels.filter(({ notRun }) => notRun !== null).length;

test('the command prints a table, a summary and JSON, and writes the JSON', async () => {
  const out = join(root, 'kernels.json');
  const args = ['bench', 'kernels', '--quick', '--kernels', 'optim/*, hash/sign', '--json', '--out', out];
  const { status, out: printed, err } = await hashgnn(...args);
  expect(status).toBe(0);
  expect(JSON.parse(printed)).toEqual(JSON.parse(await readFile(out, 'utf8')));
  const result = JSON.parse(printed) as KernelBenchResult;
  expect(new Set(result.kernels.map(({ kernel }) => kernel))).toEqual(
    new Set(['hash/sign', ...kernels.filter((name) => name.startsWith('optim/'))]),
  );
  expect(result.versions.node).toBe(process.versions.node);
  expect(result.adapter).not.toBe('');
  expect(err).toMatch(/at most[\s\S]*^kernel[\s\S]*^hash\/sign +quick +/m);
  expect((await hashgnn('bench', 'kernels', '--quick', '--kernels', 'optim/advance', '--quiet')).err).toMatch(
    /^kernel[\s\S]*\noptim\/advance +quick +one step, 1 [\s\S]*quick run/,
  );
});

describe('cases', () => {
  test('every kernel has cases at every size, but for those that depend on no data set', () => {
    const small = new Setting(SIZES[0]!, 0);
    const whats = (kernel: string, setting: Setting) => casesOf(kernel, setting).map(({ what }) => what);
    for (const size of [QUICK, ...SIZES]) {
      const setting = new Setting(size, 0);
      const lacking = kernels.filter((kernel) => casesOf(kernel, setting).length === 0);
      const some = size.name === 'quick' || size.name === 'small';
      expect(lacking).toEqual(some ? [] : kernels.filter((kernel) => kernel.startsWith('ceiling/')));
      // A case whose twin takes too long is checked as its like at the small size.
      for (const kernel of kernels) {
        if (!lacking.includes(kernel)) expect(whats(kernel, setting), kernel).toEqual(whats(kernel, small));
        expect(new Set(whats(kernel, setting)).size).toBe(casesOf(kernel, setting).length);
      }
    }
  });

  test('the graph has the numbers that were asked for, about, and is the same both ways', () => {
    for (const size of [QUICK, ...SIZES]) {
      const { nodes, edges, offsets, neighbours } = drawGraph(size, 5);
      expect(nodes).toBe(size.users + size.items);
      expect(Math.abs(edges / size.edges - 1), size.name).toBeLessThan(size.users < 1000 ? 0.3 : 0.02);
      const directed = (from: number, to: number) => {
        const pairs: number[] = [];
        for (let node = from; node < to; node += 1) {
          const row = neighbours.subarray(offsets[node], offsets[node + 1]);
          for (const [index, other] of row.entries()) {
            if (index > 0 && row[index - 1]! >= other) throw new Error(`row ${node} does not ascend`);
            pairs.push(from === 0 ? node * nodes + other : other * nodes + node);
          }
        }
        return Float64Array.from(pairs).sort();
      };
      const bytes = (pairs: Float64Array) => Buffer.from(pairs.buffer);
      expect(bytes(directed(0, size.users)).equals(bytes(directed(size.users, nodes)))).toBe(true);
    }
    expect(drawGraph(QUICK, 5)).toEqual(drawGraph(QUICK, 5));
    expect(drawGraph(QUICK, 6)).not.toEqual(drawGraph(QUICK, 5));
  });

  test('a twin that would take too long is run at the small size, and where there is no case it is said', async () => {
    const options = { seed: 0, repeat: 2, kernels: ['ceiling/copy', 'search/hamming_bound', 'search/hamming_collect'] };
    const { kernels: all } = await benchKernels(gpu(), { ...options, sizes: ['movielens'] });
    const [none, ...rows] = all;
    expect(none).toMatchObject({ kernel: 'ceiling/copy', size: 'movielens', notRun: NO_CASE, time: null });
    expect(new KernelTable(['ceiling/copy'], SIZES).line(none!)).toMatch(
      /^ceiling\/copy +movielens +not run, no case at this size$/,
    );
    expect(rows.map(({ kernel, size, checked }) => [kernel, size, checked])).toEqual([
      ['search/hamming_bound', 'movielens', 'movielens'],
      ['search/hamming_collect', 'movielens', 'small'],
    ]);
    for (const { time } of rows) {
      expect(time!.all).toHaveLength(2);
      expect(time!.dispatches).toBeGreaterThanOrEqual(1);
    }
  });

  test('what a dispatch uses up is put back before each', async () => {
    for (const kernel of ['group/place', 'group/sort', 'search/hamming_order', 'dense/activation_backward']) {
      for (const one of casesOf(kernel, new Setting(QUICK, 0))) {
        expect(one.restore.length, kernel).toBeGreaterThan(0);
        const time = await timeCase(gpu(), one, one.make(), { repeat: 2 });
        expect(time.seconds).toBeGreaterThan(0);
      }
    }
  });
});

test('what a device lacks is said of each kernel that needs it', async () => {
  using portable = await Gpu.open({ profile: 'portable' });
  const options = { seed: 0, repeat: 1, quick: true, kernels: ['search/inner_products*'] };
  const result = await benchKernels(portable, options);
  expect(result.kernels.map(({ kernel, notRun }) => [kernel, notRun])).toEqual([
    ['search/inner_products', null],
    ['search/inner_products.subgroups', 'it needs subgroups, which this device lacks or was not asked for'],
  ]);
  expect(describeSummary(result)).toMatch(/not run, quick: it needs subgroups.*: search\/inner_products\.subgroups/);
});

test('a kernel that disagrees with its twin is not timed', async () => {
  const planted = shaders.get('hash/sign')!.replace('>=', '<');
  expect(planted).not.toBe(shaders.get('hash/sign'));
  using faulty = await Gpu.open({ shaders: new Map([['hash/sign', planted]]) });
  const failure = benchKernels(faulty, { seed: 0, repeat: 1, quick: true, kernels: ['hash/sign'] });
  await expect(failure).rejects.toThrow(HashgnnError);
  await expect(failure).rejects.toThrow(/hash\/sign disagrees with its twin: .*code\[\d+\]/);
});

test('an interrupted bench ends as such', async () => {
  const options = { seed: 0, repeat: 1, quick: true, kernels: ['hash/sign'], signal: AbortSignal.abort() };
  await expect(benchKernels(gpu(), options)).rejects.toThrow(InterruptedError);
});

describe('names', () => {
  test('a pattern stands for all names like it', () => {
    expect(selectKernels(['a/b', 'a/b.vec4', 'c/b'], undefined)).toEqual(['a/b', 'a/b.vec4', 'c/b']);
    expect(selectKernels(['a/b', 'a/b.vec4', 'c/b'], ['c/*', 'a/b'])).toEqual(['a/b', 'c/b']);
    expect(selectKernels(['a/b', 'a/b.vec4', 'c/b'], ['*b'])).toEqual(['a/b', 'c/b']);
    expect(() => selectKernels(['a/b', 'a/bx4'], ['a/b.4'])).toThrow(UsageError);
    expect(selectSizes(['gowalla', 'small']).map(({ name }) => name)).toEqual(['small', 'gowalla']);
  });

  test.each([
    [['--kernels', 'dense/nothing'], /no kernel is named dense\/nothing[\s\S]*--kernels[\s\S]*to mend it/],
    [['--kernels', ''], /no kernel is named ""/],
    [['--sizes', 'huge'], /there is no size huge[\s\S]*--sizes[\s\S]*small, movielens, gowalla/],
    [['--repeat', '0'], /repeat/],
  ])('%j is refused', async (args, message) => {
    const { status, err } = await hashgnn('bench', 'kernels', '--quick', ...args);
    expect(status).toBe(2);
    expect(err).toMatch(message);
  });
});
