import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/hash/sign_backward.wgsl`: the straight-through sum embedding_gradient = direct + code gradient. */
export function signBackward(
  bindings: { direct_gradient: Numbers; code_gradient: Numbers; rows: Numbers; embedding_gradient: Writable },
  { width }: { width: number },
): void {
  const { direct_gradient, code_gradient, rows, embedding_gradient } = bindings;
  for (let index = 0; index < rows[0]! * width; index += 1) {
    embedding_gradient[index] = direct_gradient[index]! + code_gradient[index]!;
  }
}
