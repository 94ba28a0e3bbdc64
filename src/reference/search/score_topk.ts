import type { Numbers, Writable } from '../types.js';
import { MISSING_PRODUCT } from './missing.js';

/** Twin of `shaders/search/score_topk.wgsl`: each row sorted by (score descending, id ascending), cut at k. */
export function score_topk(
  bindings: {
    score: Numbers;
    exclude_offsets: Numbers;
    exclude_ids: Numbers;
    ids: Writable;
    products: Writable;
  },
  { queries, count, stride, k }: { queries: number; count: number; stride: number; k: number },
): void {
  const { score, exclude_offsets, exclude_ids, ids, products } = bindings;
  for (let row = 0; row < queries; row += 1) {
    const excluded = new Set<number>();
    for (let entry = exclude_offsets[row]!; entry < exclude_offsets[row + 1]!; entry += 1) {
      excluded.add(exclude_ids[entry]!);
    }
    const ranking: { id: number; product: number }[] = [];
    for (let item = 0; item < count; item += 1) {
      if (!excluded.has(item)) ranking.push({ id: item, product: score[row * stride + item]! });
    }
    ranking.sort((a, b) => b.product - a.product || a.id - b.id);
    for (let place = 0; place < k; place += 1) {
      ids[row * k + place] = ranking[place]?.id ?? -1;
      products[row * k + place] = ranking[place]?.product ?? MISSING_PRODUCT;
    }
  }
}
