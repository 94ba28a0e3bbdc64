import { InputError } from '../base/errors.js';
import { checkLists, type Lists, lengths } from './lists.js';

/** The cut-offs of the tables. */
export const CUTOFFS: readonly number[] = [10, 20, 50, 100];

/**
 * Averages over users with a test item, by name and cut-off n:
 * - `HR@n`: |best n ∩ test| / |test|, recall, as the paper's code computes it;
 * - `hit@n`: 1 where any of the best n is a test item;
 * - `ndcg@n`: Σ 1 / log2(place + 1) over hits, places from 1, divided by that of min(n, |test|) hits in front;
 * - `ndcg_retrieved@n`: the same divided by that of the retrieved hits in front, as the paper's code computes it.
 */
export type Metrics = Record<string, number>;

/**
 * The metrics of rankings of which it is known which places hold test items.
 * @param hits [queries, ceil(k / 32)], bit j of word w for place 32w + j
 * @param testCounts test items of each query; queries without any do not count
 * @throws InputError where a cut-off exceeds k or no query has a test item
 */
export function metricsOfHits(
  hits: Uint32Array,
  k: number,
  testCounts: ArrayLike<number>,
  cutoffs: readonly number[] = CUTOFFS,
): Metrics {
  requireCutoffs(cutoffs, k);
  const sorted = [...new Set(cutoffs)].sort((a, b) => a - b);
  const words = Math.ceil(k / 32);
  const discounts = Float64Array.from({ length: k }, (_, place) => 1 / Math.log2(place + 2));
  // ideal[h]: the gain of h hits in front.
  const ideal = new Float64Array(k + 1);
  for (let place = 0; place < k; place += 1) ideal[place + 1] = ideal[place]! + discounts[place]!;
  const sums = sorted.map(() => ({ recall: 0, hit: 0, ndcg: 0, retrieved: 0 }));
  let users = 0;
  for (let row = 0; row < testCounts.length; row += 1) {
    const tested = testCounts[row]!;
    if (tested === 0) continue;
    users += 1;
    let place = 0;
    let found = 0;
    let gain = 0;
    for (const [index, n] of sorted.entries()) {
      for (; place < n; place += 1) {
        if ((hits[row * words + (place >>> 5)]! >>> (place & 31)) & 1) {
          found += 1;
          gain += discounts[place]!;
        }
      }
      if (found === 0) continue;
      const sum = sums[index]!;
      sum.recall += found / tested;
      sum.hit += 1;
      sum.ndcg += gain / ideal[Math.min(n, tested)]!;
      sum.retrieved += gain / ideal[found]!;
    }
  }
  if (users === 0) {
    throw new InputError('no user has a test item', {
      where: 'test items',
      fix: 'evaluate on a split with test interactions',
    });
  }
  const metrics: Metrics = {};
  for (const [index, n] of sorted.entries()) {
    const { recall, hit, ndcg, retrieved } = sums[index]!;
    metrics[`HR@${n}`] = recall / users;
    metrics[`hit@${n}`] = hit / users;
    metrics[`ndcg@${n}`] = ndcg / users;
    metrics[`ndcg_retrieved@${n}`] = retrieved / users;
  }
  return metrics;
}

/**
 * HR@n of each query by itself, whose mean `metricsOfHits` gives: Float32Array [queries].
 * @param hits [queries, ceil(k / 32)], k at least n, as there
 * @param testCounts test items of each query, none without any
 */
export function recallsOfHits(hits: Uint32Array, testCounts: ArrayLike<number>, n: number): Float32Array {
  const words = hits.length / testCounts.length;
  return Float32Array.from(testCounts, (tested, row) => {
    let found = 0;
    for (let place = 0; place < n; place += 1) {
      found += (hits[row * words + (place >>> 5)]! >>> (place & 31)) & 1;
    }
    return found / tested;
  });
}

/**
 * The metrics of rankings in host memory.
 * @param ids [queries, k], best first, -1 where a place is missing; k follows from the number of test lists
 * @param test the test items of each query, ascending
 * @throws InputError where the rankings are no whole rows, a cut-off exceeds k, or no query has a test item
 */
export function evaluateRanking(ids: Int32Array, test: Lists, cutoffs: readonly number[] = CUTOFFS): Metrics {
  const queries = test.offsets.length - 1;
  const k = queries > 0 ? ids.length / queries : 0;
  if (!Number.isInteger(k)) {
    throw new InputError(`${ids.length} ids are no whole number of places for ${queries} users`, { where: 'ranking' });
  }
  const { offsets, columns } = checkLists(test, queries, 2 ** 31, 'test items');
  const words = Math.ceil(k / 32);
  const hits = new Uint32Array(queries * words);
  for (let row = 0; row < queries; row += 1) {
    const items = new Set(columns.subarray(offsets[row], offsets[row + 1]));
    for (let place = 0; place < k; place += 1) {
      if (items.has(ids[row * k + place]!)) hits[row * words + (place >>> 5)]! |= 1 << (place & 31);
    }
  }
  return metricsOfHits(hits, k, lengths(offsets), cutoffs);
}

/**
 * The metrics of one ranking for all, by descending score and ascending id, less each user's seen items: the
 * popularity baseline where scores are the items' training interactions.
 * @param scores [items]
 * @param seen items taken off each user's ranking, ascending; undefined for none
 * @param test the test items of each user, ascending
 * @throws InputError as `evaluateRanking`
 */
export function evaluatePopularity(
  scores: ArrayLike<number>,
  seen: Lists | undefined,
  test: Lists,
  cutoffs: readonly number[] = CUTOFFS,
): Metrics {
  const users = test.offsets.length - 1;
  const items = scores.length;
  const testLists = checkLists(test, users, items, 'test items');
  const seenLists = seen && checkLists(seen, users, items, 'seen items');
  const order = Array.from({ length: items }, (_, item) => item);
  order.sort((a, b) => scores[b]! - scores[a]! || a - b);
  const k = Math.max(...cutoffs);
  requireCutoffs(cutoffs, k);
  const words = Math.ceil(k / 32);
  const hits = new Uint32Array(users * words);
  for (let user = 0; user < users; user += 1) {
    const wanted = new Set(testLists.columns.subarray(testLists.offsets[user], testLists.offsets[user + 1]));
    if (wanted.size === 0) continue;
    const skipped = new Set(seenLists?.columns.subarray(seenLists.offsets[user], seenLists.offsets[user + 1]));
    let place = 0;
    for (let index = 0; index < items && place < k; index += 1) {
      const item = order[index]!;
      if (skipped.has(item)) continue;
      if (wanted.has(item)) hits[user * words + (place >>> 5)]! |= 1 << (place & 31);
      place += 1;
    }
  }
  return metricsOfHits(hits, k, lengths(testLists.offsets), cutoffs);
}

/** @throws InputError unless cut-offs are whole numbers from 1 to k */
export function requireCutoffs(cutoffs: readonly number[], k: number): void {
  const wrong = cutoffs.find((n) => !(Number.isInteger(n) && n >= 1 && n <= k));
  if (wrong !== undefined || cutoffs.length === 0) {
    throw new InputError(
      wrong === undefined
        ? 'metrics need a cut-off'
        : `metrics at ${wrong} cannot be told from rankings of ${k} places`,
      { where: 'cut-offs', fix: 'use whole numbers from 1 up to the length of the rankings' },
    );
  }
}
