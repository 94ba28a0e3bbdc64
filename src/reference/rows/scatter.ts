import { NONE } from '../lib/none.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/rows/scatter.wgsl`: rows into a table by number, nowhere for NONE. */
export function scatter(
  { source, nodes, rows, output }: { source: Numbers; nodes: Numbers; rows: Numbers; output: Writable },
  { width }: { width: number },
): void {
  for (let row = 0; row < rows[0]!; row += 1) {
    if (nodes[row] === NONE) continue;
    for (let column = 0; column < width; column += 1) {
      output[nodes[row]! * width + column] = source[row * width + column]!;
    }
  }
}
