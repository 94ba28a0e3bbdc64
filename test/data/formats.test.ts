import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HashgnnError, InputError, UsageError } from '../../src/base/errors.js';
import { type Dataset, readDataset } from '../../src/data/dataset.js';
import { type PrepareOptions, prepareDataset } from '../../src/data/prepare.js';
import { fuzzPrepare } from '../support/fuzz_prepare.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hashgnn-formats-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

let counter = 0;
async function written(content: string | Uint8Array, name = `in-${counter++}`): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}
/** A dataset of which everything trains unless told otherwise. */
async function prepared(options: PrepareOptions): Promise<Dataset> {
  const out = join(folder, `out-${counter++}`);
  const ratio = options.split === undefined ? { testRatio: 0 } : {};
  await prepareDataset({ ...ratio, validRatio: 0, ...options }, out);
  return readDataset(out);
}
function pairs(dataset: Dataset, part: 'train' | 'valid' | 'test' = 'train'): string[] {
  const edges = dataset[part];
  return Array.from(
    { length: edges.length / 2 },
    (_, edge) => `${dataset.userIds[edges[2 * edge]!]} ${dataset.itemIds[edges[2 * edge + 1]!]}`,
  ).sort();
}
async function sql(statement: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

describe('published files', () => {
  it.each<[string, string, string]>([
    [
      'gowalla',
      '0\t2010-10-19T23:55:27Z\t30.2\t-97.7\t22847\n1\t2010-10-18T22:17:43Z\t30.2\t-97.7\t420315\n',
      '0 22847',
    ],
    ['taobao', '1,2268318,2520377,pv,1511544070\n2,2333346,2520771,buy,1511561733\n', '1 2268318'],
    ['ncf-negatives', '(0,25)\t1064\t174\t2791\n(1,133)\t1072\t3154\t25\n', '1 133'],
    ['recbole', 'item_id:token\tuser_id:token\trating:float\ttimestamp:float\n10\t1\t5\t9\n11\t2\t4\t9\n', '1 10'],
    ['jsonl', '{"user":"1","item":10}\n{"item":11,"user":2}\n', '1 10'],
  ])('%s is detected, and reads the same when named', async (format, content, first) => {
    const file = await written(content);
    const found = await prepared({ file });
    expect(found.summary.sources[0]!.layout).toMatch(new RegExp(`^${format}`));
    const named = await prepared({ file, format: format as 'csv' });
    expect(named.summary.fingerprint).toBe(found.summary.fingerprint);
    expect(pairs(found)).toContain(first);
  });

  it('ncf negatives are no interactions, beside ratings as the test part', async () => {
    const train = await written('0\t1\t1\t0\n1\t25\t1\t0\n');
    const test = await written('(0,25)\t7\t8\n(1,1)\t9\n');
    const dataset = await prepared({ train, test });
    expect(pairs(dataset)).toEqual(['0 1', '1 25']);
    expect(pairs(dataset, 'test')).toEqual(['0 25', '1 1']);
    expect(dataset.itemIds).toEqual(['1', '25']);
  });

  it.each([
    ['0\t25\t7', /does not begin with a pair in brackets.*line 2/s],
    ['(0,25,7)\t8', /does not begin with a pair in brackets.*line 2/s],
    ['(0,)\t8', /does not begin with a pair in brackets.*line 2/s],
    ['(0, )\t8', /the item id is empty in column 2/],
  ])('a line %j among ncf negatives is named', async (line, message) => {
    const file = await written(`(0,25)\t1064\n${line}\n(1,2)\t3\n`);
    const error = await prepared({ file, format: 'ncf-negatives' }).catch((failure: HashgnnError) =>
      failure.describe(),
    );
    expect(error).toMatch(message);
    const rest = await prepared({ file, format: 'ncf-negatives', skipBadRows: true });
    expect(pairs(rest)).toEqual(['0 25', '1 2']);
  });

  it('ncf ratings are user, item, rating, time, whatever they look like', async () => {
    const file = await written('0\t1\t1\t0\n0\t2\t1\t0\n');
    expect(pairs(await prepared({ file, format: 'ncf' }))).toEqual(['0 1', '0 2']);
  });
});

describe('the same pairs', () => {
  const character = fc.constantFrom(..."ab0 éß漢あ😀_-.#%'|;:/[]{}()+*&\\");
  const id = fc
    .oneof(
      fc.array(character, { minLength: 1, maxLength: 5 }).map((characters) => characters.join('')),
      fc.constantFrom(
        '007',
        '9223372036854775808',
        '123456789012345678901234567890',
        '1e3',
        'NULL',
        '"',
        'a,b',
        'a\tb',
      ),
    )
    .filter((name) => name.trim() !== '');
  const rows = fc.array(fc.tuple(id, id), { minLength: 1, maxLength: 20 });
  const expected = (list: [string, string][]) => [...new Set(list.map(([user, item]) => `${user} ${item}`))].sort();

  it('come back from JSON lines', async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.boolean(), async (list, gzip) => {
        const lines = list.map(([user, item]) => JSON.stringify({ x: [1], item, user })).join('\n');
        expect(pairs(await prepared({ file: await written(gzip ? gzipSync(lines) : lines) }))).toEqual(expected(list));
      }),
      { numRuns: 15 },
    );
  });

  it('come back from Parquet and from a query', async () => {
    const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
    await fc.assert(
      fc.asyncProperty(rows, async (list) => {
        const path = join(folder, `t-${counter++}.parquet`);
        const values = list.map(([user, item]) => `(${text(item)}, ${text(user)})`).join(', ');
        await sql(`COPY (SELECT * FROM (VALUES ${values}) t(item_id, user_id)) TO ${text(path)} (FORMAT parquet)`);
        expect(pairs(await prepared({ file: path }))).toEqual(expected(list));
        const query = `SELECT user_id, item_id FROM ${text(path)} -- all of it`;
        expect(pairs(await prepared({ query }))).toEqual(expected(list));
      }),
      { numRuns: 10 },
    );
  });

  it('come back whatever the columns are called, by name and by place', async () => {
    const file = await written('when,what,who\n5,i1,u1\n6,i2,u2\n');
    const names = { userColumn: 'who', itemColumn: 'what', timeColumn: 'when' };
    expect(pairs(await prepared({ file, ...names }))).toEqual(['u1 i1', 'u2 i2']);
    const places = { userColumn: '3', itemColumn: '2', header: true };
    expect(pairs(await prepared({ file, ...places }))).toEqual(['u1 i1', 'u2 i2']);
    const wide = await written('a,b,c,d,i1,u1\n');
    expect(pairs(await prepared({ file: wide, userColumn: '6', itemColumn: '5' }))).toEqual(['u1 i1']);
    await expect(prepared({ file, userColumn: 'whom', itemColumn: 'what' })).rejects.toThrow(/no user column "whom"/);
    await expect(prepared({ file, userColumn: 'who', itemColumn: 'who' })).rejects.toThrow(/user and as item/);
  });
});

describe('many files', () => {
  it('by name and by pattern are one, and one without a header goes on after one with it', async () => {
    await mkdir(join(folder, 'logs'));
    await written('item,user\ni1,u1\n', 'logs/a.csv');
    await written('i2,u2\n', 'logs/b.csv');
    const expected = ['u1 i1', 'u2 i2'];
    const byPattern = await prepared({ file: join(folder, 'logs', '*.csv') });
    expect(pairs(byPattern)).toEqual(expected);
    expect(byPattern.summary.sources).toHaveLength(2);
    expect(pairs(await prepared({ file: ['a', 'b'].map((name) => join(folder, 'logs', `${name}.csv`)) }))).toEqual(
      expected,
    );
    await expect(prepared({ file: join(folder, 'no*.csv') })).rejects.toThrow(/no file has a name like this/);
  });

  it.each([
    ['another header', 'item,user\n1,2\n', /the header is "item,user", and that of .* is "user,item"/],
    ['another format', 'user\titem\n1\t2\n', /this is tsv, and .* is csv/],
    ['other columns', 'user,item,rating\n1,2,3\n', /3 columns, and .* has 2/],
  ])('with %s are refused', async (_, content, message) => {
    const file = [await written('user,item\n1,2\n'), await written(content)];
    await expect(prepared({ file })).rejects.toThrow(message);
  });

  it('packed with zstd read as they are, and a damaged or cut one is refused', async () => {
    const path = join(folder, 'z.csv.zst');
    await sql(
      `COPY (SELECT i AS "user", i % 97 AS item FROM range(20000) t(i)) TO '${path}' (FORMAT csv, COMPRESSION zstd)`,
    );
    const dataset = await prepared({ file: path });
    expect(dataset.summary.sources[0]).toMatchObject({ compression: 'zstd', rows: 20_000 });
    const bytes = await readFile(path);
    await expect(prepared({ file: await written(bytes.subarray(0, bytes.length >> 1)) })).rejects.toThrow(
      /zstd.*trunc/,
    );
    const flipped = Buffer.from(bytes);
    for (let at = 200; at < 260; at++) flipped[at]! ^= 0x5a;
    await expect(prepared({ file: await written(flipped) })).rejects.toBeInstanceOf(InputError);
  });
});

describe('filters and splits', () => {
  const log = [
    'user,item,behaviour,rating,time',
    'u1,a,buy,5,2019-01-01',
    'u1,a,buy,5,2019-03-01',
    'u1,b,pv,4,2019-01-05T10:00:00Z',
    'u1,c,buy,1,2019-02-01',
    'u2,a,buy,4,2019-02-15T00:00:00+01:00',
    'u2,d,buy,4,2019-03-05',
  ].join('\n');

  it('count what each removed', async () => {
    const file = await written(log);
    const dataset = await prepared({
      file,
      behaviours: ['buy'],
      minRating: 2,
      from: '2019-01-01',
      until: '2019-03-05',
    });
    expect(pairs(dataset)).toEqual(['u1 a', 'u2 a']);
    expect(dataset.summary.filters).toMatchObject({
      rowsRead: 6,
      rowsOfOtherBehaviours: 1,
      rowsBelowMinRating: 1,
      rowsOutsideDates: 1,
      duplicatesMerged: 1,
    });
  });

  it('by time: the first or the last row of a pair says where it belongs', async () => {
    const file = await written(log);
    const split = { split: 'by-time', testFrom: '2019-02-14T23:00:00Z' } as const;
    const first = await prepared({ file, ...split });
    expect([pairs(first, 'train'), pairs(first, 'test')]).toEqual([
      ['u1 a', 'u1 b', 'u1 c'],
      ['u2 a', 'u2 d'],
    ]);
    const last = await prepared({ file, ...split, repeats: 'last' });
    expect(pairs(last, 'test')).toEqual(['u1 a', 'u2 a', 'u2 d']);
    const unix = await prepared({ file, ...split, testFrom: '1550185200' });
    expect(unix.summary.fingerprint).toBe(first.summary.fingerprint);
    await expect(prepared({ file, ...split, testFrom: '2020-01-01' })).rejects.toThrow(/no pair is at or after/);
    await expect(prepared({ file, ...split, testFrom: '2018-01-01' })).rejects.toThrow(/left to train on/);
  });

  it('leave the last out by time', async () => {
    const dataset = await prepared({ file: await written(log), split: 'leave-last-out' });
    expect(pairs(dataset, 'test')).toEqual(['u1 c', 'u2 d']);
    expect(dataset.summary.split.kind).toBe('leave-last-out');
  });

  it('Unix time in seconds, milli-, micro- and nanoseconds is one', async () => {
    const zeros = ['', '000', '000000', '000000000'];
    const lines = zeros.map((more, index) => `u,i${index},5,1551398400${more}`);
    const file = await written(`u,x,5,1551398399\n${lines.join('\n')}\n`);
    const dataset = await prepared({ file, split: 'by-time', testFrom: '2019-03-01' });
    expect(pairs(dataset, 'test')).toEqual(['u i0', 'u i1', 'u i2', 'u i3']);
  });

  it('sampled users depend on seed and id alone', async () => {
    const rows = Array.from({ length: 200 }, (_, at) => `u${at % 40}\ti${at % 17}`);
    const one = await prepared({ file: await written(rows.join('\n')), sampleUsers: 10, seed: 3 });
    const two = await prepared({ file: await written(rows.toReversed().join('\n')), sampleUsers: 0.25, seed: 3 });
    expect(one.userCount).toBe(10);
    expect(two.summary.fingerprint).toBe(one.summary.fingerprint);
    expect(two.userIds).toEqual(one.userIds);
    expect(one.summary.filters.sampledOut).toEqual({ users: 30, rows: 150 });
    const other = await prepared({ file: await written(rows.join('\n')), sampleUsers: 10, seed: 4 });
    expect(other.userIds).not.toEqual(one.userIds);
  });

  it('what the filters leave nothing of says which filter it was', async () => {
    const file = await written(log);
    await expect(prepared({ file, behaviours: ['cart'] })).rejects.toThrow(/leaves nothing of 6.*6 are of other behav/);
    await expect(prepared({ file, from: '2030-01-01' })).rejects.toThrow(/leaves nothing of 6.*not from 2030-01-01/);
  });

  it.each<[PrepareOptions, RegExp]>([
    [{ split: 'by-time' }, /go together/],
    [{ testFrom: '2019-01-01' }, /go together/],
    [{ from: 'yesterday' }, /--from is "yesterday"/],
    [{ from: '2019-01-02', until: '2019-01-01' }, /not before/],
    [{ split: 'leave-last-out', testRatio: 0.2 }, /no meaning/],
    [{ sampleUsers: 1.5 }, /--sample-users/],
    [{ memory: 1000 }, /--memory/],
  ])('options %j are wrong usage', async (options, message) => {
    const out = join(folder, 'out');
    const file = await written(log);
    await expect(prepareDataset({ file, ...options }, out)).rejects.toThrow(message);
    await expect(prepareDataset({ file, ...options }, out)).rejects.toBeInstanceOf(UsageError);
  });
});

it('damaged files of every format are refused by name or read as something whole', async () => {
  const { refused, read } = await fuzzPrepare(60, 7);
  expect(Math.min(refused, read)).toBeGreaterThan(0);
});

describe('bad rows', () => {
  const cases: [name: string, content: string, where: string, message: RegExp, options?: PrepareOptions][] = [
    [
      'an impossible date',
      'user,item,time\n1,2,2019-02-30\n',
      ', line 2',
      /time "2019-02-30" is not a moment in column 3/,
    ],
    ['a time out of all reason', '1\t2\t3\t99999999999999999999999\n', ', line 1', /is not a moment/],
    ['an empty behaviour', 'user,item,behaviour\n1,2,\n', ', line 2', /behaviour is empty/],
    ['a line that is no JSON', '{"user":1,"item":2}\n{"user":1,\n', ', line 2', /not a JSON object/],
    ['a JSON list', '{"user":1,"item":2}\n[1,2]\n', ', line 2', /not a JSON object/],
    ['a JSON object without an item', '{"user":1,"item":2}\n{"user":1}\n', ', line 2', /item id is empty/],
    ['a JSON null', '{"user":1,"item":2}\n{"user":null,"item":3}\n', ', line 2', /user id is empty/],
    ['a line break in a JSON id', '{"user":1,"item":2}\n{"user":"a\\nb","item":2}\n', ', line 2', /line break/],
    ['a word as JSON rating', '{"user":1,"item":2,"rating":"x"}\n', ', line 1', /rating "x" is not a number/],
    [
      'a missing column',
      'user,thing,c,d,e\n1,2,3,4,5\n1,2,3,4,5\n',
      ', line 1',
      /no column is known as the item column/,
    ],
    ['times asked for where there are none', '1\t2\n', '', /no time column/, { from: '2019-01-01' }],
    ['behaviours asked for where there are none', '1\t2\n', '', /no behaviour column/, { behaviours: ['buy'] }],
    ['text that is named Parquet', '1\t2\n', '', /not a Parquet file/, { format: 'parquet' }],
    ['Parquet that is cut', 'PAR1 and nothing else', '', /Parquet file cannot be read/],
  ];
  it.each(cases)('%s gets one clear error and leaves nothing', async (_, content, where, message, options) => {
    const file = await written(content);
    const error = await prepared({ file, ...options }).catch((error: HashgnnError) => error);
    expect(error).toBeInstanceOf(InputError);
    expect((error as HashgnnError).message).toMatch(message);
    expect((error as HashgnnError).details.where).toBe(`${file}${where}`);
    expect(await readdir(folder)).toEqual([file.slice(folder.length + 1)]);
  });

  it('of a query are named by row, and a query that fails says why', async () => {
    const query = "SELECT * FROM (VALUES ('u', 'i'), ('v', NULL)) t(user_id, item_id)";
    await expect(prepared({ query })).rejects.toMatchObject({ details: { where: 'the query, row 2' } });
    await expect(prepared({ query: 'SELEC 1' })).rejects.toThrow(/the query fails: Parser Error/);
    await expect(prepared({ query: "SELECT 'a' AS user, 'x\ny' AS item" })).rejects.toThrow(/line break/);
    await expect(prepared({ query: "SELECT * FROM 'missing.csv'" })).rejects.toThrow(/missing\.csv/);
  });

  it('are left out, counted and shown when that is asked for', async () => {
    const file = await written('1\t2\t3\nbad\n4\t\t3\n5\t6\tx\n7\t8\t1\n');
    const dataset = await prepared({ file, skipBadRows: true });
    expect(pairs(dataset)).toEqual(['1 2', '7 8']);
    expect(dataset.summary.filters.badRows).toEqual({
      count: 3,
      first: [
        expect.stringMatching(/line 2: one column/),
        expect.stringMatching(/line 3: the item id is empty/),
        expect.stringMatching(/line 4: the rating "x"/),
      ],
    });
    expect(dataset.summary.filters.rowsRead).toBe(2);
    const hopeless = await written('1\t2\tx\n3\t4\ty\n');
    await expect(prepared({ file: hopeless, skipBadRows: true })).rejects.toThrow(/none of 2 rows can be read/);
  });
});

describe('times', () => {
  const day = 86_400;
  // User u has item i on day 3 u + i; a pair twice, the second time much later.
  const rows = Array.from({ length: 24 }, (_, at) => [at % 4, at >> 2]).map(([user, item]) => [
    ...[`u${user}`, `i${item}`, (3 * user! + item!) * day + 5],
  ]);
  const tsv = [['user', 'item', 'time'], ...rows, ['u0', 'i0', 999 * day]].map((row) => row.join('\t')).join('\n');

  it('are counted by part where every interaction has one, by that of the row that counts', async () => {
    const { summary } = await prepared({ file: await written(tsv), split: 'by-time', testFrom: String(8 * day) });
    const { train, valid, test, ...when } = summary.statistics.times!;
    expect(when).toEqual({ first: 5, last: 14 * day + 5, from: 0, period: day });
    const on = (wanted: number) => rows.filter(([, , time]) => Number(time) === wanted * day + 5).length;
    expect(train).toEqual(Array.from({ length: 15 }, (_, at) => (at < 8 ? on(at) : 0)));
    expect(test).toEqual(Array.from({ length: 15 }, (_, at) => (at < 8 ? 0 : on(at))));
    expect(valid).toEqual(new Array(15).fill(0));
    const last = await prepared({ file: await written(tsv), repeats: 'last' });
    expect(last.summary.statistics.times).toMatchObject({ first: 5 + day, last: 999 * day, period: 30 * day });
  });

  it('do not change who is in which part of a split that is drawn', async () => {
    const options = { testRatio: 0.3, validRatio: 0.3 };
    const withTimes = await prepared({ file: await written(tsv), ...options });
    const without = await prepared({ file: await written(tsv), ...options, timeColumn: 'none' });
    expect(withTimes.summary.fingerprint).toBe(without.summary.fingerprint);
    expect(without.summary.statistics.times).toBeNull();
    const { train, valid, test } = withTimes.summary.statistics.times!;
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    const { split } = withTimes.summary;
    expect([train, valid, test].map(sum)).toEqual([split.train, split.valid, split.test]);
  });

  it('are not known where one of several parts has none', async () => {
    const [timed, bare] = [await written(tsv), await written('u1\ti9\nu2\ti9\n')];
    for (const [train, test] of [
      [timed, bare],
      [bare, timed],
    ] as const) {
      const { statistics } = await prepareDataset({ train, test }, join(folder, `out-${counter++}`));
      expect(statistics.times).toBeNull();
    }
  });
});
