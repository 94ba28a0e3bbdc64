import { Purpose, random4, toBelow, toUnit } from '../../base/random.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/sample/walks.wgsl`: nodes of one side that are near each other on random walks. */
export function walks(
  bindings: { state: Numbers; offsets: Numbers; neighbours: Numbers; pairs: Writable },
  parameters: {
    first_row: number;
    batch: number;
    stride: number;
    edges: number;
    side: number;
    contexts: number;
    window: number;
    stop: number;
    seed: number;
  },
): void {
  const { state, offsets, neighbours, pairs } = bindings;
  const { first_row, batch, stride, edges, side, contexts, window, stop, seed } = parameters;
  const neighbourOf = (node: number, word: number) =>
    neighbours[offsets[node]! + toBelow(word, offsets[node + 1]! - offsets[node]!)]!;
  for (let row = first_row; row < first_row + batch; row += 1) {
    const draw = (hop: number) => random4(seed, Purpose.walks, state[0]!, row * (window + 1) + hop);
    const origin = neighbours[(side === 1 ? 0 : edges) + toBelow(draw(0)[0], edges)]!;
    let node = origin;
    for (let hop = 1; hop <= window; hop += 1) {
      const [first, second, last] = draw(hop);
      node = neighbourOf(neighbourOf(node, first), second);
      if (toUnit(last) < stop) break;
    }
    pairs[row * stride] = origin;
    pairs[row * stride + 1] = contexts + node;
  }
}
