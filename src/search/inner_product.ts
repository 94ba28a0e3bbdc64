import { InputError } from '../base/errors.js';
import { type Gpu, GpuOutOfMemoryError, type Tensor } from '../gpu/index.js';
import {
  MISSING_PRODUCT,
  type PreparedEmbeddings,
  prepareEmbeddings,
  productSlack,
  requireProductsFinite,
} from './embeddings.js';
import type { IndexOptions } from './hamming.js';
import { checkLists, type DeviceLists, type Lists, sampleLists, selectLists, selectRows } from './lists.js';
import {
  type BoundPlan,
  chooseProductDesign,
  lanesWorkgroup,
  loadsTogether,
  type ProductDesign,
  planBound,
  powerOfTwoFrom,
  selectionVariant,
} from './plan.js';
import { recordReranking } from './rerank.js';
import {
  type Batch,
  exclusionLists,
  type ListTensors,
  PAIRS_A_DISPATCH,
  type Ranker,
  rank,
  rankHits,
  requireK,
  type SearchOptions,
} from './stream.js';
import { Turns } from './turns.js';
import { Workspace } from './workspace.js';

/** The best k of each query by inner product, best first, equal products in order of ascending id. */
export interface ProductResult {
  /** [queries, k]; -1 where a query has fewer than k items. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** [queries, k]; the lowest finite float32 beside id -1. */
  readonly products: Float32Array<ArrayBuffer>;
  readonly k: number;
}

/** Bytes of products that are kept at a time, the most that pays: a driver on the CPU finds them in its cache again. */
const SCORE_BYTES = { software: 32 * 2 ** 20, hardware: 128 * 2 ** 20 };

/** Floats of items that an invocation of `search/product_collect` walks, so that a few of them are no long dispatch. */
const COLLECTED_FLOATS = 2 ** 22;

/** Queries of a batch there, at most, so that a dispatch need not be cut into too many parts. */
const COLLECTING_ROWS = 4096;

/** Products [length], all missing. */
export function missingProducts(length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(length).fill(MISSING_PRODUCT);
}

/** What may be said about a search by products. */
export interface ProductOptions extends Pick<SearchOptions, 'exclude' | 'memory' | 'signal'> {
  /** The design of the kernels; chosen by adapter and by numbers of items, queries and results unless told. */
  readonly variant?: ProductDesign;
}

/**
 * Exhaustive, exact search of embeddings by inner product, the embeddings resident on the device. Searches that overlap in
 * time take turns, and a lost device is replaced, as for `HammingIndex`.
 */
export class InnerProductIndex {
  readonly #width: number;
  readonly #prepared: PreparedEmbeddings;
  readonly #turns: Turns;
  #tensor: Tensor<'f32'> | undefined;
  /** Items at even steps, from which bounds are estimated. */
  #sample: { step: number; tensor: Tensor<'f32'> } | undefined;
  #workspace: Workspace<unknown>;

  private constructor(gpu: Gpu, prepared: PreparedEmbeddings, width: number, waiting: number | undefined) {
    this.#prepared = prepared;
    this.#width = width;
    this.#turns = new Turns(waiting);
    this.#workspace = new Workspace(gpu);
    this.#tensor = this.#onDevice(gpu);
  }

  /**
   * @param items `embeddings` [count, width], row-major: kept as they are, and not to be changed while the index lives
   * @throws InputError where they are of another size or not finite, GpuOutOfMemoryError where the device cannot bind
   * them
   */
  static async create(
    gpu: Gpu,
    { embeddings, count, width }: { embeddings: Float32Array; count: number; width: number },
    { waiting }: Pick<IndexOptions, 'waiting'> = {},
  ): Promise<InnerProductIndex> {
    const prepared = prepareEmbeddings(embeddings, width, 'item embeddings');
    if (prepared.rows !== count) {
      throw new InputError(`there are ${prepared.rows} embeddings of width ${width} and not ${count}`, {
        where: 'item embeddings',
      });
    }
    requireBindable(gpu, count * prepared.width * 4, `${count} embeddings of width ${width}`);
    return new InnerProductIndex(await gpu.living(), prepared, width, waiting);
  }

  get count(): number {
    return this.#prepared.rows;
  }

  get width(): number {
    return this.#width;
  }

  /**
   * The k items with the largest inner product for each query, exactly, as far as float32 tells products apart.
   * @param queries [queries, width]
   * @throws InputError where queries, k or exclusions are not what they should be
   */
  async search(queries: Float32Array, k: number, options: ProductOptions = {}): Promise<ProductResult> {
    requireK(k);
    const ranker = this.#ranker(queries, k, options);
    return this.#turn(async () => {
      const { ids, values: products } = await rank(ranker(), k, options, missingProducts);
      return { ids, products, k };
    });
  }

  /** Which places of each query's ranking hold one of its test items, as `HammingIndex.hits`. */
  async hits(
    queries: Float32Array,
    k: number,
    test: Lists,
    options: ProductOptions = {},
  ): Promise<Uint32Array<ArrayBuffer>> {
    requireK(k);
    const ranker = this.#ranker(queries, k, options);
    const lists = checkLists(test, queries.length / this.#width, this.count, 'test items');
    return this.#turn(() => rankHits(ranker(), k, lists, options));
  }

  /** As `HammingIndex.destroy`. */
  destroy(): void {
    this.#turns.close(() => {
      this.#free();
    });
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #onDevice(gpu: Gpu): Tensor<'f32'> | undefined {
    const { rows, width, values } = this.#prepared;
    return rows > 0 ? gpu.tensor('f32', [rows, width], 'item embeddings', values) : undefined;
  }

  #free(): void {
    this.#workspace.destroy();
    this.#tensor?.destroy();
    this.#sample?.tensor.destroy();
    this.#sample = undefined;
  }

  /** As `CodeIndex.turn`. */
  #turn<T>(search: () => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      const gpu = await this.#workspace.gpu.living();
      if (gpu !== this.#workspace.gpu) {
        this.#free();
        this.#tensor = this.#onDevice(gpu);
        this.#workspace = new Workspace(gpu);
      }
      return search();
    });
  }

  /** Checks a search; what comes back tells how it is done when its turn has come. */
  #ranker(
    embeddings: Float32Array,
    k: number,
    { exclude, variant: forced }: Pick<ProductOptions, 'exclude' | 'variant'>,
  ): () => Ranker {
    const { count } = this;
    const prepared = prepareEmbeddings(embeddings, this.#width, 'query embeddings');
    requireProductsFinite(this.#prepared, prepared);
    const queries = prepared.rows;
    const lists = checkLists(exclusionLists(exclude, queries), queries, count, 'exclusions');
    return () => {
      const { gpu } = this.#workspace;
      const design = forced ?? chooseProductDesign(gpu, count, this.#prepared.width, queries, k);
      return design === 'bounded'
        ? this.#bounded(prepared, lists, planBound(count, k))
        : this.#selecting(prepared, lists, design);
    };
  }

  /** What every design has. */
  #base({ rows: queries, values }: PreparedEmbeddings, exclude: DeviceLists, key: string) {
    const { rows: count, width } = this.#prepared;
    return {
      gpu: this.#workspace.gpu,
      workspace: this.#workspace,
      count,
      queries,
      key,
      task: (k: number) => ({ what: `search of ${count} items for the best ${k}`, fix: 'use a smaller k' }),
      exclude,
      inputs: {
        'query embeddings': {
          element: 'f32',
          length: (rows: number) => rows * width,
          rows: (first: number, rows: number) => values.subarray(first * width, (first + rows) * width),
        },
      },
    } satisfies Partial<Ranker>;
  }

  /** All products stored, and the best selected. */
  #selecting(queries: PreparedEmbeddings, exclude: DeviceLists, variant: Exclude<ProductDesign, 'bounded'>): Ranker {
    const { rows: count, width } = this.#prepared;
    const { gpu } = this.#workspace;
    const row = selectionBytes(count, variant);
    return {
      ...this.#base(queries, exclude, variant),
      footprint: (k) => {
        const { total, widest } = row(k);
        return {
          total: total + width * 4,
          widest: Math.max(widest, width * 4),
          batchBytes: gpu.adapter.software ? SCORE_BYTES.software : SCORE_BYTES.hardware,
        };
      },
      record: (batch) => {
        const excluded = { offsets: batch.exclude_offsets, columns: batch.exclude_ids };
        const { ids, products } = this.#select(batch, this.#tensor!, count, excluded, batch.k, variant, '');
        return { ids, values: products };
      },
    };
  }

  /**
   * Only what is above a bound listed: the product that is the `ranks`-th best of a query among a sample of the items. Where
   * that was too high or too low, which the products of the ranking tell, the query is searched for once more.
   */
  #bounded(queries: PreparedEmbeddings, exclude: DeviceLists, plan: BoundPlan): Ranker {
    const { rows: count, width } = this.#prepared;
    const { gpu } = this.#workspace;
    const { step, sample, ranks, capacity } = plan;
    // A power of two, so that searches of like queries share their recordings.
    const slack = powerOfTwoFrom(productSlack(this.#prepared, queries));
    const sampled = this.#sampled(step, sample);
    const row = selectionBytes(sample, 'lanes');
    return {
      ...this.#base(queries, exclude, ['bounded', step, ranks, capacity, slack].join()),
      lists: [sampleLists(exclude, step)],
      footprint: (k) => {
        const bound = row(ranks);
        return {
          // The queries as an image, too.
          total: bound.total + 2 * width * 4 + capacity * 8 + 8 + k * 8,
          widest: Math.max(bound.widest, width * 4, capacity * 4, k * 4),
          batchBytes: SCORE_BYTES.software,
          batchRows: Math.min(COLLECTING_ROWS, Math.floor(PAIRS_A_DISPATCH / count)),
        };
      },
      record: (batch) => {
        const { program, rows, k, exclude_offsets, exclude_ids } = batch;
        const query = batch.input('query embeddings') as Tensor<'f32'>;
        const database = this.#tensor!;
        const { products: bound } = this.#select(
          batch,
          sampled,
          sample,
          batch.lists[0]!,
          ranks,
          'lanes',
          ' of the sample',
        );
        const counts = batch.tensor('u32', rows, 'items above the bound');
        const candidate = batch.tensor('i32', rows * capacity, 'items listed');
        const unsure = batch.tensor('u32', rows, 'rankings not certain');
        const part = Math.max(32, Math.floor(COLLECTED_FLOATS / width));
        for (let first = 0; first < count; first += part) {
          const end = Math.min(count, first + part);
          program.dispatch('search/product_collect', {
            bind: { database, query, bound, exclude_offsets, exclude_ids, counts, candidate },
            parameters: { queries: rows, first, end, width, ranks, capacity },
            workgroups: Math.ceil(rows / 32),
            cost: { operations: 2 * rows * (end - first) * width },
          });
        }
        const items = [{ first: 0, count, tensor: database }];
        const { ids, products } = recordReranking(batch, candidate, capacity, items, width);
        program.dispatch('search/product_check', {
          bind: { counts, bound, products, unsure },
          parameters: { queries: rows, ranks, k, capacity, slack },
          invocations: rows,
        });
        return { ids, values: products, unsure };
      },
      again: (rows) => {
        const values = selectRows(queries.values, width, rows);
        return this.#selecting(
          { ...queries, values, rows: rows.length },
          selectLists(exclude, rows),
          selectionVariant(gpu.adapter),
        );
      },
    };
  }

  /** Records the best k of the products of a batch with rows of embeddings. */
  #select(
    batch: Batch,
    database: Tensor<'f32'>,
    count: number,
    { offsets: exclude_offsets, columns: exclude_ids }: ListTensors,
    k: number,
    variant: Exclude<ProductDesign, 'bounded'>,
    what: string,
  ): { ids: Tensor<'i32'>; products: Tensor<'f32'> } {
    const { gpu, program, rows } = batch;
    const { width } = this.#prepared;
    const query = batch.input('query embeddings') as Tensor<'f32'>;
    const lanes = variant === 'lanes';
    const stride = strideOf(count);
    const score = batch.tensor('f32', rows * stride, `products of a batch${what}`);
    const ids = batch.tensor('i32', rows * k, `ids${what}`);
    const products = batch.tensor('f32', rows * k, `products${what}`);
    const scratch = batch.tensor('u32', lanes ? rows : rows * k * 2, 'search scratch');
    const scoring = {
      bind: { database, query, score },
      parameters: { queries: rows, count, width },
      cost: { operations: 2 * rows * count * width },
    };
    const quads = stride / 4;
    if (loadsTogether(gpu)) {
      const workgroups = Math.ceil(quads / 8) * Math.ceil(rows / 8);
      program.dispatch('search/inner_products.subgroups', { ...scoring, workgroups });
    } else {
      const workgroups = Math.ceil(quads / 64) * Math.ceil(rows / 4);
      program.dispatch('search/inner_products', { ...scoring, workgroups });
    }
    const selection = {
      bind: { score, exclude_offsets, exclude_ids, ids, products, scratch },
      parameters: { queries: rows, count, stride, k },
    };
    if (lanes) {
      program.dispatch('search/score_topk.lanes', {
        ...selection,
        constants: { WORKGROUP: lanesWorkgroup(rows) },
        invocations: rows,
      });
    } else {
      program.dispatch('search/score_topk', { ...selection, workgroups: rows });
    }
    return { ids, products };
  }

  /** Every step-th item on the device, [sample, width]. */
  #sampled(step: number, sample: number): Tensor<'f32'> {
    if (this.#sample?.step !== step) {
      this.#workspace.forget();
      this.#sample?.tensor.destroy();
      const { values, width } = this.#prepared;
      const places = Uint32Array.from({ length: sample }, (_, index) => index * step);
      const rows = selectRows(values, width, places);
      this.#sample = { step, tensor: this.#workspace.gpu.tensor('f32', [sample, width], 'sampled embeddings', rows) };
    }
    return this.#sample.tensor;
  }
}

/** Floats of a row of products. */
const strideOf = (count: number): number => Math.ceil(count / 4) * 4;

/** Bytes that the best k of `count` products take for one query: in all tensors together, and in the largest one. */
const selectionBytes =
  (count: number, variant: Exclude<ProductDesign, 'bounded'>) =>
  (k: number): { total: number; widest: number } => {
    const lanes = variant === 'lanes';
    const stride = strideOf(count);
    return { total: stride * 4 + k * (lanes ? 8 : 16) + 4, widest: Math.max(stride * 4, k * (lanes ? 4 : 8)) };
  };

/** @throws GpuOutOfMemoryError where the embeddings do not fit one binding of the device */
function requireBindable(gpu: Gpu, bytes: number, what: string): void {
  const limit = gpu.bindable;
  if (bytes > limit) {
    throw new GpuOutOfMemoryError(`${what} take ${bytes} bytes, this device binds ${limit} at most`, {
      where: gpu.name,
      fix: 'use fewer or narrower embeddings, or an adapter with larger bindings',
    });
  }
}
