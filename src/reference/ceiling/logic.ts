import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/ceiling/logic.wgsl`: 8 · rounds full adders on each of four chains of every invocation. */
export function logic(
  { start, finish }: { start: Numbers; finish: Writable },
  { count, rounds }: { count: number; rounds: number },
): void {
  for (let index = 0; index < count; index += 1) {
    for (let chain = 0; chain < 4; chain += 1) {
      const place = (word: number) => (index * 3 + word) * 4 + chain;
      let [a, b, c] = [start[place(0)]!, start[place(1)]!, start[place(2)]!];
      for (let step = 0; step < 8 * rounds; step += 1) {
        [a, b, c] = [a ^ b ^ c, (a & b) | ((a ^ b) & c), b];
      }
      finish[place(0)] = a >>> 0;
      finish[place(1)] = b >>> 0;
      finish[place(2)] = c >>> 0;
    }
  }
}
