import { Purpose, random4, toUnit } from '../../base/random.js';
import type { Numbers, Writable } from '../types.js';

/**
 * Whether Q of the paper's eq. 8 is 1 for the element at `row`, `column`: its draw is below p.
 * @param width columns, a multiple of 4
 */
export function guidanceMask(
  { width, seed, byRow }: { width: number; seed: number; byRow: boolean },
  step: number,
  p: number,
  row: number,
  column: number,
): boolean {
  const counter = byRow ? row : (row * width + (column - (column % 4))) / 4;
  const words = random4(seed, Purpose.guidance, step, counter);
  return toUnit(words[byRow ? 0 : column % 4]!) < p;
}

/** Twin of `shaders/hash/guide.wgsl`: ĥ = Q ⊙ z + (1 - Q) ⊙ h (paper, eq. 8). */
export function guide(
  bindings: {
    embedding: Numbers;
    code: Numbers;
    rows: Numbers;
    state: Numbers;
    schedule: Numbers;
    guided: Writable;
  },
  { width, seed }: { width: number; seed: number },
  { BY_ROW = 0 }: { BY_ROW?: number } = {},
): void {
  const { embedding, code, rows, state, schedule, guided } = bindings;
  const step = state[0]!;
  for (let row = 0; row < rows[0]!; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const keep = guidanceMask({ width, seed, byRow: BY_ROW === 1 }, step, schedule[step * 4]!, row, column);
      const at = row * width + column;
      guided[at] = keep ? embedding[at]! : code[at]!;
    }
  }
}
