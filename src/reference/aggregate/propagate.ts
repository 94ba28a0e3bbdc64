import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/aggregate/propagate.wgsl`: factor · (base + P · source), P = norms ⊙ adjacency ⊙ norms. */
export function propagate(
  bindings: {
    base: Numbers;
    source: Numbers;
    norms: Numbers;
    offsets: Numbers;
    neighbours: Numbers;
    output: Writable;
  },
  { nodes, width, factor }: { nodes: number; width: number; factor: number },
): void {
  const { base, source, norms, offsets, neighbours, output } = bindings;
  for (let node = 0; node < nodes; node += 1) {
    for (let column = 0; column < width; column += 1) {
      let sum = 0;
      for (let entry = offsets[node]!; entry < offsets[node + 1]!; entry += 1) {
        sum += norms[neighbours[entry]!]! * source[neighbours[entry]! * width + column]!;
      }
      output[node * width + column] = factor * (base[node * width + column]! + norms[node]! * sum);
    }
  }
}
