import { type ActivationConstants, activationDerivative } from '../lib/activation.js';
import { NONE } from '../lib/none.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/aggregate/mean_sampled_backward.wgsl`: what reaches each source row from the rows that used it. */
export function meanSampledBackward(
  bindings: {
    output_gradient: Numbers;
    uses_of_self: Numbers;
    offsets: Numbers;
    order: Numbers;
    rows: Numbers;
    source: Numbers;
    source_gradient: Writable;
  },
  { width, fanout }: { width: number; fanout: number },
  { JOINT = 0, ...activation }: { JOINT?: number } & ActivationConstants = {},
): void {
  const { output_gradient, uses_of_self, offsets, order, rows, source, source_gradient } = bindings;
  const rowWidth = JOINT ? width : 2 * width;
  const meanColumn = JOINT ? 0 : width;
  for (let row = 0; row < rows[0]!; row += 1) {
    for (let column = 0; column < width; column += 1) {
      let sum = 0;
      for (let use = offsets[row]!; use < offsets[row + 1]!; use += 1) {
        const user = Math.floor(order[use]! / fanout);
        sum += output_gradient[user * rowWidth + meanColumn + column]! / (JOINT ? fanout + 1 : fanout);
      }
      const own = uses_of_self[row]!;
      if (own !== NONE) sum += output_gradient[own * rowWidth + column]! / (JOINT ? fanout + 1 : 1);
      const index = row * width + column;
      source_gradient[index] = sum * activationDerivative(source[index]!, activation);
    }
  }
}
