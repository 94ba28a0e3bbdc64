import { halfBits } from '../lib/half.js';
import type { Numbers, Writable } from '../types.js';

/** The largest finite half. */
const LARGEST = 65504;

/** Words of a packed row: its halves in octets, the last one filled up with zeros. */
export function packedWidth(width: number): number {
  return 4 * Math.ceil(width / 8);
}

/** Twin of `shaders/aggregate/pack_half.wgsl`: two halves a word, finite values beyond the largest half cut off there. */
export function packHalf(
  { source, packed }: { source: Numbers; packed: Writable },
  { rows, width }: { rows: number; width: number },
): void {
  const words = packedWidth(width);
  const bits = (value: number) =>
    halfBits(Number.isFinite(value) ? Math.min(Math.max(value, -LARGEST), LARGEST) : value);
  for (let row = 0; row < rows; row += 1) {
    for (let word = 0; word < words; word += 1) {
      const at = row * width + 2 * word;
      packed[row * words + word] = 2 * word < width ? bits(source[at]!) + bits(source[at + 1]!) * 2 ** 16 : 0;
    }
  }
}
