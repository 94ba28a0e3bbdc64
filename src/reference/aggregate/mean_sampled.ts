import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/aggregate/mean_sampled.wgsl`: mean over sampled neighbours (paper, eq. 1). */
export function meanSampled(
  bindings: { source: Numbers; self_rows: Numbers; neighbours: Numbers; rows: Numbers; output: Writable },
  { width, fanout }: { width: number; fanout: number },
  { JOINT = 0 } = {},
): void {
  const { source, self_rows, neighbours, rows, output } = bindings;
  for (let row = 0; row < rows[0]!; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const own = source[self_rows[row]! * width + column]!;
      let sum = 0;
      for (let draw = 0; draw < fanout; draw += 1) sum += source[neighbours[row * fanout + draw]! * width + column]!;
      if (JOINT) {
        output[row * width + column] = (own + sum) / (fanout + 1);
      } else {
        output[row * 2 * width + column] = own;
        output[(row * 2 + 1) * width + column] = sum / fanout;
      }
    }
  }
}
