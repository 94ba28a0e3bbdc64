import { halfValue } from '../lib/half.js';
import type { Numbers, Writable } from '../types.js';
import { meanFull } from './mean_full.js';

/** Twin of `shaders/aggregate/mean_full_half.wgsl`: the mean of what the halves stand for. */
export function meanFullHalf(
  { source, ...graph }: { source: Numbers; offsets: Numbers; neighbours: Numbers; output: Writable },
  parameters: { nodes: number; width: number },
  constants: { JOINT?: number } = {},
): void {
  const features = Float64Array.from({ length: parameters.nodes * parameters.width }, (_, at) => {
    const word = source[at >> 1]!;
    return halfValue(at % 2 === 0 ? word & 0xffff : word >>> 16);
  });
  meanFull({ source: features, ...graph }, parameters, constants);
}
