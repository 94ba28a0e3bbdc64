import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/ceiling/gather.wgsl`: sums modulo 2³² of the rows that each entry names. */
export function gather(
  { table, indices, gathered }: { table: Numbers; indices: Numbers; gathered: Writable },
  { count, quads, each }: { count: number; quads: number; each: number },
): void {
  const width = 4 * quads;
  for (let entry = 0; entry < count; entry += 1) {
    for (let column = 0; column < width; column += 1) {
      let sum = 0;
      for (let place = 0; place < each; place += 1) {
        sum = (sum + table[indices[entry * each + place]! * width + column]!) >>> 0;
      }
      gathered[entry * width + column] = sum;
    }
  }
}
