import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Comparison, compareFiles } from '../../bench/compare.js';
import { UsageError } from '../../src/base/errors.js';
import { hashgnn } from '../support/cli.js';
import {
  alibaba,
  CEILINGS,
  kernelNotRun,
  kernelRow,
  kernels,
  search,
  searchRow,
  step,
  stepRow,
  stepTime,
  table4,
  train,
} from '../support/results.js';

const root = mkdtempSync(join(tmpdir(), 'hashgnn-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let written = 0;
function write(value: unknown): string {
  written += 1;
  const file = join(root, `${written}.json`);
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  return file;
}

const kernel = (name: string, seconds: number, spread?: number, shape = '4 × 4') =>
  kernelRow(name, seconds, { ...(spread !== undefined && { spread }), shape });

test('rows are faster or slower where they differ by more than both spreads and 5 %', async () => {
  const first = write(
    kernels([
      kernel('a/same', 1, 0.01),
      kernel('a/slower', 1, 0.01),
      kernel('a/faster', 1, 0.01),
      kernel('a/noisy', 1, 0.3),
      kernel('a/noisy_after', 1, 0.01),
      kernel('a/gone', 1),
      kernelNotRun('a/new', 'it needs subgroups'),
      kernel('a/shape', 1, 0.01, '4 × 4'),
    ]),
  );
  const second = write(
    kernels(
      [
        kernel('a/shape', 1, 0.01, '8 × 8'),
        kernel('a/faster', 0.9, 0.01),
        kernel('a/same', 1.049, 0.01),
        kernel('a/slower', 1.06, 0.01),
        kernel('a/noisy', 1.29, 0.01),
        kernel('a/noisy_after', 1.29, 0.3),
        kernel('a/new', 2),
      ],
      { versions: { node: '22.0.0', memory: '3 GiB, 2 GiB free' } },
    ),
  );
  const result = await compareFiles(first, second);
  expect(result.rows.map(({ name, verdict }) => [name, verdict])).toEqual([
    ['a/same', 'same'],
    ['a/slower', 'slower'],
    ['a/faster', 'faster'],
    ['a/noisy', 'same'],
    ['a/noisy_after', 'same'],
  ]);
  expect(result.rows[1]).toMatchObject({ ratio: 1.06, noise: 0.05, first: { seconds: 1 }, second: { seconds: 1.06 } });
  expect(result.onlyFirst).toEqual(['a/gone, small: layer 1, 4 × 4', 'a/shape, small: layer 1, 4 × 4']);
  expect(result.onlySecond).toEqual(['a/shape, small: layer 1, 8 × 8', 'a/new, small: layer 1, 4 × 4']);
  // How much memory is free differs always.
  expect(result.warnings).toEqual([]);
  // The other way round everything is turned.
  const back = await compareFiles(second, first);
  const verdict = Object.fromEntries(back.rows.map((row) => [row.name, row.verdict]));
  expect(verdict).toMatchObject({ 'a/slower': 'faster', 'a/faster': 'slower', 'a/noisy': 'same' });

  const printed = await hashgnn('bench', 'compare', first, second);
  expect(printed.status).toBe(0);
  expect(printed.err).toMatch(/a\/slower +small: layer 1, 4 × 4 +1\.00 s +1\.0 % +1\.06 s +1\.0 % +1\.06 +slower$/m);
  expect(printed.err).toMatch(/of 5 rows in both 1 became faster, 1 slower, and 3 stayed the same/);
  expect(printed.err).toMatch(/only in .*1\.json:\n {2}a\/gone/);
  const json = await hashgnn('bench', 'compare', first, second, '--json');
  expect(JSON.parse(json.out) as Comparison).toEqual(result);
});

test('results of bench search: ours, the peer, Table 4 and the Alibaba search', async () => {
  const more = (seconds: number) => ({ table4: [table4('gowalla', seconds)], alibaba: alibaba(100 * seconds) });
  const first = write(search([searchRow('million', 1, 4)], more(1)));
  const second = write(search([searchRow('million', 0.5, 4)], more(1.2)));
  const result = await compareFiles(first, second);
  expect(result.kind).toBe('search');
  expect(result.rows.map(({ name, shape, verdict }) => [name, shape, verdict])).toEqual([
    ['million', '2048 × 10 × 32, k = 5', 'faster'],
    ['million, peer', '2048 × 10 × 32, k = 5', 'same'],
    ['gowalla-continuous', '2048 × 10 × 32, k = 5', 'slower'],
    ['gowalla-hierarchical', '2048 × 10 × 32, k = 5', 'slower'],
    ['gowalla-hamming', '2048 × 10 × 32, k = 5', 'slower'],
    ['alibaba', '9 × 8 × 32, k = 7', 'slower'],
  ]);
});

test('results of bench train: the step and the encoding, ours and the ways of the peer', async () => {
  const first = write(train());
  const slower = { port: stepTime(100), best: stepTime(25) };
  const encode = { ours: { ms: 60, spread: 0.02 }, peer: { ms: 30, spread: 0.02 } };
  const second = write(train({ ...slower, encode }));
  const result = await compareFiles(first, second);
  expect(result.kind).toBe('train');
  expect(result.rows.map(({ name, verdict }) => [name, verdict])).toEqual([
    ['a step: ours', 'same'],
    ['a step: straight port', 'slower'],
    // 25 is within the 30 % by which the first run's steps differ.
    ['a step: the best of it', 'same'],
    ['encoding: ours', 'faster'],
    ['encoding: peer', 'same'],
  ]);
  expect(result.rows[1]).toMatchObject({ shape: 'ml: 9,746 nodes, 629,875 edges', first: { seconds: 0.06 } });
  expect(result.warnings).toEqual([]);

  // Another data set is another row; without the peer only ours can be compared.
  const alone = { peer: null, port: null, best: null, ratios: null, encode: { ...encode, peer: null } };
  const other = await compareFiles(first, write(train({ dataset: { name: 'gow', nodes: 1, edges: 2 } })));
  expect([other.rows.length, other.onlyFirst.length, other.onlySecond.length]).toEqual([0, 5, 5]);
  const ours = await compareFiles(first, write(train(alone)));
  expect(ours.rows.map(({ name }) => name)).toEqual(['a step: ours', 'encoding: ours']);
  expect(ours.onlyFirst).toHaveLength(3);
});

test('another peer is told of', async () => {
  const other = { ...train().peer!, blas: 'mkl' };
  const { warnings } = await compareFiles(write(train()), write(train({ peer: other })));
  expect(warnings).toEqual(["the peer's blas differs: openblas in the first, mkl in the second"]);
});

test('results of bench step: every dispatch, even one too short to be told from nothing', async () => {
  const first = [stepRow('a/b', 'layer 0', 4), stepRow('a/b', 'layer 1', 2, 0.5), stepRow('c/d', 'c/d', 0)];
  const second = [stepRow('a/b', 'layer 0', 5), stepRow('a/b', 'layer 1', 2.8), stepRow('c/d', 'c/d', 0)];
  const result = await compareFiles(write(step(first)), write(step(second)));
  expect(result.kind).toBe('step');
  expect(result.rows.map(({ name, shape, ratio, verdict }) => [name, shape, ratio, verdict])).toEqual([
    ['a/b', 'ml: 9,746 nodes, 629,875 edges, layer 0', 1.25, 'slower'],
    ['a/b', 'ml: 9,746 nodes, 629,875 edges, layer 1', expect.closeTo(1.4), 'same'],
    ['c/d', 'ml: 9,746 nodes, 629,875 edges', 1, 'same'],
  ]);
});

test('rows of the same name and shape are told apart by their order', async () => {
  const file = write(search([searchRow('a', 1), searchRow('a', 2)]));
  const result = await compareFiles(file, write(search([searchRow('a', 1), searchRow('a', 4)])));
  expect(result.rows.map(({ ratio }) => ratio)).toEqual([1, 2]);
});

test('what makes times hard to compare is told, even with --quiet', async () => {
  const first = write(kernels([kernel('a/b', 1)]));
  const changes = { adapter: 'SwiftShader', driver: 'other', versions: { node: '24.0.0', webgpu: '1' }, seed: 1 };
  const ceilings = { ...CEILINGS, bytesPerSecond: 5e9 };
  const second = write(kernels([kernel('c/d', 1)], { ...changes, ceilings, quick: true }));
  const { status, err } = await hashgnn('bench', 'compare', first, second, '--quiet');
  expect(status).toBe(0);
  for (const message of [
    'warning: the adapter differs: llvmpipe in the first, SwiftShader in the second',
    'warning: the driver differs: Mesa 25 in the first, other in the second',
    'warning: node differs: 22.0.0 in the first, 24.0.0 in the second',
    'warning: webgpu differs: unknown in the first, 1 in the second',
    'warning: the seed differs: 0 in the first, 1 in the second',
    'warning: the adapter itself had another speed: bytesPerSecond 1.00e+10 in the first, 5.00e+9 in the second',
    'a quick run',
    'no row is in both files',
  ]) {
    expect(err).toContain(message);
  }
});

test.each<[string, () => string, RegExp]>([
  ['a missing file', () => join(root, 'nothing.json'), /there is no such file/],
  ['no JSON', () => write('{"kernels": ['), /this is not JSON/],
  ['another kind of JSON', () => write([1, 2]), /no result of bench kernels/],
  ['JSON null', () => write('null'), /no result of bench kernels/],
  ['a result of something else', () => write({ ceilings: {}, lines: [] }), /no result of bench kernels, .* bench step/],
  ['a format to come', () => write(kernels([], { format: 2 })), /the format of this result is 2, and only 1 is known/],
  ['a row that is none', () => write({ ...kernels([]), kernels: [7] }), /kernels\[0\] is not an object/],
  ['no time', () => write(kernels([kernel('a/b', 1), kernelRow('a/b', 1, { time: null })])), /kernels\[1\]\.time is/],
  [
    'no reason',
    () => write(kernels([{ ...kernel('a/b', 1), notRun: 7 as never }])),
    /kernels\[0\]\.notRun is not a text/,
  ],
  [
    'a time that is none',
    () => write(search([searchRow('a', -1)])),
    /rows\[0\]\.ours\.seconds is not a number above 0/,
  ],
  ['no encoding', () => write(train({ encode: {} as never })), /encode\.ours is missing/],
  [
    'a step of a version without spreads',
    () => write(step([stepRow('a/b', 'c', 1, undefined as never)].map(({ spread: _, ...row }) => row as never))),
    /rows\[0\]\.spread is missing/,
  ],
  ['no versions', () => write(train({ versions: undefined })), /versions is not an object/],
])('%s is refused, with its name and what to do', async (_, make, message) => {
  const good = write(kernels([kernel('a/b', 1)]));
  const bad = make();
  for (const files of [
    [good, bad],
    [bad, good],
  ]) {
    const { status, out, err } = await hashgnn('bench', 'compare', ...files);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toMatch(message);
    expect(err).toContain(bad);
    expect(err).toMatch(/to mend it: /);
  }
});

test('results of two kinds are refused', async () => {
  const [one, other] = [write(kernels([kernel('a/b', 1)])), write(search([searchRow('a', 1)]))];
  await expect(compareFiles(one, other)).rejects.toThrow(UsageError);
  const { status, err } = await hashgnn('bench', 'compare', other, one);
  expect(status).toBe(2);
  expect(err).toMatch(/two different benches[\s\S]*bench search.*bench kernels[\s\S]*to mend it/);
});
