import type { Numbers, Writable } from '../types.js';

/** Activation by its number in the shaders: 0 none, 1 leaky ReLU with slope 0.2 unless told, 2 tanh. */
export interface ActivationConstants {
  readonly ACTIVATION?: number;
  readonly SLOPE?: number;
}

/**
 * Twin of `shaders/dense/forward.wgsl`: output = activation(input · weight[side] + bias[side]), by row; with `part_steps`
 * below the input's width in parts of the sum, one after another.
 */
export function forward(
  bindings: { input: Numbers; weight: Numbers; bias: Numbers; rows: Numbers; output: Writable },
  parameters: { input_width: number; output_width: number; sides: number; part_steps?: number; max_rows?: number },
  { ACTIVATION = 0, SLOPE = 0.2 }: ActivationConstants = {},
): void {
  const { input, weight, bias, rows, output } = bindings;
  const { input_width, output_width, sides, part_steps = input_width, max_rows = 0 } = parameters;
  for (let part = 0; part * part_steps < input_width; part += 1) {
    for (let r = 0; r < rows[0]!; r += 1) {
      const side = sides === 2 && r >= rows[1]! ? 1 : 0;
      for (let o = 0; o < output_width; o += 1) {
        let sum = part === 0 ? bias[side * output_width + o]! : 0;
        for (let i = part * part_steps; i < Math.min(input_width, (part + 1) * part_steps); i += 1) {
          sum += input[r * input_width + i]! * weight[(side * input_width + i) * output_width + o]!;
        }
        if (ACTIVATION === 1 && sum < 0) sum *= SLOPE;
        if (ACTIVATION === 2) sum = Math.tanh(sum);
        output[(part * max_rows + r) * output_width + o] = sum;
      }
    }
  }
}
