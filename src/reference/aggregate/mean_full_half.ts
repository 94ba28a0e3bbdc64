import type { ActivationConstants } from '../lib/activation.js';
import { halfValue } from '../lib/half.js';
import type { Numbers, Writable } from '../types.js';
import { meanFull } from './mean_full.js';
import { packedWidth } from './pack_half.js';

/**
 * Twin of `shaders/aggregate/mean_full_half.wgsl` and `mean_full_half.lanes.wgsl`: the mean of what the halves stand for.
 * Neighbours' rows come from `others`, floats of the same bits as the words of `source` from octet `others_begin` on.
 */
export function meanFullHalf(
  bindings: { source: Numbers; others?: Numbers; offsets: Numbers; neighbours: Numbers; output: Writable },
  parameters: { first: number; skip?: number; nodes: number; width: number; others_begin?: number },
  constants: { readonly JOINT?: number } & ActivationConstants = {},
): void {
  const { source, others, ...graph } = bindings;
  const { others_begin = 0, ...rest } = parameters;
  let rows = source;
  if (others) {
    const all = new Uint32Array(source.length);
    // Two halves that are numbers are never the bits of a NaN, which could be lost on the way.
    all.set(new Uint32Array(Float32Array.from(others).buffer), 4 * others_begin);
    rows = all;
  }
  const [features, neighbours] = [source, rows].map((words) => valuesOf(words, parameters.width));
  meanFull({ source: features!, others: neighbours!, ...graph }, rest, constants);
}

/** What the halves of rows of a width stand for. */
function valuesOf(words: Numbers, width: number): Float64Array {
  const values = new Float64Array((words.length / packedWidth(width)) * width);
  for (let at = 0; at < values.length; at += 1) {
    const column = at % width;
    const word = words[((at - column) / width) * packedWidth(width) + Math.floor(column / 2)]!;
    values[at] = halfValue(column % 2 === 0 ? word & 0xffff : word >>> 16);
  }
  return values;
}
