import type { Numbers, Writable } from '../types.js';

/**
 * Twin of `shaders/dense/backward_weight.wgsl`: for each chunk of `chunk_rows` rows of one side, those of side 0 first,
 * partial[chunk] = inputᵀ · gradient, and below it the sum of the gradient's rows.
 */
export function backward_weight(
  bindings: { input: Numbers; gradient: Numbers; rows: Numbers; partial: Writable },
  parameters: { input_width: number; output_width: number; sides: number; chunk_rows: number },
): void {
  const { input, gradient, rows, partial } = bindings;
  const { input_width, output_width, sides, chunk_rows } = parameters;
  const total = rows[0]!;
  const first = sides === 2 ? Math.min(rows[1]!, total) : total;
  const spans: [number, number][] = [];
  for (let begin = 0; begin < first; begin += chunk_rows) spans.push([begin, Math.min(begin + chunk_rows, first)]);
  for (let begin = first; begin < total; begin += chunk_rows) spans.push([begin, Math.min(begin + chunk_rows, total)]);
  for (const [chunk, [begin, end]] of spans.entries()) {
    const base = chunk * (input_width + 1) * output_width;
    for (let i = 0; i <= input_width; i += 1) {
      for (let o = 0; o < output_width; o += 1) {
        let sum = 0;
        for (let r = begin; r < end; r += 1) {
          sum += (i < input_width ? input[r * input_width + i]! : 1) * gradient[r * output_width + o]!;
        }
        partial[base + i * output_width + o] = sum;
      }
    }
  }
}
