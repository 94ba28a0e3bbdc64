import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/aggregate/mean_full.wgsl`: mean over whole neighbourhoods (paper, eq. 1). */
export function meanFull(
  { source, offsets, neighbours, output }: { source: Numbers; offsets: Numbers; neighbours: Numbers; output: Writable },
  { first, nodes, width }: { first: number; nodes: number; width: number },
  { JOINT = 0 } = {},
): void {
  for (let row = 0; row < nodes; row += 1) {
    const node = first + row;
    const degree = offsets[node + 1]! - offsets[node]!;
    for (let column = 0; column < width; column += 1) {
      const own = source[node * width + column]!;
      let sum = 0;
      for (let entry = offsets[node]!; entry < offsets[node + 1]!; entry += 1) {
        sum += source[neighbours[entry]! * width + column]!;
      }
      if (JOINT) {
        output[row * width + column] = (own + sum) / (degree + 1);
      } else {
        output[row * 2 * width + column] = own;
        output[(row * 2 + 1) * width + column] = degree > 0 ? sum / degree : own;
      }
    }
  }
}
