import { HashgnnError, InputError } from '../base/errors.js';
import type { Dispatch, Gpu, Program, Tensor, TensorScope, TypedArrays } from '../gpu/index.js';
import { checkLists, type DeviceLists, type Exclusions, emptyLists, type Lists } from './lists.js';
import { topkVariant, type Variant } from './variant.js';

/** What may be said about any search. */
export interface SearchOptions {
  /** Items never returned, by query. */
  readonly exclude?: Exclusions;
  /** Bytes on the device that queries, results and intermediate values of a batch may take; 256 MiB unless told. */
  readonly memory?: number;
  /** The design of the kernels; chosen by adapter and number of queries unless told. */
  readonly variant?: Variant;
}

const DEFAULT_MEMORY = 256 * 2 ** 20;

/** Code pairs or products of one dispatch: far below the two seconds after which display drivers stop a GPU. */
const PAIRS_A_DISPATCH = 2 ** 30;

/** What is being recorded: one batch of queries from input to ranking. */
export interface Batch {
  readonly gpu: Gpu;
  readonly scope: TensorScope;
  readonly program: Program;
  /** Queries for which tensors have room. */
  readonly rows: number;
  readonly k: number;
  readonly variant: Variant;
  readonly exclude_offsets: Tensor<'u32'>;
  readonly exclude_ids: Tensor<'u32'>;
  /** A tensor [rows, width] into which the batch's rows of `values` are written before each run. */
  input<E extends 'u32' | 'f32'>(element: E, values: TypedArrays[E], width: number, label: string): Tensor<E>;
  /** Notes a dispatch that takes the number of queries as its parameter `queries`. */
  counted(dispatch: Dispatch): void;
}

/** What an index adds to a search of queries that it has checked. */
export interface Ranker {
  readonly gpu: Gpu;
  /** Items in the index. */
  readonly count: number;
  /** Queries to search for. */
  readonly queries: number;
  /**
   * Bytes that one query takes: in all tensors together, and in the largest one. `k` does not exceed the count.
   * `batchBytes` bounds one batch's tensors where less than the whole budget is faster.
   */
  footprint(k: number, variant: Variant): { total: number; widest: number; batchBytes?: number };
  record(batch: Batch): { ids: Tensor<'i32'>; values: Tensor<'i32'> | Tensor<'f32'> };
}

/**
 * The rankings of all queries, batch by batch within the memory budget.
 * @param values [queries, k], filled with what stands in missing places
 */
export async function rank<V extends Int32Array | Float32Array>(
  ranker: Ranker,
  k: number,
  options: SearchOptions,
  values: (length: number) => V,
): Promise<{ ids: Int32Array<ArrayBuffer>; values: V }> {
  requireK(k);
  const { queries, count } = ranker;
  const result = { ids: new Int32Array(queries * k).fill(-1), values: values(queries * k) };
  await stream(ranker, Math.min(k, count), options, (batch, first) => {
    const tensors = ranker.record(batch);
    return async (rows) => {
      const [ids, found] = await Promise.all([
        tensors.ids.read(0, rows * batch.k),
        tensors.values.read(0, rows * batch.k),
      ]);
      for (let row = 0; row < rows; row += 1) {
        const from = row * batch.k;
        const to = (first() + row) * k;
        result.ids.set(ids.subarray(from, from + batch.k), to);
        result.values.set(found.subarray(from, from + batch.k), to);
      }
    };
  });
  return result;
}

/**
 * Which places of each query's ranking hold one of its test items, without reading the rankings back.
 * @returns [queries, ceil(k / 32)]: bit j of word w is place 32w + j
 */
export async function rankHits(
  ranker: Ranker,
  k: number,
  test: Lists,
  options: SearchOptions,
): Promise<Uint32Array<ArrayBuffer>> {
  requireK(k);
  const { queries, count } = ranker;
  const words = Math.ceil(k / 32);
  const result = new Uint32Array(queries * words);
  const lists = checkLists(test, queries, count, 'test items');
  await stream(
    ranker,
    Math.min(k, count),
    options,
    (batch, first, extra) => {
      const { ids } = ranker.record(batch);
      const found = Math.ceil(batch.k / 32);
      const hits = batch.scope.tensor('u32', [batch.rows, found], 'hits');
      const { offsets: test_offsets, columns: test_items } = extra[0]!;
      batch.counted(
        batch.program.dispatch('eval/ranking_hits', {
          bind: { ids, test_offsets, test_items, hits },
          parameters: { queries: batch.rows, k: batch.k },
          invocations: batch.rows * found,
        }),
      );
      return async (rows) => {
        const data = await hits.read(0, rows * found);
        for (let row = 0; row < rows; row += 1) {
          result.set(data.subarray(row * found, (row + 1) * found), (first() + row) * words);
        }
      };
    },
    [lists],
  );
  return result;
}

type Collect = (rows: number) => Promise<void>;
interface ListTensors {
  readonly offsets: Tensor<'u32'>;
  readonly columns: Tensor<'u32'>;
}

/** Records a program for one batch and replays it over all queries. */
async function stream(
  ranker: Ranker,
  k: number,
  options: SearchOptions,
  record: (batch: Batch, first: () => number, extra: readonly ListTensors[]) => Collect,
  extra: readonly DeviceLists[] = [],
): Promise<void> {
  const { gpu, queries, count } = ranker;
  const exclude = options.exclude
    ? checkLists({ offsets: options.exclude.offsets, columns: options.exclude.ids }, queries, count, 'exclusions')
    : emptyLists(queries);
  if (queries === 0 || k === 0) return;
  const variant = options.variant ?? topkVariant({ software: gpu.adapter.software, queries });
  const size = batchSize(ranker, k, variant, options.memory ?? DEFAULT_MEMORY);
  const scope = gpu.scope();
  const program = scope.own(gpu.program('search'));
  try {
    const inputs: ((first: number, rows: number) => void)[] = [];
    const dispatches: Dispatch[] = [];
    const upload = (lists: DeviceLists, label: string): ListTensors => {
      const offsets = scope.tensor('u32', [size + 1], `${label} offsets`);
      const columns = scope.tensor('u32', [longest(lists, size)], `${label} ids`);
      inputs.push((first, rows) => {
        const begin = lists.offsets[first]!;
        offsets.write(lists.offsets.slice(first, first + rows + 1).map((offset) => offset - begin));
        columns.write(lists.columns.subarray(begin, lists.offsets[first + rows]));
      });
      return { offsets, columns };
    };
    const excluded = upload(exclude, 'excluded');
    let current = 0;
    const batch: Batch = {
      gpu,
      scope,
      program,
      rows: size,
      k,
      variant,
      exclude_offsets: excluded.offsets,
      exclude_ids: excluded.columns,
      input: (element, values, width, label) => {
        const tensor = scope.tensor(element, [size, width], label);
        inputs.push((first, rows) => {
          tensor.write(values.subarray(first * width, (first + rows) * width) as typeof values);
        });
        return tensor;
      },
      counted: (dispatch) => dispatches.push(dispatch),
    };
    const collect = record(
      batch,
      () => current,
      extra.map((lists) => upload(lists, 'test')),
    );
    await program.compile();
    let told = size;
    for (; current < queries; current += size) {
      const rows = Math.min(size, queries - current);
      for (const input of inputs) input(current, rows);
      if (rows !== told) for (const dispatch of dispatches) program.setParameters(dispatch, { queries: rows });
      told = rows;
      program.run();
      await collect(rows);
    }
  } finally {
    scope.destroy();
  }
}

/** Queries a batch, so that its tensors fit the budget and its dispatches stay short. */
function batchSize(ranker: Ranker, k: number, variant: Variant, memory: number): number {
  const { gpu, queries, count } = ranker;
  const { total, widest, batchBytes = memory } = ranker.footprint(k, variant);
  const binding = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
  const fits = Math.floor(Math.min(memory / total, binding / widest));
  if (fits < 1) {
    throw new HashgnnError(`one query needs ${total} bytes on the device, ${widest} of them in one buffer`, {
      where: `search of ${count} items for the best ${k}`,
      fix:
        binding < widest
          ? `this device binds ${binding} bytes at most: use a smaller k or another adapter`
          : `the memory budget is ${memory} bytes: raise it or use a smaller k`,
    });
  }
  const wanted = Math.max(1, Math.floor(Math.min(batchBytes / total, PAIRS_A_DISPATCH / count)));
  const size = Math.min(queries, fits, wanted);
  // Whole workgroups leave no lane idle.
  return size < queries && size > 64 ? size - (size % 64) : size;
}

/** Entries of the `rows` lists of any batch, at most. */
function longest({ offsets }: DeviceLists, rows: number): number {
  let most = 0;
  for (let first = 0; first < offsets.length - 1; first += rows) {
    most = Math.max(most, offsets[Math.min(first + rows, offsets.length - 1)]! - offsets[first]!);
  }
  return most;
}

function requireK(k: number): void {
  if (!Number.isInteger(k) || k < 0 || k >= 2 ** 31) {
    throw new InputError(`the number of results cannot be ${k}`, { where: 'k', fix: 'use a whole number from 0' });
  }
}
