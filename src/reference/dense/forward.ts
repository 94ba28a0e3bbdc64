import { type ActivationConstants, activate } from '../lib/activation.js';
import type { Numbers, Writable } from '../types.js';

/**
 * Twin of `shaders/dense/forward.wgsl`: output = activation(input · weight[side] + bias[side]), by row; with `part_steps`
 * below the input's width in parts of the sum, one after another.
 */
export function forward(
  bindings: { input: Numbers; weight: Numbers; bias: Numbers; rows: Numbers; output: Writable },
  parameters: { input_width: number; output_width: number; sides: number; part_steps?: number; max_rows?: number },
  constants: ActivationConstants = {},
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
        output[(part * max_rows + r) * output_width + o] = activate(sum, constants);
      }
    }
  }
}
