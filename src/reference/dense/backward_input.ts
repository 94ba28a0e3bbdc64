import { type ActivationConstants, activationDerivative } from '../lib/activation.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/dense/backward_input.wgsl`: input_gradient = activation′(input) ⊙ gradient · weight[side]ᵀ, by row. */
export function backward_input(
  bindings: { gradient: Numbers; weight: Numbers; rows: Numbers; input: Numbers; input_gradient: Writable },
  parameters: { input_width: number; output_width: number; sides: number },
  constants: ActivationConstants = {},
): void {
  const { gradient, weight, rows, input, input_gradient } = bindings;
  const { input_width, output_width, sides } = parameters;
  for (let r = 0; r < rows[0]!; r += 1) {
    const side = sides === 2 && r >= rows[1]! ? 1 : 0;
    for (let i = 0; i < input_width; i += 1) {
      let sum = 0;
      for (let o = 0; o < output_width; o += 1) {
        sum += gradient[r * output_width + o]! * weight[(side * input_width + i) * output_width + o]!;
      }
      const index = r * input_width + i;
      input_gradient[index] = sum * activationDerivative(input[index]!, constants);
    }
  }
}
