import { InputError } from '../base/errors.js';
import type { Gpu } from '../gpu/index.js';
import { type Codes, toWords, wordsOf } from './codes.js';
import { HammingIndex } from './hamming.js';
import { DEFAULT_CANDIDATES, HierarchicalIndex } from './hierarchical.js';
import { InnerProductIndex } from './inner_product.js';
import { checkLists, type Lists, lengths, selectLists } from './lists.js';
import { CUTOFFS, type Metrics, metricsOfHits, requireCutoffs } from './metrics.js';
import type { SearchOptions } from './stream.js';

export type SearchName = 'hamming' | 'hierarchical' | 'exact';

/** Everything that the protocol needs; users and items without training edges keep their rows. */
export interface EvaluationInput {
  /** Bytes [users, bits / 8] or words [users, ceil(bits / 32)]. */
  readonly userCodes: Codes;
  readonly itemCodes: Codes;
  readonly bits: number;
  /** [users, width]; the width follows from the number of codes. */
  readonly userEmbeddings: Float32Array;
  /** [items, width] */
  readonly itemEmbeddings: Float32Array;
  /** Training and validation items of each user, ascending: no candidates. */
  readonly seen: Lists;
  /** Test items of each user, ascending. */
  readonly test: Lists;
  readonly cutoffs?: readonly number[];
  /** Candidates by code in hierarchical search; 500 unless told. */
  readonly candidates?: number;
  /** false ranks all items, seen ones too, as the authors' code does; true unless told. */
  readonly masked?: boolean;
  /** As of a search; see `SearchOptions`. */
  readonly memory?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The searches to evaluate, all three unless told. */
  readonly searches?: readonly SearchName[];
  /**
   * Told which places of each search hold test items, before they are averaged; see `recallsOfHits`.
   * @param hits [users with a test item, ceil(k / 32)] for k = the largest cut-off
   * @param testCounts test items of each of these users, in their order
   */
  readonly onHits?: (search: SearchName, hits: Uint32Array, testCounts: Uint32Array) => void;
}

export interface Evaluation extends Partial<Record<SearchName, Metrics>> {
  /** Seconds that each search took for all users with a test item, from host memory to known hits, kernels compiled. */
  readonly seconds: Partial<Record<SearchName, number>>;
  /** Users with a test item. */
  readonly users: number;
}

/** With so many queries the kernels are those of any number. */
const WARM_UP = 1024;

/**
 * The ranking metrics of the three searches over all users with a test item; candidates are all items less the user's
 * seen ones.
 * @throws InputError where arrays do not belong together, an embedding is not finite, or nobody has a test item
 */
export async function evaluate(gpu: Gpu, input: EvaluationInput): Promise<Required<Evaluation>>;
export async function evaluate(
  gpu: Gpu,
  input: EvaluationInput & { readonly searches: readonly SearchName[] },
): Promise<Evaluation>;
export async function evaluate(gpu: Gpu, input: EvaluationInput): Promise<Evaluation> {
  const { bits, cutoffs = CUTOFFS, candidates = DEFAULT_CANDIDATES, masked = true } = input;
  const searches = input.searches ?? (['hamming', 'hierarchical', 'exact'] as const);
  const k = Math.max(...cutoffs);
  requireCutoffs(cutoffs, k);
  const words = wordsOf(bits);
  const itemCodes = toWords(input.itemCodes, bits);
  const userCodes = toWords(input.userCodes, bits);
  const count = itemCodes.length / words;
  const userCount = userCodes.length / words;
  const width = widthOf(input.userEmbeddings, userCount, 'user embeddings');
  const itemWidth = widthOf(input.itemEmbeddings, count, 'item embeddings');
  if (width !== itemWidth) {
    throw new InputError(`user embeddings are ${width} wide and item embeddings ${itemWidth}`, { where: 'embeddings' });
  }
  checkLists(input.test, userCount, count, 'test items');
  if (masked) checkLists(input.seen, userCount, count, 'seen items');

  const users: number[] = [];
  lengths(input.test.offsets).forEach((length, user) => {
    if (length > 0) users.push(user);
  });
  const test = selectLists(input.test, users);
  const seen = masked ? selectLists(input.seen, users) : undefined;
  const codes = gather(userCodes, words, users, new Uint32Array(users.length * words));
  const embeddings = gather(input.userEmbeddings, width, users, new Float32Array(users.length * width));
  const firstUsers = (rows: number): Part => ({
    codes: codes.subarray(0, rows * words),
    embeddings: embeddings.subarray(0, rows * width),
    test: { offsets: test.offsets.subarray(0, rows + 1), columns: test.columns },
    options: {
      memory: input.memory,
      signal: input.signal,
      ...(seen && { exclude: { offsets: seen.offsets.subarray(0, rows + 1), ids: seen.columns } }),
    },
  });

  const testCounts = lengths(test.offsets);
  const seconds: Partial<Record<SearchName, number>> = {};
  const metrics: Partial<Record<SearchName, Metrics>> = {};
  const run = async (name: SearchName, search: Search) => {
    try {
      // A few queries first, so that the clock does not see the compiler.
      await search.hits(firstUsers(Math.min(WARM_UP, users.length)));
      const start = performance.now();
      const hits = await search.hits(firstUsers(users.length));
      seconds[name] = (performance.now() - start) / 1000;
      input.onHits?.(name, hits, testCounts);
      metrics[name] = metricsOfHits(hits, k, testCounts, cutoffs);
    } finally {
      search.destroy();
    }
  };
  const open: Record<SearchName, () => Promise<Search>> = {
    hamming: async () => {
      const index = await HammingIndex.create(gpu, { codes: itemCodes, count, bits });
      return {
        hits: (part) => index.hits(part.codes, k, part.test, part.options),
        destroy: () => index.destroy(),
      };
    },
    hierarchical: async () => {
      const items = { codes: itemCodes, count, bits, embeddings: input.itemEmbeddings, width };
      const index = await HierarchicalIndex.create(gpu, items);
      return {
        hits: (part) => index.hits(part, k, part.test, { ...part.options, candidates }),
        destroy: () => index.destroy(),
      };
    },
    exact: async () => {
      const index = await InnerProductIndex.create(gpu, { embeddings: input.itemEmbeddings, count, width });
      return {
        hits: (part) => index.hits(part.embeddings, k, part.test, part.options),
        destroy: () => index.destroy(),
      };
    },
  };
  for (const name of new Set(searches)) await run(name, await open[name]());
  return { ...metrics, seconds, users: users.length };
}

/** Some of the users, in both spaces. */
interface Part {
  readonly codes: Uint32Array;
  readonly embeddings: Float32Array;
  readonly test: Lists;
  readonly options: Pick<SearchOptions, 'exclude' | 'memory' | 'signal'>;
}

/** One of the three searches, ready to run. */
interface Search {
  hits(part: Part): Promise<Uint32Array>;
  destroy(): void;
}

function widthOf(values: Float32Array, rows: number, what: string): number {
  const width = values.length / rows;
  if (!Number.isInteger(width) || width < 1) {
    throw new InputError(`${values.length} values are no embeddings for ${rows} codes`, { where: what });
  }
  return width;
}

/** Copies rows of `from` into `to`, in the order of `rows`. */
function gather<A extends Uint32Array | Float32Array>(from: A, width: number, rows: readonly number[], to: A): A {
  rows.forEach((row, index) => {
    to.set(from.subarray(row * width, (row + 1) * width), index * width);
  });
  return to;
}
