import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/ceiling/multiply_add.wgsl`: 8 · rounds steps on each of twelve chains of every invocation. */
export function multiply_add(
  { start, finish }: { start: Numbers; finish: Writable },
  { count, rounds, factor, term }: { count: number; rounds: number; factor: number; term: number },
): void {
  for (let index = 0; index < 12 * count; index += 1) {
    let value = start[index]!;
    for (let step = 0; step < 8 * rounds; step += 1) value = value * factor + term;
    finish[index] = value;
  }
}
