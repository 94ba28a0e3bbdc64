import { softmaxMoments, unseenItems } from '../lib/unseen.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/refine/directions.wgsl`: where the inner products of codes should go, to imitate a teacher. */
export function directions(
  bindings: {
    offsets: Numbers;
    columns: Numbers;
    factors: Numbers;
    teacher: Numbers;
    scores: Writable;
    terms: Writable;
  },
  parameters: { rows: number; first_row: number; items: number; stride: number },
): void {
  const { offsets, columns, factors, teacher, scores, terms } = bindings;
  const { rows, first_row, items, stride } = parameters;
  const [scale, sinh] = [factors[0]!, factors[1]!];
  for (let row = 0; row < rows; row += 1) {
    const unseen = unseenItems(offsets, columns, first_row + row, items);
    const values = unseen.map((item) => scores[row * stride + item]!);
    const found = softmaxMoments(values, scale);
    const taught = unseen.reduce((sum, item, at) => sum + teacher[row * stride + item]! * values[at]!, 0);
    for (let column = 0; column < stride; column += 1) scores[row * stride + column] = 0;
    unseen.forEach((item, at) => {
      scores[row * stride + item] = 2 * scale * teacher[row * stride + item]! - sinh * found!.probabilities[at]!;
    });
    terms[row * 4] = found ? found.logSum - scale * taught : 0;
    terms[row * 4 + 1] = found?.mean ?? 0;
    terms[row * 4 + 2] = taught;
    terms[row * 4 + 3] = found?.variance ?? 0;
  }
}
