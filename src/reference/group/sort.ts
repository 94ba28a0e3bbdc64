import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/group/sort.wgsl`: sorts the positions within each group. */
export function sort({ offsets, order }: { offsets: Numbers; order: Writable }, { keys }: { keys: number }): void {
  for (let key = 0; key < keys; key += 1) {
    const group: number[] = [];
    for (let entry = offsets[key]!; entry < offsets[key + 1]!; entry += 1) group.push(order[entry]!);
    group.sort((a, b) => a - b);
    for (const [entry, position] of group.entries()) order[offsets[key]! + entry] = position;
  }
}
