import { expect, test } from 'vitest';
import { median } from '../../src/base/median.js';

test('the middle of numbers in any order, the mean of two, and of none NaN', () => {
  expect(median([10, 9, 1])).toBe(9);
  expect(median(Uint32Array.of(4, 1, 3, 2))).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});
