import type { Numbers, Writable } from '../types.js';

/**
 * Twin of `shaders/search/candidate_products.wgsl`: product[q, m] = Σ_k query[q, k] · database[candidate[q, m] − first, k]
 * for candidates in this buffer.
 */
export function candidate_products(
  bindings: { database: Numbers; query: Numbers; candidate: Numbers; product: Writable },
  parameters: { queries: number; candidates: number; width: number; first: number; count: number },
): void {
  const { database, query, candidate, product } = bindings;
  const { queries, candidates, width, first, count } = parameters;
  for (let row = 0; row < queries; row += 1) {
    for (let entry = 0; entry < candidates; entry += 1) {
      const item = candidate[row * candidates + entry]! - first;
      if (candidate[row * candidates + entry]! < 0 || item < 0 || item >= count) continue;
      let sum = 0;
      for (let k = 0; k < width; k += 1) sum += query[row * width + k]! * database[item * width + k]!;
      product[row * candidates + entry] = sum;
    }
  }
}
