import type { Numbers, Writable } from '../types.js';
import type { ActivationConstants } from './forward.js';

/** Twin of `shaders/dense/activation_backward.wgsl`: gradient ← gradient · activation′, from the activation's value. */
export function activation_backward(
  { output, rows, gradient }: { output: Numbers; rows: Numbers; gradient: Writable },
  { width }: { width: number },
  { ACTIVATION = 0, SLOPE = 0.2 }: ActivationConstants = {},
): void {
  for (let index = 0; index < rows[0]! * width; index += 1) {
    const value = output[index]!;
    if (ACTIVATION === 1 && value < 0) gradient[index]! *= SLOPE;
    if (ACTIVATION === 2) gradient[index]! *= 1 - value * value;
  }
}
