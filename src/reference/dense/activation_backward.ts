import type { Numbers, Writable } from '../types.js';
import type { ActivationConstants } from './forward.js';

/** Twin of `activation_derivative` in `shaders/lib/activation.wgsl`: activation′, from the activation's value. */
export function activationDerivative(value: number, { ACTIVATION = 0, SLOPE = 0.2 }: ActivationConstants): number {
  if (ACTIVATION === 1) return value < 0 ? SLOPE : 1;
  return ACTIVATION === 2 ? 1 - value * value : 1;
}

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
