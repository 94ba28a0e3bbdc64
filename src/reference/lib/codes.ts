import type { Numbers } from '../types.js';

/** Places of a chunk: an entry of a list of candidates is distance · 2²¹ + place (`shaders/lib/entry.wgsl`). */
export const PLACES = 2 ** 21;

/** The ones of a word. */
export function ones(word: number): number {
  let count = 0;
  for (let bit = 0; bit < 32; bit += 1) count += (word >>> bit) & 1;
  return count;
}

/** Bit i of a bitmap of words. */
export function bitOf(words: Numbers, index: number): number {
  return (words[Math.floor(index / 32)]! >>> (index % 32)) & 1;
}

/** The bits in which an item, its codes in bit slices [blocks, words, 32], and query `row` of [words, stride] differ. */
export function slicedDistance(
  slices: Numbers,
  query: Numbers,
  { item, row, words, stride }: { item: number; row: number; words: number; stride: number },
): number {
  let distance = 0;
  for (let word = 0; word < words; word += 1) {
    for (let bit = 0; bit < 32; bit += 1) {
      const slice = slices[(Math.floor(item / 32) * words + word) * 32 + bit]!;
      distance += ((slice >>> (item % 32)) & 1) ^ ((query[word * stride + row]! >>> bit) & 1);
    }
  }
  return distance;
}
