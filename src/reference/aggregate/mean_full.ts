import { type ActivationConstants, activate } from '../lib/activation.js';
import type { Numbers, Writable } from '../types.js';

interface MeanFullBindings {
  source: Numbers;
  others?: Numbers;
  offsets: Numbers;
  neighbours: Numbers;
  output: Writable;
}

interface MeanFullParameters {
  first: number;
  skip?: number;
  nodes: number;
  width: number;
  others_begin?: number;
}

/**
 * Twin of `shaders/aggregate/mean_full.wgsl` and `mean_full.lanes.wgsl`: mean over whole neighbourhoods (paper, eq. 1), joint
 * means activated.
 * Neighbours' rows come from `others`, which has what `source` has from vector `others_begin` of four columns on; of the
 * `nodes` rows the first `skip` are left as they are.
 */
export function meanFull(
  { source, others = source, ...lists }: MeanFullBindings,
  { first, skip = 0, nodes, width, others_begin = 0 }: MeanFullParameters,
  { JOINT = 0, ...activation }: { readonly JOINT?: number } & ActivationConstants = {},
): void {
  const { offsets, neighbours, output } = lists;
  for (let row = skip; row < nodes; row += 1) {
    const node = first + row;
    const degree = offsets[node + 1]! - offsets[node]!;
    for (let column = 0; column < width; column += 1) {
      const own = source[node * width + column]!;
      let sum = 0;
      for (let entry = offsets[node]!; entry < offsets[node + 1]!; entry += 1) {
        sum += others[neighbours[entry]! * width + column - 4 * others_begin]!;
      }
      if (JOINT) {
        output[row * width + column] = activate((own + sum) / (degree + 1), activation);
      } else {
        output[row * 2 * width + column] = own;
        output[(row * 2 + 1) * width + column] = degree > 0 ? sum / degree : own;
      }
    }
  }
}
