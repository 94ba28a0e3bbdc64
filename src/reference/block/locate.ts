import { NONE } from '../lib/none.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/block/locate.wgsl`: the row of each listed node among the set's members in ascending order. */
export function locate(
  { nodes, rows, bits, places }: { nodes: Numbers; rows: Numbers; bits: Numbers; ranks: Numbers; places: Writable },
  { stride }: { stride: number },
): void {
  const rowOf = new Map<number, number>();
  for (let node = 0; node < bits.length * 32; node += 1) {
    if ((bits[node >>> 5]! >>> (node & 31)) & 1) rowOf.set(node, rowOf.size);
  }
  for (let index = 0; index < rows[0]! * stride; index += 1) places[index] = rowOf.get(nodes[index]!) ?? NONE;
}
