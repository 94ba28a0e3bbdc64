import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/reduce/not_finite.wgsl`: values that are NaN or infinite, their number and the place of the first. */
export function notFinite(
  { values, found }: { values: Numbers; found: Writable },
  { count, slot }: { count: number; slot: number },
): void {
  for (let index = count - 1; index >= 0; index -= 1) {
    if (Number.isFinite(values[index]!)) continue;
    found[2 * slot] = found[2 * slot]! + 1;
    found[2 * slot + 1] = Math.max(found[2 * slot + 1]!, count - index);
  }
}
