import { Purpose, random, toBelow } from '../../base/random.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/sample/neighbours.wgsl`: uniform draws with replacement from each node's neighbourhood. */
export function neighbours(
  bindings: { state: Numbers; nodes: Numbers; rows: Numbers; offsets: Numbers; neighbours: Numbers; sampled: Writable },
  { fanout, layer, seed }: { fanout: number; layer: number; seed: number },
): void {
  const { state, nodes, rows, offsets, sampled } = bindings;
  for (let row = 0; row < rows[0]!; row += 1) {
    const node = nodes[row]!;
    const begin = offsets[node]!;
    const degree = offsets[node + 1]! - begin;
    for (let draw = 0; draw < fanout; draw += 1) {
      const word = random(seed, Purpose.neighbours + layer * 256, state[0]!, node * fanout + draw);
      sampled[row * fanout + draw] = degree > 0 ? bindings.neighbours[begin + toBelow(word, degree)]! : node;
    }
  }
}
