import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/ceiling/copy.wgsl`. */
export function copy({ source, copied }: { source: Numbers; copied: Writable }, { quads }: { quads: number }): void {
  for (let index = 0; index < 4 * quads; index += 1) copied[index] = source[index]!;
}
