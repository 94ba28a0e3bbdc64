import { NONE } from '../lib/none.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/group/place.wgsl`: places every position in its key's group; here the order is ascending. */
export function place(
  { keys, rows, cursors, order }: { keys: Numbers; rows: Numbers; cursors: Writable; order: Writable },
  { stride }: { stride: number },
): void {
  for (let index = 0; index < rows[0]! * stride; index += 1) {
    const key = keys[index]!;
    if (key === NONE) continue;
    order[cursors[key]!] = index;
    cursors[key]! += 1;
  }
}
