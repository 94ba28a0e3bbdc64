import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/search/inner_products.wgsl`: score[q, n] = Σ_k query[q, k] · database[n, k]. */
export function inner_products(
  { database, query, score }: { database: Numbers; query: Numbers; score: Writable },
  { queries, count, width }: { queries: number; count: number; width: number },
): void {
  const stride = Math.ceil(count / 4) * 4;
  for (let row = 0; row < queries; row += 1) {
    for (let item = 0; item < count; item += 1) {
      let sum = 0;
      for (let k = 0; k < width; k += 1) sum += query[row * width + k]! * database[item * width + k]!;
      score[row * stride + item] = sum;
    }
  }
}
