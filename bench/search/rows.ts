/** What `hashgnn bench search` measures: one row, one search of ours against one of a peer's on the same arrays. */
import { basename } from 'node:path';
import { UsageError } from '../../src/base/errors.js';
import { DEFAULT_CANDIDATES } from '../../src/search/index.js';
import { readRun } from '../../src/train/run_folder.js';
import { type Arrays, randomArrays } from './arrays.js';

/** Codes by Hamming distance, candidates by code ranked by embedding, or embeddings by inner product. */
export type SearchKind = 'hamming' | 'hierarchical' | 'continuous';

/** The sizes of a search. */
export interface Shape {
  /** Items. */
  readonly database: number;
  readonly queries: number;
  /** Bits of a code and width of an embedding. */
  readonly bits: number;
  readonly k: number;
  /** Of a hierarchical search. */
  readonly candidates?: number;
}

export interface Row extends Shape {
  readonly name: string;
  readonly ours: SearchKind;
  readonly peer: SearchKind;
  /** How many times as fast as the peer it is to be, and would be better. */
  readonly atLeast?: number;
  readonly aim?: number;
  /** Random unless told. */
  readonly arrays?: (seed: number) => Promise<Arrays>;
}

const MILLION = 2 ** 20;

const hamming = (name: string, shape: Omit<Shape, 'k'> & { k?: number }, atLeast: number, aim: number): Row => ({
  ...{ name, ours: 'hamming', peer: 'hamming' },
  ...{ k: 100, ...shape, atLeast, aim },
});

/** The rows of random codes. */
export const ROWS: readonly Row[] = [
  hamming('million-32', { database: MILLION, queries: 256, bits: 32 }, 6, 12),
  hamming('million-64', { database: MILLION, queries: 256, bits: 64 }, 4, 8),
  hamming('million-128', { database: MILLION, queries: 256, bits: 128 }, 4, 8),
  hamming('million-256', { database: MILLION, queries: 256, bits: 256 }, 4, 8),
  hamming('gowalla', { database: 40_981, queries: 29_858, bits: 32 }, 5, 10),
  hamming('movielens', { database: 3_706, queries: 6_040, bits: 32, k: 50 }, 2, 4),
  hamming('one-query', { database: MILLION, queries: 1, bits: 32 }, 1, 2),
  hamming('16-million-64', { database: 16 * MILLION, queries: 1_024, bits: 64 }, 4, 8),
  hamming('alibaba-slice', { database: 4_167_708, queries: 10_000, bits: 32 }, 6, 12),
  {
    // The search that codes are to replace.
    ...hamming('gowalla-against-floats', { database: 40_981, queries: 29_858, bits: 32 }, 4, 10),
    peer: 'continuous',
  },
  ...(
    [
      ['gowalla', 40_981, 29_858],
      ['movielens', 3_706, 6_040],
    ] as const
  ).map(
    ([name, database, queries]): Row => ({
      ...{ name: `${name}-hierarchical`, ours: 'hierarchical', peer: 'hierarchical' },
      ...{ database, queries, bits: 32, k: 100, candidates: DEFAULT_CANDIDATES },
    }),
  ),
];

/** Up to this size, such as MovieLens', a catalogue is ranked to 50 places. */
const SMALL_CATALOGUE = 10_000;

/**
 * The rows of a run folder's codes and embeddings: users against items, by Hamming distance and hierarchically.
 * @param others rows whose names are taken
 * @throws InputError where the folder is no finished run
 */
export async function rowsOfRun(folder: string, others: readonly Row[]): Promise<Row[]> {
  const run = await readRun(folder);
  const { bits } = run;
  const [database, queries] = [run.items.length / bits, run.users.length / bits];
  const k = Math.min(database, database <= SMALL_CATALOGUE ? 50 : 100);
  const taken = new Set(others.map((row) => row.name));
  let label = `run-${basename(folder)}`;
  for (let number = 2; taken.has(`${label}-hamming`); number += 1) label = `run-${basename(folder)}-${number}`;
  const shape = { database, queries, bits, k };
  const arrays = async (): Promise<Arrays> => ({
    database: { codes: run.itemCodes, embeddings: run.items },
    queries: { codes: run.userCodes, embeddings: run.users },
  });
  // What is asked of random codes is asked of trained ones of the same size.
  const like = ROWS.find(
    (row) =>
      row.ours === 'hamming' &&
      row.peer === 'hamming' &&
      (Object.keys(shape) as (keyof typeof shape)[]).every((name) => row[name] === shape[name]),
  );
  const { atLeast, aim } = like ?? {};
  const candidates = Math.min(database, DEFAULT_CANDIDATES);
  return [
    {
      ...{ name: `${label}-hamming`, ours: 'hamming', peer: 'hamming', ...shape, arrays },
      ...(atLeast !== undefined && { atLeast }),
      ...(aim !== undefined && { aim }),
    },
    { name: `${label}-hierarchical`, ours: 'hierarchical', peer: 'hierarchical', ...shape, candidates, arrays },
  ];
}

/** @throws UsageError where a name is unknown */
export function selectRows(rows: readonly Row[], names: readonly string[]): Row[] {
  for (const name of names) {
    if (!rows.some((row) => row.name === name)) {
      throw new UsageError(`there is no row "${name}"`, {
        where: '--rows',
        fix: `name some of ${rows.map((row) => row.name).join(', ')}`,
      });
    }
  }
  return rows.filter((row) => names.includes(row.name));
}

/** The most of everything in a quick run, which shows that all works and measures nothing. */
const QUICK = { database: 4096, queries: 64 };

/** A row at a small size, nothing asked of it; a run's arrays are small enough. */
export function quick({ atLeast: _, aim: __, ...row }: Row): Row {
  if (row.arrays) return row;
  return {
    ...row,
    database: Math.min(row.database, QUICK.database),
    queries: Math.min(row.queries, QUICK.queries),
  };
}

/** A row with another k, nothing asked of it where it was another one. */
export function withK(row: Row, k: number): Row {
  if (row.k === k) return row;
  const { atLeast: _, aim: __, ...rest } = row;
  return { ...rest, k: Math.min(k, row.database, row.candidates ?? k) };
}

/** The arrays of a row. @param seed of random ones */
export async function arraysOf(row: Row, seed: number): Promise<Arrays> {
  return row.arrays ? row.arrays(seed) : randomArrays(row, needsEmbeddings(row), seed);
}

/** Whether either side looks at embeddings. */
function needsEmbeddings({ ours, peer }: Row): boolean {
  return ours !== 'hamming' || peer !== 'hamming';
}
