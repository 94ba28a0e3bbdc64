import { type ActivationConstants, activationDerivative } from '../lib/activation.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/dense/activation_backward.wgsl`: gradient ← gradient · activation′, from the activation's value. */
export function activation_backward(
  { output, rows, gradient }: { output: Numbers; rows: Numbers; gradient: Writable },
  { width }: { width: number },
  constants: ActivationConstants = {},
): void {
  for (let index = 0; index < rows[0]! * width; index += 1) {
    gradient[index]! *= activationDerivative(output[index]!, constants);
  }
}
