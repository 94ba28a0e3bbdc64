import { InputError } from '../base/errors.js';
import type { Gpu, Tensor } from '../gpu/index.js';
import type { Codes } from './codes.js';
import { type PreparedEmbeddings, prepareEmbeddings, requireProductsFinite } from './embeddings.js';
import { CodeDatabase, requireBindable } from './hamming.js';
import { missingProducts, type ProductResult } from './inner_product.js';
import type { Lists } from './lists.js';
import { type Ranker, rank, rankHits, type SearchOptions } from './stream.js';
import { lanesWorkgroup } from './variant.js';

/** Candidates by code that are re-ranked unless told otherwise, as in the authors' code. */
export const DEFAULT_CANDIDATES = 500;

/** Queries in both spaces, the same number of each. */
export interface HierarchicalQueries {
  /** Bytes [queries, bits / 8] or words [queries, ceil(bits / 32)]. */
  readonly codes: Codes;
  /** [queries, width] */
  readonly embeddings: Float32Array;
}

export interface HierarchicalOptions extends SearchOptions {
  /** How many of the best by code are re-ranked; 500 unless told. No query gets more results than that. */
  readonly candidates?: number;
}

/** Hierarchical search (paper): the M best by code, re-ranked by inner product of embeddings, all on the device. */
export class HierarchicalIndex {
  readonly #codes: CodeDatabase;
  readonly #prepared: PreparedEmbeddings;
  readonly #width: number;
  readonly #embeddings: Tensor<'f32'> | undefined;

  private constructor(
    codes: CodeDatabase,
    prepared: PreparedEmbeddings,
    width: number,
    embeddings: Tensor<'f32'> | undefined,
  ) {
    this.#codes = codes;
    this.#prepared = prepared;
    this.#width = width;
    this.#embeddings = embeddings;
  }

  /**
   * @param items codes as for `HammingIndex.create` and embeddings [count, width]
   * @throws InputError where either is of another size or an embedding is not finite, GpuOutOfMemoryError where the
   * device cannot bind them
   */
  static async create(
    gpu: Gpu,
    items: { codes: Codes; count: number; bits: number; embeddings: Float32Array; width: number },
  ): Promise<HierarchicalIndex> {
    const { count, width } = items;
    const prepared = prepareEmbeddings(items.embeddings, width, 'item embeddings');
    if (prepared.rows !== count) {
      throw new InputError(`there are ${prepared.rows} embeddings of width ${width} for ${count} codes`, {
        where: 'item embeddings',
      });
    }
    requireBindable(gpu, count * prepared.width * 4, `${count} embeddings of width ${width}`);
    const codes = CodeDatabase.create(gpu, items.codes, count, items.bits);
    const embeddings =
      count > 0 ? gpu.tensor('f32', [count, prepared.width], 'item embeddings', prepared.values) : undefined;
    return new HierarchicalIndex(codes, { ...prepared, values: new Float32Array(0) }, width, embeddings);
  }

  get count(): number {
    return this.#codes.count;
  }

  /**
   * The best k of each query's candidates by inner product.
   * @throws InputError where queries, k, candidates or exclusions are not what they should be
   */
  async search(queries: HierarchicalQueries, k: number, options: HierarchicalOptions = {}): Promise<ProductResult> {
    const { ids, values: products } = await rank(this.#ranker(queries, options), k, options, missingProducts);
    return { ids, products, k };
  }

  /** Which places of each query's ranking hold one of its test items, as `HammingIndex.hits`. */
  async hits(
    queries: HierarchicalQueries,
    k: number,
    test: Lists,
    options: HierarchicalOptions = {},
  ): Promise<Uint32Array<ArrayBuffer>> {
    return rankHits(this.#ranker(queries, options), k, test, options);
  }

  /** Frees codes and embeddings on the device. */
  destroy(): void {
    this.#codes.destroy();
    this.#embeddings?.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #ranker(queries: HierarchicalQueries, { candidates: wanted = DEFAULT_CANDIDATES }: HierarchicalOptions): Ranker {
    if (!Number.isInteger(wanted) || wanted < 1) {
      throw new InputError(`${wanted} candidates cannot be re-ranked`, {
        where: 'candidates',
        fix: 'use a whole number from 1',
      });
    }
    const codes = this.#codes;
    const { width } = this.#prepared;
    const candidates = Math.min(wanted, codes.count);
    const { words, count } = codes.queries(queries.codes);
    const prepared = prepareEmbeddings(queries.embeddings, this.#width, 'query embeddings');
    if (prepared.rows !== count) {
      throw new InputError(`there are ${count} codes and ${prepared.rows} embeddings`, { where: 'queries' });
    }
    requireProductsFinite(this.#prepared, prepared);
    return {
      gpu: codes.gpu,
      count: codes.count,
      queries: count,
      footprint: (k, variant) => {
        const byCode = codes.footprint(candidates, variant);
        const scratch = variant === 'lanes' ? 0 : candidates * 8;
        return {
          total: byCode.total + width * 4 + candidates * 4 + k * 8 + scratch,
          widest: Math.max(byCode.widest, width * 4, k * 4, scratch),
        };
      },
      record: (batch) => {
        const { scope, program, rows, k, variant } = batch;
        const { ids: candidate } = codes.record({ ...batch, k: candidates }, words);
        const query = batch.input('f32', prepared.values, width, 'query embeddings');
        const product = scope.tensor('f32', [rows, candidates], 'products of candidates');
        const ids = scope.tensor('i32', [rows, k], 'ids');
        const products = scope.tensor('f32', [rows, k], 'products');
        const lanes = variant === 'lanes';
        const scratch = scope.tensor('u32', [lanes ? 1 : rows * candidates * 2], 'search scratch');
        batch.counted(
          program.dispatch('search/candidate_products', {
            bind: { database: this.#embeddings!, query, candidate, product },
            parameters: { queries: rows, candidates, width },
            invocations: rows * candidates,
            cost: { operations: 2 * rows * candidates * width },
          }),
        );
        const selection = {
          bind: { candidate, product, ids, products, scratch },
          parameters: { queries: rows, candidates, k },
        };
        batch.counted(
          lanes
            ? program.dispatch('search/candidate_topk.lanes', {
                ...selection,
                constants: { WORKGROUP: lanesWorkgroup(rows) },
                invocations: rows,
              })
            : program.dispatch('search/candidate_topk', { ...selection, workgroups: rows }),
        );
        return { ids, values: products };
      },
    };
  }
}
