import { InputError } from '../base/errors.js';
import { type Gpu, GpuOutOfMemoryError, type Tensor } from '../gpu/index.js';
import { type Codes, interleave, toWords, wordsOf } from './codes.js';
import type { Lists } from './lists.js';
import { type Batch, type Ranker, rank, rankHits, type SearchOptions } from './stream.js';
import { lanesWorkgroup, type Variant } from './variant.js';

/** The best k of each query by Hamming distance, best first, equal distances in order of ascending id. */
export interface HammingResult {
  /** [queries, k]; -1 where a query has fewer than k items. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** [queries, k], bits that differ; -1 beside id -1. */
  readonly distances: Int32Array<ArrayBuffer>;
  readonly k: number;
}

/** Codes resident on the device, and the dispatch that ranks them; shared by the Hamming and the hierarchical index. */
export class CodeDatabase {
  private constructor(
    readonly gpu: Gpu,
    readonly count: number,
    readonly bits: number,
    readonly words: number,
    private readonly tensor: Tensor<'u32'> | undefined,
  ) {}

  /** @throws InputError, GpuOutOfMemoryError as `HammingIndex.create` */
  static create(gpu: Gpu, codes: Codes, count: number, bits: number): CodeDatabase {
    const words = wordsOf(bits);
    const packed = toWords(codes, bits);
    if (packed.length !== count * words) {
      throw new InputError(`there are ${packed.length / words} codes of ${bits} bits and not ${count}`, {
        where: 'codes',
      });
    }
    const bytes = Math.ceil(count / 4) * 16 * words;
    requireBindable(gpu, bytes, `${count} codes of ${bits} bits`);
    const shape = [Math.ceil(count / 4), words, 4];
    const tensor = count > 0 ? gpu.tensor('u32', shape, 'item codes', interleave(packed, words)) : undefined;
    return new CodeDatabase(gpu, count, bits, words, tensor);
  }

  /** Bytes that ranking one query takes, as `Ranker.footprint`. */
  footprint(k: number, variant: Variant): { total: number; widest: number } {
    const scratch = variant === 'lanes' ? (this.bits + 1) * 4 : k * 8;
    return { total: k * 8 + scratch + this.words * 4 + 4, widest: Math.max(k * 4, scratch) };
  }

  /** Records the ranking of a batch of queries [queries, words]. */
  record(batch: Batch, queries: Uint32Array<ArrayBuffer>): { ids: Tensor<'i32'>; distances: Tensor<'i32'> } {
    const { scope, program, rows, k, variant, exclude_offsets, exclude_ids } = batch;
    const query = batch.input('u32', queries, this.words, 'query codes');
    const ids = scope.tensor('i32', [rows, k], 'ids');
    const distances = scope.tensor('i32', [rows, k], 'distances');
    const lanes = variant === 'lanes';
    const WORKGROUP = lanesWorkgroup(rows);
    const size = lanes ? Math.ceil(rows / WORKGROUP) * WORKGROUP * (this.bits + 1) : rows * k * 2;
    const scratch = scope.tensor('u32', [size], 'search scratch');
    const options = {
      bind: { database: this.tensor!, query, exclude_offsets, exclude_ids, ids, distances, scratch },
      parameters: { queries: rows, count: this.count, k, bits: this.bits },
      cost: { operations: 2 * rows * this.count * this.words },
    };
    batch.counted(
      lanes
        ? program.dispatch('search/hamming_topk.lanes', {
            ...options,
            constants: { WIDE: this.words > 1 ? 1 : 0, WORKGROUP },
            invocations: rows,
          })
        : program.dispatch('search/hamming_topk', { ...options, workgroups: rows }),
    );
    return { ids, distances };
  }

  /** Queries as words. @throws InputError where they are no whole codes of this width */
  queries(codes: Codes): { words: Uint32Array<ArrayBuffer>; count: number } {
    const words = toWords(codes, this.bits);
    return { words, count: words.length / this.words };
  }

  destroy(): void {
    this.tensor?.destroy();
  }
}

/** @throws GpuOutOfMemoryError where a database does not fit one binding of the device */
export function requireBindable(gpu: Gpu, bytes: number, what: string): void {
  const limit = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
  if (bytes > limit) {
    throw new GpuOutOfMemoryError(`${what} take ${bytes} bytes, this device binds ${limit} at most`, {
      where: gpu.name,
      fix: 'use fewer or smaller rows, or an adapter with larger bindings; an index lies in one buffer so far',
    });
  }
}

/** Exact search of hash codes by Hamming distance (paper, Hamming space retrieval), the codes resident on the device. */
export class HammingIndex {
  readonly #database: CodeDatabase;

  private constructor(database: CodeDatabase) {
    this.#database = database;
  }

  /**
   * @param codes bytes [count, bits / 8] or words [count, ceil(bits / 32)]
   * @param bits a multiple of 8 up to 1,024
   * @throws InputError where the codes do not fit `count` and `bits`, GpuOutOfMemoryError where the device cannot bind
   * them
   */
  static async create(
    gpu: Gpu,
    { codes, count, bits }: { codes: Codes; count: number; bits: number },
  ): Promise<HammingIndex> {
    return new HammingIndex(CodeDatabase.create(gpu, codes, count, bits));
  }

  get count(): number {
    return this.#database.count;
  }

  get bits(): number {
    return this.#database.bits;
  }

  /**
   * The nearest k codes of each query, exactly.
   * @param queries bytes [queries, bits / 8] or words [queries, ceil(bits / 32)]
   * @throws InputError where queries, k or exclusions are not what they should be
   */
  async search(queries: Codes, k: number, options: SearchOptions = {}): Promise<HammingResult> {
    const values = (length: number) => new Int32Array(length).fill(-1);
    const { ids, values: distances } = await rank(this.#ranker(queries), k, options, values);
    return { ids, distances, k };
  }

  /**
   * Which places of each query's ranking hold one of its test items; see `metricsOfHits`.
   * @returns [queries, ceil(k / 32)] words, bit j of word w for place 32w + j
   */
  async hits(queries: Codes, k: number, test: Lists, options: SearchOptions = {}): Promise<Uint32Array<ArrayBuffer>> {
    return rankHits(this.#ranker(queries), k, test, options);
  }

  /** Frees the codes on the device. */
  destroy(): void {
    this.#database.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #ranker(codes: Codes): Ranker {
    const database = this.#database;
    const { words, count: queries } = database.queries(codes);
    return {
      gpu: database.gpu,
      count: database.count,
      queries,
      footprint: (k, variant) => database.footprint(k, variant),
      record: (batch) => {
        const { ids, distances } = database.record(batch, words);
        return { ids, values: distances };
      },
    };
  }
}
