import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Comparison, compareFiles } from '../../bench/compare.js';
import { UsageError } from '../../src/base/errors.js';
import { hashgnn } from '../support/cli.js';

const root = mkdtempSync(join(tmpdir(), 'hashgnn-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let written = 0;
function write(value: unknown): string {
  written += 1;
  const file = join(root, `${written}.json`);
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  return file;
}

const timing = (seconds: number, spread: number) => ({ seconds, spread, all: [seconds] });
const kernel = (name: string, seconds: number, spread = 0.01, shape = '4 × 4') => ({
  ...{ kernel: name, size: 'small', what: 'layer 1', shape, notRun: null, time: timing(seconds, spread) },
});
const kernels = (rows: unknown[], more: object = {}) => ({
  ...{ adapter: 'llvmpipe', driver: 'Mesa 25', versions: { node: '22.0.0', memory: '3 GiB, 1 GiB free' }, seed: 0 },
  ...{ quick: false, ceilings: { bytesPerSecond: 1 }, kernels: rows, ...more },
});
const searchRow = (name: string, seconds: number, peer?: number) => ({
  ...{ name, database: 2048, queries: 10, bits: 32, k: 5, ours: timing(seconds, 0.02) },
  peer: peer === undefined ? null : timing(peer, 0.02),
});
const search = (rows: unknown[], more: object = {}) => {
  const { kernels: _, ...result } = kernels([], more);
  return { ...result, rows };
};

test('rows are faster or slower where they differ by more than both spreads and 5 %', async () => {
  const first = write(
    kernels([
      kernel('a/same', 1, 0.01),
      kernel('a/slower', 1, 0.01),
      kernel('a/faster', 1, 0.01),
      kernel('a/noisy', 1, 0.3),
      kernel('a/noisy_after', 1, 0.01),
      kernel('a/gone', 1),
      { ...kernel('a/new', 1), notRun: 'it needs subgroups', time: null },
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
  const more = (seconds: number) => ({
    table4: [{ dataset: 'gowalla', searches: { hamming: searchRow('gowalla-hamming', seconds) } }],
    alibaba: { database: 9, queries: 8, bits: 32, k: 7, seconds: 100 * seconds },
  });
  const first = write(search([searchRow('million', 1, 4)], more(1)));
  const second = write(search([searchRow('million', 0.5, 4)], more(1.2)));
  const result = await compareFiles(first, second);
  expect(result.kind).toBe('search');
  expect(result.rows.map(({ name, shape, verdict }) => [name, shape, verdict])).toEqual([
    ['million', '2048 × 10 × 32, k = 5', 'faster'],
    ['million, peer', '2048 × 10 × 32, k = 5', 'same'],
    ['gowalla-hamming', '2048 × 10 × 32, k = 5', 'slower'],
    ['alibaba', '9 × 8 × 32, k = 7', 'slower'],
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
  const ceilings = { bytesPerSecond: 0.5 };
  const second = write(kernels([kernel('c/d', 1)], { ...changes, ceilings, quick: true }));
  const { status, err } = await hashgnn('bench', 'compare', first, second, '--quiet');
  expect(status).toBe(0);
  for (const message of [
    'warning: the adapter differs: llvmpipe in the first, SwiftShader in the second',
    'warning: the driver differs: Mesa 25 in the first, other in the second',
    'warning: node differs: 22.0.0 in the first, 24.0.0 in the second',
    'warning: webgpu differs: unknown in the first, 1 in the second',
    'warning: the seed differs: 0 in the first, 1 in the second',
    'warning: the adapter itself had another speed: bytesPerSecond 1.00 in the first, 0.500 in the second',
    'a quick run',
    'no row is in both files',
  ]) {
    expect(err).toContain(message);
  }
});

test.each<[string, () => string, RegExp]>([
  ['a missing file', () => join(root, 'nothing.json'), /there is no such file/],
  ['no JSON', () => write('{"kernels": ['), /this is not JSON/],
  ['another kind of JSON', () => write([1, 2]), /no result of a bench/],
  ['JSON null', () => write('null'), /no result of a bench/],
  [
    'a result of something else',
    () => write({ ceilings: {}, lines: [] }),
    /no result of bench kernels or bench search/,
  ],
  ['a row that is none', () => write(kernels([kernel('a/b', 1), 7])), /measurement 2 .* lacks/],
  ['a row without a time', () => write(kernels([{ ...kernel('a/b', 1), time: null }])), /measurement 1 .* lacks/],
  ['a time that is no time', () => write(search([searchRow('a', -1)])), /measurement 1 .* lacks/],
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
