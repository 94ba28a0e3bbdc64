import type { Numbers, Writable } from '../types.js';
import { type AdamSettings, adamStep } from './adam.js';

/** Twin of `shaders/optim/adam_rows.wgsl`: Adam for the active rows of a table, all others untouched. */
export function adamRows(
  bindings: {
    parameter: Writable;
    first_moment: Writable;
    second_moment: Writable;
    gradient: Numbers;
    nodes: Numbers;
    rows: Numbers;
    state: Numbers;
    schedule: Numbers;
  },
  { width, ...settings }: AdamSettings & { width: number },
): void {
  const { gradient, nodes, rows } = bindings;
  for (let row = 0; row < rows[0]!; row += 1) {
    for (let column = 0; column < width; column += 1) {
      adamStep(bindings, nodes[row]! * width + column, gradient[row * width + column]!, bindings, settings);
    }
  }
}
