import type { Numbers, Writable } from '../types.js';
import { MISSING_PRODUCT } from './missing.js';

/** Twin of `shaders/search/product_check.wgsl`: whether an item that was not listed could be in the ranking. */
export function product_check(
  { counts, bound, products, unsure }: { counts: Numbers; bound: Numbers; products: Numbers; unsure: Writable },
  {
    queries,
    ranks,
    k,
    capacity,
    slack,
  }: { queries: number; ranks: number; k: number; capacity: number; slack: number },
): void {
  for (let row = 0; row < queries; row += 1) {
    const limit = bound[(row + 1) * ranks - 1]!;
    const complete = limit === MISSING_PRODUCT || products[(row + 1) * k - 1]! > limit + slack;
    unsure[row] = complete && counts[row]! <= capacity ? 0 : 1;
  }
}
