import { type ActivationConstants, activationDerivative } from '../lib/activation.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/aggregate/mean_full_backward.wgsl`, written as the transpose: each node hands out its gradient. */
export function meanFullBackward(
  bindings: {
    output_gradient: Numbers;
    offsets: Numbers;
    neighbours: Numbers;
    source: Numbers;
    source_gradient: Writable;
  },
  { nodes, width }: { nodes: number; width: number },
  { JOINT = 0, ...activation }: { JOINT?: number } & ActivationConstants = {},
): void {
  const { output_gradient, offsets, neighbours, source, source_gradient } = bindings;
  for (let index = 0; index < nodes * width; index += 1) source_gradient[index] = 0;
  const rowWidth = JOINT ? width : 2 * width;
  const meanColumn = JOINT ? 0 : width;
  for (let node = 0; node < nodes; node += 1) {
    const degree = offsets[node + 1]! - offsets[node]!;
    for (let column = 0; column < width; column += 1) {
      const own = output_gradient[node * rowWidth + column]!;
      const mean = output_gradient[node * rowWidth + meanColumn + column]!;
      source_gradient[node * width + column]! += JOINT ? own / (degree + 1) : own;
      if (degree === 0 && !JOINT) source_gradient[node * width + column]! += mean;
      for (let entry = offsets[node]!; entry < offsets[node + 1]!; entry += 1) {
        source_gradient[neighbours[entry]! * width + column]! += mean / (JOINT ? degree + 1 : degree);
      }
    }
  }
  for (let index = 0; index < nodes * width; index += 1) {
    source_gradient[index]! *= activationDerivative(source[index]!, activation);
  }
}
