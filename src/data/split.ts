/**
 * The paper's split: of each user's interactions a random part trains, the rest tests, and a part of the training
 * interactions validates (section 4.1: 70 % and 30 %, and 10 % of the 70 %).
 */
import { Purpose, random, toBelow, toUnit } from '../base/random.js';

/** Part of an interaction; also the order of precedence when given files share a pair. */
export const Part = { train: 0, valid: 1, test: 2 } as const;

/** The counter of the draw that rounds a user's validation share; positions of interactions count from 0. */
const roundingDraw = 0xffffffff;

/**
 * How many of a user's interactions test: `degree × testRatio` rounded half up, and one less where nothing would train.
 * A user with one interaction only trains.
 */
export function testCount(degree: number, testRatio: number): number {
  return Math.max(0, Math.min(Math.round(degree * testRatio), degree - 1));
}

/**
 * How many of a user's training interactions validate: `count × validRatio`, rounded up with the probability of its
 * fraction, so that users with few interactions take part in their share; always one less than `count` at most.
 *
 * @param unit uniform in [0, 1)
 */
export function validCount(count: number, validRatio: number, unit: number): number {
  return Math.max(0, Math.min(Math.floor(count * validRatio + unit), count - 1));
}

/**
 * Assigns each interaction to a part.
 *
 * The result depends on the seed, the user's index and the user's items in ascending order alone: not on the order of
 * rows in the source.
 *
 * @param edges flat pairs (user, item), sorted by user, then item
 * @param options.testRatio share of a user's interactions that test; 0 for none
 * @param options.validRatio share of the remaining ones that validate; 0 for none
 * @param parts where given, interactions that stand for `train` here are split into training and validation only
 * @returns a `Part` for each edge; every user keeps at least one training interaction
 */
export function splitByUser(
  edges: Int32Array,
  options: { readonly testRatio: number; readonly validRatio: number; readonly seed: number },
  parts: Uint8Array = new Uint8Array(edges.length / 2),
): Uint8Array {
  const result = Uint8Array.from(parts);
  const count = edges.length / 2;
  for (let start = 0; start < count; ) {
    const user = edges[2 * start]!;
    const order: number[] = [];
    let end = start;
    for (; end < count && edges[2 * end] === user; end++) if (result[end] === Part.train) order.push(end);
    const test = testCount(order.length, options.testRatio);
    const unit = toUnit(random(options.seed, Purpose.split, user, roundingDraw));
    const valid = validCount(order.length - test, options.validRatio, unit);
    // The first places of a random order (Fisher and Yates).
    for (let place = 0; place < test + valid; place++) {
      const other = place + toBelow(random(options.seed, Purpose.split, user, place), order.length - place);
      [order[place], order[other]] = [order[other]!, order[place]!];
      result[order[place]!] = place < test ? Part.test : Part.valid;
    }
    start = end;
  }
  return result;
}

/** The edges of each part, in the order of `edges`. */
export function separate(
  edges: Int32Array,
  parts: Uint8Array,
): { train: Int32Array; valid: Int32Array; test: Int32Array } {
  const sizes = [0, 0, 0];
  for (const part of parts) sizes[part]!++;
  const [train, valid, test] = sizes.map((size) => new Int32Array(2 * size));
  const outputs = [train!, valid!, test!];
  const next = [0, 0, 0];
  parts.forEach((part, edge) => {
    outputs[part]![next[part]!++] = edges[2 * edge]!;
    outputs[part]![next[part]!++] = edges[2 * edge + 1]!;
  });
  return { train: train!, valid: valid!, test: test! };
}

/**
 * The leak check: the first pair that stands in two of the parts, or undefined. One pass over sorted edges.
 *
 * @param parts edge arrays, each sorted by (user, item) without repeats
 */
export function findSharedPair(...parts: Int32Array[]): { user: number; item: number } | undefined {
  const at = parts.map(() => 0);
  for (;;) {
    let least = -1;
    for (let part = 0; part < parts.length; part++) {
      if (at[part]! >= parts[part]!.length) continue;
      const order = least < 0 ? -1 : compareEdges(parts[part]!, at[part]!, parts[least]!, at[least]!);
      if (order < 0) least = part;
      else if (order === 0) return { user: parts[part]![at[part]!]!, item: parts[part]![at[part]! + 1]! };
    }
    if (least < 0) return undefined;
    at[least]! += 2;
  }
}

/** The order of the edge at place `a` of one array and the edge at place `b` of another. */
export function compareEdges(first: Int32Array, a: number, second: Int32Array, b: number): number {
  return first[a]! - second[b]! || first[a + 1]! - second[b + 1]!;
}
