import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/dense/reduce_partials.wgsl`: the sums of a side's chunks; zero for a side without rows. */
export function reduce_partials(
  bindings: { partial: Numbers; rows: Numbers; weight_gradient: Writable; bias_gradient: Writable },
  parameters: { input_width: number; output_width: number; sides: number; chunk_rows: number },
): void {
  const { partial, rows, weight_gradient, bias_gradient } = bindings;
  const { input_width, output_width, sides, chunk_rows } = parameters;
  const first = sides === 2 ? Math.min(rows[1]!, rows[0]!) : rows[0]!;
  const border = Math.ceil(first / chunk_rows);
  const chunks = border + Math.ceil((rows[0]! - first) / chunk_rows);
  const weights = input_width * output_width;
  for (let side = 0; side < sides; side += 1) {
    for (let within = 0; within < weights + output_width; within += 1) {
      let sum = 0;
      for (let chunk = side === 0 ? 0 : border; chunk < (side === 0 ? border : chunks); chunk += 1) {
        sum += partial[chunk * (weights + output_width) + within]!;
      }
      if (within < weights) weight_gradient[side * weights + within] = sum;
      else bias_gradient[side * output_width + within - weights] = sum;
    }
  }
}
