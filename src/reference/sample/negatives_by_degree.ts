import { Purpose, random } from '../../base/random.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/sample/negatives_by_degree.wgsl`: negatives in proportion to weights. */
export function negativesByDegree(
  { state, cumulative, pairs }: { state: Numbers; cumulative: Numbers; pairs: Writable },
  parameters: { first_row: number; batch: number; stride: number; first_node: number; count: number; seed: number },
): void {
  const { first_row, batch, stride, first_node, seed } = parameters;
  for (let row = first_row; row < first_row + batch; row += 1) {
    for (let at = row * stride + 2; at < (row + 1) * stride; at += 1) {
      const word = random(seed, Purpose.negatives, state[0]!, at);
      let index = 0;
      while (cumulative[index]! < word) index += 1;
      pairs[at] = first_node + index;
    }
  }
}
