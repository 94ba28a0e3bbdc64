import { Purpose, random, toBelow } from '../../base/random.js';
import { NONE } from '../lib/none.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/sample/negatives.wgsl`: items drawn from those that the user has no training edge to. */
export function negatives(
  { state, offsets, neighbours, pairs }: { state: Numbers; offsets: Numbers; neighbours: Numbers; pairs: Writable },
  { batch, stride, users, items, seed }: { batch: number; stride: number; users: number; items: number; seed: number },
): void {
  const slots = stride - 2;
  for (let index = 0; index < batch * slots; index += 1) {
    const edge = Math.floor(index / slots);
    const user = pairs[edge * stride]!;
    const taken = new Set<number>();
    for (let entry = offsets[user]!; entry < offsets[user + 1]!; entry += 1) taken.add(neighbours[entry]!);
    let node = NONE;
    if (taken.size < items) {
      let missing = toBelow(random(seed, Purpose.negatives, state[0]!, index), items - taken.size);
      for (node = users; taken.has(node) || missing > 0; node += 1) if (!taken.has(node)) missing -= 1;
    }
    pairs[edge * stride + 2 + (index % slots)] = node;
  }
}
