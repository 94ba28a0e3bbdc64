import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/hash/sign.wgsl`: code = sign(embedding), sign(0) = +1 (paper, eq. 3). */
export function sign({ embedding, code }: { embedding: Numbers; code: Writable }, { count }: { count: number }): void {
  for (let index = 0; index < count; index += 1) code[index] = embedding[index]! >= 0 ? 1 : -1;
}
