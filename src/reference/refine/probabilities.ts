import { softmaxMoments, unseenItems } from '../lib/unseen.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/refine/probabilities.wgsl`: softmax of scores over the items that users do not have yet. */
export function probabilities(
  bindings: { offsets: Numbers; columns: Numbers; scale: Numbers; scores: Writable; terms: Writable },
  parameters: { rows: number; first_row: number; items: number; stride: number },
): void {
  const { offsets, columns, scale, scores, terms } = bindings;
  const { rows, first_row, items, stride } = parameters;
  for (let row = 0; row < rows; row += 1) {
    const unseen = unseenItems(offsets, columns, first_row + row, items);
    const found = softmaxMoments(
      unseen.map((item) => scores[row * stride + item]!),
      scale[0]!,
    );
    for (let column = 0; column < stride; column += 1) scores[row * stride + column] = 0;
    unseen.forEach((item, at) => {
      scores[row * stride + item] = found!.probabilities[at]!;
    });
    terms[row * 4] = found?.logSum ?? 0;
    terms[row * 4 + 1] = found?.mean ?? 0;
    terms[row * 4 + 2] = found?.variance ?? 0;
    terms[row * 4 + 3] = 0;
  }
}
