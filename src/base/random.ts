/**
 * Counter-based random numbers, the twin of `shaders/lib/random.wgsl`.
 *
 * A draw is a pure function of (seed, purpose, step, index): no state is kept, so any draw can be repeated anywhere, on
 * the GPU or here, in any order. The mixing function is pcg4d of Jarzynski and Olano, "Hash Functions for GPU
 * Rendering", JCGT 9(3), 2020.
 */

/** What a draw is for. Two purposes never share random numbers. The same values stand in `shaders/lib/random.wgsl`. */
export const Purpose = {
  neighbours: 1,
  negatives: 2,
  guidance: 3,
  shuffle: 4,
  initialise: 5,
  split: 6,
  generate: 7,
  sample: 8,
  noise: 9,
  walks: 10,
} as const;
export type Purpose = (typeof Purpose)[keyof typeof Purpose];

/** Four independent uniform 32-bit words for one counter. */
export function random4(seed: number, purpose: number, step: number, index: number): [number, number, number, number] {
  let x = (Math.imul(seed, 1664525) + 1013904223) | 0;
  let y = (Math.imul(purpose, 1664525) + 1013904223) | 0;
  let z = (Math.imul(step, 1664525) + 1013904223) | 0;
  let w = (Math.imul(index, 1664525) + 1013904223) | 0;
  x = (x + Math.imul(y, w)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  w = (w + Math.imul(y, z)) | 0;
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  w ^= w >>> 16;
  x = (x + Math.imul(y, w)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  w = (w + Math.imul(y, z)) | 0;
  return [x >>> 0, y >>> 0, z >>> 0, w >>> 0];
}

/** The first word of `random4`. */
export function random(seed: number, purpose: number, step: number, index: number): number {
  return random4(seed, purpose, step, index)[0];
}

/** A word as a float in [0, 1) with 24 bits, exactly representable in float32. */
export function toUnit(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/** A word as an integer in [0, bound): the high half of the 64-bit product word × bound. */
export function toBelow(word: number, bound: number): number {
  const wordLow = word & 0xffff;
  const wordHigh = word >>> 16;
  const boundLow = bound & 0xffff;
  const boundHigh = bound >>> 16;
  const middle = wordHigh * boundLow + Math.floor((wordLow * boundLow) / 65536);
  const carry = wordLow * boundHigh + (middle % 65536);
  return wordHigh * boundHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536);
}

/** Two standard normal draws from four words (Box and Muller), in float64. */
export function toNormals(words: readonly [number, number, number, number]): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(1 - toUnit(words[0])));
  const angle = 2 * Math.PI * toUnit(words[1]);
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}
