import { expect, test } from 'vitest';
import { diagonal, glorot, normal } from '../../src/train/initialise.js';

const moments = (values: Float32Array) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
};

test('normal values have the mean 0 and the deviation asked for, for any length', () => {
  const { mean, deviation } = moments(normal(40_001, 0.02, { seed: 1, stream: 2 }));
  // Five standard errors.
  expect(Math.abs(mean)).toBeLessThan((5 * 0.02) / 200);
  expect(Math.abs(deviation / 0.02 - 1)).toBeLessThan(5 / Math.sqrt(2 * 40_001));
  expect(normal(1, 1, { seed: 1, stream: 2 })[0]).toBe(normal(2, 1, { seed: 1, stream: 2 })[0]);
});

test('Glorot values fill their interval evenly', () => {
  const values = glorot(40_000, 100, 50, { seed: 1, stream: 2 });
  const limit = Math.sqrt(6 / 150);
  const { mean, deviation } = moments(values);
  expect(Math.max(...values)).toBeLessThanOrEqual(limit);
  expect(Math.min(...values)).toBeGreaterThanOrEqual(-limit);
  expect(Math.abs(mean)).toBeLessThan((5 * limit) / Math.sqrt(3 * 40_000));
  expect(Math.abs(deviation / (limit / Math.sqrt(3)) - 1)).toBeLessThan(0.02);
});

test('the diagonal of every side is one, and nothing else is', () => {
  expect([...diagonal(12, 2, 3)]).toEqual([1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0]);
});

test('tensors of a run and seeds have values of their own', () => {
  const first = normal(8, 1, { seed: 1, stream: 0 });
  expect(normal(8, 1, { seed: 1, stream: 0 })).toEqual(first);
  expect(normal(8, 1, { seed: 1, stream: 1 })).not.toEqual(first);
  expect(normal(8, 1, { seed: 2, stream: 0 })).not.toEqual(first);
});
