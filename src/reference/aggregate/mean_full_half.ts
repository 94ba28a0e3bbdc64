import type { ActivationConstants } from '../lib/activation.js';
import { halfValue } from '../lib/half.js';
import type { Numbers, Writable } from '../types.js';
import { meanFull } from './mean_full.js';
import { packedWidth } from './pack_half.js';

/** Twin of `shaders/aggregate/mean_full_half.wgsl`: the mean of what the halves stand for. */
export function meanFullHalf(
  { source, ...graph }: { source: Numbers; offsets: Numbers; neighbours: Numbers; output: Writable },
  parameters: { first: number; nodes: number; width: number },
  constants: { readonly JOINT?: number } & ActivationConstants = {},
): void {
  const { width } = parameters;
  const features = new Float64Array((source.length / packedWidth(width)) * width);
  for (let at = 0; at < features.length; at += 1) {
    const column = at % width;
    const word = source[((at - column) / width) * packedWidth(width) + Math.floor(column / 2)]!;
    features[at] = halfValue(column % 2 === 0 ? word & 0xffff : word >>> 16);
  }
  meanFull({ source: features, ...graph }, parameters, constants);
}
