import { slicedDistance } from '../lib/codes.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/search/hamming_bound.wgsl`: the smallest distance below which the sample has the target's number. */
export function hamming_bound(
  { slices, query, target_count, bound }: { slices: Numbers; query: Numbers; target_count: Numbers; bound: Writable },
  { queries, count, bits }: { queries: number; count: number; bits: number },
  { WORDS: words = 1 }: { WORDS?: number } = {},
): void {
  const stride = Math.ceil(queries / 4) * 4;
  for (let row = 0; row < stride; row += 1) {
    const distances = Array.from({ length: count }, (_, item) =>
      slicedDistance(slices, query, { item, row, words, stride }),
    );
    let limit = 1;
    while (limit <= bits && distances.filter((distance) => distance < limit).length < target_count[row]!) limit += 1;
    bound[row] = row < queries ? limit : 0;
  }
}
