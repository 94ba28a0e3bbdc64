/** The data sets that kernels are measured at: their numbers, and a graph drawn to have them. */
import { UsageError } from '../../src/base/errors.js';
import { random, toUnit } from '../../src/base/random.js';
import { offsetsOf } from '../../src/selftest/case.js';

export interface Size {
  readonly name: string;
  readonly users: number;
  readonly items: number;
  /** Training edges, about: users' degrees are drawn. */
  readonly edges: number;
  /** Edges of a batch, and negatives of each. */
  readonly batch: number;
  readonly slots: number;
  /** Sampled neighbours of a node in the first and in the second layer. */
  readonly fanouts: readonly [number, number];
  /** Width of the features, of the two hidden layers and of the embedding, whose signs are the code. */
  readonly widths: readonly [features: number, first: number, second: number, bits: number];
  /** Users that look for items in one dispatch, the best of each, and the candidates that are re-ranked. */
  readonly queries: number;
  readonly k: number;
  readonly candidates: number;
  /** Users of one dispatch of exact search by inner product, whose scores of all items must fit a binding of 128 MiB. */
  readonly scored: number;
}

const MODEL = { slots: 5, fanouts: [10, 5], widths: [120, 128, 68, 32] } as const;

/** What `--sizes` names. */
export const SIZES: readonly Size[] = [
  {
    ...{ name: 'small', ...MODEL, users: 300, items: 200, edges: 6_000, batch: 64 },
    ...{ queries: 128, k: 10, candidates: 50, scored: 64 },
  },
  {
    ...{ name: 'movielens', ...MODEL, users: 6_040, items: 3_706, edges: 630_000, batch: 512 },
    ...{ queries: 1_024, k: 50, candidates: 500, scored: 1_024 },
  },
  {
    ...{ name: 'gowalla', ...MODEL, users: 29_858, items: 40_981, edges: 820_000, batch: 512 },
    ...{ queries: 1_024, k: 100, candidates: 500, scored: 256 },
  },
];

/** Of a quick run, in place of all others. */
export const QUICK: Size = {
  ...{ name: 'quick', users: 70, items: 90, edges: 900, batch: 16, slots: 3, fanouts: [4, 3] },
  ...{ widths: [12, 16, 8, 32], queries: 12, k: 5, candidates: 20, scored: 12 },
};

/** @throws UsageError where a name is unknown */
export function selectSizes(names: readonly string[] | undefined): Size[] {
  const known = SIZES.map(({ name }) => name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`there is no size ${unknown || '""'}`, {
      where: '--sizes',
      fix: `choose from ${known.join(', ')}`,
    });
  }
  return SIZES.filter(({ name }) => names?.includes(name) ?? true);
}

/** A bipartite graph by rows, users' rows first, neighbours ascending. */
export interface Graph {
  readonly nodes: number;
  readonly edges: number;
  /** [nodes + 1] */
  readonly offsets: Uint32Array<ArrayBuffer>;
  /** [2 · edges] node numbers */
  readonly neighbours: Uint32Array<ArrayBuffer>;
}

/** A graph in which some users have many edges and some items are popular; the same for the same seed. */
export function drawGraph({ users, items, edges }: Size, seed: number): Graph {
  let drawn = 0;
  const draw = () => {
    drawn += 1;
    return toUnit(random(seed, 0, 1, drawn));
  };
  const mean = edges / users;
  const lists = Array.from({ length: users }, () => {
    // An exponential tail over a fifth that everybody has: hubs as in real data, and nobody without an edge.
    const wanted = mean * (0.2 - 0.8 * Math.log(1 - draw()));
    const degree = Math.max(1, Math.min(Math.round(wanted), items >> 1));
    const list = new Set<number>();
    while (list.size < degree) list.add(Math.floor(items * draw() ** 1.5));
    return Uint32Array.from(list).sort();
  });
  const degrees = new Uint32Array(users + items);
  lists.forEach((list, user) => {
    degrees[user] = list.length;
    for (const item of list) degrees[users + item]! += 1;
  });
  const offsets = offsetsOf(degrees);
  const cursors = offsets.slice();
  const neighbours = new Uint32Array(offsets[users + items]!);
  lists.forEach((list, user) => {
    for (const item of list) {
      neighbours[cursors[user]!++] = users + item;
      neighbours[cursors[users + item]!++] = user;
    }
  });
  return { nodes: users + items, edges: neighbours.length / 2, offsets, neighbours };
}
