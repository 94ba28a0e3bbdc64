import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/block/compact.wgsl`: lists the members of the set in ascending order and counts the users. */
export function compact(
  { bits, nodes, rows }: { bits: Numbers; ranks: Numbers; nodes: Writable; rows: Writable },
  { words, users }: { words: number; users: number },
): void {
  rows[0] = 0;
  rows[1] = 0;
  for (let node = 0; node < words * 32; node += 1) {
    if (((bits[node >>> 5]! >>> (node & 31)) & 1) === 0) continue;
    nodes[rows[0]!] = node;
    rows[0]! += 1;
    if (node < users) rows[1]! += 1;
  }
}
