import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/reduce/squares.wgsl`: sums of squares, in as many parts as there are invocations. */
export function squares(
  { values, rows, partial }: { values: Numbers; rows: Numbers; partial: Writable },
  { width, first, invocations }: { width: number; first: number; invocations: number },
): void {
  for (let part = 0; part < invocations; part += 1) {
    let sum = 0;
    for (let index = part; index < rows[0]! * width; index += invocations) sum += values[index]! ** 2;
    partial[first + part] = sum;
  }
}
