import { Purpose, random } from '../../base/random.js';

const FEISTEL_ROUNDS = 4;

/** Twin of `shaders/lib/permutation.wgsl`: where `index` goes in the permutation of [0, count) numbered `epoch`. */
export function permuted(index: number, count: number, seed: number, epoch: number): number {
  const half = Math.max((33 - Math.clz32(count - 1)) >> 1, 1);
  const mask = 2 ** half - 1;
  let value = index;
  do {
    let left = Math.floor(value / 2 ** half);
    let right = value % 2 ** half;
    for (let round = 0; round < FEISTEL_ROUNDS; round += 1) {
      const mixed = (left ^ (random(seed, Purpose.shuffle, epoch, right * FEISTEL_ROUNDS + round) & mask)) >>> 0;
      left = right;
      right = mixed;
    }
    value = left * 2 ** half + right;
  } while (value >= count);
  return value;
}
