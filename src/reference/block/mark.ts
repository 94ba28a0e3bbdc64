import { NONE } from '../lib/none.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/block/mark.wgsl`: adds the listed nodes to the set. */
export function mark(
  { nodes, rows, bits }: { nodes: Numbers; rows: Numbers; bits: Writable },
  { stride }: { stride: number },
): void {
  for (let index = 0; index < rows[0]! * stride; index += 1) {
    const node = nodes[index]!;
    if (node !== NONE) bits[node >>> 5] = (bits[node >>> 5]! | (1 << (node & 31))) >>> 0;
  }
}
