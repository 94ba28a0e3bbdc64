import { halfBits } from '../lib/half.js';
import type { Numbers, Writable } from '../types.js';

/** The largest finite half. */
const LARGEST = 65504;

/** Twin of `shaders/aggregate/pack_half.wgsl`: two halves a word, finite values beyond the largest half cut off there. */
export function packHalf(
  { source, packed }: { source: Numbers; packed: Writable },
  { count }: { count: number },
): void {
  const bits = (value: number) =>
    halfBits(Number.isFinite(value) ? Math.min(Math.max(value, -LARGEST), LARGEST) : value);
  for (let word = 0; word < count / 2; word += 1) {
    packed[word] = bits(source[2 * word]!) + bits(source[2 * word + 1]!) * 2 ** 16;
  }
}
