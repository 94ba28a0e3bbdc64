import type { Numbers, Writable } from '../types.js';
import { guidanceMask } from './guide.js';

/** Twin of `shaders/hash/guide_backward.wgsl`: the gradient of ĥ goes to z where Q = 1, to h where Q = 0 (eq. 8). */
export function guideBackward(
  bindings: {
    guided_gradient: Numbers;
    rows: Numbers;
    state: Numbers;
    schedule: Numbers;
    embedding_gradient: Writable;
    code_gradient: Writable;
  },
  { width, seed }: { width: number; seed: number },
  { BY_ROW = 0 }: { BY_ROW?: number } = {},
): void {
  const { guided_gradient, rows, state, schedule, embedding_gradient, code_gradient } = bindings;
  const step = state[0]!;
  for (let row = 0; row < rows[0]!; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const keep = guidanceMask({ width, seed, byRow: BY_ROW === 1 }, step, schedule[step * 4]!, row, column);
      const at = row * width + column;
      embedding_gradient[at] = keep ? guided_gradient[at]! : 0;
      code_gradient[at] = keep ? 0 : guided_gradient[at]!;
    }
  }
}
