import { Purpose, random4 } from '../../base/random.js';
import type { Numbers, Writable } from '../types.js';

/** The largest float32 below 1. */
const INSIDE = 1 - 2 ** -24;

/** z within the largest floats below ±1, where atanh is finite. */
export function inside(embedding: number): number {
  return Math.max(-INSIDE, Math.min(INSIDE, embedding));
}

/** Half a draw from the logistic distribution, from a uniform word. */
export function halfLogistic(word: number): number {
  const uniform = ((word >>> 9) + 0.5) * 2 ** -23;
  return 0.5 * Math.log(uniform / (1 - uniform));
}

/** The noise of an element of a relaxed code; 0 without noise. */
export function relaxationNoise(
  { width, seed, noise }: { width: number; seed: number; noise: boolean },
  step: number,
  row: number,
  column: number,
): number {
  if (!noise) return 0;
  const words = random4(seed, Purpose.noise, step, (row * width + (column - (column % 4))) / 4);
  return halfLogistic(words[column % 4]!);
}

/** Twin of `shaders/hash/relax.wgsl`: ĥ = tanh(β (atanh z + g)). */
export function relax(
  bindings: { embedding: Numbers; rows: Numbers; state: Numbers; schedule: Numbers; guided: Writable },
  { width, seed }: { width: number; seed: number },
  { NOISE = 0 }: { NOISE?: number } = {},
): void {
  const { embedding, rows, state, schedule, guided } = bindings;
  const step = state[0]!;
  for (let row = 0; row < rows[0]!; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const at = row * width + column;
      const noise = relaxationNoise({ width, seed, noise: NOISE === 1 }, step, row, column);
      guided[at] = Math.tanh(schedule[step * 4]! * (Math.atanh(inside(embedding[at]!)) + noise));
    }
  }
}
