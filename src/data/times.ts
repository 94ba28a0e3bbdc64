/** Interactions over time, counted by periods of equal length. */
import { Part } from './split.js';

/** All times are seconds since 1970, UTC. */
export interface TimeHistogram {
  /** The earliest and the latest interaction. */
  readonly first: number;
  readonly last: number;
  /** Period n goes from `from + n · period` on until the next one: a whole number of minutes, hours or days, as of a clock. */
  readonly from: number;
  /** Seconds. */
  readonly period: number;
  /** Interactions of each part by period: as many periods as reach from `first` to `last`. */
  readonly train: readonly number[];
  readonly valid: readonly number[];
  readonly test: readonly number[];
}

const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];
/** Lengths of a period; a day begins at midnight. */
const PERIODS = [
  ...[1, 10, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR],
  ...[1, 7, 30, 91, 365, 3653].map((days) => days * DAY),
];
/** Periods that there are at most. */
const MOST = 40;

/** Counts interactions over time while they go by. */
export class TimeCounts {
  private readonly period: number;
  /** Number of the first period, counted from 1970. */
  private readonly begin: number;
  private readonly parts: readonly number[][];

  /**
   * @param first the earliest time that will come
   * @param last the latest, at most 400 years later
   */
  constructor(
    private readonly first: number,
    private readonly last: number,
  ) {
    const count = (period: number) => Math.floor(last / period) - Math.floor(first / period) + 1;
    this.period = PERIODS.find((period) => count(period) <= MOST)!;
    this.begin = Math.floor(first / this.period);
    const none = new Array<number>(count(this.period)).fill(0);
    this.parts = Object.values(Part).map(() => [...none]);
  }

  /** @param part a `Part` */
  add(part: number, time: number): void {
    this.parts[part]![Math.floor(time / this.period) - this.begin]!++;
  }

  histogram(): TimeHistogram {
    const { first, last, begin, period, parts } = this;
    const [train, valid, test] = [parts[Part.train]!, parts[Part.valid]!, parts[Part.test]!];
    return { first, last, from: begin * period, period, train, valid, test };
  }
}
