import { HashgnnError, InputError, InterruptedError } from '../base/errors.js';
import type { Gpu, Program, Tensor } from '../gpu/index.js';
import type { IdBitmap } from './filter.js';
import { type DeviceLists, type Exclusions, emptyLists, type Lists, selectLists } from './lists.js';
import type { Design } from './plan.js';
import type { Workspace } from './workspace.js';

/** What may be said about any search. */
export interface SearchOptions {
  /** Items never returned, by query. */
  readonly exclude?: Exclusions;
  /** Only these items, for all queries; see `idBitmap`. */
  readonly allow?: IdBitmap;
  /** None of these items, for all queries. */
  readonly deny?: IdBitmap;
  /** Bytes on the device that queries, results and intermediate values of a batch may take; 256 MiB unless told. */
  readonly memory?: number | undefined;
  /** Stops the search between two batches of queries; it is then rejected with an `InterruptedError`. */
  readonly signal?: AbortSignal | undefined;
  /** The design of the kernels; chosen by numbers of items, queries and results and by the adapter unless told. */
  readonly variant?: Design;
}

/** How a search goes, beside what is searched for. */
export type Conduct = Pick<SearchOptions, 'memory' | 'signal'>;

export const DEFAULT_MEMORY = 256 * 2 ** 20;

/** Code pairs or products of one dispatch: far below the two seconds after which display drivers stop a GPU. */
export const PAIRS_A_DISPATCH = 2 ** 30;

/** Queries as a tensor of a batch. */
export interface Input {
  readonly element: 'u32' | 'f32';
  /** Elements for so many queries. */
  length(rows: number): number;
  /** The elements of `rows` queries from `first` on. */
  rows(first: number, rows: number): Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
}

/** What a recording gives: rankings [rows, k], and which rows are not known to be exact (not 0), if any may be. */
export interface Rankings {
  readonly ids: Tensor<'i32'>;
  readonly values: Tensor<'i32'> | Tensor<'f32'>;
  readonly unsure?: Tensor<'u32'>;
}

/** What is being recorded: one batch of queries from input to ranking. */
export interface Batch {
  readonly gpu: Gpu;
  readonly program: Program;
  /** Queries of this batch. */
  readonly rows: number;
  readonly k: number;
  readonly exclude_offsets: Tensor<'u32'>;
  readonly exclude_ids: Tensor<'u32'>;
  /** Those of the ranker. */
  readonly lists: readonly ListTensors[];
  /** The tensor of an input. */
  input(name: string): Tensor;
  /** A tensor of the workspace, its contents unknown; shared with all recordings of the index. */
  tensor<E extends 'f32' | 'i32' | 'u32'>(element: E, length: number, label: string): Tensor<E>;
}

/** What an index adds to a search of queries that it has checked. */
export interface Ranker {
  readonly gpu: Gpu;
  readonly workspace: Workspace<unknown>;
  /** Items that can be returned: no query has more results. */
  readonly count: number;
  /** Queries to search for. */
  readonly queries: number;
  /** Everything that a recording depends on beside its numbers of rows and results. */
  readonly key: string;
  /** Places never returned, by query. */
  readonly exclude: DeviceLists;
  /** More lists by query, where a recording wants them. */
  readonly lists?: readonly DeviceLists[];
  readonly inputs: Readonly<Record<string, Input>>;
  /**
   * Bytes that one query takes: in all tensors together, and in the largest one. `k` does not exceed the count.
   * `batchBytes` and `batchRows` bound a batch where less than the whole budget is faster.
   */
  footprint(k: number): { total: number; widest: number; batchBytes?: number; batchRows?: number };
  record(batch: Batch): Rankings;
  /** In words, for errors: what is being searched for, and what to use to need less memory. */
  task(k: number): { what: string; fix: string };
  /** The same search of some of the queries, in a way that is never unsure. */
  again?(queries: Uint32Array): Ranker;
}

/**
 * The rankings of all queries, batch by batch within the memory budget.
 * @param values [queries, k], filled with what stands in missing places
 */
export async function rank<V extends Int32Array | Float32Array>(
  ranker: Ranker,
  k: number,
  conduct: Conduct,
  values: (length: number) => V,
): Promise<{ ids: Int32Array<ArrayBuffer>; values: V }> {
  const { queries, count } = ranker;
  const found = Math.min(k, count);
  const result = { ids: new Int32Array(queries * k), values: values(queries * k) };
  if (found < k || queries === 0) result.ids.fill(-1);
  const unsure: number[] = [];
  const record = (batch: Batch) => ranker.record(batch);
  await stream(ranker, found, conduct, 'rankings', record, async (rankings, first, rows) => {
    const marks = new Uint32Array(rankings.unsure ? rows : 0);
    const whole = found === k;
    // Rows as long as the results' are read where they belong.
    const room = <A extends Int32Array | Float32Array>(of: A): A =>
      (whole ? of.subarray(first * k, (first + rows) * k) : of.slice(0, rows * found)) as A;
    const ids = room(result.ids);
    const read = room(result.values);
    await ranker.gpu.readBuffers([
      rankings.ids.range(ids),
      (rankings.values as Tensor).range(read),
      ...(rankings.unsure ? [rankings.unsure.range(marks)] : []),
    ]);
    noteMarked(marks, first, unsure);
    if (whole) return;
    spread(ids, found, result.ids, k, (row) => first + row);
    spread(read, found, result.values, k, (row) => first + row);
  });
  if (unsure.length > 0) {
    const rest = await rank(ranker.again!(Uint32Array.from(unsure)), k, conduct, values);
    spread(rest.ids, k, result.ids, k, (row) => unsure[row]!);
    spread(rest.values, k, result.values, k, (row) => unsure[row]!);
  }
  return result;
}

/**
 * Which places of each query's ranking hold one of its test items, without reading the rankings back.
 * @param test places, by query
 * @returns [queries, ceil(k / 32)]: bit j of word w is place 32w + j
 */
export async function rankHits(
  ranker: Ranker,
  k: number,
  test: DeviceLists,
  conduct: Conduct,
): Promise<Uint32Array<ArrayBuffer>> {
  const { queries, count } = ranker;
  const words = Math.ceil(k / 32);
  const found = Math.min(k, count);
  const width = Math.ceil(found / 32);
  const result = new Uint32Array(queries * words);
  const unsure: number[] = [];
  const record = (batch: Batch, extra: readonly ListTensors[]) => {
    const rankings = ranker.record(batch);
    const hits = batch.tensor('u32', batch.rows * width, 'hits');
    const { offsets: test_offsets, columns: test_items } = extra[0]!;
    batch.program.dispatch('eval/ranking_hits', {
      bind: { ids: rankings.ids, test_offsets, test_items, hits },
      parameters: { queries: batch.rows, k: found },
      invocations: batch.rows * width,
    });
    return { ...rankings, hits };
  };
  const collect = async (recorded: ReturnType<typeof record>, first: number, rows: number) => {
    const data = new Uint32Array(rows * width);
    const marks = new Uint32Array(recorded.unsure ? rows : 0);
    await ranker.gpu.readBuffers([
      recorded.hits.range(data),
      ...(recorded.unsure ? [recorded.unsure.range(marks)] : []),
    ]);
    noteMarked(marks, first, unsure);
    spread(data, width, result, words, (row) => first + row);
  };
  await stream(ranker, found, conduct, 'hits', record, collect, [test]);
  if (unsure.length > 0) {
    const rest = await rankHits(ranker.again!(Uint32Array.from(unsure)), k, selectLists(test, unsure), conduct);
    spread(rest, words, result, words, (row) => unsure[row]!);
  }
  return result;
}

/** @throws InputError unless k can be a number of results */
export function requireK(k: number): void {
  if (!Number.isInteger(k) || k < 0 || k >= 2 ** 31) {
    throw new InputError(`the number of results cannot be ${k}`, { where: 'k', fix: 'use a whole number from 0' });
  }
}

/** Exclusions as lists of columns, empty ones where there are none. */
export function exclusionLists(exclude: Exclusions | undefined, queries: number): Lists {
  return exclude ? { offsets: exclude.offsets, columns: exclude.ids } : emptyLists(queries);
}

/** Lists by query on the device, as `DeviceLists`. */
export interface ListTensors {
  readonly offsets: Tensor<'u32'>;
  readonly columns: Tensor<'u32'>;
}

function noteMarked(marks: Uint32Array, first: number, found: number[]): void {
  marks.forEach((mark, row) => {
    if (mark !== 0) found.push(first + row);
  });
}

/** Copies rows of `width` to the beginnings of rows of another width. */
function spread(
  from: ArrayLike<number> & { subarray(begin: number, end: number): ArrayLike<number> },
  width: number,
  to: { set(values: ArrayLike<number>, at: number): void },
  toWidth: number,
  rowOf: (row: number) => number,
): void {
  const rows = width === 0 ? 0 : from.length / width;
  for (let row = 0; row < rows; row += 1) {
    to.set(from.subarray(row * width, (row + 1) * width), rowOf(row) * toWidth);
  }
}

/** Runs a program for each batch of queries: recorded once for each number of rows, and kept for the next search. */
export async function stream<R>(
  ranker: Omit<Ranker, 'record' | 'again'>,
  k: number,
  { memory = DEFAULT_MEMORY, signal }: Conduct,
  what: string,
  record: (batch: Batch, extra: readonly ListTensors[]) => R,
  collect: (recorded: R, first: number, rows: number) => Promise<void>,
  extra: readonly DeviceLists[] = [],
): Promise<void> {
  const { gpu, queries, workspace, inputs } = ranker;
  if (queries === 0 || k === 0) return;
  const own = [ranker.exclude, ...(ranker.lists ?? [])];
  const lists = [...own, ...extra];
  const { size, bytes } = planBatches(ranker, k, memory, lists);
  const batches = [ranker.key, what, k, size].join(' ');
  workspace.reserve(batches, bytes, memory);
  // First all inputs at their largest: a tensor that grows undoes the recordings that bind it.
  const tensors = new Map<string, Tensor>();
  for (const [name, input] of Object.entries(inputs)) {
    tensors.set(name, workspace.tensor(input.element, input.length(size), name));
  }
  const listTensors = lists.map((list, index) => ({
    offsets: workspace.tensor('u32', size + 1, `list offsets ${index}`),
    columns: workspace.tensor('u32', longest(list, size), `list entries ${index}`),
  }));
  for (let first = 0; first < queries; first += size) {
    if (signal?.aborted)
      throw new InterruptedError('the search was stopped', { where: `query ${first} of ${queries}` });
    const rows = Math.min(size, queries - first);
    const made = await workspace.program(`${batches} ${rows}`, (program) => {
      const [exclude, ...others] = listTensors.slice(0, own.length);
      const batch: Batch = {
        gpu,
        program,
        rows,
        k,
        exclude_offsets: exclude!.offsets,
        exclude_ids: exclude!.columns,
        lists: others,
        input: (name) => tensors.get(name)!,
        // As large as a full batch needs it, whatever this one does.
        tensor: (element, length, label) => workspace.tensor(element, Math.ceil(length / rows) * size, label),
      };
      return record(batch, listTensors.slice(own.length));
    });
    for (const [name, input] of Object.entries(inputs)) tensors.get(name)!.write(input.rows(first, rows));
    for (const [index, list] of lists.entries()) {
      const begin = list.offsets[first]!;
      listTensors[index]!.offsets.write(list.offsets.slice(first, first + rows + 1).map((offset) => offset - begin));
      listTensors[index]!.columns.write(list.columns.subarray(begin, list.offsets[first + rows]));
    }
    made.program.run();
    await collect(made.recorded as R, first, rows);
  }
}

/** Queries a batch, so that its tensors fit the budget and its dispatches stay short, and the bytes that they take. */
function planBatches(
  ranker: Pick<Ranker, 'gpu' | 'queries' | 'count' | 'footprint' | 'task'>,
  k: number,
  memory: number,
  lists: readonly DeviceLists[],
): { size: number; bytes: number } {
  const { gpu, queries, count } = ranker;
  const footprint = ranker.footprint(k);
  const { total, widest, batchBytes = memory } = footprint;
  const { batchRows = Math.floor(PAIRS_A_DISPATCH / count) } = footprint;
  const binding = gpu.bindable;
  const bytesOf = (rows: number) => rows * total + lists.reduce((sum, list) => sum + 4 * longest(list, rows), 0);
  const fits = Math.floor(Math.min(memory / total, binding / widest));
  const wanted = Math.max(1, Math.floor(Math.min(batchBytes / total, batchRows)));
  let size = Math.max(1, Math.min(queries, fits, wanted));
  while (size > 1 && bytesOf(size) > memory) size = Math.ceil(size / 2);
  // Whole workgroups leave no lane idle.
  if (size < queries && size > 64) size -= size % 64;
  const bytes = bytesOf(size);
  if (bytes > memory || widest > binding) {
    const { what, fix } = ranker.task(k);
    throw new HashgnnError(`one query needs ${bytes} bytes on the device, ${widest} of them in one buffer`, {
      where: what,
      fix:
        binding < widest
          ? `this device binds ${binding} bytes at most: ${fix} or another adapter`
          : `the memory budget is ${memory} bytes: raise it or ${fix}`,
    });
  }
  return { size, bytes };
}

/** Entries of the `rows` lists of any batch, at most; a power of two, so that searches alike share tensors. */
function longest({ offsets }: DeviceLists, rows: number): number {
  let most = 1;
  for (let first = 0; first < offsets.length - 1; first += rows) {
    most = Math.max(most, offsets[Math.min(first + rows, offsets.length - 1)]! - offsets[first]!);
  }
  return 2 ** Math.ceil(Math.log2(most));
}
