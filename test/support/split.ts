/** Splits of edges that are in memory as a whole. */
import { Part, type SplitPlan, Splitter } from '../../src/data/split.js';

/** A `Part` for each of the sorted edges, by `Splitter`. */
export function splitByUser(
  edges: Int32Array,
  plan: Partial<SplitPlan>,
  given: Uint8Array = new Uint8Array(edges.length / 2),
  times?: Float64Array,
): Uint8Array {
  const parts = Uint8Array.from(given);
  const splitter = new Splitter({
    kind: 'by-user',
    testRatio: 0,
    validRatio: 0,
    seed: 1,
    total: edges.length / 2,
    ...plan,
  });
  for (let start = 0; start < parts.length; ) {
    let end = start;
    while (end < parts.length && edges[2 * end] === edges[2 * start]) end++;
    splitter.split(edges[2 * start]!, parts.subarray(start, end), times?.subarray(start, end));
    start = end;
  }
  return parts;
}

/** The edges of each part, in the order of `edges`. */
export function separate(edges: Int32Array, parts: Uint8Array): Record<keyof typeof Part, Int32Array> {
  const of = (part: number) => edges.filter((_, at) => parts[at >> 1] === part);
  return { train: of(Part.train), valid: of(Part.valid), test: of(Part.test) };
}
