import type { Gpu } from '../gpu/index.js';
import { MAX_CHUNK_ITEMS } from './code_database.js';

/**
 * The designs of the kernels that find the nearest codes: bit-sliced counting against a bound, without a popcount
 * (`search/hamming_collect`), or a popcount of every pair, by one invocation (`lanes`) or one workgroup a query
 * (`search/hamming_topk`).
 */
export type Design = 'sliced' | 'lanes' | 'workgroup';

/** With this many queries, one invocation for each fills a GPU. */
const MANY_QUERIES = 8192;
/** Fewer queries than this leave most of a GPU idle in the bit-sliced design. */
const FEW_QUERIES = 64;
/** Queries of two groups: fewer lanes than chunks of the database can have. */
const FEW_LANES = 8;
/** With fewer items than this for each one wanted, most blocks of 32 have some for one of the queries that load together. */
const QUEUED_ITEMS_A_RESULT = 1000;
/** Below this many items for each one wanted, so many would be listed that the popcount design is as fast. */
const SLICED_ITEMS_A_RESULT = { software: 2, hardware: 160 };
/** And below this many items there is nothing to gain from a bound. */
const SLICED_ITEMS = 512;

/**
 * The popcount design that suits an adapter. Drivers that run shaders on the CPU pay dearly for barriers and shared
 * atomics, and one invocation a query needs neither; a GPU with few queries would leave most of itself idle that way.
 */
export function topkVariant({ software, queries }: { software: boolean; queries: number }): Exclude<Design, 'sliced'> {
  return software || queries >= MANY_QUERIES ? 'lanes' : 'workgroup';
}

/**
 * The kernels that select by inner product: one invocation (`lanes`) or one workgroup a query. On a GPU it never is one
 * invocation: each would read a row of its own, and the products of more than a few hundred queries are not kept at a time.
 */
export function selectionVariant({ software }: { readonly software: boolean }): Exclude<Design, 'sliced'> {
  return software ? 'lanes' : 'workgroup';
}

/**
 * The designs of exhaustive search by inner product: all products stored and the best selected (`search/inner_products`,
 * `search/score_topk`), by one invocation or one workgroup a query; or only what is above a bound listed
 * (`search/product_collect`), and ranked.
 */
export type ProductDesign = Exclude<Design, 'sliced'> | 'bounded';

/** How bounds of products are estimated, and how long the lists of what is above them are. */
export interface BoundPlan {
  /** The sample: every step-th item, and how many these are. */
  readonly step: number;
  readonly sample: number;
  /** Of a query's products with the sample, best first, this one is the bound, counted from 1. */
  readonly ranks: number;
  /** Entries of a list. */
  readonly capacity: number;
}

/** Listing pays where of so many items one is listed, or fewer. */
const BOUNDED_ITEMS_A_LISTED = 4;
/** Fewer queries leave lanes of the tiles idle. */
const BOUNDED_QUERIES = 32;

/** Plans the search of `count` items for the best k of each query, exclusions apart. */
export function planBound(count: number, k: number): BoundPlan {
  const sampled = Math.min(16384, Math.max(512, powerOfTwoFrom(Math.ceil(count / 32))));
  const step = Math.max(1, Math.floor(count / sampled));
  const sample = Math.ceil(count / step);
  const ranks = Math.min(sample, sampleTarget(Math.min(k, count), sample, count));
  // The number of items above the bound varies like a sum of `ranks` gaps: three standard deviations are room enough.
  const listed = (count * ranks) / sample;
  const capacity = Math.min(count, Math.ceil((listed * (1 + 3 / Math.sqrt(ranks))) / 32) * 32);
  return { step, sample, ranks, capacity };
}

/**
 * Exhaustive search by inner product: on a GPU storing and selecting, on drivers on the CPU, where stores and loads are
 * dearest, listing.
 */
export function chooseProductDesign(gpu: Gpu, count: number, width: number, queries: number, k: number): ProductDesign {
  const { ranks, sample } = planBound(count, k);
  const bounded =
    loadsTogether(gpu) &&
    gpu.imageable(count * width) &&
    queries >= BOUNDED_QUERIES &&
    ranks * BOUNDED_ITEMS_A_LISTED <= sample &&
    sample < count;
  return bounded ? 'bounded' : selectionVariant(gpu.adapter);
}

/**
 * Invocations a workgroup of the kernels with one invocation a query: few where queries are few, so that every processor
 * gets some. A multiple of eight and a divisor of 64.
 */
export function lanesWorkgroup(queries: number): number {
  return queries < 1024 ? 8 : 64;
}

/** Whether eight lanes of a subgroup had best load together: on drivers that run shaders on the CPU and have them. */
export function loadsTogether(gpu: Gpu): boolean {
  return gpu.adapter.software && (gpu.adapter.subgroupSize?.[0] ?? 0) >= 8;
}

/** What the design of a search depends on. */
export interface Task {
  readonly gpu: Gpu;
  readonly queries: number;
  /** Places in the database, and those that may be returned. */
  readonly places: number;
  readonly admitted: number;
  readonly words: number;
  /** Items that a query wants at most: k, and its exclusions, which may all be among the nearest. */
  readonly wanted: number;
  /** Places in one buffer, a power of two. */
  readonly shardItems: number;
}

/** How the nearest codes are found. */
export interface Plan {
  readonly design: Design;
  /**
   * Of the bit-sliced kernels: whether each invocation loads for itself, or eight lanes of a subgroup together, which may
   * queue what they find.
   */
  readonly loading: 'direct' | 'subgroups' | 'queue';
  /** Places of a chunk, a power of two from 32, and chunks of the database; every query has a list for each. */
  readonly chunkItems: number;
  readonly chunks: number;
  /** Entries of a list. */
  readonly capacity: number;
  /** Code pairs of one dispatch at most, so that no display driver takes it for hung. */
  readonly pairsADispatch: number;
}

/** The design, unless it is forced: bit-sliced where few of many items are wanted. */
export function chooseDesign(task: Task, forced?: Design): Design {
  if (forced) return forced;
  const { gpu, queries, admitted, wanted } = task;
  const { software } = gpu.adapter;
  const few =
    admitted >= SLICED_ITEMS && wanted * SLICED_ITEMS_A_RESULT[software ? 'software' : 'hardware'] <= admitted;
  return few && (software || queries >= FEW_QUERIES) ? 'sliced' : topkVariant({ software, queries });
}

/** The plan for batches of `rows` queries. */
export function planNearest(task: Task, rows: number, design: Design): Plan {
  const { gpu, places, admitted, words, wanted, shardItems } = task;
  const { software } = gpu.adapter;
  // Up to two groups of queries would leave six of eight lanes without one; then lanes are chunks instead.
  const together = design === 'sliced' && loadsTogether(gpu) && rows > FEW_LANES;
  const dense = wanted * QUEUED_ITEMS_A_RESULT > admitted;
  const loading = !together ? 'direct' : dense ? 'queue' : 'subgroups';
  let parts: number;
  if (design !== 'sliced') parts = software ? Math.ceil(16 / Math.ceil(rows / lanesWorkgroup(rows))) : 1;
  else if (loading !== 'direct') parts = Math.ceil(16 / Math.ceil(rows / 32));
  else parts = Math.ceil((software ? 64 : 16384) / Math.ceil(rows / 4));
  if (design === 'workgroup') parts = 1;
  const least = design === 'sliced' ? 2048 : 8192;
  const most = Math.min(MAX_CHUNK_ITEMS, shardItems);
  const chunkItems = Math.min(most, powerOfTwoFrom(Math.max(least, Math.ceil(places / parts))));
  const chunks = Math.max(1, Math.ceil(places / chunkItems));
  // A list longer than what is wanted by some, since the bound falls only as the items allow.
  const room = design === 'sliced' ? 4 * wanted + 64 : wanted;
  const pairs = design === 'sliced' ? (software ? 2 ** 30 : 2 ** 32) : software ? 2 ** 27 : 2 ** 31;
  return {
    design,
    loading,
    chunkItems,
    chunks,
    capacity: Math.max(1, Math.min(room, chunkItems)),
    pairsADispatch: Math.max(1, Math.floor(pairs / words)),
  };
}

/**
 * Items of the sample that bounds are estimated from: enough to meet the wanted ones among them. With few queries there
 * are fewer to share the work of a walk, and more items listed cost less than a longer one.
 */
export function sampleItems(admitted: number, queries: number): number {
  if (queries <= FEW_LANES) return 2048;
  return Math.min(16384, Math.max(1024, powerOfTwoFrom(Math.ceil(admitted / 32))));
}

/**
 * How many items of a sample shall be closer than the bound, so that nearly always as many as are wanted are closer among
 * all: their expected number and two of its standard deviations more. Exact where the sample is everything.
 */
export function sampleTarget(wanted: number, sample: number, admitted: number): number {
  if (sample >= admitted) return wanted;
  const expected = (wanted * sample) / admitted;
  return Math.ceil(expected + 2 * Math.sqrt(expected) + 2);
}

/** The next power of two. */
export function powerOfTwoFrom(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}
