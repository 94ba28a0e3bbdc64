import { NONE } from '../lib/none.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/rows/gather.wgsl`: rows of a table by number, zeros for NONE. */
export function gather(
  { source, nodes, rows, output }: { source: Numbers; nodes: Numbers; rows: Numbers; output: Writable },
  { width }: { width: number },
): void {
  for (let row = 0; row < rows[0]!; row += 1) {
    for (let column = 0; column < width; column += 1) {
      output[row * width + column] = nodes[row] === NONE ? 0 : source[nodes[row]! * width + column]!;
    }
  }
}
