/** The paper's Table 4 measured again: all users against all items, by three searches. */
import { DEFAULT_CANDIDATES } from '../../src/search/index.js';
import type { MeasuredRow } from './measure.js';
import type { Row, SearchKind } from './rows.js';

/** The searches in the table's order. */
export const SEARCHES = ['continuous', 'hierarchical', 'hamming'] as const satisfies readonly SearchKind[];

type BySearch<T> = Readonly<Record<(typeof SEARCHES)[number], T>>;

/** One data set of the table. */
export interface Table4Size {
  readonly dataset: string;
  readonly users: number;
  readonly items: number;
  /** Seconds in the paper's Table 4, "computing and sorting distances". */
  readonly paper: BySearch<number>;
}

/** The table's data sets less Alibaba, which `alibaba.ts` does. */
export const TABLE4: readonly Table4Size[] = [
  { dataset: 'movielens', users: 6_040, items: 3_706, paper: { continuous: 3.8, hierarchical: 2.8, hamming: 1.5 } },
  { dataset: 'pinterest', users: 55_187, items: 9_916, paper: { continuous: 73.5, hierarchical: 41.2, hamming: 27.8 } },
  { dataset: 'gowalla', users: 29_858, items: 40_981, paper: { continuous: 189.6, hierarchical: 82.1, hamming: 66.1 } },
];

/** Random embeddings whose signs are the codes, each search against the peer's search of its kind. */
export function rowsOfTable4({ dataset, users, items }: Table4Size): Row[] {
  return SEARCHES.map((search) => ({
    name: `table4-${dataset}-${search}`,
    ...{ ours: search, peer: search, database: items, queries: users, bits: 32, k: 100 },
    ...(search === 'hierarchical' && { candidates: DEFAULT_CANDIDATES }),
  }));
}

export interface Table4Result {
  readonly dataset: string;
  readonly users: number;
  readonly items: number;
  readonly searches: BySearch<MeasuredRow>;
  /** By the seconds of Hamming search, continuous : hierarchical : 1. */
  readonly ratios: {
    readonly ours: BySearch<number>;
    readonly peer: BySearch<number> | null;
    readonly paper: BySearch<number>;
  };
}

/** @param rows as measured, in the order of `rowsOfTable4` */
export function table4Of({ dataset, paper }: Table4Size, rows: readonly MeasuredRow[]): Table4Result {
  const bySearch = <T>(value: (row: MeasuredRow) => T) =>
    Object.fromEntries(SEARCHES.map((search, at) => [search, value(rows[at]!)])) as unknown as BySearch<T>;
  const [{ queries: users, database: items }] = [rows[0]!];
  return {
    ...{ dataset, users, items, searches: bySearch((row) => row) },
    ratios: {
      ours: byHamming(bySearch((row) => row.ours.seconds)),
      peer: rows.every((row) => row.peer) ? byHamming(bySearch((row) => row.peer!.seconds)) : null,
      paper: byHamming(paper),
    },
  };
}

function byHamming(seconds: BySearch<number>): BySearch<number> {
  const { continuous, hierarchical, hamming } = seconds;
  return { continuous: continuous / hamming, hierarchical: hierarchical / hamming, hamming: 1 };
}
