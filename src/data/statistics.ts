/** What a dataset is like: distributions of degrees, and what training has of those who are tested. */
import { InputError } from '../base/errors.js';
import type { Dataset } from './dataset.js';
import { type DegreeHistogram, gini, histogramOf, quantile, shareOfTop } from './degrees.js';

export const PARTS = ['train', 'valid', 'test'] as const;
export type PartName = (typeof PARTS)[number];

/** Shares of users or items, from those with fewest interactions on, whose largest degree is told. */
export const QUANTILES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99] as const;
/** Shares of users or items, from those with most interactions on, whose share of all interactions is told. */
export const TOPS = [0.01, 0.1, 0.2] as const;

/** Users, or items. Degrees are numbers of interactions over all parts. */
export interface SideStatistics {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** The least degree that such a share of them does not exceed, for each of `QUANTILES`. */
  readonly quantiles: readonly { readonly share: number; readonly degree: number }[];
  /** What share of the interactions such a share of them has, those with most first, for each of `TOPS`. */
  readonly tops: readonly { readonly share: number; readonly interactions: number }[];
  /** Gini's coefficient of the degrees: 0 where all have as many, near 1 where one has nearly all. */
  readonly gini: number;
  readonly histogram: DegreeHistogram;
  /** How many of them have an interaction in a part. */
  readonly inPart: Readonly<Record<PartName, number>>;
  /** By their number of training interactions, from 0 to the most that one has: those without any are cold. */
  readonly byTraining: readonly TrainingClass[];
}

/** Users or items with `least` to `most` training interactions, and the interactions of theirs that validate and test. */
export interface TrainingClass {
  readonly least: number;
  readonly most: number;
  readonly nodes: number;
  readonly valid: number;
  readonly test: number;
}

export interface DatasetStatistics {
  readonly users: SideStatistics;
  readonly items: SideStatistics;
}

/**
 * Counts over the edges of a dataset; they take nine bytes a user and an item.
 * @throws InputError where there are no edges, of which nothing can be told
 */
export function datasetStatistics(dataset: Pick<Dataset, 'userCount' | 'itemCount' | PartName>): DatasetStatistics {
  if (PARTS.every((part) => dataset[part].length === 0)) {
    throw new InputError('the dataset has no interactions', { fix: 'prepare it again' });
  }
  return {
    users: statisticsOf(dataset, dataset.userCount, 0),
    items: statisticsOf(dataset, dataset.itemCount, 1),
  };
}

/** @param column of the nodes in an edge: 0 are users, 1 items */
function statisticsOf(parts: Pick<Dataset, PartName>, count: number, column: 0 | 1): SideStatistics {
  const degrees = new Uint32Array(count);
  const training = new Uint32Array(count);
  /** Part of the last interaction that was seen, from 1. */
  const seen = new Uint8Array(count);
  const inPart = { train: 0, valid: 0, test: 0 };
  const held: Record<PartName, number[]> = { train: [], valid: [], test: [] };
  for (const [index, part] of PARTS.entries()) {
    const edges = parts[part];
    for (let at = column; at < edges.length; at += 2) {
      const node = edges[at]!;
      degrees[node]!++;
      if (seen[node] !== index + 1) inPart[part]++;
      seen[node] = index + 1;
      if (part === 'train') training[node]!++;
      else add(held[part], classOf(training[node]!), 1);
    }
  }
  const histogram = histogramOf(degrees);
  const nodes: number[] = [];
  for (const [degree, found] of histogramOf(training)) add(nodes, classOf(degree), found);
  return {
    count,
    mean: degrees.reduce((sum, degree) => sum + degree, 0) / count,
    min: histogram[0]![0],
    max: histogram.at(-1)![0],
    quantiles: QUANTILES.map((share) => ({ share, degree: quantile(histogram, share) })),
    tops: TOPS.map((share) => ({ share, interactions: shareOfTop(histogram, share) })),
    gini: gini(histogram),
    histogram,
    inPart,
    byTraining: Array.from(nodes, (found = 0, index) => ({
      ...boundsOf(index),
      nodes: found,
      valid: held.valid[index] ?? 0,
      test: held.test[index] ?? 0,
    })),
  };
}

function add(counts: number[], index: number, count: number): void {
  counts[index] = (counts[index] ?? 0) + count;
}

// ------------------------------------------------------------------------------------------------- classes of degrees

/** Where a class of degrees begins: 0, 1, 2, 5, 10, 20, 50, … */
function leastOf(index: number): number {
  return index === 0 ? 0 : [1, 2, 5][(index - 1) % 3]! * 10 ** Math.floor((index - 1) / 3);
}

/** The degrees of a class, both included. */
export function boundsOf(index: number): { least: number; most: number } {
  return { least: leastOf(index), most: leastOf(index + 1) - 1 };
}

/** The class of a degree. */
export function classOf(degree: number): number {
  let index = 0;
  while (leastOf(index + 1) <= degree) index++;
  return index;
}
