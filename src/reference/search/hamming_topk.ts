import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/search/hamming_topk.wgsl`: every item's distance, sorted by (distance, id), cut at k. */
export function hamming_topk(
  bindings: {
    database: Numbers;
    query: Numbers;
    exclude_offsets: Numbers;
    exclude_ids: Numbers;
    ids: Writable;
    distances: Writable;
  },
  { queries, count, k, bits }: { queries: number; count: number; k: number; bits: number },
): void {
  const { database, query, exclude_offsets, exclude_ids, ids, distances } = bindings;
  const words = Math.ceil(bits / 32);
  for (let row = 0; row < queries; row += 1) {
    const excluded = new Set<number>();
    for (let entry = exclude_offsets[row]!; entry < exclude_offsets[row + 1]!; entry += 1) {
      excluded.add(exclude_ids[entry]!);
    }
    const ranking: { id: number; distance: number }[] = [];
    for (let item = 0; item < count; item += 1) {
      if (excluded.has(item)) continue;
      let distance = 0;
      for (let word = 0; word < words; word += 1) {
        const theirs = database[(Math.floor(item / 4) * words + word) * 4 + (item % 4)]!;
        for (let bit = 0; bit < 32; bit += 1) distance += ((theirs ^ query[row * words + word]!) >>> bit) & 1;
      }
      ranking.push({ id: item, distance });
    }
    ranking.sort((a, b) => a.distance - b.distance || a.id - b.id);
    for (let place = 0; place < k; place += 1) {
      ids[row * k + place] = ranking[place]?.id ?? -1;
      distances[row * k + place] = ranking[place]?.distance ?? -1;
    }
  }
}
