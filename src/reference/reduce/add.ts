import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/reduce/add.wgsl`: sum += addend. */
export function add({ addend, sum }: { addend: Numbers; sum: Writable }, { count }: { count: number }): void {
  for (let at = 0; at < count; at += 1) sum[at]! += addend[at]!;
}
