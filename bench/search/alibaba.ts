/** The paper's largest search, once: every user of its Alibaba data against every item, on random codes. */
import type { Gpu } from '../../src/gpu/index.js';
import { HammingIndex } from '../../src/search/index.js';
import { timed } from '../timing.js';
import { randomArrays } from './arrays.js';
import { Judge, someQueries } from './compare.js';
import { requireGoing } from './measure.js';
import { quick, type Row } from './rows.js';

const ROW: Row = {
  ...{ name: 'alibaba', ours: 'hamming', peer: 'hamming' },
  ...{ database: 4_167_708, queries: 601_946, bits: 32, k: 100 },
};
/** Seconds in the paper's Table 4. */
const PAPER_SECONDS = 4163.9;
/** Queries of one search: results of all of them need not be held, and one can be stopped between two. */
const BATCH = 8192;
/** Queries that are ranked again by plain loops. */
const CHECKED = 5;

export interface AlibabaResult {
  readonly database: number;
  readonly queries: number;
  readonly bits: number;
  readonly k: number;
  /** From queries in host memory to results in host memory, the sum of all batches. */
  readonly seconds: number;
  readonly pairsPerSecond: number;
  readonly paperSeconds: number;
  /** Queries whose whole ranking was found to be that of plain loops. */
  readonly checked: readonly number[];
}

/**
 * @param onProgress told of the queries done and of all
 * @throws HashgnnError where a checked query is wrong; InterruptedError where the signal is aborted
 */
export async function searchAlibaba(
  gpu: Gpu,
  options: {
    readonly seed: number;
    readonly quick?: boolean | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: (done: number, total: number) => void;
  },
): Promise<AlibabaResult> {
  const row = options.quick ? quick(ROW) : ROW;
  const { database: count, queries, bits, k } = row;
  const arrays = randomArrays(row, false, options.seed);
  const width = bits / 8;
  const codes = (first: number, rows: number) => arrays.queries.codes.subarray(first * width, (first + rows) * width);
  const checked = someQueries(queries, CHECKED);
  const batch = options.quick ? Math.ceil(queries / 3) : BATCH;
  const index = await HammingIndex.create(gpu, { codes: arrays.database.codes, count, bits });
  try {
    // Compiles the kernels, at the size at which they will run.
    await index.search(codes(0, Math.min(batch, queries)), k);
    let seconds = 0;
    for (let first = 0; first < queries; first += batch) {
      requireGoing(options.signal);
      options.onProgress?.(first, queries);
      const rows = Math.min(batch, queries - first);
      const part = await timed(() => index.search(codes(first, rows), k));
      seconds += part.seconds;
      const here = checked.filter((query) => query >= first && query < first + rows);
      if (here.length === 0) continue;
      const { ids, distances: values } = part.result;
      const some = { database: arrays.database, queries: { codes: codes(first, rows) } };
      const judge = new Judge({ ...row, name: `${row.name}, queries from ${first}`, queries: rows }, some);
      judge.requireExact(
        { ids, values },
        here.map((query) => query - first),
      );
    }
    options.onProgress?.(queries, queries);
    const pairsPerSecond = (count * queries) / seconds;
    return { database: count, queries, bits, k, seconds, pairsPerSecond, paperSeconds: PAPER_SECONDS, checked };
  } finally {
    index.destroy();
  }
}
