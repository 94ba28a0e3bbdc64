import type { Gpu, Tensor } from '../gpu/index.js';
import { type CodeDatabase, MAX_CHUNK_ITEMS, type Sample, type Shard } from './code_database.js';
import { type DeviceLists, lengths, selectLists, selectRows } from './lists.js';
import {
  chooseDesign,
  type Design,
  lanesWorkgroup,
  type Plan,
  planNearest,
  sampleItems,
  sampleTarget,
  topkVariant,
} from './plan.js';
import type { Batch, Input } from './stream.js';

/** Bytes that one query takes on the device; see `Ranker.footprint`. */
export interface Footprint {
  readonly total: number;
  readonly widest: number;
  readonly batchRows: number;
}

/** Queries a batch at most in the bit-sliced design: their lists then stay in the cache of a driver on the CPU. */
const BATCH_ROWS = { software: 8192, hardware: 65536 };

/** The lists of a batch: what the kernels that collect candidates write and the one that orders them reads. */
export interface Candidates {
  readonly counts: Tensor<'u32'>;
  readonly candidates: Tensor<'u32'>;
  readonly bound: Tensor<'u32'>;
}

/** Queries against codes on the device: plans, inputs and recordings of the kernels that find the nearest codes. */
export class Nearest {
  readonly plan: Plan;
  readonly inputs: Readonly<Record<string, Input>>;
  readonly key: string;
  readonly #gpu: Gpu;
  readonly #bits: number;
  readonly #words: number;

  private constructor(
    private readonly database: CodeDatabase,
    private readonly shards: readonly Shard[],
    private readonly sampled: Sample | undefined,
    /** [count, words] */
    private readonly codes: Uint32Array,
    readonly exclude: DeviceLists,
    /** Results of each query. */
    private readonly k: number,
    readonly design: Design,
    /** Where not the nearest k are asked for but all within a radius. */
    private readonly range: { readonly radius: number; readonly capacity: number; readonly plan?: Plan } | undefined,
  ) {
    const { store, gpu, admittedCount, shardItems } = database;
    this.#gpu = gpu;
    this.#bits = store.bits;
    this.#words = store.words;
    const queries = this.queries;
    const excluded = lengths(exclude.offsets);
    // All that a query excludes may be among the nearest.
    const wantedOf = (row: number) => Math.min(admittedCount, k + excluded[row]!);
    let wanted = 1;
    if (!range) for (let row = 0; row < queries; row += 1) wanted = Math.max(wanted, wantedOf(row));
    const places = Math.max(1, database.places);
    const task = { gpu, queries, places, admitted: admittedCount, words: this.#words, wanted, shardItems };
    // What a batch may be depends on the plan, and the plan on the batch: twice suffices, since fewer rows only make
    // chunks smaller.
    const first = planNearest(task, queries, design);
    const plan = planNearest(task, Math.min(queries, rowsOf(gpu, first)), design);
    this.plan = range ? { ...(range.plan ?? plan), capacity: Math.max(1, range.capacity) } : plan;
    const { capacity, chunkItems } = this.plan;
    this.key = [
      database.generation,
      places,
      design,
      this.plan.loading,
      chunkItems,
      capacity,
      sampled?.count ?? 0,
    ].join();
    this.inputs = {
      'query codes': {
        element: 'u32',
        length: (rows) => strideOf(rows) * this.#words,
        rows: (from, rows) => this.#queryRows(from, rows),
      },
      wanted: {
        element: 'u32',
        length: strideOf,
        rows: (from, rows) => byRow(rows, (row) => (range ? 0xffffffff : wantedOf(from + row))),
      },
      ...(sampled && {
        target: {
          element: 'u32',
          length: strideOf,
          rows: (from, rows) => byRow(rows, (row) => sampleTarget(wantedOf(from + row), sampled.count, admittedCount)),
        },
      }),
      ...(!sampled && {
        bound: {
          element: 'u32',
          length: strideOf,
          rows: (_, rows) => byRow(rows, () => Math.min(range?.radius ?? this.#bits, this.#bits) + 1),
        },
      }),
    };
  }

  /**
   * The k nearest of queries; after `database.admit`.
   * @param codes [queries, words]
   * @param exclude places, by query
   */
  static async of(
    database: CodeDatabase,
    codes: Uint32Array,
    exclude: DeviceLists,
    k: number,
    forced: Design | undefined,
  ): Promise<Nearest> {
    const { store, gpu, admittedCount } = database;
    const queries = codes.length / store.words;
    const most = lengths(exclude.offsets).reduce((longest, length) => Math.max(longest, length), 0);
    const design = chooseDesign(
      {
        gpu,
        queries,
        places: database.places,
        admitted: admittedCount,
        words: store.words,
        wanted: Math.min(admittedCount, k + most),
        shardItems: database.shardItems,
      },
      forced,
    );
    const shards = await database.shards(design);
    const sampled =
      design === 'sliced' && queries > 0 ? await database.sample(sampleItems(admittedCount, queries)) : undefined;
    return new Nearest(database, shards, sampled, codes, exclude, k, design, undefined);
  }

  /** All within a radius; as it is, their lists are only counted (`withRoom`). After `database.admit`. */
  static async within(
    database: CodeDatabase,
    codes: Uint32Array,
    exclude: DeviceLists,
    radius: number,
  ): Promise<Nearest> {
    const shards = await database.shards('sliced');
    return new Nearest(database, shards, undefined, codes, exclude, 0, 'sliced', { radius, capacity: 0 });
  }

  /** Whether rankings may fall short, because lists go up to an estimate. */
  get estimated(): boolean {
    return this.sampled !== undefined;
  }

  get queries(): number {
    return this.codes.length / this.database.store.words;
  }

  /** The same search of some queries with a popcount of every pair, which needs no bound. */
  again(queries: Uint32Array): Nearest {
    const { database, shards, k } = this;
    const design = topkVariant({ software: this.#gpu.adapter.software, queries: queries.length });
    const exclude = selectLists(this.exclude, queries);
    return new Nearest(
      database,
      shards,
      undefined,
      selectRows(this.codes, this.#words, queries),
      exclude,
      k,
      design,
      undefined,
    );
  }

  /** All within the radius of some queries, the lists as they were counted and with room for `capacity` items each. */
  withRoom(queries: Uint32Array, capacity: number): Nearest {
    const { database, shards, plan } = this;
    const range = { radius: this.range!.radius, capacity, plan };
    const exclude = selectLists(this.exclude, queries);
    return new Nearest(
      database,
      shards,
      undefined,
      selectRows(this.codes, this.#words, queries),
      exclude,
      0,
      'sliced',
      range,
    );
  }

  /** Bytes for one query, results [k] included. */
  footprint(k: number, capacity: number = this.plan.capacity): Footprint {
    const { chunks } = this.plan;
    const counters = (this.#bits + 1) * 4;
    const scratch = this.plan.design === 'lanes' ? chunks * counters : 0;
    const lists = chunks * capacity * 4;
    // Codes, wanted, target, bound and the offset of the exclusions.
    const small = this.#words * 4 + chunks * 4 + 20;
    return {
      total: lists + small + counters + scratch + k * 8,
      widest: Math.max(lists, counters, scratch, k * 4),
      batchRows: rowsOf(this.#gpu, this.plan),
    };
  }

  /** Records the lists of candidates of a batch. */
  collect(batch: Batch): Candidates {
    const { plan, shards } = this;
    const { rows } = batch;
    const { chunks, capacity, chunkItems } = plan;
    const stride = strideOf(rows);
    const query = batch.input('query codes') as Tensor<'u32'>;
    const wanted = batch.input('wanted') as Tensor<'u32'>;
    const counts = batch.tensor('u32', stride * chunks, 'list lengths');
    const candidates = batch.tensor('u32', stride * chunks * capacity, 'candidates');
    const bound = this.#bound(batch, query);
    const scratchItems = plan.design === 'lanes' ? rows * chunks + 64 : 0;
    const scratch = batch.tensor('u32', scratchItems * (this.#bits + 1) + 1, 'counters');
    for (const shard of shards) {
      const all = Math.ceil(shard.count / chunkItems);
      const each = Math.max(1, Math.floor(plan.pairsADispatch / (rows * chunkItems)));
      // The kernels walk a buffer from its beginning: a part of its chunks is told by where the buffer ends.
      for (let chunk = 0; chunk < all; chunk += each) {
        const part = { first: chunk, end: Math.min(all, chunk + each), shard, base: shard.first / chunkItems };
        if (plan.design === 'sliced') this.#sliced(batch, part, { query, bound, wanted, counts, candidates });
        else this.#popcount(batch, part, { query, wanted, counts, candidates, scratch });
      }
    }
    return { counts, candidates, bound };
  }

  /** Records the rankings [rows, k] of a batch from its lists. */
  order(batch: Batch, lists: Candidates, k: number): { ids: Tensor<'i32'>; distances: Tensor<'i32'> } {
    const { rows, exclude_offsets, exclude_ids } = batch;
    const { chunks, capacity, chunkItems } = this.plan;
    const WORKGROUP = lanesWorkgroup(rows);
    const ids = batch.tensor('i32', rows * k, 'ids by code');
    const distances = batch.tensor('i32', rows * k, 'distances');
    const scratch = batch.tensor('u32', (rows + 64) * (this.#bits + 1), 'counters of the order');
    batch.program.dispatch('search/hamming_order', {
      bind: { ...lists, exclude_offsets, exclude_ids, ids, distances, scratch },
      constants: { WORKGROUP },
      parameters: { queries: rows, chunks, chunk_items: chunkItems, capacity, k, bits: this.#bits },
      invocations: rows,
    });
    return { ids, distances };
  }

  #bound(batch: Batch, query: Tensor<'u32'>): Tensor<'u32'> {
    if (!this.sampled) return batch.input('bound') as Tensor<'u32'>;
    const { rows } = batch;
    const { slices, count } = this.sampled;
    const bound = batch.tensor('u32', strideOf(rows), 'estimated bound');
    const options = {
      bind: { slices, query, target_count: batch.input('target') as Tensor<'u32'>, bound },
      parameters: { queries: rows, count, bits: this.#bits },
    };
    const { WORDS, LEVELS } = this.#constants();
    if (this.plan.loading !== 'direct') {
      const workgroups = Math.ceil(rows / 32);
      batch.program.dispatch('search/hamming_bound.subgroups', {
        ...options,
        constants: { WORDS, LEVELS },
        workgroups,
      });
    } else {
      const WORKGROUP = this.#workgroup();
      const invocations = strideOf(rows) / 4;
      batch.program.dispatch('search/hamming_bound', {
        ...options,
        constants: { WORDS, LEVELS, WORKGROUP },
        invocations,
      });
    }
    return bound;
  }

  #sliced(
    batch: Batch,
    { first, end, shard, base }: Part,
    tensors: Pick<Candidates, 'counts' | 'candidates' | 'bound'> & { query: Tensor<'u32'>; wanted: Tensor<'u32'> },
  ): void {
    const { rows } = batch;
    const { chunks, capacity, chunkItems } = this.plan;
    const blocks = Math.min(Math.ceil(shard.count / 32), (end * chunkItems) / 32);
    const bind = { slices: shard.slices!, alive: shard.alive, ...tensors };
    const options = {
      bind,
      parameters: {
        queries: rows,
        blocks,
        chunk_blocks: chunkItems / 32,
        own_chunk: first,
        first_chunk: base,
        chunks,
        capacity,
      },
      cost: { operations: rows * (blocks - (first * chunkItems) / 32) * this.#words * 32 },
    };
    const parts = end - first;
    const { WORDS, LEVELS } = this.#constants();
    const workgroups = Math.ceil(rows / 32) * parts;
    if (this.plan.loading === 'queue') {
      batch.program.dispatch('search/hamming_collect.queue', {
        ...options,
        bind: { ...bind, database: shard.quads },
        constants: { WORDS, LEVELS },
        workgroups,
      });
    } else if (this.plan.loading === 'subgroups') {
      batch.program.dispatch('search/hamming_collect.subgroups', {
        ...options,
        constants: { WORDS, LEVELS },
        workgroups,
      });
    } else {
      batch.program.dispatch('search/hamming_collect', {
        ...options,
        constants: { WORDS, LEVELS, WORKGROUP: this.#workgroup() },
        invocations: (strideOf(rows) / 4) * parts,
      });
    }
  }

  #popcount(
    batch: Batch,
    { first, end, shard, base }: Part,
    tensors: Pick<Candidates, 'counts' | 'candidates'> & Record<'query' | 'wanted' | 'scratch', Tensor<'u32'>>,
  ): void {
    const { rows } = batch;
    const { chunks, capacity, chunkItems } = this.plan;
    const count = Math.min(shard.count, end * chunkItems);
    const options = {
      bind: { database: shard.quads, alive: shard.alive, ...tensors },
      parameters: {
        queries: rows,
        count,
        chunk_items: chunkItems,
        own_chunk: first,
        first_chunk: base,
        chunks,
        capacity,
        bits: this.#bits,
      },
      cost: { operations: 2 * rows * (count - first * chunkItems) * this.#words },
    };
    if (this.plan.design === 'lanes') {
      batch.program.dispatch('search/hamming_topk.lanes', {
        ...options,
        constants: { WIDE: this.#words > 1 ? 1 : 0, WORKGROUP: lanesWorkgroup(rows) },
        invocations: rows * (end - first),
      });
    } else {
      batch.program.dispatch('search/hamming_topk', { ...options, workgroups: rows * (end - first) });
    }
  }

  #constants(): { WORDS: number; LEVELS: number } {
    return { WORDS: this.#words, LEVELS: 6 + Math.ceil(Math.log2(this.#words)) };
  }

  /** Of the bit-sliced kernels whose invocations load for themselves. */
  #workgroup(): number {
    return this.#gpu.adapter.software ? 8 : 64;
  }

  /** Words of `rows` queries side by side: [words, stride]. */
  #queryRows(from: number, rows: number): Uint32Array<ArrayBuffer> {
    const words = this.#words;
    const stride = strideOf(rows);
    const laid = new Uint32Array(stride * words);
    for (let word = 0; word < words; word += 1) {
      for (let row = 0; row < rows; row += 1) laid[word * stride + row] = this.codes[(from + row) * words + word]!;
    }
    return laid;
  }
}

/** Some chunks of a shard: from `first` to before `end`; chunk c of it is number base + c of the database. */
interface Part {
  readonly first: number;
  readonly end: number;
  readonly shard: Shard;
  readonly base: number;
}

/** Queries up to a multiple of four, as the kernels group them. */
function strideOf(rows: number): number {
  return Math.ceil(rows / 4) * 4;
}

/** A value for each row, and 0 for those that fill the last group. */
function byRow(rows: number, value: (row: number) => number): Uint32Array<ArrayBuffer> {
  const values = new Uint32Array(strideOf(rows));
  for (let row = 0; row < rows; row += 1) values[row] = value(row);
  return values;
}

/** Queries a batch at most, so that one chunk of the database is one dispatch at most. */
function rowsOf(gpu: Gpu, plan: Plan): number {
  const most = gpu.adapter.software ? BATCH_ROWS.software : BATCH_ROWS.hardware;
  return Math.max(32, Math.min(most, Math.floor(plan.pairsADispatch / Math.min(plan.chunkItems, MAX_CHUNK_ITEMS))));
}
