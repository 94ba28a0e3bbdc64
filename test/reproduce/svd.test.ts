import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Csr } from '../../src/data/index.js';
import { pureSvd } from '../../src/reproduce/pure_svd.js';
import { truncatedSvd } from '../../src/reproduce/svd.js';

const edgesOf = (users: number, items: number, holds: (user: number, item: number) => boolean) => {
  const pairs: number[] = [];
  for (let user = 0; user < users; user += 1) {
    for (let item = 0; item < items; item += 1) if (holds(user, item)) pairs.push(user, item);
  }
  return Int32Array.from(pairs);
};

const ones = (count: number) => new Float64Array(count).fill(1);

/** The product of the parts, as a dense matrix by rows. */
function rebuilt({ values, left, right, rank }: ReturnType<typeof truncatedSvd>, rows: number, columns: number) {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) =>
      values.reduce((sum, value, at) => sum + value * left[row * rank + at]! * right[column * rank + at]!, 0),
    ),
  );
}

test('of full rank the parts give the weighted matrix again, with orthonormal vectors', () => {
  const shape = fc.record({
    rows: fc.integer({ min: 1, max: 14 }),
    columns: fc.integer({ min: 1, max: 14 }),
    pattern: fc.array(fc.boolean(), { minLength: 196, maxLength: 196 }),
    weights: fc.array(fc.double({ min: 0.2, max: 3, noNaN: true }), { minLength: 28, maxLength: 28 }),
  });
  fc.assert(
    fc.property(shape, ({ rows, columns, pattern, weights }) => {
      const edges = edgesOf(rows, columns, (row, column) => pattern[row * 14 + column]!);
      const rowWeights = Float64Array.from(weights.slice(0, rows));
      const columnWeights = Float64Array.from(weights.slice(14, 14 + columns));
      const rank = Math.min(rows, columns);
      const svd = truncatedSvd(Csr.fromEdges(edges, rows, columns), { rowWeights, columnWeights, rank, seed: 1 });
      rebuilt(svd, rows, columns).forEach((values, row) => {
        values.forEach((value, column) => {
          const expected = pattern[row * 14 + column] ? rowWeights[row]! * columnWeights[column]! : 0;
          expect(value).toBeCloseTo(expected, 6);
        });
      });
      for (let at = 1; at < rank; at += 1) expect(svd.values[at]!).toBeLessThanOrEqual(svd.values[at - 1]! + 1e-12);
    }),
    { numRuns: 60 },
  );
});

test('the largest values of a matrix whose decomposition is known', () => {
  // Three blocks of ones, of 8 × 6, 5 × 5 and 3 × 4: singular values √48, 5 and √12.
  const block = (at: number, ends: number[]) => ends.findIndex((end) => at < end);
  const edges = edgesOf(16, 15, (row, column) => block(row, [8, 13, 16]) === block(column, [6, 11, 15]));
  const matrix = Csr.fromEdges(edges, 16, 15);
  const { values, left } = truncatedSvd(matrix, { rowWeights: ones(16), columnWeights: ones(15), rank: 2, seed: 3 });
  expect([...values]).toEqual([expect.closeTo(Math.sqrt(48), 10), expect.closeTo(5, 10)]);
  for (let row = 0; row < 16; row += 1) expect(Math.abs(left[row * 2]!)).toBeCloseTo(row < 8 ? 1 / Math.sqrt(8) : 0, 8);
});

test('a rank below that of the matrix gives its best part: nothing larger is left', () => {
  const random = (row: number, column: number) => (row * 7919 + column * 104729 + row * column * 31) % 11 < 3;
  const matrix = Csr.fromEdges(edgesOf(60, 50, random), 60, 50);
  const weights = { rowWeights: ones(60), columnWeights: ones(50), seed: 1 };
  const all = truncatedSvd(matrix, { ...weights, rank: 50 });
  const some = truncatedSvd(matrix, { ...weights, rank: 5 });
  for (const [at, value] of some.values.entries()) expect(value).toBeCloseTo(all.values[at]!, 8);
  const total = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);
  // The sum of squares is that of the entries.
  expect(total(all.values)).toBeCloseTo(matrix.entryCount, 6);
});

test('PureSVD: products are those of the decomposition, nodes without training interactions get zeros, and twice is the same', () => {
  const train = edgesOf(12, 9, (user, item) => user !== 3 && item !== 4 && (user + item) % 3 === 0);
  const data = { train, userCount: 12, itemCount: 9 };
  const { users, items } = pureSvd(data, 16);
  expect([users.length, items.length]).toEqual([12 * 16, 9 * 16]);
  const degrees = (end: 0 | 1, node: number) => train.filter((value, at) => at % 2 === end && value === node).length;
  for (let user = 0; user < 12; user += 1) {
    for (let item = 0; item < 9; item += 1) {
      let product = 0;
      for (let at = 0; at < 16; at += 1) product += users[user * 16 + at]! * items[item * 16 + at]!;
      const holds = user !== 3 && item !== 4 && (user + item) % 3 === 0;
      const expected = holds ? (degrees(0, user) * degrees(1, item)) ** -0.25 : 0;
      expect(product, `${user}, ${item}`).toBeCloseTo(expected, 5);
    }
  }
  expect(pureSvd(data, 16)).toEqual({ users, items });
});
