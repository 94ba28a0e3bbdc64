import { bitOf, ones, PLACES } from '../lib/codes.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/search/hamming_topk.wgsl`: in each chunk the wanted items by (distance, place), listed by place. */
export function hamming_topk(
  bindings: {
    database: Numbers;
    alive: Numbers;
    query: Numbers;
    wanted: Numbers;
    counts: Writable;
    candidates: Writable;
  },
  parameters: {
    queries: number;
    count: number;
    chunk_items: number;
    own_chunk: number;
    first_chunk: number;
    chunks: number;
    capacity: number;
    bits: number;
  },
): void {
  const { database, alive, query, wanted, counts, candidates } = bindings;
  const { queries, count, chunk_items, own_chunk, first_chunk, chunks, capacity, bits } = parameters;
  const words = Math.ceil(bits / 32);
  const stride = Math.ceil(queries / 4) * 4;
  for (let row = 0; row < queries; row += 1) {
    for (let chunk = own_chunk; chunk * chunk_items < count; chunk += 1) {
      const met: { place: number; distance: number }[] = [];
      for (let item = chunk * chunk_items; item < Math.min(count, (chunk + 1) * chunk_items); item += 1) {
        if (!bitOf(alive, item)) continue;
        let distance = 0;
        for (let word = 0; word < words; word += 1) {
          const theirs = database[(Math.floor(item / 4) * words + word) * 4 + (item % 4)]!;
          distance += ones(theirs ^ query[word * stride + row]!);
        }
        met.push({ place: item - chunk * chunk_items, distance });
      }
      met.sort((a, b) => a.distance - b.distance || a.place - b.place);
      const kept = met.slice(0, wanted[row]).sort((a, b) => a.place - b.place);
      const list = row * chunks + first_chunk + chunk;
      counts[list] = kept.length;
      kept.forEach(({ place, distance }, at) => {
        candidates[list * capacity + at] = distance * PLACES + place;
      });
    }
  }
}
