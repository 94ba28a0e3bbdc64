import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/optim/adam_made.wgsl`: the steps that rows of a table have made. */
export function adamMade(
  { nodes, rows, state, made }: { nodes: Numbers; rows: Numbers; state: Numbers; made: Writable },
  _: object,
  { ALL = 0, AHEAD = 0 } = {},
): void {
  for (let row = 0; row < rows[0]!; row += 1) made[ALL ? row : nodes[row]!] = state[0]! + AHEAD;
}
