import { permuted } from '../lib/permutation.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/sample/users.wgsl`: the users of a batch, none twice. */
export function users(
  { state, batch }: { state: Numbers; batch: Writable },
  { count, users, seed }: { count: number; users: number; seed: number },
): void {
  const batches = Math.floor(users / count);
  const epoch = Math.floor(state[0]! / batches);
  for (let index = 0; index < count; index += 1) {
    batch[index] = permuted((state[0]! % batches) * count + index, users, seed, epoch);
  }
}
