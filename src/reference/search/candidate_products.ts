import type { Numbers, Writable } from '../types.js';

/**
 * Twin of `shaders/search/candidate_products.wgsl`: product[q, m] = Σ_k query[q, k] · database[candidate[q, m], k], 0
 * where there is no candidate.
 */
export function candidate_products(
  bindings: { database: Numbers; query: Numbers; candidate: Numbers; product: Writable },
  { queries, candidates, width }: { queries: number; candidates: number; width: number },
): void {
  const { database, query, candidate, product } = bindings;
  for (let row = 0; row < queries; row += 1) {
    for (let entry = 0; entry < candidates; entry += 1) {
      const item = candidate[row * candidates + entry]!;
      let sum = 0;
      if (item >= 0) {
        for (let k = 0; k < width; k += 1) sum += query[row * width + k]! * database[item * width + k]!;
      }
      product[row * candidates + entry] = sum;
    }
  }
}
