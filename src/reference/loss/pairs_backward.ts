import { NONE } from '../lib/none.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/loss/pairs_backward.wgsl`: ∂total/∂ĥ, each row's sum over its occurrences in the batch. */
export function pairsBackward(
  bindings: {
    guided: Numbers;
    pairs: Numbers;
    score_gradient: Numbers;
    scale: Numbers;
    offsets: Numbers;
    order: Numbers;
    rows: Numbers;
    guided_gradient: Writable;
  },
  { width, slots }: { width: number; slots: number },
): void {
  const { guided, pairs, score_gradient, scale, offsets, order, rows, guided_gradient } = bindings;
  const entries = 2 + slots;
  for (let row = 0; row < rows[0]!; row += 1) {
    for (let bit = 0; bit < width; bit += 1) {
      let sum = 0;
      for (let at = offsets[row]!; at < offsets[row + 1]!; at += 1) {
        const edge = Math.floor(order[at]! / entries);
        const entry = order[at]! % entries;
        const gradientOf = (other: number) => score_gradient[edge * (1 + slots) + other - 1]!;
        const bitOf = (other: number) => {
          const partner = pairs[edge * entries + other]!;
          return partner === NONE ? 0 : guided[partner * width + bit]!;
        };
        if (entry > 0) sum += gradientOf(entry) * bitOf(0);
        else for (let other = 1; other < entries; other += 1) sum += gradientOf(other) * bitOf(other);
      }
      guided_gradient[row * width + bit] = scale[0]! * sum;
    }
  }
}
