import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/refine/flip.wgsl`: the bit of each code that improves it most, flipped. */
export function flip(
  bindings: { factors: Numbers; direction: Numbers; mass: Numbers; signs: Writable; flips: Writable },
  parameters: { nodes: number; bits: number },
): void {
  const { factors, direction, mass, signs, flips } = bindings;
  const { nodes, bits } = parameters;
  for (let node = 0; node < nodes; node += 1) {
    let lowest = 0;
    let which = 0;
    for (let bit = 0; bit < bits; bit += 1) {
      const slope = signs[node * bits + bit]! * direction[node * bits + bit]!;
      if (slope < lowest) [lowest, which] = [slope, bit];
    }
    if (lowest + factors[2]! * mass[node]! < -1e-5 * (1 + mass[node]!)) {
      signs[node * bits + which]! *= -1;
      flips[node]! += 1;
    }
  }
}
