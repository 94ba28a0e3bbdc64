/** `hashgnn bench search`: exact search beside its peer, in the same run on the same arrays. */
import type { Gpu } from '../../src/gpu/index.js';
import { type Ceilings, measureCeilings } from '../ceilings.js';
import { type AlibabaResult, searchAlibaba } from './alibaba.js';
import { type MeasuredRow, measureRow, requireGoing } from './measure.js';
import { Peer, type PeerVersions } from './peer.js';
import { quick, ROWS, type Row, rowsOfRun, selectRows, withK } from './rows.js';
import { rowsOfTable4, TABLE4, type Table4Result, table4Of } from './table4.js';

export interface SearchBenchOptions {
  /** Of random codes and embeddings. */
  readonly seed: number;
  /** Rounds, each one search of ours and one of the peer; fewer, at least two, where they take long. */
  readonly repeat: number;
  /** Rows by name; all unless told, none where only `table4` or `alibaba` is asked for. */
  readonly rows?: readonly string[] | undefined;
  /** Run folders whose codes and embeddings are further rows. */
  readonly runs?: readonly string[] | undefined;
  /** The best of each query, in place of each row's own. */
  readonly k?: number | undefined;
  /** Everything at a small size, to see that it works. */
  readonly quick?: boolean | undefined;
  /** False: ours alone. */
  readonly peer?: boolean | undefined;
  readonly table4?: boolean | undefined;
  readonly alibaba?: boolean | undefined;
  /** Versions to note in the result. */
  readonly versions?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is told while the bench runs. */
export interface SearchBenchEvents {
  /** All rows that will be measured. */
  onPlan?(rows: readonly Row[]): void;
  onCeilings?(ceilings: Ceilings): void;
  /** What a row is doing, and how much of it is done, between 0 and 1. */
  onStep?(row: Row, what: string, done: number): void;
  onRow?(row: MeasuredRow): void;
  onAlibaba?(done: number, total: number): void;
}

export interface SearchBenchResult {
  readonly adapter: string;
  readonly driver: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly peer: PeerVersions | null;
  readonly seed: number;
  readonly quick: boolean;
  readonly ceilings: Ceilings;
  readonly rows: readonly MeasuredRow[];
  readonly table4?: readonly Table4Result[];
  readonly alibaba?: AlibabaResult;
}

/** Of the work that ceilings are measured by, in a quick run. */
const QUICK_CEILINGS = 2 ** -8;

/**
 * @throws UsageError where a row is unknown; HashgnnError where results differ or no Python has FAISS; InterruptedError
 */
export async function benchSearch(
  gpu: Gpu,
  options: SearchBenchOptions,
  events: SearchBenchEvents = {},
): Promise<SearchBenchResult> {
  const { seed, signal } = options;
  const rows = await chooseRows(options);
  const sizes = options.table4 ? TABLE4 : [];
  const table4Rows = sizes.map((size) => rowsOfTable4(size).map((row) => (options.quick ? quick(row) : row)));
  const all = [...rows, ...table4Rows.flat()];
  events.onPlan?.(all);
  const peer = options.peer === false || all.length === 0 ? undefined : await Peer.start(signal);
  try {
    const ceilings = await measureCeilings(gpu, options.quick ? QUICK_CEILINGS : 1);
    events.onCeilings?.(ceilings);
    const measured: MeasuredRow[] = [];
    for (const row of all) {
      const { repeat, quick: short } = options;
      const onStep = (what: string, done: number) => events.onStep?.(row, what, done);
      measured.push(await measureRow(gpu, row, { seed, repeat, ceilings, peer, quick: short, signal, onStep }));
      events.onRow?.(measured.at(-1)!);
    }
    const taken = measured.splice(rows.length);
    const table4 = sizes.map((size, at) => table4Of(size, taken.slice(...span(table4Rows, at))));
    const onProgress = (done: number, total: number) => events.onAlibaba?.(done, total);
    const alibaba = options.alibaba
      ? await searchAlibaba(gpu, { seed, quick: options.quick, signal, onProgress })
      : undefined;
    requireGoing(signal);
    return {
      adapter: gpu.adapter.device || gpu.name,
      driver: gpu.adapter.description,
      versions: options.versions ?? {},
      peer: peer?.versions ?? null,
      seed,
      quick: options.quick ?? false,
      ceilings,
      rows: measured,
      ...(options.table4 && { table4 }),
      ...(alibaba && { alibaba }),
    };
  } finally {
    await peer?.close();
  }
}

/** Where the rows of list `at` stand in all lists put together. */
function span(lists: readonly (readonly unknown[])[], at: number): [number, number] {
  const before = lists.slice(0, at).flat().length;
  return [before, before + lists[at]!.length];
}

async function chooseRows({ rows, runs = [], k, table4, alibaba, ...options }: SearchBenchOptions): Promise<Row[]> {
  const known: Row[] = [...ROWS];
  for (const folder of runs) known.push(...(await rowsOfRun(folder, known)));
  const chosen = rows
    ? selectRows(known, rows)
    : known.filter((row) => row.arrays || runs.length > 0 || !(table4 || alibaba));
  return chosen.map((row) => {
    const sized = options.quick ? quick(row) : row;
    return k === undefined ? sized : withK(sized, k);
  });
}
