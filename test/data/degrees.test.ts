import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  fromCounts,
  gini,
  histogramOf,
  lorenzOf,
  quantile,
  shareOfTop,
  summarise,
  tailOf,
} from '../../src/data/degrees.js';

/** Degrees of some nodes, among which many are equal, and one at least is above 0. */
const degrees = fc
  .array(fc.oneof(fc.nat(5), fc.nat(3000)), { minLength: 1, maxLength: 60 })
  .filter((all) => all.some((degree) => degree > 0));
const onDegrees = (check: (all: number[], sum: number) => void) =>
  fc.assert(
    fc.property(degrees, (all) =>
      check(
        all,
        all.reduce((sum, degree) => sum + degree, 0),
      ),
    ),
  );
const histogram = (all: readonly number[]) => histogramOf(Uint32Array.from(all));
const ascending = (all: readonly number[]) => [...all].sort((a, b) => a - b);

test('a histogram has every degree once, in ascending order, with its nodes', () => {
  expect(histogram([3, 1, 3, 0, 10])).toEqual([
    [0, 1],
    [1, 1],
    [3, 2],
    [10, 1],
  ]);
  const counts = new Map([
    [10, 1],
    [2, 4],
  ]);
  expect(fromCounts(counts)).toEqual([
    [2, 4],
    [10, 1],
  ]);
});

test('least, median and most are those of the sorted degrees', () => {
  onDegrees((all) => {
    const sorted = ascending(all);
    const middle = (sorted[(all.length - 1) >> 1]! + sorted[all.length >> 1]!) / 2;
    expect(summarise(histogram(all))).toEqual({ min: sorted[0], median: middle, max: sorted.at(-1) });
  });
});

test('a quantile is the least degree that the share does not exceed', () => {
  expect(quantile(histogram([1, 2, 3, 4]), 0.5)).toBe(2);
  // 0.07 · 100 is a little more than 7.
  expect(quantile(histogram(Array.from({ length: 100 }, (_, at) => at)), 0.07)).toBe(6);
  fc.assert(
    fc.property(degrees, fc.integer({ min: 1, max: 100 }), (all, hundredths) => {
      const found = quantile(histogram(all), hundredths / 100);
      const enough = (degree: number) => 100 * all.filter((one) => one <= degree).length >= hundredths * all.length;
      expect(found).toBe(ascending(all).find(enough));
    }),
  );
});

test('the share of those with most is that of the first in descending order', () => {
  fc.assert(
    fc.property(degrees, fc.integer({ min: 1, max: 100 }), (all, hundredths) => {
      fc.pre(all.some((degree) => degree > 0));
      const sorted = ascending(all).reverse();
      const taken = sorted.filter((_, at) => 100 * at < hundredths * all.length);
      const sum = (some: readonly number[]) => some.reduce((total, degree) => total + degree, 0);
      expect(shareOfTop(histogram(all), hundredths / 100)).toBeCloseTo(sum(taken) / sum(all), 12);
    }),
  );
});

test("Gini's coefficient is half the mean difference of two nodes over the mean", () => {
  expect(gini(histogram([7, 7, 7]))).toBeCloseTo(0, 12);
  onDegrees((all, sum) => {
    let differences = 0;
    for (const a of all) for (const b of all) differences += Math.abs(a - b);
    expect(gini(histogram(all))).toBeCloseTo(differences / (2 * all.length * sum), 12);
  });
});

test('a tail tells how many nodes have at least each degree', () => {
  onDegrees((all) => {
    const tail = tailOf(histogram(all));
    expect(tail.map(([degree]) => degree)).toEqual(ascending([...new Set(all)]).filter((degree) => degree > 0));
    for (const [degree, nodes] of tail) expect(nodes).toBe(all.filter((one) => one >= degree).length);
  });
});

test('a Lorenz curve goes by those with most first, to all nodes and all interactions', () => {
  onDegrees((all, sum) => {
    const sorted = ascending(all).reverse();
    const curve = lorenzOf(histogram(all));
    expect(curve[0]).toEqual([0, 0]);
    expect(curve.at(-1)).toEqual([1, 1]);
    expect(curve).toHaveLength(1 + new Set(all).size);
    for (const [nodes, interactions] of curve) {
      const first = sorted.slice(0, Math.round(nodes * all.length));
      expect(interactions).toBeCloseTo(first.reduce((total, degree) => total + degree, 0) / sum, 12);
    }
  });
});
