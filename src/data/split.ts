/**
 * Which interactions train, validate and test. The default is the paper's split: of each user's interactions a random
 * part trains, the rest tests, and a part of the training interactions validates (section 4.1: 70 % and 30 %, and 10 %
 * of the 70 %).
 */
import { Purpose, random, random4, toBelow, toUnit } from '../base/random.js';

/** Part of an interaction; also the order of precedence when given files share a pair. */
export const Part = { train: 0, valid: 1, test: 2 } as const;

export const splitKinds = ['by-user', 'overall', 'leave-last-out', 'leave-random-out', 'by-time'] as const;
/**
 * - `by-user`: a random share of each user's interactions tests
 * - `overall`: a random share of all interactions tests, to the exact count
 * - `leave-last-out`: each user's latest interaction tests (of equal times that of the item with the largest index)
 * - `leave-random-out`: one random interaction of each user tests
 * - `by-time`: interactions at or after a moment test
 *
 * With all but `overall` and `by-time` a user keeps at least one training interaction: one who has no other tests none.
 */
export type SplitKind = (typeof splitKinds)[number];

export interface SplitPlan {
  readonly kind: SplitKind;
  /** Share that tests; of `by-user` and `overall`. */
  readonly testRatio: number;
  /** Share of the training interactions that validate: of each user's, or with `overall` of all. */
  readonly validRatio: number;
  readonly seed: number;
  /** Seconds since 1970; of `by-time`. */
  readonly testFrom?: number;
  /** Interactions in all; of `overall`. */
  readonly total?: number;
}

/** Counters of draws that belong to no position of a user's interactions; positions count from 0. */
const roundingDraw = 0xffffffff;
/** The step of draws that belong to no user; users count below 2^31. */
const overallStep = 0xffffffff;

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
 * Assigns interactions to parts, user by user, so that only one user's are in memory.
 *
 * The result depends on the seed, the user's index and the user's items in ascending order (and times) alone: not on the
 * order of rows in the source.
 */
export class Splitter {
  /** Of `overall`: interactions that are still to come, and how many of them are to test and to validate. */
  private left: number;
  private tests: number;
  private valids: number;

  constructor(private readonly plan: SplitPlan) {
    this.left = plan.total ?? 0;
    this.tests = Math.round(this.left * plan.testRatio);
    this.valids = Math.round((this.left - this.tests) * plan.validRatio);
  }

  /**
   * Splits one user's interactions; users come in ascending order.
   *
   * @param parts a `Part` for each interaction, in ascending order of items: what stands for `train` is assigned anew, the
   * rest stays
   * @param times seconds since 1970 for each interaction, where the kind needs them
   */
  split(user: number, parts: Uint8Array, times?: Float64Array): void {
    const { kind, seed, testRatio, validRatio } = this.plan;
    if (kind === 'overall') {
      this.splitOverall(parts);
      return;
    }
    let order: number[] = [];
    for (let place = 0; place < parts.length; place++) if (parts[place] === Part.train) order.push(place);
    let test = 0;
    if (kind === 'by-user') test = testCount(order.length, testRatio);
    else if (kind === 'leave-random-out') test = Math.min(1, order.length - 1);
    else {
      const last = kind === 'leave-last-out' && order.length > 1 ? latest(order, times!) : -1;
      for (const place of order) {
        if (kind === 'by-time' ? times![place]! >= this.plan.testFrom! : place === last) parts[place] = Part.test;
      }
      order = order.filter((place) => parts[place] === Part.train);
    }
    const unit = toUnit(random(seed, Purpose.split, user, roundingDraw));
    const valid = validCount(order.length - test, validRatio, unit);
    // The first places of a random order (Fisher and Yates).
    for (let place = 0; place < test + valid; place++) {
      const other = place + toBelow(random(seed, Purpose.split, user, place), order.length - place);
      [order[place], order[other]] = [order[other]!, order[place]!];
      parts[order[place]!] = place < test ? Part.test : Part.valid;
    }
  }

  /** Selection sampling: each is taken with the share of those still wanted among those still to come. */
  private splitOverall(parts: Uint8Array): void {
    for (let place = 0; place < parts.length; place++, this.left--) {
      const [first, second] = random4(this.plan.seed, Purpose.split, overallStep, this.left);
      if (toBelow(first, this.left) < this.tests) {
        parts[place] = Part.test;
        this.tests--;
      } else if (toBelow(second, this.left - this.tests) < this.valids) {
        parts[place] = Part.valid;
        this.valids--;
      }
    }
  }
}

function latest(order: readonly number[], times: Float64Array): number {
  return order.reduce((best, place) => (times[place]! >= times[best]! ? place : best));
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
