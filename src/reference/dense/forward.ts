import type { Numbers, Writable } from '../types.js';

/** Activation by its number in the shaders: 0 none, 1 leaky ReLU with slope 0.2 unless told, 2 tanh. */
export interface ActivationConstants {
  readonly ACTIVATION?: number;
  readonly SLOPE?: number;
}

/** Twin of `shaders/dense/forward.wgsl`: output = activation(input · weight[side] + bias[side]), by row. */
export function forward(
  bindings: { input: Numbers; weight: Numbers; bias: Numbers; rows: Numbers; output: Writable },
  parameters: { input_width: number; output_width: number; sides: number },
  { ACTIVATION = 0, SLOPE = 0.2 }: ActivationConstants = {},
): void {
  const { input, weight, bias, rows, output } = bindings;
  const { input_width, output_width, sides } = parameters;
  for (let r = 0; r < rows[0]!; r += 1) {
    const side = sides === 2 && r >= rows[1]! ? 1 : 0;
    for (let o = 0; o < output_width; o += 1) {
      let sum = bias[side * output_width + o]!;
      for (let i = 0; i < input_width; i += 1) {
        sum += input[r * input_width + i]! * weight[(side * input_width + i) * output_width + o]!;
      }
      if (ACTIVATION === 1 && sum < 0) sum *= SLOPE;
      if (ACTIVATION === 2) sum = Math.tanh(sum);
      output[r * output_width + o] = sum;
    }
  }
}
