import { permuted } from '../lib/permutation.js';
import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/sample/batch.wgsl`: user and positive item of each training edge of the batch. */
export function batch(
  { state, offsets, neighbours, pairs }: { state: Numbers; offsets: Numbers; neighbours: Numbers; pairs: Writable },
  parameters: { batch: number; stride: number; edges: number; users: number; seed: number },
): void {
  const { stride, edges, users, seed } = parameters;
  for (let index = 0; index < parameters.batch; index += 1) {
    const position = state[0]! * parameters.batch + index;
    const edge = permuted(position % edges, edges, seed, Math.floor(position / edges));
    let user = 0;
    while (user + 1 < users && offsets[user + 1]! <= edge) user += 1;
    pairs[index * stride] = user;
    pairs[index * stride + 1] = neighbours[edge]!;
  }
}
