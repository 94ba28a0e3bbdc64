import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/search/product_collect.wgsl`: items whose product is above the bound, less the excluded ones. */
export function product_collect(
  bindings: {
    database: Numbers;
    query: Numbers;
    bound: Numbers;
    exclude_offsets: Numbers;
    exclude_ids: Numbers;
    counts: Writable;
    candidate: Writable;
  },
  {
    queries,
    first,
    end,
    width,
    ranks,
    capacity,
  }: Record<'queries' | 'first' | 'end' | 'width' | 'ranks' | 'capacity', number>,
): void {
  const { database, query, bound, exclude_offsets, exclude_ids, counts, candidate } = bindings;
  for (let row = 0; row < queries; row += 1) {
    const excluded = new Set<number>();
    for (let at = exclude_offsets[row]!; at < exclude_offsets[row + 1]!; at += 1) excluded.add(exclude_ids[at]!);
    const limit = bound[(row + 1) * ranks - 1]!;
    let listed = first > 0 ? counts[row]! : 0;
    for (let item = first; item < end; item += 1) {
      let product = 0;
      for (let k = 0; k < width; k += 1) product += query[row * width + k]! * database[item * width + k]!;
      if (!(product > limit) || excluded.has(item)) continue;
      if (listed < capacity) candidate[row * capacity + listed] = item;
      listed += 1;
    }
    counts[row] = listed;
    for (let entry = listed; entry < capacity; entry += 1) candidate[row * capacity + entry] = -1;
  }
}
