import { InputError } from '../base/errors.js';
import { type Gpu, GpuOutOfMemoryError, type Tensor } from '../gpu/index.js';
import { MISSING_PRODUCT, type PreparedEmbeddings, prepareEmbeddings, requireProductsFinite } from './embeddings.js';
import type { IndexOptions } from './hamming.js';
import { checkLists, type DeviceLists, type Lists } from './lists.js';
import { type Design, lanesWorkgroup, loadsTogether, selectionVariant } from './plan.js';
import { exclusionLists, type Ranker, rank, rankHits, requireK, type SearchOptions } from './stream.js';
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

/** Products [length], all missing. */
export function missingProducts(length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(length).fill(MISSING_PRODUCT);
}

/** What may be said about a search by products. */
export interface ProductOptions extends Pick<SearchOptions, 'exclude' | 'memory' | 'signal'> {
  /** The design of the selection; chosen by adapter unless told. */
  readonly variant?: Exclude<Design, 'sliced'>;
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
    const ranker = this.#ranker(queries, options);
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
    const ranker = this.#ranker(queries, options);
    const lists = checkLists(test, queries.length / this.#width, this.count, 'test items');
    return this.#turn(() => rankHits(ranker(), k, lists, options));
  }

  /** As `HammingIndex.destroy`. */
  destroy(): void {
    this.#turns.close(() => {
      this.#tensor?.destroy();
      this.#workspace.destroy();
    });
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #onDevice(gpu: Gpu): Tensor<'f32'> | undefined {
    const { rows, width, values } = this.#prepared;
    return rows > 0 ? gpu.tensor('f32', [rows, width], 'item embeddings', values) : undefined;
  }

  /** As `CodeIndex.turn`. */
  #turn<T>(search: () => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      const gpu = await this.#workspace.gpu.living();
      if (gpu !== this.#workspace.gpu) {
        this.#workspace.destroy();
        this.#tensor?.destroy();
        this.#tensor = this.#onDevice(gpu);
        this.#workspace = new Workspace(gpu);
      }
      return search();
    });
  }

  /** Checks a search; what comes back tells how it is done when its turn has come. */
  #ranker(embeddings: Float32Array, { exclude, variant: forced }: ProductOptions): () => Ranker {
    const { count } = this;
    const prepared = prepareEmbeddings(embeddings, this.#width, 'query embeddings');
    requireProductsFinite(this.#prepared, prepared);
    const queries = prepared.rows;
    const lists = checkLists(exclusionLists(exclude, queries), queries, count, 'exclusions');
    return () => this.#rankerOf(prepared, lists, forced);
  }

  #rankerOf(prepared: PreparedEmbeddings, exclude: DeviceLists, forced: ProductOptions['variant']): Ranker {
    const { rows: count, width } = this.#prepared;
    const { gpu } = this.#workspace;
    const stride = Math.ceil(count / 4) * 4;
    const queries = prepared.rows;
    const variant = forced ?? selectionVariant(gpu.adapter);
    const lanes = variant === 'lanes';
    return {
      gpu,
      workspace: this.#workspace,
      count,
      queries,
      key: variant,
      task: (k) => ({ what: `search of ${count} items for the best ${k}`, fix: 'use a smaller k' }),
      exclude,
      inputs: {
        'query embeddings': {
          element: 'f32',
          length: (rows) => rows * width,
          rows: (first, rows) => prepared.values.subarray(first * width, (first + rows) * width),
        },
      },
      footprint: (k) => ({
        total: stride * 4 + k * (lanes ? 8 : 16) + width * 4 + 4,
        widest: Math.max(stride * 4, lanes ? k * 4 : k * 8, width * 4),
        batchBytes: gpu.adapter.software ? SCORE_BYTES.software : SCORE_BYTES.hardware,
      }),
      record: (batch) => {
        const { program, rows, k, exclude_offsets, exclude_ids } = batch;
        const query = batch.input('query embeddings') as Tensor<'f32'>;
        const score = batch.tensor('f32', rows * stride, 'products of a batch');
        const ids = batch.tensor('i32', rows * k, 'ids');
        const products = batch.tensor('f32', rows * k, 'products');
        const scratch = batch.tensor('u32', lanes ? rows : rows * k * 2, 'search scratch');
        const scoring = {
          bind: { database: this.#tensor!, query, score },
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
        return { ids, values: products };
      },
    };
  }
}

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
