import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/eval/ranking_hits.wgsl`: bit j of word w tells whether place 32w + j holds a test item. */
export function ranking_hits(
  bindings: { ids: Numbers; test_offsets: Numbers; test_items: Numbers; hits: Writable },
  { queries, k }: { queries: number; k: number },
): void {
  const { ids, test_offsets, test_items, hits } = bindings;
  const words = Math.ceil(k / 32);
  for (let row = 0; row < queries; row += 1) {
    const test = new Set<number>();
    for (let entry = test_offsets[row]!; entry < test_offsets[row + 1]!; entry += 1) test.add(test_items[entry]!);
    for (let word = 0; word < words; word += 1) {
      let bits = 0;
      for (let bit = 0; bit < 32 && word * 32 + bit < k; bit += 1) {
        if (test.has(ids[row * k + word * 32 + bit]!)) bits += 2 ** bit;
      }
      hits[row * words + word] = bits;
    }
  }
}
