/** Distributions of degrees: of how many interactions users or items have. */
import type { DegreeSummary } from './dataset.js';

/** How many nodes have each degree, by ascending degree; degrees that nobody has are not in it. Of one node at least. */
export type DegreeHistogram = readonly (readonly [degree: number, nodes: number])[];

export function fromCounts(counts: ReadonlyMap<number, number>): DegreeHistogram {
  return [...counts].sort(([a], [b]) => a - b);
}

/** @param degrees of every node */
export function histogramOf(degrees: Uint32Array): DegreeHistogram {
  const counts = new Map<number, number>();
  for (const degree of degrees) counts.set(degree, (counts.get(degree) ?? 0) + 1);
  return fromCounts(counts);
}

const nodesOf = (histogram: DegreeHistogram) => histogram.reduce((sum, [, nodes]) => sum + nodes, 0);
const interactionsOf = (histogram: DegreeHistogram) =>
  histogram.reduce((sum, [degree, nodes]) => sum + degree * nodes, 0);

/** The degree at a place in the ascending order of all degrees. */
function degreeAt(histogram: DegreeHistogram, place: number): number {
  let before = 0;
  return histogram.find(([, nodes]) => {
    before += nodes;
    return before > place;
  })![0];
}

export function summarise(histogram: DegreeHistogram): DegreeSummary {
  const nodes = nodesOf(histogram);
  const median = (degreeAt(histogram, (nodes - 1) >> 1) + degreeAt(histogram, nodes >> 1)) / 2;
  return { min: histogram[0]![0], median, max: histogram.at(-1)![0] };
}

/** So many nodes are a share of them, rounded up; what floating point adds to a whole number does not count. */
const shareOf = (histogram: DegreeHistogram, share: number) => Math.ceil(share * nodesOf(histogram) - 1e-6);

/** The least degree that a share of the nodes, in (0, 1], does not exceed. */
export function quantile(histogram: DegreeHistogram, share: number): number {
  return degreeAt(histogram, shareOf(histogram, share) - 1);
}

/** Share of all interactions that are of the `share` of nodes with the most of them, rounded up to whole nodes. */
export function shareOfTop(histogram: DegreeHistogram, share: number): number {
  let left = shareOf(histogram, share);
  let top = 0;
  for (const [degree, nodes] of [...histogram].reverse()) {
    const taken = Math.min(left, nodes);
    top += taken * degree;
    left -= taken;
  }
  return top / interactionsOf(histogram);
}

/** Gini's coefficient: 0 where all have as many, near 1 where one has nearly all. */
export function gini(histogram: DegreeHistogram): number {
  const nodes = nodesOf(histogram);
  let before = 0;
  let weighted = 0;
  for (const [degree, count] of histogram) {
    // The ranks of these nodes, from 1, are before + (count + 1) / 2 on average.
    weighted += degree * count * (before + (count + 1) / 2);
    before += count;
  }
  return (2 * weighted) / (nodes * interactionsOf(histogram)) - (nodes + 1) / nodes;
}

/** How many nodes have at least so many interactions, for each degree above 0 that a node has. */
export function tailOf(histogram: DegreeHistogram): [degree: number, nodes: number][] {
  let left = nodesOf(histogram);
  return histogram
    .map(([degree, nodes]): [number, number] => {
      const tail = left;
      left -= nodes;
      return [degree, tail];
    })
    .filter(([degree]) => degree > 0);
}

/**
 * The Lorenz curve, from those with most interactions on: shares of all nodes, ascending, and the shares of all
 * interactions that are theirs, from (0, 0) to (1, 1).
 */
export function lorenzOf(histogram: DegreeHistogram): [nodes: number, interactions: number][] {
  const [allNodes, allInteractions] = [nodesOf(histogram), interactionsOf(histogram)];
  let [nodes, interactions] = [0, 0];
  const curve = [...histogram].reverse().map(([degree, count]): [number, number] => {
    nodes += count;
    interactions += degree * count;
    return [nodes / allNodes, interactions / allInteractions];
  });
  return [[0, 0], ...curve];
}
