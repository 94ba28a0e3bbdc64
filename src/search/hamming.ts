import { InputError } from '../base/errors.js';
import type { Gpu } from '../gpu/index.js';
import { CodeDatabase } from './code_database.js';
import { type Codes, toWords } from './codes.js';
import { requireBitmap } from './filter.js';
import type { IndexContents } from './index_format.js';
import { checkLists, type DeviceLists, type Lists } from './lists.js';
import { Nearest } from './nearest.js';
import { powerOfTwoFrom } from './plan.js';
import { ItemStore } from './store.js';
import {
  type Batch,
  type Conduct,
  DEFAULT_MEMORY,
  exclusionLists,
  type Ranker,
  rank,
  rankHits,
  requireK,
  type SearchOptions,
  stream,
} from './stream.js';
import { Turns } from './turns.js';
import { Workspace } from './workspace.js';

/** The best k of each query by Hamming distance, best first, equal distances in order of ascending id. */
export interface HammingResult {
  /** [queries, k]; -1 where a query has fewer than k items. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** [queries, k], bits that differ; -1 beside id -1. */
  readonly distances: Int32Array<ArrayBuffer>;
  readonly k: number;
}

/** All items within a radius: those of query q are entries offsets[q] to offsets[q + 1] − 1, ordered by (distance, id). */
export interface RangeResult {
  /** [queries + 1], from 0. */
  readonly offsets: Float64Array<ArrayBuffer>;
  readonly ids: Int32Array<ArrayBuffer>;
  /** Bits that differ. */
  readonly distances: Int32Array<ArrayBuffer>;
}

/** What an index is built from. */
export interface HammingItems {
  /** Bytes [count, bits / 8] or words [count, ceil(bits / 32)]. */
  readonly codes: Codes;
  readonly count: number;
  /** A multiple of 8 up to 1,024. */
  readonly bits: number;
  /** [count] distinct whole numbers from 0; 0 to count − 1 unless given. */
  readonly ids?: ArrayLike<number>;
}

/** How an index lies on the device. */
export interface IndexOptions {
  /** Bytes of one buffer at most: a larger database is spread over several. What the device binds unless less. */
  readonly bufferBytes?: number;
  /** Searches that may wait for their turn; 1,024 unless told. Further ones are rejected at once, with a `BusyError`. */
  readonly waiting?: number;
}

/** Items in host memory and their codes on the device; shared by the Hamming and the hierarchical index. */
export class CodeIndex {
  readonly database: CodeDatabase;
  workspace: Workspace<unknown>;
  readonly #turns: Turns;

  constructor(
    gpu: Gpu,
    readonly store: ItemStore,
    { bufferBytes, waiting }: IndexOptions = {},
  ) {
    this.database = new CodeDatabase(gpu, store, bufferBytes);
    this.workspace = new Workspace(gpu);
    this.#turns = new Turns(waiting);
  }

  get gpu(): Gpu {
    return this.database.gpu;
  }

  /**
   * Runs a search when its turn comes, on a device that lives: where the one before was lost, everything is made anew from
   * the store.
   */
  turn<T>(search: () => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      const gpu = await this.gpu.living();
      if (gpu !== this.gpu) {
        this.workspace.destroy();
        this.workspace = new Workspace(gpu);
        this.database.moveTo(gpu);
      }
      return search();
    });
  }

  /** Queries as words. @throws InputError where they are no whole codes of this width */
  queries(codes: Codes): { words: Uint32Array<ArrayBuffer>; count: number } {
    const words = toWords(codes, this.store.bits);
    return { words, count: words.length / this.store.words };
  }

  /** Checks what every search is given; see `places`. */
  exclusions(queries: number, { exclude, allow, deny }: SearchOptions): () => DeviceLists {
    requireBitmap(allow, 'allow');
    requireBitmap(deny, 'deny');
    return this.places(exclusionLists(exclude, queries), queries, 'exclusions');
  }

  /**
   * Checks lists of ids, and gives what turns them into lists of places when the search's turn comes: items may be added
   * and removed before.
   * @throws InputError naming the row that is wrong
   */
  places(lists: Lists, queries: number, what: string): () => DeviceLists {
    const checked = checkLists(lists, queries, this.store.idLimit, what);
    return () => this.store.toPlaces(checked);
  }

  /** What every search of codes is to the streaming of batches. */
  ranker(nearest: Nearest): Omit<Ranker, 'record'> {
    const { gpu, workspace, database } = this;
    const { queries, key, exclude, inputs } = nearest;
    const count = database.admittedCount;
    const task = (k: number) => ({ what: `search of ${count} items for the best ${k}`, fix: 'use a smaller k' });
    const footprint = (k: number) => nearest.footprint(k);
    return { gpu, workspace, count, queries, key, exclude, inputs, footprint, task };
  }

  /** Frees what is on the device, and `more`, once the searches that have begun are done. */
  destroy(more: () => void = () => {}): void {
    this.#turns.close(() => {
      this.database.destroy();
      this.workspace.destroy();
      more();
    });
  }
}

/**
 * Exact search of hash codes by Hamming distance (paper, Hamming space retrieval), the codes resident on the device.
 * Searches that overlap in time take turns. Where the device is lost, searches that have begun are rejected, and the next
 * one makes the index anew on another device.
 */
export class HammingIndex {
  readonly #index: CodeIndex;

  private constructor(index: CodeIndex) {
    this.#index = index;
  }

  /** @throws InputError where codes, count, bits and ids do not belong together */
  static async create(gpu: Gpu, items: HammingItems, options: IndexOptions = {}): Promise<HammingIndex> {
    const { codes, count, bits, ids } = items;
    return new HammingIndex(new CodeIndex(gpu, ItemStore.from({ codes, count, bits, ...(ids && { ids }) }), options));
  }

  /** An index of what `contents` gave, as it stands in an index file. @throws InputError as `create` */
  static async fromContents(gpu: Gpu, contents: IndexContents, options: IndexOptions = {}): Promise<HammingIndex> {
    const { codes, bits, ids } = contents;
    return HammingIndex.create(gpu, { codes, count: ids.length, bits, ids }, options);
  }

  /** Items that were not removed. */
  get count(): number {
    return this.#index.store.count;
  }

  get bits(): number {
    return this.#index.store.bits;
  }

  /**
   * Adds items, for the searches that begin afterwards. Ids above all others are the cheapest to add.
   * @param codes bytes [n, bits / 8] or words [n, ceil(bits / 32)]
   * @param ids [n]; the numbers after the largest id unless given
   * @throws InputError, with nothing added, where an id is taken or codes and ids do not belong together
   */
  add(codes: Codes, ids?: ArrayLike<number>): void {
    this.#index.store.add(codes, undefined, ids);
  }

  /**
   * Removes items; their places are kept until `compact`.
   * @returns how many of them there were
   */
  remove(ids: ArrayLike<number>): number {
    return this.#index.store.remove(ids);
  }

  /** Gives up the memory of removed items. Ids stay as they are. */
  compact(): void {
    this.#index.store.compact();
  }

  /** The items that were not removed, in host memory, for an index file; compacts. */
  contents(): IndexContents {
    return this.#index.store.contents();
  }

  /**
   * The nearest k codes of each query, exactly.
   * @param queries bytes [queries, bits / 8] or words [queries, ceil(bits / 32)]
   * @throws InputError where queries, k, filters or exclusions are not what they should be; HashgnnError where one query
   * needs more than the memory budget
   */
  async search(queries: Codes, k: number, options: SearchOptions = {}): Promise<HammingResult> {
    requireK(k);
    const { words, count } = this.#index.queries(queries);
    const exclude = this.#index.exclusions(count, options);
    const values = (length: number) => new Int32Array(length).fill(-1);
    return this.#index.turn(async () => {
      const toIds = this.#index.store.idsNow();
      const ranker = await this.#ranker(words, exclude(), k, options);
      const { ids, values: distances } = await rank(ranker, k, options, values);
      toIds(ids);
      return { ids, distances, k };
    });
  }

  /**
   * Which places of each query's ranking hold one of its test items; see `metricsOfHits`.
   * @param test ids, by query
   * @returns [queries, ceil(k / 32)] words, bit j of word w for place 32w + j
   */
  async hits(queries: Codes, k: number, test: Lists, options: SearchOptions = {}): Promise<Uint32Array<ArrayBuffer>> {
    requireK(k);
    const { words, count } = this.#index.queries(queries);
    const exclude = this.#index.exclusions(count, options);
    const places = this.#index.places(test, count, 'test items');
    return this.#index.turn(async () => {
      const test = places();
      return rankHits(await this.#ranker(words, exclude(), k, options), k, test, options);
    });
  }

  /**
   * All items whose codes differ from a query's in `radius` bits or fewer.
   * @throws as `search`
   */
  async rangeSearch(queries: Codes, radius: number, options: SearchOptions = {}): Promise<RangeResult> {
    if (!Number.isInteger(radius) || radius < 0) {
      throw new InputError(`the radius cannot be ${radius} bits`, {
        where: 'radius',
        fix: 'use a whole number from 0',
      });
    }
    const { words, count } = this.#index.queries(queries);
    const exclude = this.#index.exclusions(count, options);
    return this.#index.turn(async () => {
      const toIds = this.#index.store.idsNow();
      const result = await this.#within(words, exclude(), Math.min(radius, this.bits), options);
      toIds(result.ids);
      return result;
    });
  }

  /** Frees the codes on the device once the searches that have begun are done; others are refused from now on. */
  destroy(): void {
    this.#index.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  async #ranker(codes: Uint32Array, exclude: DeviceLists, k: number, options: SearchOptions): Promise<Ranker> {
    const { database } = this.#index;
    database.admit(options.allow, options.deny);
    const most = Math.min(k, database.admittedCount);
    return this.#rankerOf(await Nearest.of(database, codes, exclude, most, options.variant));
  }

  #rankerOf(nearest: Nearest): Ranker {
    return {
      ...this.#index.ranker(nearest),
      record: (batch) => {
        const lists = nearest.collect(batch);
        const { ids, distances } = nearest.order(batch, lists, batch.k);
        return { ids, values: distances, ...(nearest.estimated && { unsure: lists.bound }) };
      },
      again: (rows) => this.#rankerOf(nearest.again(rows)),
    };
  }

  async #within(
    codes: Uint32Array,
    exclude: DeviceLists,
    radius: number,
    { allow, deny, memory = DEFAULT_MEMORY, signal }: SearchOptions,
  ): Promise<RangeResult> {
    const conduct = { memory, signal };
    const { database, store } = this.#index;
    database.admit(allow, deny);
    const queries = codes.length / store.words;
    const ids: Int32Array[] = [];
    const distances: Int32Array[] = [];
    const offsets = new Float64Array(queries + 1);
    if (queries > 0 && database.admittedCount > 0) {
      const nearest = await Nearest.within(database, codes, exclude, radius);
      const { longest, totals } = await this.#lengths(nearest, conduct);
      // Batches of consecutive queries, whose lists and rankings have room for the longest of them.
      for (let first = 0; first < queries; ) {
        let [rows, capacity, most] = [0, 1, 1];
        for (; first + rows < queries; rows += 1) {
          const list = powerOfTwoFrom(Math.max(capacity, longest[first + rows]!));
          const total = powerOfTwoFrom(Math.max(most, totals[first + rows]!));
          if (rows > 0 && (rows + 1) * nearest.footprint(total, list).total > memory) break;
          capacity = list;
          most = total;
        }
        const part = Uint32Array.from({ length: rows }, (_, row) => first + row);
        const ranker = this.#rankerOf(nearest.withRoom(part, capacity));
        const task = () => ({ what: `search of ${ranker.count} items within ${radius} bits`, fix: SMALLER_RADIUS });
        const found = await rank({ ...ranker, task }, most, conduct, (length) => new Int32Array(length).fill(-1));
        for (let row = 0; row < rows; row += 1) {
          // Whoever has fewer than `most` has −1 behind them.
          let end = row * most;
          while (end < (row + 1) * most && found.ids[end]! >= 0) end += 1;
          ids.push(found.ids.subarray(row * most, end));
          distances.push(found.values.subarray(row * most, end));
          offsets[first + row + 1] = offsets[first + row]! + end - row * most;
        }
        first += rows;
      }
    }
    return { offsets, ids: joined(ids), distances: joined(distances) };
  }

  /** The length of each query's longest list, and of all its lists together, exclusions included. */
  async #lengths(nearest: Nearest, conduct: Conduct): Promise<{ longest: Uint32Array; totals: Float64Array }> {
    const { chunks } = nearest.plan;
    const longest = new Uint32Array(nearest.queries);
    const totals = new Float64Array(nearest.queries);
    const ranker = this.#index.ranker(nearest);
    const task = () => ({ what: `search of ${ranker.count} items within a radius`, fix: SMALLER_RADIUS });
    const record = (batch: Batch) => nearest.collect(batch);
    await stream({ ...ranker, task }, 1, conduct, 'lengths', record, async ({ counts }, first, rows) => {
      const lengths = await counts.read(0, rows * chunks);
      lengths.forEach((length, index) => {
        const row = first + Math.floor(index / chunks);
        longest[row] = Math.max(longest[row]!, length);
        totals[row]! += length;
      });
    });
    return { longest, totals };
  }
}

const SMALLER_RADIUS = 'use a smaller radius';

function joined(parts: readonly Int32Array[]): Int32Array<ArrayBuffer> {
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
