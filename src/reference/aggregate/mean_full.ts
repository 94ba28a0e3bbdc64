import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/aggregate/mean_full.wgsl`: mean over whole neighbourhoods (paper, eq. 1). */
export function meanFull(
  { source, offsets, neighbours, output }: { source: Numbers; offsets: Numbers; neighbours: Numbers; output: Writable },
  { nodes, width }: { nodes: number; width: number },
  { JOINT = 0 } = {},
): void {
  for (let node = 0; node < nodes; node += 1) {
    const degree = offsets[node + 1]! - offsets[node]!;
    for (let column = 0; column < width; column += 1) {
      const own = source[node * width + column]!;
      let sum = 0;
      for (let entry = offsets[node]!; entry < offsets[node + 1]!; entry += 1) {
        sum += source[neighbours[entry]! * width + column]!;
      }
      if (JOINT) {
        output[node * width + column] = (own + sum) / (degree + 1);
      } else {
        output[node * 2 * width + column] = own;
        output[(node * 2 + 1) * width + column] = degree > 0 ? sum / degree : own;
      }
    }
  }
}
