import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/hash/pack.wgsl`: bit (j mod 32) of word (j div 32) of a row is 1 where z_j >= 0. */
export function pack(
  { embedding, codes }: { embedding: Numbers; codes: Writable },
  { rows, width }: { rows: number; width: number },
): void {
  const words = Math.ceil(width / 32);
  for (let row = 0; row < rows; row += 1) {
    for (let word = 0; word < words; word += 1) codes[row * words + word] = 0;
    for (let bit = 0; bit < width; bit += 1) {
      const at = row * words + Math.floor(bit / 32);
      if (embedding[row * width + bit]! >= 0) codes[at] = codes[at]! + 2 ** (bit % 32);
    }
  }
}
