import { expect, test } from 'vitest';
import { orthogonalPart, svdFeatures } from '../../src/train/svd_features.js';
import { floats, graphOf } from '../support/graphs.js';
import { hostOf } from './device_step.js';

/** Users of the first half like items of the first half, and the others those of the second, but for some. */
const graph = hostOf(
  graphOf(
    40,
    30,
    Array.from(floats(700, 3), (value, at) => {
      const user = at % 40;
      const item = Math.floor(((value + 2) / 4) * 15);
      return [user, (item + (user < 20 || at % 11 === 0 ? 0 : 15)) % 30] as const;
    }),
  ),
);
const options = { width: 8, rank: 8, deviation: 0.7, seed: 1 };

const rootMeanSquare = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

test('either side is as large as asked for, and a user’s product is larger with items of his half', () => {
  const features = svdFeatures(graph, options);
  expect(features).toEqual(svdFeatures(graph, options));
  const [users, items] = [features.subarray(0, 40 * 8), features.subarray(40 * 8)];
  expect(rootMeanSquare(users)).toBeCloseTo(0.7, 5);
  expect(rootMeanSquare(items)).toBeCloseTo(0.7, 5);
  const product = (user: number, item: number) => {
    let sum = 0;
    for (let column = 0; column < 8; column += 1) sum += users[user * 8 + column]! * items[item * 8 + column]!;
    return sum;
  };
  const mean = (sameHalf: boolean) => {
    let [sum, count] = [0, 0];
    for (let user = 0; user < 40; user += 1) {
      for (let item = 0; item < 30; item += 1) {
        if ((user < 20 === item < 15) === sameHalf) [sum, count] = [sum + product(user, item), count + 1];
      }
    }
    return sum / count;
  };
  expect(mean(true)).toBeGreaterThan(3 * Math.abs(mean(false)));
});

test('both sides share the singular values out evenly: their products by column are the same but for a factor', () => {
  const features = svdFeatures(graph, options);
  const grams = [features.subarray(0, 40 * 8), features.subarray(40 * 8)].map((side) => {
    const gram = new Float64Array(64);
    for (let first = 0; first < side.length; first += 8) {
      for (let at = 0; at < 64; at += 1) gram[at]! += side[first + Math.floor(at / 8)]! * side[first + (at % 8)]!;
    }
    const trace = [0, 9, 18, 27, 36, 45, 54, 63].reduce((sum, at) => sum + gram[at]!, 0);
    return gram.map((value) => value / trace);
  });
  grams[0]!.forEach((value, at) => {
    expect(Math.abs(value - grams[1]![at]!)).toBeLessThan(1e-5);
  });
});

test('of fewer directions than they are wide, products are those of as many features, and either side as large', () => {
  const [narrow, wide] = [
    svdFeatures(graph, { ...options, width: 3, rank: 3 }),
    svdFeatures(graph, { ...options, rank: 3 }),
  ];
  expect(rootMeanSquare(wide.subarray(0, 40 * 8))).toBeCloseTo(0.7, 5);
  expect(rootMeanSquare(wide.subarray(40 * 8))).toBeCloseTo(0.7, 5);
  const product = (features: Float32Array, width: number, one: number, other: number) => {
    let sum = 0;
    for (let column = 0; column < width; column += 1)
      sum += features[one * width + column]! * features[other * width + column]!;
    return sum;
  };
  for (let one = 0; one < 70; one += 1) {
    // Eight values of the same size have 8 / 3 of the square of three.
    expect(product(wide, 8, one, (7 * one) % 70)).toBeCloseTo((8 / 3) * product(narrow, 3, one, (7 * one) % 70), 4);
  }
});

test('turned towards their signs, directions are closer to them than in any random turn', () => {
  const features = svdFeatures(graph, options);
  /** Mean cosine of rows and of their signs. */
  const closeness = (turn?: Float64Array) => {
    let sum = 0;
    for (let row = 0; row < 70; row += 1) {
      const own = [...features.subarray(row * 8, (row + 1) * 8)];
      const turned = turn
        ? own.map((_, j) => own.reduce((total, value, i) => total + value * turn[i * 8 + j]!, 0))
        : own;
      sum += turned.reduce((total, value) => total + Math.abs(value), 0) / Math.hypot(...turned) / Math.sqrt(8);
    }
    return sum / 70;
  };
  for (let seed = 1; seed <= 20; seed += 1) {
    expect(closeness()).toBeGreaterThan(closeness(orthogonalPart(Float64Array.from(floats(64, seed)), 8, 8)));
  }
});

test('the orthogonal part of a matrix wider than high has orthonormal rows', () => {
  const part = orthogonalPart(Float64Array.from(floats(21, 4)), 3, 7);
  for (let i = 0; i < 3; i += 1) {
    for (let j = 0; j < 3; j += 1) {
      const product = [0, 1, 2, 3, 4, 5, 6].reduce((sum, at) => sum + part[i * 7 + at]! * part[j * 7 + at]!, 0);
      expect(product).toBeCloseTo(i === j ? 1 : 0, 10);
    }
  }
});

test('the orthogonal part is orthogonal, and what is left is symmetric and positive', () => {
  const matrix = Float64Array.from(floats(25, 9));
  const part = orthogonalPart(matrix, 5, 5);
  const entry = (a: Float64Array, b: Float64Array, i: number, j: number) =>
    [0, 1, 2, 3, 4].reduce((sum, row) => sum + a[row * 5 + i]! * b[row * 5 + j]!, 0);
  for (let i = 0; i < 5; i += 1) {
    for (let j = 0; j < 5; j += 1) {
      expect(entry(part, part, i, j)).toBeCloseTo(i === j ? 1 : 0, 10);
      expect(entry(part, matrix, i, j)).toBeCloseTo(entry(part, matrix, j, i), 8);
    }
    expect(entry(part, matrix, i, i)).toBeGreaterThan(0);
  }
});
