import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/scan/exclusive.wgsl`: exclusive prefix sums of the values, or of their bit counts. */
export function exclusive(
  { values, sums }: { values: Numbers; sums: Writable },
  { count }: { count: number },
  { POPCOUNT = 0 } = {},
): void {
  let sum = 0;
  for (let index = 0; index < count; index += 1) {
    sums[index] = sum;
    sum += POPCOUNT ? ones(values[index]!) : values[index]!;
  }
  sums[count] = sum;
}

function ones(word: number): number {
  let count = 0;
  for (let bit = 0; bit < 32; bit += 1) count += (word >>> bit) & 1;
  return count;
}
