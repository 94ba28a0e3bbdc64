import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/ceiling/popcount.wgsl`: 8 · rounds steps on each of eight words of every invocation. */
export function popcount(
  { start, finish }: { start: Numbers; finish: Writable },
  { count, rounds }: { count: number; rounds: number },
): void {
  for (let index = 0; index < 8 * count; index += 1) {
    const key = start[index]!;
    let word = key;
    for (let step = 0; step < 8 * rounds; step += 1) word = (word + ones((word ^ key) >>> 0)) >>> 0;
    finish[index] = word;
  }
}

function ones(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest >>>= 1) count += rest & 1;
  return count;
}
