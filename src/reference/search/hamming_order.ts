import { PLACES } from '../lib/codes.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/search/hamming_order.wgsl`: all candidates of a query, less its exclusions, by (distance, id). */
export function hamming_order(
  bindings: {
    counts: Numbers;
    candidates: Numbers;
    exclude_offsets: Numbers;
    exclude_ids: Numbers;
    bound: Writable;
    ids: Writable;
    distances: Writable;
  },
  parameters: { queries: number; chunks: number; chunk_items: number; capacity: number; k: number; bits: number },
): void {
  const { counts, candidates, exclude_offsets, exclude_ids, bound, ids, distances } = bindings;
  const { queries, chunks, chunk_items, capacity, k, bits } = parameters;
  for (let row = 0; row < queries; row += 1) {
    const excluded = new Set<number>();
    for (let entry = exclude_offsets[row]!; entry < exclude_offsets[row + 1]!; entry += 1) {
      excluded.add(exclude_ids[entry]!);
    }
    let complete = true;
    const ranking: { id: number; distance: number }[] = [];
    for (let list = row * chunks; list < (row + 1) * chunks; list += 1) {
      if (counts[list]! > capacity) complete = false;
      for (let entry = 0; entry < Math.min(counts[list]!, capacity); entry += 1) {
        const candidate = candidates[list * capacity + entry]!;
        const id = (list - row * chunks) * chunk_items + (candidate % PLACES);
        if (!excluded.has(id)) ranking.push({ id, distance: Math.floor(candidate / PLACES) });
      }
    }
    ranking.sort((a, b) => a.distance - b.distance || a.id - b.id);
    for (let place = 0; place < k; place += 1) {
      ids[row * k + place] = ranking[place]?.id ?? -1;
      distances[row * k + place] = ranking[place]?.distance ?? -1;
    }
    if (complete && (ranking.length >= k || bound[row]! > bits)) bound[row] = 0;
  }
}
