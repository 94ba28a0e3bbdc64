import { InputError } from '../base/errors.js';
import type { Gpu, Tensor } from '../gpu/index.js';
import { MISSING_PRODUCT, type PreparedEmbeddings, prepareEmbeddings, requireProductsFinite } from './embeddings.js';
import { requireBindable } from './hamming.js';
import type { Lists } from './lists.js';
import { type Ranker, rank, rankHits, type SearchOptions } from './stream.js';
import { lanesWorkgroup } from './variant.js';

/** The best k of each query by inner product, best first, equal products in order of ascending id. */
export interface ProductResult {
  /** [queries, k]; -1 where a query has fewer than k items. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** [queries, k]; the lowest finite float32 beside id -1. */
  readonly products: Float32Array<ArrayBuffer>;
  readonly k: number;
}

/** Bytes of products that are kept at a time, the most that pays: a driver on the CPU finds them in its cache again. */
const SCORE_BYTES = { software: 32 * 2 ** 20, hardware: 64 * 2 ** 20 };

/** Products [length], all missing. */
export function missingProducts(length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(length).fill(MISSING_PRODUCT);
}

/** Exhaustive, exact search of embeddings by inner product, the embeddings resident on the device. */
export class InnerProductIndex {
  readonly #gpu: Gpu;
  readonly #width: number;
  readonly #prepared: PreparedEmbeddings;
  readonly #tensor: Tensor<'f32'> | undefined;

  private constructor(gpu: Gpu, prepared: PreparedEmbeddings, width: number, tensor: Tensor<'f32'> | undefined) {
    this.#gpu = gpu;
    this.#prepared = prepared;
    this.#width = width;
    this.#tensor = tensor;
  }

  /**
   * @param embeddings [count, width], row-major
   * @throws InputError where they are of another size or not finite, GpuOutOfMemoryError where the device cannot bind
   * them
   */
  static async create(
    gpu: Gpu,
    { embeddings, count, width }: { embeddings: Float32Array; count: number; width: number },
  ): Promise<InnerProductIndex> {
    const prepared = prepareEmbeddings(embeddings, width, 'item embeddings');
    if (prepared.rows !== count) {
      throw new InputError(`there are ${prepared.rows} embeddings of width ${width} and not ${count}`, {
        where: 'item embeddings',
      });
    }
    requireBindable(gpu, count * prepared.width * 4, `${count} embeddings of width ${width}`);
    const tensor =
      count > 0 ? gpu.tensor('f32', [count, prepared.width], 'item embeddings', prepared.values) : undefined;
    return new InnerProductIndex(gpu, { ...prepared, values: new Float32Array(0) }, width, tensor);
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
  async search(queries: Float32Array, k: number, options: SearchOptions = {}): Promise<ProductResult> {
    const { ids, values: products } = await rank(this.#ranker(queries), k, options, missingProducts);
    return { ids, products, k };
  }

  /** Which places of each query's ranking hold one of its test items, as `HammingIndex.hits`. */
  async hits(
    queries: Float32Array,
    k: number,
    test: Lists,
    options: SearchOptions = {},
  ): Promise<Uint32Array<ArrayBuffer>> {
    return rankHits(this.#ranker(queries), k, test, options);
  }

  /** Frees the embeddings on the device. */
  destroy(): void {
    this.#tensor?.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #ranker(embeddings: Float32Array): Ranker {
    const gpu = this.#gpu;
    const { rows: count, width } = this.#prepared;
    const prepared = prepareEmbeddings(embeddings, this.#width, 'query embeddings');
    requireProductsFinite(this.#prepared, prepared);
    const stride = Math.ceil(count / 4) * 4;
    return {
      gpu,
      count,
      queries: prepared.rows,
      footprint: (k, variant) => ({
        total: stride * 4 + k * (variant === 'lanes' ? 8 : 16) + width * 4 + 4,
        widest: Math.max(stride * 4, variant === 'lanes' ? k * 4 : k * 8, width * 4),
        batchBytes: gpu.adapter.software ? SCORE_BYTES.software : SCORE_BYTES.hardware,
      }),
      record: (batch) => {
        const { scope, program, rows, k, variant, exclude_offsets, exclude_ids } = batch;
        const query = batch.input('f32', prepared.values, width, 'query embeddings');
        const score = scope.tensor('f32', [rows, stride], 'products of a batch');
        const ids = scope.tensor('i32', [rows, k], 'ids');
        const products = scope.tensor('f32', [rows, k], 'products');
        const lanes = variant === 'lanes';
        const scratch = scope.tensor('u32', [lanes ? 1 : rows * k * 2], 'search scratch');
        const scoring = {
          bind: { database: this.#tensor!, query, score },
          parameters: { queries: rows, count, width },
          cost: { operations: 2 * rows * count * width },
        };
        const quads = stride / 4;
        batch.counted(
          suitsSubgroups(gpu)
            ? program.dispatch('search/inner_products.subgroups', {
                ...scoring,
                workgroups: Math.ceil(quads / 8) * Math.ceil(rows / 8),
              })
            : program.dispatch('search/inner_products', {
                ...scoring,
                workgroups: Math.ceil(quads / 64) * Math.ceil(rows / 4),
              }),
        );
        const selection = {
          bind: { score, exclude_offsets, exclude_ids, ids, products, scratch },
          parameters: { queries: rows, count, stride, k },
        };
        batch.counted(
          lanes
            ? program.dispatch('search/score_topk.lanes', {
                ...selection,
                constants: { WORKGROUP: lanesWorkgroup(rows) },
                invocations: rows,
              })
            : program.dispatch('search/score_topk', { ...selection, workgroups: rows }),
        );
        return { ids, values: products };
      },
    };
  }
}

/** Whether products are best computed by subgroups of eight: on drivers that run shaders on the CPU and have them. */
function suitsSubgroups(gpu: Gpu): boolean {
  return gpu.adapter.software && (gpu.adapter.subgroupSize?.[0] ?? 0) >= 8;
}
