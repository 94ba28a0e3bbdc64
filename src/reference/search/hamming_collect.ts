import { bitOf, PLACES, slicedDistance } from '../lib/codes.js';
import type { Numbers, Writable } from '../types.js';

/**
 * Twin of `shaders/search/hamming_collect.wgsl`: in each chunk the items closer than a bound, which falls by one whenever
 * as many as are wanted are known to be closer than it.
 */
export function hamming_collect(
  bindings: {
    slices: Numbers;
    alive: Numbers;
    query: Numbers;
    bound: Numbers;
    wanted: Numbers;
    counts: Writable;
    candidates: Writable;
  },
  parameters: {
    queries: number;
    blocks: number;
    chunk_blocks: number;
    own_chunk: number;
    first_chunk: number;
    chunks: number;
    capacity: number;
  },
  { WORDS: words = 1 }: { WORDS?: number } = {},
): void {
  const { slices, alive, query, wanted, counts, candidates } = bindings;
  const { queries, blocks, chunk_blocks, own_chunk, first_chunk, chunks, capacity } = parameters;
  const stride = Math.ceil(queries / 4) * 4;
  for (let row = 0; row < stride; row += 1) {
    for (let chunk = own_chunk; chunk * chunk_blocks < blocks; chunk += 1) {
      const list = row * chunks + first_chunk + chunk;
      const begin = chunk * chunk_blocks * 32;
      let bound = bindings.bound[row]!;
      let listed = 0;
      let within = 0;
      let closer = 0;
      for (let item = begin; item < Math.min(blocks, (chunk + 1) * chunk_blocks) * 32; item += 1) {
        const distance = slicedDistance(slices, query, { item, row, words, stride });
        if (!bitOf(alive, item) || distance >= bound) continue;
        if (listed < capacity) candidates[list * capacity + listed] = distance * PLACES + (item - begin);
        listed += 1;
        within += 1;
        if (distance < bound - 1) closer += 1;
        if (within >= wanted[row]!) {
          bound -= 1;
          within = closer;
          closer = 0;
        }
      }
      counts[list] = listed;
    }
  }
}
