import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/reduce/parts.wgsl`: sum[i] = Σ_p partial[p, i]. */
export function parts(
  { partial, sum }: { partial: Numbers; sum: Writable },
  { parts, count }: { parts: number; count: number },
): void {
  for (let at = 0; at < count; at += 1) {
    let total = 0;
    for (let part = 0; part < parts; part += 1) total += partial[part * count + at]!;
    sum[at] = total;
  }
}
