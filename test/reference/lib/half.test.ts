import { describe, expect, test } from 'vitest';
import { halfBits, halfValue } from '../../../src/reference/lib/half.js';

const finite = Array.from({ length: 0x7c00 }, (_, bits) => bits);

test('every half is its own nearest, of both signs', () => {
  const all = [...finite, 0x7c00].flatMap((bits) => [bits, bits | 0x8000]);
  expect(all.filter((bits) => halfBits(halfValue(bits)) !== bits)).toEqual([]);
});

test('halves ascend by their bits, and between two of them the nearer one is taken, of a tie the even one', () => {
  const isRight = (bits: number) => {
    const [low, high] = [halfValue(bits), halfValue(bits + 1)];
    const middle = (low + high) / 2;
    const even = bits + (bits % 2);
    return (
      low < high &&
      halfBits(middle) === even &&
      halfBits(-middle) === (even | 0x8000) &&
      halfBits(middle * (1 - 2 ** -40)) === bits &&
      halfBits(middle * (1 + 2 ** -40)) === bits + 1
    );
  };
  expect(finite.slice(0, -1).filter((bits) => !isRight(bits))).toEqual([]);
});

describe('known halves', () => {
  test.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [0.333251953125, 0x3555],
    [0, 0x0000],
    [-0, 0x8000],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
  ])('%d is %i', (value, bits) => {
    expect(halfBits(value)).toBe(bits);
    expect(halfValue(bits)).toBe(value);
  });

  test.each([
    ['the largest, up to a tie', 65519.999, 65504],
    ['from the tie on, infinity', 65520, Number.POSITIVE_INFINITY],
    ['far beyond', -1e300, Number.NEGATIVE_INFINITY],
    ['below half the smallest, zero', 2 ** -25, 0],
    ['above it, the smallest', 2 ** -25 * 1.001, 2 ** -24],
    ['nothing', 5e-324, 0],
    ['no number', Number.NaN, Number.NaN],
  ])('%s', (_, value, nearest) => {
    expect(halfValue(halfBits(value))).toBe(nearest);
  });
});
