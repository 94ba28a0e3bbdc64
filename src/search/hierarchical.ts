import { InputError } from '../base/errors.js';
import { type Gpu, GpuOutOfMemoryError } from '../gpu/index.js';
import type { Codes } from './codes.js';
import { type PreparedEmbeddings, prepareEmbeddings, requireProductsFinite } from './embeddings.js';
import { CodeIndex, type HammingItems, type IndexOptions } from './hamming.js';
import type { IndexContents } from './index_format.js';
import { missingProducts, type ProductResult } from './inner_product.js';
import { type DeviceLists, type Lists, selectRows } from './lists.js';
import { Nearest } from './nearest.js';
import { type ItemRows, recordReranking, rerankingScratch } from './rerank.js';
import { ItemStore } from './store.js';
import { type Batch, type Ranker, rank, rankHits, requireK, type SearchOptions } from './stream.js';

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

/** What a hierarchical index is built from. */
export interface HierarchicalItems extends HammingItems {
  /** [count, width] */
  readonly embeddings: Float32Array;
  readonly width: number;
}

/** Embeddings of consecutive items in one buffer, which follows the store. */
interface Rows extends ItemRows {
  count: number;
  /** Rows that there is room for. */
  readonly room: number;
}

/** Checked queries, ready to be searched for. */
interface Prepared {
  readonly codes: Uint32Array;
  readonly embeddings: PreparedEmbeddings;
  /** See `CodeIndex.places`. */
  readonly exclude: () => DeviceLists;
  readonly candidates: number;
}

/**
 * Hierarchical search (paper): the M best by code, re-ranked by inner product of embeddings, all on the device. Searches
 * that overlap in time take turns, and a lost device is replaced, as for `HammingIndex`.
 */
export class HierarchicalIndex {
  readonly #index: CodeIndex;
  readonly #rowsOfBuffer: number;
  readonly #rows: Rows[] = [];
  readonly #changes: () => number;
  #largest = 0;

  private constructor(index: CodeIndex, { bufferBytes = Number.POSITIVE_INFINITY }: IndexOptions) {
    this.#index = index;
    this.#changes = index.store.follow();
    const { maxStorageBufferBindingSize, maxBufferSize } = index.gpu.limits;
    const bytes = Math.min(bufferBytes, maxStorageBufferBindingSize, maxBufferSize);
    this.#rowsOfBuffer = Math.floor(bytes / (4 * this.#padded));
    if (this.#rowsOfBuffer < 1) {
      throw new GpuOutOfMemoryError(`an embedding takes ${4 * this.#padded} bytes, a buffer has ${bytes} at most`, {
        where: index.gpu.name,
        fix: 'use narrower embeddings, or an adapter with larger bindings',
      });
    }
  }

  /** @throws InputError where codes, embeddings, count, bits and ids do not belong together or a value is not finite */
  static async create(gpu: Gpu, items: HierarchicalItems, options: IndexOptions = {}): Promise<HierarchicalIndex> {
    return new HierarchicalIndex(new CodeIndex(gpu, ItemStore.from(items), options), options);
  }

  /** An index of what `contents` gave, as it stands in an index file. @throws InputError as `create` */
  static async fromContents(gpu: Gpu, contents: IndexContents, options: IndexOptions = {}): Promise<HierarchicalIndex> {
    const { codes, bits, ids, embeddings, width } = contents;
    if (!embeddings || !width) {
      throw new InputError('these contents have no embeddings', { where: 'index contents', fix: 'use HammingIndex' });
    }
    return HierarchicalIndex.create(gpu, { codes, count: ids.length, bits, ids, embeddings, width }, options);
  }

  /** Items that were not removed. */
  get count(): number {
    return this.#index.store.count;
  }

  get bits(): number {
    return this.#index.store.bits;
  }

  /** Floats of an embedding. */
  get width(): number {
    return this.#index.store.width;
  }

  /** As `HammingIndex.add`, with embeddings [n, width]. */
  add(codes: Codes, embeddings: Float32Array, ids?: ArrayLike<number>): void {
    this.#index.store.add(codes, embeddings, ids);
  }

  /** As `HammingIndex.remove`. */
  remove(ids: ArrayLike<number>): number {
    return this.#index.store.remove(ids);
  }

  /** As `HammingIndex.compact`. */
  compact(): void {
    this.#index.store.compact();
  }

  /** As `HammingIndex.contents`. */
  contents(): IndexContents {
    return this.#index.store.contents();
  }

  /**
   * The best k of each query's candidates by inner product.
   * @throws InputError where queries, k, candidates, filters or exclusions are not what they should be; HashgnnError
   * where one query needs more than the memory budget
   */
  async search(queries: HierarchicalQueries, k: number, options: HierarchicalOptions = {}): Promise<ProductResult> {
    requireK(k);
    const prepared = this.#prepare(queries, options);
    return this.#index.turn(async () => {
      const toIds = this.#index.store.idsNow();
      const ranker = await this.#ranker(prepared, options);
      const { ids, values: products } = await rank(ranker, k, options, missingProducts);
      toIds(ids);
      return { ids, products, k };
    });
  }

  /** Which places of each query's ranking hold one of its test items, as `HammingIndex.hits`. */
  async hits(
    queries: HierarchicalQueries,
    k: number,
    test: Lists,
    options: HierarchicalOptions = {},
  ): Promise<Uint32Array<ArrayBuffer>> {
    requireK(k);
    const prepared = this.#prepare(queries, options);
    const places = this.#index.places(test, prepared.embeddings.rows, 'test items');
    return this.#index.turn(async () => {
      const lists = places();
      return rankHits(await this.#ranker(prepared, options), k, lists, options);
    });
  }

  /** As `HammingIndex.destroy`. */
  destroy(): void {
    this.#index.destroy(() => {
      for (const { tensor } of this.#rows.splice(0)) tensor.destroy();
    });
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Floats of an embedding on the device. */
  get #padded(): number {
    return Math.ceil(this.width / 4) * 4;
  }

  #prepare(queries: HierarchicalQueries, options: HierarchicalOptions): Prepared {
    const { candidates = DEFAULT_CANDIDATES } = options;
    if (!Number.isInteger(candidates) || candidates < 1) {
      throw new InputError(`${candidates} candidates cannot be re-ranked`, {
        where: 'candidates',
        fix: 'use a whole number from 1',
      });
    }
    const { words, count } = this.#index.queries(queries.codes);
    const embeddings = prepareEmbeddings(queries.embeddings, this.width, 'query embeddings');
    if (embeddings.rows !== count) {
      throw new InputError(`there are ${count} codes and ${embeddings.rows} embeddings`, { where: 'queries' });
    }
    return { codes: words, embeddings, exclude: this.#index.exclusions(count, options), candidates };
  }

  /** Brings the embeddings on the device up to date with the store. */
  #sync(): void {
    const { store, gpu, workspace } = this.#index;
    const changed = this.#changes();
    const { places, width } = store;
    if (changed === 0) this.#largest = 0;
    for (const { tensor } of this.#rows.splice(Math.ceil(places / this.#rowsOfBuffer))) tensor.destroy();
    for (let first = 0; first < places; first += this.#rowsOfBuffer) {
      const index = first / this.#rowsOfBuffer;
      const count = Math.min(this.#rowsOfBuffer, places - first);
      let rows = this.#rows[index];
      let from = Math.max(first, changed);
      if (!rows || rows.tensor.gpu !== gpu || rows.room < count || rows.room > 2 * count) {
        // With room for more where more have come.
        const room = rows && rows.room < count ? Math.min(this.#rowsOfBuffer, Math.ceil(count * 1.5)) : count;
        rows?.tensor.destroy();
        workspace.forget();
        const tensor = gpu.tensor('f32', [room, this.#padded], 'item embeddings');
        rows = { first, count, room, tensor };
        this.#rows[index] = rows;
        from = first;
      }
      rows.count = count;
      if (from >= first + count) continue;
      const values = store.embeddings.subarray(from * width, (first + count) * width);
      const prepared = prepareEmbeddings(values, width, 'item embeddings');
      rows.tensor.write(prepared.values, (from - first) * this.#padded);
      this.#largest = Math.max(this.#largest, prepared.largest);
    }
  }

  async #ranker({ codes, embeddings, exclude, candidates }: Prepared, options: SearchOptions): Promise<Ranker> {
    const { database } = this.#index;
    const lists = exclude();
    this.#sync();
    requireProductsFinite(
      { values: embeddings.values, rows: 0, width: this.#padded, largest: this.#largest },
      embeddings,
    );
    database.admit(options.allow, options.deny);
    const most = Math.min(candidates, database.admittedCount);
    return this.#rankerOf(await Nearest.of(database, codes, lists, most, options.variant), embeddings.values, most);
  }

  #rankerOf(nearest: Nearest, embeddings: Float32Array<ArrayBuffer>, candidates: number): Ranker {
    const { gpu } = this.#index;
    const width = this.#padded;
    const ranker = this.#index.ranker(nearest);
    return {
      ...ranker,
      key: `${nearest.key} ${candidates}`,
      inputs: {
        ...nearest.inputs,
        'query embeddings': {
          element: 'f32',
          length: (rows) => rows * width,
          rows: (first, rows) => embeddings.subarray(first * width, (first + rows) * width),
        },
      },
      footprint: (k) => {
        const byCode = nearest.footprint(candidates);
        const scratch = rerankingScratch(gpu.adapter.software, candidates);
        return {
          ...byCode,
          total: byCode.total + width * 4 + candidates * 4 + k * 8 + scratch,
          widest: Math.max(byCode.widest, width * 4, k * 4, scratch),
        };
      },
      record: (batch) => this.#record(batch, nearest, candidates),
      again: (rows) => {
        const some = selectRows(embeddings, width, rows);
        return this.#rankerOf(nearest.again(rows), some, candidates);
      },
    };
  }

  #record(batch: Batch, nearest: Nearest, candidates: number) {
    const lists = nearest.collect(batch);
    const { ids: candidate } = nearest.order(batch, lists, candidates);
    const { ids, products } = recordReranking(batch, candidate, candidates, this.#rows, this.#padded);
    return { ids, values: products, ...(nearest.estimated && { unsure: lists.bound }) };
  }
}
