import type { Numbers, Writable } from '../types.js';
import { MISSING_PRODUCT } from './missing.js';

/** Twin of `shaders/search/candidate_topk.wgsl`: candidates sorted by (product descending, id ascending), cut at k. */
export function candidate_topk(
  bindings: { candidate: Numbers; product: Numbers; ids: Writable; products: Writable },
  { queries, candidates, k }: { queries: number; candidates: number; k: number },
): void {
  const { candidate, product, ids, products } = bindings;
  for (let row = 0; row < queries; row += 1) {
    const ranking: { id: number; product: number }[] = [];
    for (let entry = row * candidates; entry < (row + 1) * candidates; entry += 1) {
      if (candidate[entry]! >= 0) ranking.push({ id: candidate[entry]!, product: product[entry]! });
    }
    ranking.sort((a, b) => b.product - a.product || a.id - b.id);
    for (let place = 0; place < k; place += 1) {
      ids[row * k + place] = ranking[place]?.id ?? -1;
      products[row * k + place] = ranking[place]?.product ?? MISSING_PRODUCT;
    }
  }
}
