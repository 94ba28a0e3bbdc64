import type { Numbers, Writable } from '../types.js';
import { type AdamSettings, adamStep } from './adam.js';

/** Twin of `shaders/optim/adam_table.wgsl`: dense Adam for a table whose gradient is 0 outside the active rows. */
export function adamTable(
  bindings: {
    parameter: Writable;
    first_moment: Writable;
    second_moment: Writable;
    gradient: Numbers;
    bits: Numbers;
    ranks: Numbers;
    state: Numbers;
    schedule: Numbers;
  },
  { nodes, width, ...settings }: AdamSettings & { nodes: number; width: number },
): void {
  const { gradient, bits, ranks } = bindings;
  const active = (node: number) => ((bits[Math.floor(node / 32)]! >>> (node % 32)) & 1) === 1;
  for (let node = 0; node < nodes; node += 1) {
    let row = ranks[Math.floor(node / 32)]!;
    for (let before = node - (node % 32); before < node; before += 1) if (active(before)) row += 1;
    for (let column = 0; column < width; column += 1) {
      const slope = active(node) ? gradient[row * width + column]! : 0;
      adamStep(bindings, node * width + column, slope, bindings, settings);
    }
  }
}
