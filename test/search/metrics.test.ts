import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import {
  evaluate,
  evaluatePopularity,
  evaluateRanking,
  type Metrics,
  recallsOfHits,
  type SearchName,
} from '../../src/search/index.js';
import { useGpu } from '../support/gpu.js';
import { best, codesOf, distance, embeddingsOf, listsOf, mix, product } from './support.js';

const gpu = useGpu();

const csr = (rows: readonly (readonly number[])[]) => {
  const { offsets, ids } = listsOf(rows);
  return { offsets, columns: ids };
};

/** The definitions of DESIGN.md, word by word, for one user. */
function metricsOf(ranking: readonly number[], test: readonly number[], n: number) {
  const gains = ranking.slice(0, n).map((id) => (id >= 0 && test.includes(id) ? 1 : 0));
  const dcg = (list: readonly number[]) => list.reduce((sum, gain, place) => sum + gain / Math.log2(place + 2), 0);
  const retrieved = gains.reduce<number>((sum, gain) => sum + gain, 0);
  const ideal = dcg(Array.from({ length: Math.min(n, test.length) }, () => 1));
  const front = dcg([...gains].sort((a, b) => b - a));
  return [
    retrieved / test.length,
    retrieved > 0 ? 1 : 0,
    dcg(gains) / ideal,
    retrieved > 0 ? dcg(gains) / front : 0,
  ] as const;
}

function averages(rankings: readonly (readonly number[])[], tests: readonly (readonly number[])[], cutoffs: number[]) {
  const users = rankings.map((_, user) => user).filter((user) => tests[user]!.length > 0);
  const metrics: Metrics = {};
  for (const n of cutoffs) {
    const rows = users.map((user) => metricsOf(rankings[user]!, tests[user]!, n));
    ['HR', 'hit', 'ndcg', 'ndcg_retrieved'].forEach((name, index) => {
      metrics[`${name}@${n}`] = rows.reduce((sum, row) => sum + row[index]!, 0) / users.length;
    });
  }
  return metrics;
}

function expectMetrics(actual: Metrics, expected: Metrics) {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) expect(actual[name], name).toBeCloseTo(value, 12);
}

test('two users by hand: hits at places 1 and 3 of three test items; no hit; a third user without test items', () => {
  const ids = Int32Array.of(7, 1, 5, 2, /* */ 1, 2, 3, 4, /* */ 9, 9, 9, 9);
  const metrics = evaluateRanking(ids, csr([[5, 7, 8], [0], []]), [2, 4]);
  const log3 = 1 / Math.log2(3);
  expectMetrics(metrics, {
    'HR@2': 1 / 3 / 2,
    'hit@2': 1 / 2,
    'ndcg@2': 1 / (1 + log3) / 2,
    'ndcg_retrieved@2': 1 / 2,
    'HR@4': 2 / 3 / 2,
    'hit@4': 1 / 2,
    'ndcg@4': 1.5 / (1 + log3 + 0.5) / 2,
    'ndcg_retrieved@4': 1.5 / (1 + log3) / 2,
  });
});

test('more test items than places: ndcg is 1 for a list full of hits, recall is below 1', () => {
  const metrics = evaluateRanking(Int32Array.of(3, 1), csr([[0, 1, 2, 3]]), [1, 2]);
  expectMetrics(metrics, {
    'HR@1': 0.25,
    'hit@1': 1,
    'ndcg@1': 1,
    'ndcg_retrieved@1': 1,
    'HR@2': 0.5,
    'hit@2': 1,
    'ndcg@2': 1,
    'ndcg_retrieved@2': 1,
  });
});

test('metrics are those of the definitions, for any rankings and cut-offs', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 80 }),
      fc.array(fc.tuple(fc.uniqueArray(fc.nat(100)), fc.uniqueArray(fc.nat(100))), { minLength: 1, maxLength: 8 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 4 }),
      (k, users, wanted) => {
        const cutoffs = wanted.map((n) => Math.min(n, k));
        const rankings = users.map(([ids]) => Array.from({ length: k }, (_, place) => ids[place] ?? -1));
        const tests = users.map(([, test]) => test);
        fc.pre(tests.some((test) => test.length > 0));
        const metrics = evaluateRanking(Int32Array.from(rankings.flat()), csr(tests), cutoffs);
        expectMetrics(metrics, averages(rankings, tests, cutoffs));
      },
    ),
  );
});

test('nobody to test, cut-offs beyond the ranking or none, and unsorted test items are input errors', () => {
  const ids = Int32Array.of(0, 1);
  expect(() => evaluateRanking(ids, csr([[]]), [1])).toThrow(/no user has a test item/);
  expect(() => evaluateRanking(ids, csr([[0]]), [3])).toThrow(InputError);
  expect(() => evaluateRanking(ids, csr([[0]]), [0])).toThrow(InputError);
  expect(() => evaluateRanking(ids, csr([[0]]), [])).toThrow(InputError);
  expect(() => evaluateRanking(Int32Array.of(0, 1, 2), csr([[0], [0]]), [1])).toThrow(InputError);
  expect(() => evaluateRanking(ids, { offsets: [0, 2], columns: [1, 0] }, [1])).toThrow(InputError);
});

test('popularity ranks by descending score and ascending id and skips what the user has seen', () => {
  const scores = [5, 9, 9, 1, 5];
  // Order of all: 1 2 0 4 3.
  const metrics = evaluatePopularity(scores, csr([[1], []]), csr([[0], [2]]), [1, 2]);
  expectMetrics(
    metrics,
    averages(
      [
        [2, 0, 4],
        [1, 2, 0],
      ],
      [[0], [2]],
      [1, 2],
    ),
  );
  expectMetrics(
    evaluatePopularity(scores, undefined, csr([[0], [2]]), [2]),
    averages(
      [
        [1, 2],
        [1, 2],
      ],
      [[0], [2]],
      [2],
    ),
  );
});

test('popularity over fewer items than the cut-off counts what there is', () => {
  const metrics = evaluatePopularity([1, 2], csr([[1]]), csr([[0]]), [10]);
  expectMetrics(metrics, averages([[0]], [[0]], [10]));
});

test.each([true, false])('the three searches follow the protocol, masked: %s', async (masked) => {
  const [users, items, bits, width, candidates] = [53, 71, 24, 24, 20];
  const cutoffs = [5, 10, 50];
  const userCodes = codesOf(users, bits, 40, 1);
  const itemCodes = codesOf(items, bits, 40, 2);
  const userEmbeddings = embeddingsOf(users, width, 3);
  const itemEmbeddings = embeddingsOf(items, width, 4);
  const all = Array.from({ length: items }, (_, item) => item);
  // Every seventh user has no test item; one has seen everything but the test items.
  const kindOf = (user: number, item: number) => mix(user * 1000 + item, 5) % 10;
  const test = Array.from({ length: users }, (_, user) =>
    user % 7 === 0 ? [] : all.filter((item) => kindOf(user, item) === 0),
  );
  const seen = test.map((own, user) =>
    all.filter((item) => !own.includes(item) && (user === 3 || [1, 2].includes(kindOf(user, item)))),
  );
  const rankings = test.map((_, user) => {
    const allowed = masked ? all.filter((item) => !seen[user]!.includes(item)) : all;
    const byCode = (k: number) =>
      best(allowed, k, 1, (item) => distance(userCodes, user, itemCodes, item, bits / 8), -1).ids;
    const byProduct = (from: number[], k: number) =>
      best(from, k, -1, (item) => product(userEmbeddings, user, itemEmbeddings, item, width), 0).ids;
    return {
      hamming: byCode(50),
      hierarchical: byProduct(
        byCode(candidates).filter((id) => id >= 0),
        50,
      ),
      exact: byProduct(allowed, 50),
    };
  });
  const input = {
    userCodes,
    itemCodes,
    bits,
    userEmbeddings,
    itemEmbeddings,
    seen: csr(seen),
    test: csr(test),
    cutoffs,
    candidates,
    masked,
  };
  const recalls: Partial<Record<SearchName, Float32Array>> = {};
  const result = await evaluate(gpu(), {
    ...input,
    onHits: (search, hits, testCounts) => {
      recalls[search] = recallsOfHits(hits, testCounts, 10);
    },
  });
  const tested = test.flatMap((row, user) => (row.length > 0 ? [user] : []));
  expect(result.users).toBe(test.filter((row) => row.length > 0).length);
  for (const name of ['hamming', 'hierarchical', 'exact'] as const) {
    expect(result.seconds[name]).toBeGreaterThan(0);
    expectMetrics(
      result[name],
      averages(
        rankings.map((ranking) => ranking[name]),
        test,
        cutoffs,
      ),
    );
    // HR@10 user by user, of those with a test item.
    const expected = tested.map((user) => metricsOf(rankings[user]![name], test[user]!, 10)[0]);
    expect([...recalls[name]!]).toEqual([...Float32Array.from(expected)]);
  }
  const some = await evaluate(gpu(), { ...input, searches: ['exact'] });
  expect(some.exact).toEqual(result.exact);
  expect(some.hamming).toBeUndefined();
});

test('evaluation of nobody and of arrays that do not belong together is an input error', async () => {
  const input = {
    userCodes: new Uint8Array(4),
    itemCodes: new Uint8Array(8),
    bits: 32,
    userEmbeddings: new Float32Array(4),
    itemEmbeddings: new Float32Array(8),
    seen: csr([[]]),
    test: csr([[]]),
  };
  await expect(evaluate(gpu(), input)).rejects.toThrow(/no user has a test item/);
  await expect(evaluate(gpu(), { ...input, itemEmbeddings: new Float32Array(6) })).rejects.toThrow(InputError);
  await expect(evaluate(gpu(), { ...input, test: csr([[2]]) })).rejects.toThrow(InputError);
  await expect(evaluate(gpu(), { ...input, seen: csr([[], []]) })).rejects.toThrow(InputError);
});
