import { median } from '../src/base/median.js';

/** What cannot be told from nothing, once the time of an empty submission and the like is taken off. */
export const LEAST_SECONDS = 1e-8;

/** The median and how far apart the measurements lie. */
export interface Timing {
  /** Median. */
  readonly seconds: number;
  /** (slowest − fastest) / median */
  readonly spread: number;
  readonly all: readonly number[];
}

/** What a list of measured seconds says. */
export function timingOf(all: readonly number[]): Timing {
  const seconds = median(all);
  return { seconds, spread: (Math.max(...all) - Math.min(...all)) / seconds, all };
}

/** Seconds that some work takes by the wall clock, and its result. */
export async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
}
