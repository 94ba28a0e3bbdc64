import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/search/hamming_slice.wgsl`: bit i of slice j of a block is bit j of its item i. */
export function hamming_slice(
  { database, slices }: { database: Numbers; slices: Writable },
  { first, blocks, words }: { first: number; blocks: number; words: number },
): void {
  for (let block = first; block < first + blocks; block += 1) {
    for (let word = 0; word < words; word += 1) {
      for (let bit = 0; bit < 32; bit += 1) {
        let slice = 0;
        for (let item = 0; item < 32; item += 1) {
          const code = database[((block * 8 + Math.floor(item / 4)) * words + word) * 4 + (item % 4)]!;
          slice |= ((code >>> bit) & 1) << item;
        }
        slices[(block * words + word) * 32 + bit] = slice >>> 0;
      }
    }
  }
}
