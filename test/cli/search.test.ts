import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readNpy, writeNpy } from '../../src/base/files.js';
import { best, codesOf, distance, embeddingsOf, mix, product } from '../search/support.js';
import { hashgnn } from '../support/cli.js';

/** Sizes of the test's database; 12 different codes, so that ties abound. */
const [N, Q, BITS, WIDTH] = [157, 9, 40, 6];
const BYTES = BITS / 8;
const codes = codesOf(N, BITS, 12, 1);
const queries = codesOf(Q, BITS, 12, 2);
const embeddings = embeddingsOf(N, WIDTH, 3);
const queryEmbeddings = embeddingsOf(Q, WIDTH, 4);
/** Ids in no order with gaps. */
const ownIds = Int32Array.from({ length: N }, (_, row) => ((row * 37) % N) * 5 + 2);
/** Seen items in no order; query 8 has seen all. */
const seen = Array.from({ length: Q * N }, (_, pair) => [pair % Q, Math.floor(pair / Q)] as const)
  .filter(([query, item]) => query === 8 || mix(query * 1000 + item, 7) % 4 === 0)
  .sort((a, b) => mix(a[0] * 1000 + a[1], 8) - mix(b[0] * 1000 + b[1], 8));
const allowed = Array.from({ length: N }, (_, item) => item).filter((item) => item % 3 !== 1);
const denied = [4, 0, 156, 9, 9];

let root: string;
/** Files of the arrays above. */
const files: Record<string, string> = {};
let out: string;

async function save(name: string, array: Uint8Array | Int32Array | Float32Array, shape: number[]): Promise<string> {
  const path = join(root, `${name}.npy`);
  await writeNpy(path, array, shape);
  return path;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-search-'));
  files.codes = await save('codes', codes, [N, BYTES]);
  files.queries = await save('queries', queries, [Q, BYTES]);
  files.embeddings = await save('embeddings', embeddings, [N, WIDTH]);
  files.queryEmbeddings = await save('query-embeddings', queryEmbeddings, [Q, WIDTH]);
  files.ids = await save('ids', ownIds, [N]);
  files.seen = await save('seen', Int32Array.from(seen.flat()), [seen.length, 2]);
  files.allowed = await save('allowed', Int32Array.from(allowed), [allowed.length]);
  files.denied = await save('denied', Int32Array.from(denied), [denied.length]);
});

let run = 0;
beforeEach(() => {
  run += 1;
  out = join(root, `out-${run}`);
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Runs `hashgnn search --json` and reads what it wrote. */
async function search<T extends 'int32' | 'float32' = 'int32'>(dtype: T, ...args: string[]) {
  const { status, out: printed, err } = await hashgnn('search', ...args, '--out', out, '--json');
  expect(status, err).toBe(0);
  const [ids, distances] = await Promise.all([
    readNpy(join(out, 'ids.npy'), { dtype: 'int32' }),
    readNpy(join(out, 'distances.npy'), { dtype }),
  ]);
  return { report: JSON.parse(printed), ids, distances };
}

interface Filters {
  readonly keep?: (query: number, item: number) => boolean;
  readonly id?: (item: number) => number;
}

const everyItem = Array.from({ length: N }, (_, item) => item);
const away = (query: number, item: number) => distance(queries, query, codes, item, BYTES);

/** The best k of a query by brute force, by id instead of row where the ids are given. */
function nearest(query: number, k: number, { keep = () => true, id = (item) => item }: Filters = {}) {
  const rows = new Map(everyItem.filter((item) => keep(query, item)).map((item) => [id(item), item]));
  return best([...rows.keys()], k, 1, (found) => away(query, rows.get(found)!), -1);
}

const rowsOf = (query: number, k: number, array: ArrayLike<number>) =>
  Array.from(array).slice(query * k, (query + 1) * k);

describe('what is found is what brute force finds', () => {
  test.each([1, 10, N + 20])('the nearest %i, ties in order of id', async (k) => {
    const { report, ids, distances } = await search(
      'int32',
      '--codes',
      files.codes!,
      '--queries',
      files.queries!,
      '-k',
      `${k}`,
    );
    expect([ids.shape, distances.shape]).toEqual([
      [Q, k],
      [Q, k],
    ]);
    for (let query = 0; query < Q; query += 1) {
      const expected = nearest(query, k);
      expect(rowsOf(query, k, ids.data)).toEqual(expected.ids);
      expect(rowsOf(query, k, distances.data)).toEqual(expected.values);
    }
    expect(report).toEqual({
      database: N,
      queries: Q,
      bits: BITS,
      k,
      adapter: expect.stringMatching(/./),
      seconds: { load: expect.any(Number), build: expect.any(Number), search: expect.any(Number) },
    });
    for (const seconds of Object.values(report.seconds)) expect(seconds).toBeGreaterThan(0);
    expect((await readdir(out)).sort()).toEqual(['distances.npy', 'ids.npy']);
  });

  test('with ids of their own, exclusions in any order, allowed and denied ids, in small batches, repeated', async () => {
    const k = 12;
    const own = Int32Array.from(seen.flatMap(([query, item]) => [query, ownIds[item]!]));
    const excluded = await save('own-seen', own, [seen.length, 2]);
    const allow = await save(
      'own-allowed',
      Int32Array.from(allowed, (item) => ownIds[item]!),
      [allowed.length],
    );
    const deny = await save(
      'own-denied',
      Int32Array.from([...denied, 0], (item) => ownIds[item]!),
      [denied.length + 1],
    );
    const gone = new Set(seen.map(([query, item]) => query * N + item));
    const keep = (query: number, item: number) =>
      !gone.has(query * N + item) && allowed.includes(item) && !denied.includes(item);
    const args = ['--codes', files.codes!, '--ids', files.ids!, '--queries', files.queries!, '-k', `${k}`];
    const filters = ['--exclude', excluded, '--allow', allow, '--deny', deny];
    const { ids, distances } = await search('int32', ...args, ...filters, '--memory', '0.05', '--repeat', '3');
    for (let query = 0; query < Q; query += 1) {
      const expected = nearest(query, k, { keep, id: (item) => ownIds[item]! });
      expect(rowsOf(query, k, ids.data)).toEqual(expected.ids);
      expect(rowsOf(query, k, distances.data)).toEqual(expected.values);
    }
    expect(rowsOf(8, k, ids.data)).toEqual(Array(k).fill(-1));
  });

  test.each([0, 17, BITS])('all within a radius of %i', async (radius) => {
    const args = [
      '--codes',
      files.codes!,
      '--queries',
      files.queries!,
      '--deny',
      files.denied!,
      '--exclude',
      files.seen!,
    ];
    const { report, ids, distances } = await search('int32', ...args, '--radius', `${radius}`);
    const { data: offsets, shape } = await readNpy(join(out, 'offsets.npy'), { dtype: 'int32' });
    expect(shape).toEqual([Q + 1]);
    const gone = new Set(seen.map(([query, item]) => query * N + item));
    const keep = (query: number, item: number) =>
      !gone.has(query * N + item) && !denied.includes(item) && away(query, item) <= radius;
    for (let query = 0; query < Q; query += 1) {
      const expected = nearest(query, everyItem.filter((item) => keep(query, item)).length, { keep });
      expect(Array.from(ids.data.subarray(offsets[query], offsets[query + 1]))).toEqual(expected.ids);
      expect(Array.from(distances.data.subarray(offsets[query], offsets[query + 1]))).toEqual(expected.values);
    }
    expect([ids.shape, distances.shape, offsets[Q]]).toEqual([[report.total], [report.total], report.total]);
    expect(report).toMatchObject({ database: N, queries: Q, bits: BITS, radius, total: ids.data.length });
    expect(report).not.toHaveProperty('k');
  });

  test('the best candidates by code, re-ranked by inner product', async () => {
    const [k, candidates] = [7, 30];
    const both = ['--embeddings', files.embeddings!, '--query-embeddings', files.queryEmbeddings!];
    const args = ['--codes', files.codes!, '--queries', files.queries!, ...both, '--candidates', `${candidates}`];
    const { report, ids, distances } = await search('float32', ...args, '-k', `${k}`);
    for (let query = 0; query < Q; query += 1) {
      const score = (item: number) => product(queryEmbeddings, query, embeddings, item, WIDTH);
      const expected = best(nearest(query, candidates).ids, k, -1, score, -1);
      expect(rowsOf(query, k, ids.data)).toEqual(expected.ids);
      expect(rowsOf(query, k, distances.data).map((value) => value + 0)).toEqual(expected.values);
    }
    expect(report).toMatchObject({ database: N, queries: Q, bits: BITS, width: WIDTH, candidates, k });
  });

  test('no queries and no codes', async () => {
    const none = await save('none', new Uint8Array(0), [0, BYTES]);
    const noQueries = await search('int32', '--codes', files.codes!, '--queries', none, '-k', '3');
    expect(noQueries.ids.shape).toEqual([0, 3]);
    await rm(out, { recursive: true });
    const noCodes = await search('int32', '--codes', none, '--queries', files.queries!, '-k', '2');
    expect([...noCodes.ids.data]).toEqual(Array(2 * Q).fill(-1));
  });
});

describe('an index file', () => {
  test('that one search saved serves the next, with the same results', async () => {
    const index = join(root, 'codes.index');
    const args = ['--codes', files.codes!, '--ids', files.ids!, '--queries', files.queries!, '-k', '20'];
    const first = await search('int32', ...args, '--save-index', index);
    await rm(out, { recursive: true });
    const second = await search('int32', '--index', index, '--queries', files.queries!, '-k', '20');
    expect([second.ids, second.distances]).toEqual([first.ids, first.distances]);
    expect(second.report).toMatchObject({ database: N, queries: Q, bits: BITS, k: 20 });
    const again = await hashgnn('search', ...args, '--save-index', index, '--out', join(root, 'never'));
    expect(again.status).toBe(1);
    expect(again.err).toMatch(/exists already/);
  });

  test('with embeddings too; altered it is refused', async () => {
    const index = join(root, 'both.index');
    const query = ['--queries', files.queries!, '--query-embeddings', files.queryEmbeddings!, '-k', '9'];
    const items = ['--codes', files.codes!, '--embeddings', files.embeddings!];
    const first = await search('float32', ...items, ...query, '--save-index', index);
    await rm(out, { recursive: true });
    const second = await search('float32', '--index', index, ...query);
    expect([second.ids, second.distances]).toEqual([first.ids, first.distances]);
    expect(second.report).toMatchObject({ width: WIDTH, candidates: 500 });

    const plain = await hashgnn(
      'search',
      '--index',
      index,
      '--queries',
      files.queries!,
      '-k',
      '1',
      '--out',
      `${out}-no`,
    );
    expect(plain).toMatchObject({
      status: 2,
      err: expect.stringMatching(/has embeddings[\s\S]*give --query-embeddings/),
    });
    const bytes = await readFile(index);
    bytes[bytes.length >> 1]! ^= 4;
    await writeFile(index, bytes);
    const altered = await hashgnn('search', '--index', index, ...query, '--out', `${out}-no`);
    expect(altered).toMatchObject({ status: 1, err: expect.stringMatching(/altered[\s\S]*both\.index/) });
    await expect(stat(`${out}-no`)).rejects.toThrow();
  });
});

test('people get sizes, times and rates on standard error and nothing on standard output', async () => {
  const found = await hashgnn('search', '--codes', files.codes!, '--queries', files.queries!, '-k', '4', '--out', out);
  expect(found).toMatchObject({ status: 0, out: '' });
  expect(found.err).toMatch(/codes +queries +bits +k\n.*\n +157 +9 +40 +4\n/);
  expect(found.err).toMatch(/load +build +search +queries\/s +pairs\/s\n/);
  expect(found.err).toMatch(/written: .*ids\.npy, .*distances\.npy/);
});

describe('bad input gets one clear error and leaves no output', () => {
  const CODES = ['--codes', 'codes', '--queries', 'queries'];
  const BOTH = [...CODES, '--embeddings', 'embeddings', '--query-embeddings', 'queryEmbeddings'];
  const float = (values: number[]) => Float32Array.from(values);
  const int = (...values: number[]) => Int32Array.from(values);

  /** Arrays that are wrong, by the names that stand for them below. */
  const wrong: Record<string, [Uint8Array | Int32Array | Float32Array, number[]]> = {
    narrow: [codesOf(3, 32, 9, 1), [3, 4]],
    empty: [new Uint8Array(0), [3, 0]],
    wide: [new Uint8Array(129), [1, 129]],
    vector: [new Uint8Array(5), [5]],
    short: [embeddingsOf(3, WIDTH, 1), [3, WIDTH]],
    thin: [embeddingsOf(Q, 2, 1), [Q, 2]],
    nan: [float(Array.from({ length: N * WIDTH }, (_, at) => (at === 20 ? Number.NaN : 1))), [N, WIDTH]],
    infinite: [
      float(Array.from({ length: Q * WIDTH }, (_, at) => (at === 8 ? Number.POSITIVE_INFINITY : 1))),
      [Q, WIDTH],
    ],
    pairs: [int(0, 1, 9, 1), [2, 2]],
    items: [int(0, 1, 3, 157), [2, 2]],
    negative: [int(3, -7), [2]],
    large: [int(157), [1]],
    twice: [int(...Array.from({ length: N }, (_, row) => Math.max(1, row))), [N]],
    below: [int(...Array.from({ length: N }, (_, row) => row - 3)), [N]],
  };
  const placeOf = async (name: string): Promise<string> => {
    if (files[name] !== undefined) return files[name];
    const array = wrong[name];
    return array ? save(`wrong-${name}`, ...array) : name;
  };

  test.each<[string, number, RegExp, string[]]>([
    ['no queries', 2, /--queries/, ['--codes', 'codes', '-k', '1']],
    ['nothing to search in', 2, /nothing to search in/, ['--queries', 'queries', '-k', '1']],
    ['two databases', 2, /both given/, [...CODES, '--index', 'x', '-k', '1']],
    ['neither k nor radius', 2, /how many results/, CODES],
    ['both k and radius', 2, /-k and --radius are both given/, [...CODES, '-k', '1', '--radius', '1']],
    ['no results', 2, /whole number from 1/, [...CODES, '-k', '0']],
    ['a fraction of a result', 2, /whole number from 1/, [...CODES, '-k', '1.5']],
    ['more results than can be numbered', 2, /-k is 2147483648/, [...CODES, '-k', '2147483648']],
    ['more results than memory', 1, /the results would take/, [...CODES, '-k', '2147483647']],
    ['a negative radius', 2, /whole number/, [...CODES, '--radius', '-1']],
    ['no memory', 2, /--memory is 0/, [...CODES, '-k', '1', '--memory', '0']],
    ['too little memory', 1, /needs \d+ bytes[\s\S]*raise it/, [...CODES, '-k', '1', '--memory', '0.00001']],
    [
      'embeddings of the codes only',
      2,
      /--query-embeddings is missing/,
      [...CODES, '-k', '1', '--embeddings', 'embeddings'],
    ],
    [
      'embeddings of the queries only',
      2,
      /--embeddings is missing/,
      [...CODES, '-k', '1', '--query-embeddings', 'queryEmbeddings'],
    ],
    ['candidates of nothing', 2, /--candidates needs embeddings/, [...CODES, '-k', '1', '--candidates', '5']],
    ['a radius of embeddings', 2, /--radius cannot be used with embeddings/, [...BOTH, '--radius', '5']],
    ['ids for an index', 2, /--ids cannot/, ['--index', 'x', '--queries', 'queries', '-k', '1', '--ids', 'ids']],
    [
      'embeddings for an index',
      2,
      /--embeddings cannot/,
      ['--index', 'x', '--queries', 'queries', '-k', '1', '--embeddings', 'embeddings'],
    ],
    [
      'a missing file',
      1,
      /no such file[\s\S]*nowhere\.npy/,
      ['--codes', 'nowhere.npy', '--queries', 'queries', '-k', '1'],
    ],
    [
      'an index that is none',
      1,
      /no index file[\s\S]*codes\.npy/,
      ['--index', 'codes', '--queries', 'queries', '-k', '1'],
    ],
    [
      'codes of another width',
      1,
      /32 bits and the codes to search in 40[\s\S]*narrow\.npy/,
      ['--codes', 'codes', '--queries', 'narrow', '-k', '1'],
    ],
    [
      'codes of no width',
      1,
      /cannot have 0 bits[\s\S]*empty\.npy/,
      ['--codes', 'empty', '--queries', 'queries', '-k', '1'],
    ],
    [
      'codes that are too wide',
      1,
      /cannot have 1032 bits[\s\S]*wide\.npy/,
      ['--codes', 'wide', '--queries', 'queries', '-k', '1'],
    ],
    ['codes in one row', 1, /shape \(5,\)[\s\S]*vector\.npy/, ['--codes', 'vector', '--queries', 'queries', '-k', '1']],
    [
      'codes of another type',
      1,
      /uint8[\s\S]*float32[\s\S]*embeddings\.npy/,
      ['--codes', 'embeddings', '--queries', 'queries', '-k', '1'],
    ],
    [
      'too few embeddings',
      1,
      /shape \(3, 6\)[\s\S]*short\.npy/,
      [...CODES, '-k', '1', '--embeddings', 'short', '--query-embeddings', 'queryEmbeddings'],
    ],
    [
      'embeddings of two widths',
      1,
      /shape \(9, 2\)[\s\S]*thin\.npy/,
      [...CODES, '-k', '1', '--embeddings', 'embeddings', '--query-embeddings', 'thin'],
    ],
    [
      'NaN',
      1,
      /NaN at row 3, column 2[\s\S]*nan\.npy/,
      [...CODES, '-k', '1', '--embeddings', 'nan', '--query-embeddings', 'queryEmbeddings'],
    ],
    [
      'infinity',
      1,
      /Infinity at row 1, column 2[\s\S]*infinite\.npy/,
      [...CODES, '-k', '1', '--embeddings', 'embeddings', '--query-embeddings', 'infinite'],
    ],
    ['exclusions of no query', 1, /no query 9[\s\S]*pairs\.npy, row 1/, [...CODES, '-k', '1', '--exclude', 'pairs']],
    ['exclusions of no item', 1, /no id 157[\s\S]*items\.npy, row 1/, [...CODES, '-k', '1', '--exclude', 'items']],
    [
      'exclusions without queries',
      1,
      /shape \(any, 2\)[\s\S]*allowed\.npy/,
      [...CODES, '-k', '1', '--exclude', 'allowed'],
    ],
    ['a negative id', 1, /no id -7[\s\S]*negative\.npy, row 1/, [...CODES, '-k', '1', '--allow', 'negative']],
    ['an id beyond the codes', 1, /no id 157[\s\S]*large\.npy, row 0/, [...CODES, '-k', '1', '--deny', 'large']],
    ['too few ids', 1, /shape \(157,\)[\s\S]*denied\.npy/, [...CODES, '-k', '1', '--ids', 'denied']],
    ['an id twice', 1, /id 1\b[\s\S]*ids/, [...CODES, '-k', '1', '--ids', 'twice']],
    ['ids below 0', 1, /no id -3[\s\S]*below\.npy, row 0/, [...CODES, '-k', '1', '--ids', 'below']],
    ['an adapter that is not there', 1, /adapter/, [...CODES, '-k', '1', '--adapter', 'abacus']],
    [
      'an index that cannot be saved',
      1,
      /no such file or folder/,
      [...CODES, '-k', '1', '--save-index', '/nowhere/at/all'],
    ],
  ])('%s', async (_, status, message, args) => {
    const named = await Promise.all(args.map(placeOf));
    const before = await readdir(root);
    const result = await hashgnn('search', ...named, '--out', out);
    expect(result.err).toMatch(message);
    expect(result.status).toBe(status);
    expect(result.err).toMatch(/^hashgnn: /m);
    expect(result.err).not.toMatch(/\n\s+at |defect/);
    expect(await readdir(root)).toEqual(before);
  });

  test('a folder that is not empty, before anything else is done', async () => {
    const result = await hashgnn('search', '--codes', 'x', '--queries', 'y', '-k', '1', '--out', root);
    expect(result).toMatchObject({ status: 1, err: expect.stringMatching(/not empty/) });
  });
});
