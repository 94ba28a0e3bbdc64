import type { Numbers, Writable } from '../types.js';
import { type AdamSettings, adamStep } from './adam.js';

/**
 * Twin of `shaders/optim/adam_catch_up.wgsl`: the steps without a gradient that rows of a table have missed, all of them
 * made in full (what the kernel leaves out after REPLAYED of them is below any tolerance).
 */
export function adamCatchUp(
  bindings: {
    parameter: Writable;
    first_moment: Writable;
    second_moment: Writable;
    made: Numbers;
    nodes: Numbers;
    rows: Numbers;
    state: Numbers;
    schedule: Numbers;
  },
  { width, ...settings }: AdamSettings & { width: number },
  { ALL = 0 } = {},
): void {
  const { made, nodes, rows, state, schedule } = bindings;
  for (let row = 0; row < rows[0]!; row += 1) {
    const node = ALL ? row : nodes[row]!;
    for (let step = made[node]!; step < state[0]!; step += 1) {
      for (let column = 0; column < width; column += 1) {
        adamStep(bindings, node * width + column, 0, { state: [step], schedule }, settings);
      }
    }
  }
}
