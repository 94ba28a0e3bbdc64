import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/refine/mass.wgsl`: the probability that each item has of all users. */
export function mass(
  bindings: { factors: Numbers; teacher: Numbers; direction: Numbers; mass: Writable },
  parameters: { rows: number; stride: number },
): void {
  const { factors, teacher, direction, mass } = bindings;
  const { rows, stride } = parameters;
  for (let row = 0; row < rows; row += 1) {
    for (let item = 0; item < stride; item += 1) {
      const at = row * stride + item;
      mass[item]! += (2 * factors[0]! * teacher[at]! - direction[at]!) / factors[1]!;
    }
  }
}
