import { NONE } from '../lib/none.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/group/count.wgsl`: adds up how often each key occurs. */
export function count(
  { keys, rows, counts }: { keys: Numbers; rows: Numbers; counts: Writable },
  { stride }: { stride: number },
): void {
  for (let index = 0; index < rows[0]! * stride; index += 1) {
    if (keys[index] !== NONE) counts[keys[index]!]! += 1;
  }
}
