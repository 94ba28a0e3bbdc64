import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { findInterpreter } from '../../bench/peer.js';
import { type Arrays, randomArrays } from '../../bench/search/arrays.js';
import { type Found, Judge, requireRepeated, someQueries } from '../../bench/search/compare.js';
import { benchSearch, type SearchBenchResult } from '../../bench/search/index.js';
import { FAISS, Peer } from '../../bench/search/peer.js';
import { describeSummary, RowTable } from '../../bench/search/report.js';
import { quick, ROWS, type Row, selectRows, withK } from '../../bench/search/rows.js';
import { InterruptedError, UsageError } from '../../src/base/errors.js';
import { hashgnn } from '../support/cli.js';
import { useGpu } from '../support/gpu.js';

// A driver that compiles every kernel for the first time may take a minute.
vi.setConfig({ testTimeout: 240_000 });

const gpu = useGpu();
const root = mkdtempSync(join(tmpdir(), 'hashgnn-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('hashgnn-bench-'));

function requireShares(result: SearchBenchResult): void {
  for (const row of result.rows) {
    expect(row.ours.seconds, row.name).toBeGreaterThan(0);
    expect(row.ours.all, row.name).toHaveLength(2);
    expect(row.pairsPerSecond, row.name).toBeCloseTo((row.database * row.queries) / row.ours.seconds);
    expect(row.share.operations, row.name).toBeGreaterThan(0);
    expect(row.share.bytes, row.name).toBeGreaterThan(0);
  }
}

test('every row, Table 4 and the Alibaba search run at a tiny size without a peer', async () => {
  const told: string[] = [];
  const result = await benchSearch(
    gpu(),
    { seed: 3, repeat: 2, quick: true, peer: false, table4: true, alibaba: true, rows: ROWS.map(({ name }) => name) },
    { onRow: ({ name }) => told.push(name) },
  );
  expect(result.rows.map(({ name }) => name)).toEqual(ROWS.map(({ name }) => name));
  expect(told).toHaveLength(ROWS.length + 9);
  expect(result).toMatchObject({ peer: null, seed: 3, quick: true });
  requireShares(result);
  for (const row of result.rows) expect(row).toMatchObject({ peer: null, ratio: null, atLeast: null, aim: null });
  expect(result.table4!.map(({ dataset }) => dataset)).toEqual(['movielens', 'pinterest', 'gowalla']);
  for (const { searches, ratios } of result.table4!) {
    const { continuous, hierarchical, hamming } = searches;
    expect([continuous.name, hierarchical.name, hamming.name].map((name) => name.split('-').at(-1))).toEqual([
      'continuous',
      'hierarchical',
      'hamming',
    ]);
    expect(ratios.ours.continuous).toBeCloseTo(continuous.ours.seconds / hamming.ours.seconds);
    expect(ratios.peer).toBe(null);
  }
  expect(result.alibaba!.checked.length).toBeGreaterThan(1);
  expect(describeSummary(result)).toMatch(/small[\s\S]*Table 4[\s\S]*Alibaba/);
});

test('on the command line: one JSON object, the same in the file, and a table for people', async () => {
  const out = join(root, 'bench.json');
  const size = ['--quick', '--repeat', '1', '--no-peer', '--rows', 'one-query, movielens-hierarchical'];
  const done = await hashgnn('bench', 'search', ...size, '--json', '--out', out);
  expect(done.status, done.err).toBe(0);
  const result = JSON.parse(done.out);
  expect(result.rows.map(({ name }: Row) => name)).toEqual(['one-query', 'movielens-hierarchical']);
  expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(result);
  expect(done.err).toMatch(/row +database[\s\S]*\none-query .*\nmovielens-hierarchical /);
  const wrong = await hashgnn('bench', 'search', '--rows', 'none-such', '--no-peer');
  expect(wrong.status).toBe(2);
  expect(wrong.err).toMatch(/no row "none-such"[\s\S]*million-32/);
});

test('beside FAISS: ratios, and nothing left behind', async (context) => {
  const python = await findInterpreter(FAISS).catch(() => undefined);
  if (!python) context.skip('python3-faiss is not installed');
  const before = leftovers();
  const result = await benchSearch(gpu(), {
    seed: 5,
    repeat: 2,
    quick: true,
    table4: true,
    rows: ROWS.map((r) => r.name),
  });
  requireShares(result);
  for (const row of [...result.rows, ...result.table4!.flatMap(({ searches }) => Object.values(searches))]) {
    expect(row.peer, row.name).toMatchObject({ version: result.peer!.faiss });
    expect(row.ratio, row.name).toBeCloseTo(row.peer!.seconds / row.ours.seconds);
  }
  expect(new Set(result.rows.map(({ peer }) => peer!.name))).toEqual(
    new Set(['faiss.IndexBinaryFlat', 'faiss.IndexFlatIP', 'faiss.IndexBinaryFlat + numpy']),
  );
  expect(leftovers()).toEqual(before);
});

test('stopping ends the peer at once and removes its folder', async (context) => {
  const python = await findInterpreter(FAISS).catch(() => undefined);
  if (!python) context.skip('python3-faiss is not installed');
  const before = leftovers();
  const stop = new AbortController();
  const peer = await Peer.start(stop.signal);
  try {
    const row = selectRows(ROWS, ['million-64'])[0]!;
    await peer.load(row, randomArrays(row, false, 1));
    const running = peer.run();
    stop.abort();
    await expect(running).rejects.toThrow(InterruptedError);
  } finally {
    await peer.close();
  }
  expect(leftovers()).toEqual(before);
});

test('where no Python has FAISS, each that was tried is named, and what to install', async () => {
  const failure = await findInterpreter(FAISS, [join(root, 'no-python'), process.execPath]).catch((error) => error);
  expect(failure.describe()).toMatch(/no-python: it is not there; [\s\S]*python3-faiss[\s\S]*--no-peer/);
});

describe('rows', () => {
  test('names are their own, and targets go with the sizes that they were set for', () => {
    expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
    const [row] = selectRows(ROWS, ['movielens']);
    expect(row).toMatchObject({ k: 50, atLeast: 2, aim: 4 });
    expect(withK(row!, 50)).toBe(row);
    expect(withK(row!, 10)).toMatchObject({ k: 10 });
    expect(withK(row!, 10).atLeast).toBe(undefined);
    expect(quick(row!).aim).toBe(undefined);
    expect(() => selectRows(ROWS, ['movielens', 'nothing'])).toThrow(UsageError);
  });

  test('some queries are spread over all of them', () => {
    expect(someQueries(1)).toEqual([0]);
    expect(someQueries(2)).toEqual([0, 1]);
    expect(someQueries(1001)).toEqual([0, 500, 1000]);
  });

  test('the table says what is met', () => {
    const timing = { seconds: 1, spread: 0.25, all: [1] };
    const measured = {
      ...{ name: 'a', database: 2048, queries: 10, bits: 32, k: 5, ratio: 6.5, atLeast: 6, aim: 12 },
      ...{ ours: timing, peer: { ...timing, seconds: 6.5, name: 'x', version: '1', threads: 2, way: { threads: 2 } } },
      ...{ pairsPerSecond: 2e9, share: { operations: 0.5, bytes: 0.01 } },
    };
    const line = new RowTable([measured]).line(measured);
    expect(line).toMatch(
      /^a +2,048 × 10 × 32 +5 +1\.00 s +25 % +6\.50 s +25 % +6\.50 +6 met +12 not +2 G +50 % +1\.0 %$/,
    );
    expect(new RowTable([measured]).whole([measured]).split('\n')).toHaveLength(3);
  });
});

/** A small search whose results are known, with ties cut at k. */
function known(kind: Row['ours']): { row: Row; arrays: Arrays; judge: Judge; found: () => Found } {
  const shape = { database: 300, queries: 4, bits: 16, k: 40 };
  const row: Row = {
    ...{ name: 'planted', ours: kind, peer: kind, ...shape },
    ...(kind === 'hierarchical' && { candidates: 90 }),
  };
  const arrays = randomArrays(row, true, 7);
  const judge = new Judge(row, arrays);
  const queries = Array.from({ length: row.queries }, (_, query) => query);
  const found = (): Found => {
    const near = queries.map((query) => judge.nearest(query, row.candidates ?? (kind === 'hamming' ? row.k : 300)));
    if (kind === 'hamming') {
      return {
        ids: Int32Array.from(near.flatMap(({ ids }) => ids)),
        values: Int32Array.from(near.flatMap(({ values }) => values)),
      };
    }
    const best = near.map(({ ids }, query) =>
      ids
        .map((id) => ({ id, value: judge.product(id, query).product }))
        .sort((one, other) => other.value - one.value)
        .slice(0, row.k),
    );
    return {
      ids: Int32Array.from(best.flat().map(({ id }) => id)),
      values: Float32Array.from(best.flat().map(({ value }) => value)),
      ...(kind === 'hierarchical' && { cuts: Int32Array.from(near.map(({ values }) => values.at(-1)!)) }),
    };
  };
  return { row, arrays, judge, found };
}

/** What a query's item at the last distance is replaced by: one of the same distance that is not among the k. */
function outsider({ judge, row, found }: ReturnType<typeof known>, query: number): number {
  const { ids, values } = found();
  const last = values[(query + 1) * row.k - 1]!;
  const mine = new Set(ids.subarray(query * row.k, (query + 1) * row.k));
  const all = Array.from({ length: row.database }, (_, id) => id);
  return all.find((id) => judge.distance(id, query) === last && !mine.has(id))!;
}

describe('comparing', () => {
  const all = [0, 1, 2, 3];

  test.each(['hamming', 'hierarchical', 'continuous'] as const)('%s: right results pass, in both ways', (kind) => {
    const { judge, found, row } = known(kind);
    expect(() => judge.requireExact(found(), all)).not.toThrow();
    expect(() => judge.requireSame(found(), found(), 'peer')).not.toThrow();
    expect(() => requireRepeated(row, found(), found())).not.toThrow();
  });

  test("the peer's own order among equals, and its own choice at the cut, are no disagreement", () => {
    const setting = known('hamming');
    const { judge, found, row } = setting;
    const peer = found();
    const cut = outsider(setting, 0);
    peer.ids[row.k - 1] = cut;
    expect(() => judge.requireSame(found(), peer, 'peer')).not.toThrow();
    // Equals in reverse.
    const at = Array.from({ length: row.k - 1 }, (_, place) => row.k + place).find(
      (place) => peer.values[place] === peer.values[place + 1],
    )!;
    peer.ids.subarray(at, at + 2).reverse();
    expect(() => judge.requireSame(found(), peer, 'peer')).not.toThrow();
  });

  /** Disagreements: what is changed in ours and in the peer's results, and what must be said of it. */
  test.each<[string, RegExp, (ours: Found, peer: Found, setting: ReturnType<typeof known>) => void]>([
    ['a distance of ours', /query 1, place 3/, (ours) => ours.values[43]!++],
    ['a distance of the peer', /query 1, place 3/, (_, peer) => peer.values[43]!--],
    ['an item of ours', /query 0, place 0.*/, (ours) => ours.ids.set([ours.ids[39]!], 0)],
    ['an item of the peer', /query 0, place 5/, (_, peer) => peer.ids.set([peer.ids[39]!], 5)],
    ['an item that there is not', /no|none/, (ours) => ours.ids.set([300], 2)],
    ['ours in another order among equals', /order/, (ours) => swapEquals(ours)],
    ['an item twice in the peer', /twice/, (_, peer) => repeatEqual(peer)],
    ['a missing place of ours', /query 3/, (ours) => ours.ids.set([-1], 159)],
    [
      'ours has another than the smallest id at the cut',
      /lacks it/,
      (ours, _, setting) => ours.ids.set([outsider(setting, 2)], 3 * setting.row.k - 1),
    ],
  ])('Hamming: %s', (_, message, plant) => {
    const setting = known('hamming');
    const [ours, peer] = [setting.found(), setting.found()];
    plant(ours, peer, setting);
    const failure = thrown(() => setting.judge.requireSame(ours, peer, 'peer'));
    expect(failure).toMatch(message);
    expect(failure).toMatch(/row planted, query \d/);
  });

  test.each<[string, (ours: Found, setting: ReturnType<typeof known>) => void]>([
    ['a distance', (ours) => ours.values[43]!++],
    ['the order among equals', (ours) => swapEquals(ours)],
    ['the choice at the cut', (ours, setting) => ours.ids.set([outsider(setting, 2)], 3 * setting.row.k - 1)],
  ])('Hamming by plain loops: %s', (_, plant) => {
    const setting = known('hamming');
    const ours = setting.found();
    plant(ours, setting);
    expect(thrown(() => setting.judge.requireExact(ours, all))).toMatch(/row planted, query \d/);
  });

  test.each(['hierarchical', 'continuous'] as const)('%s: products and items', (kind) => {
    const { judge, found, row } = known(kind);
    const plants: ((found: Found) => void)[] = [
      (changed) => changed.values.set([changed.values[50]! * 1.01], 50),
      (changed) => changed.ids.subarray(50, 52).reverse(),
      (changed) => changed.ids.set([changed.ids[79]!], 40),
      // The best one left out, all others moved up.
      (changed) => {
        changed.ids.copyWithin(0, 1, row.k);
        changed.values.copyWithin(0, 1, row.k);
        changed.ids[row.k - 1] = -1;
      },
    ];
    for (const plant of plants) {
      const changed = found();
      plant(changed);
      expect(thrown(() => judge.requireExact(changed, all))).toMatch(/row planted, query \d/);
      expect(thrown(() => judge.requireSame(changed, found(), 'peer'))).toMatch(/row planted, query \d/);
      expect(thrown(() => judge.requireSame(found(), changed, 'peer'))).toMatch(/row planted, query \d/);
      expect(() => requireRepeated(row, found(), changed)).toThrow(/repeated/);
    }
  });

  test('an item that is no candidate', () => {
    const { judge, found, row } = known('hierarchical');
    const changed = found();
    const far = Array.from({ length: row.database }, (_, id) => id).find(
      (id) => judge.distance(id, 0) > changed.cuts![0]! && judge.product(id, 0).product < changed.values[row.k - 1]!,
    )!;
    changed.ids[row.k - 1] = far;
    changed.values[row.k - 1] = judge.product(far, 0).product;
    expect(thrown(() => judge.requireSame(changed, found(), 'peer'))).toMatch(/no candidate/);
  });
});

/** Swaps the first two neighbours of equal distance. */
function swapEquals({ ids, values }: Found): void {
  const at = values.findIndex((value: number, place: number) => values[place + 1] === value);
  ids.subarray(at, at + 2).reverse();
}

/** Puts an item in the place of its equal too. */
function repeatEqual({ ids, values }: Found): void {
  const at = values.findIndex((value: number, place: number) => values[place + 1] === value);
  ids[at + 1] = ids[at]!;
}

function thrown(work: () => void): string {
  try {
    work();
  } catch (error) {
    return (error as InterruptedError).describe();
  }
  return 'nothing was thrown';
}
