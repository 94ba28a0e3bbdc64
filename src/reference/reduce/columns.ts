import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/reduce/columns.wgsl`: the sum of every column, into a row of the ring and into `chosen`. */
export function columns(
  bindings: { table: Numbers; state: Numbers; ring: Writable; chosen: Writable },
  parameters: { count: number; columns: number; capacity: number; chosen_first: number; chosen_count: number },
): void {
  const { table, state, ring, chosen } = bindings;
  const { count, columns: width, capacity, chosen_first, chosen_count } = parameters;
  for (let column = 0; column < width; column += 1) {
    let sum = 0;
    for (let row = 0; row < count; row += 1) sum += table[row * width + column]!;
    ring[(state[0]! % capacity) * width + column] = sum;
    if (column >= chosen_first && column < chosen_first + chosen_count) chosen[column - chosen_first] = sum;
  }
}
