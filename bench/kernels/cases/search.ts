import { formatCount } from '../../../src/cli/output.js';
import type { ConstantsOf } from '../../../src/gpu/kernel.js';
import { ranking_hits } from '../../../src/reference/eval/ranking_hits.js';
import { candidate_products } from '../../../src/reference/search/candidate_products.js';
import { candidate_topk } from '../../../src/reference/search/candidate_topk.js';
import { hamming_bound } from '../../../src/reference/search/hamming_bound.js';
import { hamming_collect } from '../../../src/reference/search/hamming_collect.js';
import { hamming_order } from '../../../src/reference/search/hamming_order.js';
import { hamming_slice } from '../../../src/reference/search/hamming_slice.js';
import { hamming_topk } from '../../../src/reference/search/hamming_topk.js';
import { inner_products } from '../../../src/reference/search/inner_products.js';
import { product_check } from '../../../src/reference/search/product_check.js';
import { product_collect } from '../../../src/reference/search/product_collect.js';
import { score_topk } from '../../../src/reference/search/score_topk.js';
import { planBound } from '../../../src/search/plan.js';
import { floats, unwritten, unwrittenFloats } from '../../../src/selftest/case.js';
import type { CaseMap, CaseSpec, Cost } from '../case.js';
import type { Setting } from '../setting.js';

type SearchKernel =
  | `search/${'candidate_products' | 'hamming_bound' | 'inner_products'}${'' | '.subgroups'}`
  | `search/${'candidate_topk' | 'hamming_topk' | 'score_topk'}${'' | '.lanes'}`
  | `search/hamming_collect${'' | '.subgroups' | '.queue'}`
  | `search/hamming_${'order' | 'slice'}`
  | `search/product_${'check' | 'collect'}`
  | 'eval/ranking_hits';

/** One word, and counters of six bits. */
const SLICED = { WORDS: 1, LEVELS: 6 };
/**
 * Bitwise operations for one bit of 32 pairs in bit-sliced search, as `bench/search/measure.ts` counts them: a full adder
 * of five for each bit, and the comparison.
 */
const SLICED_OPERATIONS = 5.7;
/** Of the items, about so many are a sample that bounds are estimated from. */
const SAMPLED = 32;
const BITS = 32;
const FLOAT = { absolute: 2e-5, relative: 2e-5 };

const ofCodes = (bytes: number, operations: number): Cost => ({
  ...{ bytes, operations, access: 'copy', arithmetic: 'logic' },
});
const ofFloats = (bytes: number, operations: number, access: Cost['access'] = 'copy'): Cost => ({
  ...{ bytes, operations, access, arithmetic: 'multiply_add' },
});
const list = (length: number, value: number) => new Uint32Array(length).fill(value);
const missing = (length: number) => new Int32Array(length).fill(-7);
/** Comparisons that keep the best k of `count` in order: one each, and log2(k) moves for each that gets among them. */
const keeping = (count: number, k: number) =>
  count + k * (1 + Math.log(Math.max(1, count / k))) * Math.log2(Math.max(2, k));
const pairsOf = ({ size: { queries, items } }: Setting) => `${formatCount(queries)} × ${formatCount(items)} × ${BITS}`;
const upToFour = (count: number) => Math.ceil(count / 4) * 4;
const powerOfTwo = (count: number) => 2 ** Math.ceil(Math.log2(count));

const topkOf =
  <K extends 'search/hamming_topk' | 'search/hamming_topk.lanes'>(lanes: boolean, constants: ConstantsOf<K>) =>
  (setting: Setting): CaseSpec<'search/hamming_topk'>[] => {
    const { queries, items, k } = setting.size;
    const capacity = Math.min(k, items);
    return [
      {
        what: '32 bits',
        shape: `${pairsOf(setting)}, k = ${k}`,
        // Each code counted twice; the codes once, queries once, lists written.
        cost: {
          ...ofCodes(4 * (items + queries * (2 + capacity)), 2 * queries * items),
          arithmetic: 'popcount',
        },
        // A popcount in the twin is a loop.
        twinSteps: 10 * queries * items,
        work: () => ({
          inputs: {
            database: setting.codes.database,
            alive: setting.codes.alive,
            query: setting.codes.query,
            wanted: list(queries, capacity),
            counts: unwritten(queries),
            candidates: unwritten(queries * capacity),
            scratch: new Uint32Array(Math.ceil(queries / 64) * 64 * (BITS + 1)),
          },
          parameters: {
            ...{ queries, count: items, chunk_items: powerOfTwo(setting.codes.blocks * 32) },
            ...{ own_chunk: 0, first_chunk: 0, chunks: 1, capacity, bits: BITS },
          },
          constants,
          size: lanes ? { invocations: queries } : { workgroups: queries },
          twin: hamming_topk,
          ignore: ['scratch'],
        }),
      },
    ];
  };

const collectOf = (groups: number, lanes: number) => (setting: Setting) => {
  const { queries, items, k } = setting.size;
  const { codes } = setting;
  return {
    what: '32 bits',
    shape: `${pairsOf(setting)}, k = ${k}`,
    // Slices once for the 32 queries that eight invocations take together; lists written to twice the wanted items.
    cost: ofCodes(
      4 * (codes.blocks * 33 * Math.ceil(queries / 32) + queries * (4 + 2 * k)),
      SLICED_OPERATIONS * BITS * codes.blocks * queries,
    ),
    lanes,
    // The twin counts pair by pair and bit by bit.
    twinSteps: 8 * BITS * queries * items,
    work: () => ({
      inputs: {
        slices: codes.slices,
        alive: codes.alive,
        query: codes.query,
        bound: codes.bound,
        wanted: list(queries, k),
        counts: unwritten(queries),
        candidates: unwritten(queries * codes.capacity),
      },
      parameters: {
        ...{ queries, blocks: codes.blocks, chunk_blocks: powerOfTwo(codes.blocks) },
        ...{ own_chunk: 0, first_chunk: 0, chunks: 1, capacity: codes.capacity },
      },
      constants: SLICED,
      size: groups === 1 ? { invocations: queries / 4 } : { workgroups: Math.ceil(queries / 4 / groups) },
      twin: hamming_collect,
    }),
  };
};

const boundOf =
  (groups: number, lanes: number) =>
  (setting: Setting): CaseSpec<'search/hamming_bound'>[] => {
    const { queries, items, k } = setting.size;
    const count = Math.min(items, Math.max(64, powerOfTwo(Math.ceil(items / SAMPLED))));
    const walks = Math.ceil(Math.log2(BITS + 1) / 2);
    return [
      {
        what: '32 bits',
        shape: `${formatCount(queries)} × ${formatCount(count)} × ${BITS}`,
        cost: ofCodes(
          4 * (walks * count * Math.ceil(queries / 32) + 3 * queries),
          (SLICED_OPERATIONS * walks * BITS * count * queries) / 32,
        ),
        lanes,
        twinSteps: 8 * BITS * queries * count,
        work: () => ({
          inputs: {
            slices: setting.codes.slices,
            query: setting.codes.query,
            target_count: list(queries, Math.ceil((2 * k * count) / items)),
            bound: unwritten(queries),
          },
          parameters: { queries, count, bits: BITS },
          constants: SLICED,
          size: groups === 1 ? { invocations: queries / 4 } : { workgroups: Math.ceil(queries / 4 / groups) },
          twin: hamming_bound,
        }),
      },
    ];
  };

const innerProductsOf =
  (items4: number, queries4: number, lanes: number) =>
  (setting: Setting): CaseSpec<'search/inner_products'>[] => {
    const { scored: queries, items: count, widths } = setting.size;
    const width = widths[3];
    const stride = upToFour(count);
    return [
      {
        what: 'all items',
        shape: `${formatCount(queries)} × ${formatCount(count)} × ${width}`,
        cost: ofFloats(4 * (width * (queries + count) + queries * count), 2 * queries * count * width),
        lanes,
        work: () => ({
          inputs: {
            database: floats(count * width, setting.seed),
            query: floats(queries * width, setting.seed + 1),
            score: unwrittenFloats(queries * stride),
          },
          parameters: { queries, count, width },
          size: { workgroups: Math.ceil(stride / 4 / items4) * Math.ceil(queries / queries4) },
          twin: inner_products,
          tolerance: { score: FLOAT },
          // What lies beyond the last item means nothing.
          canonical: ({ score }) => {
            for (let index = 0; index < score.length; index += 1) if (index % stride >= count) score[index] = 0;
          },
        }),
      },
    ];
  };

const scoreTopkOf =
  (lanes: boolean) =>
  (setting: Setting): CaseSpec<'search/score_topk'>[] => {
    const { scored: queries, items: count, k } = setting.size;
    const stride = upToFour(count);
    return [
      {
        what: 'all items',
        shape: `${formatCount(queries)} × ${formatCount(count)}, k = ${k}`,
        cost: { ...ofFloats(4 * queries * (count + 2 * k), queries * keeping(count, k)), arithmetic: 'logic' },
        // The twin sorts.
        twinSteps: queries * count * Math.log2(count) * 4,
        work: () => ({
          inputs: {
            score: floats(queries * stride, setting.seed),
            ...setting.exclusions(queries, 8),
            ids: missing(queries * k),
            products: unwrittenFloats(queries * k),
            scratch: new Uint32Array(queries * k * 2),
          },
          parameters: { queries, count, stride, k },
          size: lanes ? { invocations: queries } : { workgroups: queries },
          twin: score_topk,
          ignore: ['scratch'],
        }),
      },
    ];
  };

const candidateProductsOf =
  (together: boolean) =>
  (setting: Setting): CaseSpec<'search/candidate_products'>[] => {
    const { queries, items: count, candidates, widths } = setting.size;
    const width = widths[3];
    return [
      {
        what: 're-ranking',
        shape: `${formatCount(queries)} × ${candidates} of ${formatCount(count)} × ${width}`,
        // A row of the database for every candidate, with its number; the product written.
        cost: ofFloats(queries * (candidates * (4 * width + 8) + 4 * width), 2 * queries * candidates * width, {
          tableBytes: 4 * count * width,
        }),
        ...(together && { lanes: 8 }),
        work: () => ({
          inputs: {
            database: floats(count * width, setting.seed),
            query: floats(queries * width, setting.seed + 1),
            candidate: setting.candidates(queries, candidates),
            product: unwrittenFloats(queries * candidates),
          },
          parameters: { queries, candidates, width, first: 0, count },
          size: together ? { workgroups: queries } : { invocations: queries * candidates },
          twin: candidate_products,
          tolerance: { product: FLOAT },
        }),
      },
    ];
  };

const candidateTopkOf =
  (lanes: boolean) =>
  (setting: Setting): CaseSpec<'search/candidate_topk'>[] => {
    const { queries, candidates, k } = setting.size;
    return [
      {
        what: 're-ranking',
        shape: `${formatCount(queries)} × ${candidates}, k = ${k}`,
        cost: {
          ...ofFloats(8 * queries * (candidates + k), queries * keeping(candidates, k)),
          arithmetic: 'logic',
        },
        twinSteps: queries * candidates * 40,
        work: () => ({
          inputs: {
            candidate: setting.candidates(queries, candidates),
            product: floats(queries * candidates, setting.seed),
            ids: missing(queries * k),
            products: unwrittenFloats(queries * k),
            scratch: new Uint32Array(queries * candidates * 2),
          },
          parameters: { queries, candidates, k },
          size: lanes ? { invocations: queries } : { workgroups: queries },
          twin: candidate_topk,
          ignore: ['scratch'],
        }),
      },
    ];
  };

/** Search and ranking metrics. */
export const SEARCH_CASES: CaseMap<SearchKernel> = {
  'search/hamming_slice': (setting) => {
    const { blocks } = setting.codes;
    return [
      {
        what: '32 bits',
        shape: `${formatCount(setting.size.items)} × ${BITS}`,
        // Five rounds of six operations on pairs of words.
        cost: ofCodes(256 * blocks, 5 * 16 * 6 * blocks),
        twinSteps: 1024 * blocks,
        work: () => ({
          inputs: { database: setting.codes.database, slices: unwritten(blocks * 32) },
          parameters: { first: 0, blocks, words: 1 },
          size: { invocations: blocks },
          twin: hamming_slice,
        }),
      },
    ];
  },
  'search/hamming_topk': topkOf(false, {}),
  'search/hamming_topk.lanes': topkOf<'search/hamming_topk.lanes'>(true, { WIDE: 0 }),
  'search/hamming_collect': (setting) => [collectOf(1, 0)(setting)],
  'search/hamming_collect.subgroups': (setting) => [collectOf(8, 8)(setting)],
  'search/hamming_collect.queue': (setting) => {
    const { work, ...rest } = collectOf(8, 8)(setting);
    const withCodes = () => {
      const options = work();
      return { ...options, inputs: { ...options.inputs, database: setting.codes.database } };
    };
    return [{ ...rest, work: withCodes }];
  },
  'search/hamming_bound': boundOf(1, 0),
  'search/hamming_bound.subgroups': boundOf(8, 8),
  'search/hamming_order': (setting) => {
    const { queries, k, items } = setting.size;
    const { codes } = setting;
    const listed = codes.counts.reduce((sum, count) => sum + Math.min(count, codes.capacity), 0);
    return [
      {
        what: '32 bits',
        shape: `${formatCount(queries)} × ${Math.round(listed / queries)} of ${formatCount(items)}, k = ${k}`,
        // Two walks of the lists; counters cleared and summed; the ranking written.
        cost: ofCodes(4 * (2 * listed + queries * (3 * (BITS + 1) + 2 * k + 3)), 10 * listed),
        restore: ['candidates', 'bound'],
        twinSteps: 100 * listed,
        work: () => ({
          inputs: {
            counts: codes.counts,
            candidates: codes.candidates,
            ...setting.exclusions(queries, 8),
            bound: codes.bound,
            ids: missing(queries * k),
            distances: missing(queries * k),
            scratch: new Uint32Array(Math.ceil(queries / 64) * 64 * (BITS + 1)),
          },
          parameters: {
            ...{ queries, chunks: 1, chunk_items: powerOfTwo(codes.blocks * 32) },
            ...{ capacity: codes.capacity, k, bits: BITS },
          },
          size: { invocations: queries },
          twin: hamming_order,
          ignore: ['candidates', 'scratch'],
        }),
      },
    ];
  },
  'search/inner_products': innerProductsOf(64, 4, 0),
  'search/inner_products.subgroups': innerProductsOf(8, 8, 8),
  'search/product_collect': (setting) => {
    const { scored: queries, items: count, k, widths } = setting.size;
    const width = widths[3];
    const { capacity } = planBound(count, k);
    return [
      {
        what: 'all items',
        shape: `${formatCount(queries)} × ${formatCount(count)} × ${width}`,
        cost: ofFloats(4 * (width * (queries + count) + queries * capacity), 2 * queries * count * width),
        lanes: 8,
        work: () => ({
          inputs: {
            database: floats(count * width, setting.seed),
            query: floats(queries * width, setting.seed + 1),
            // Uniform values from -1 to 1 have a variance of 1/3: some two deviations of a product of them.
            bound: new Float32Array(queries).fill((2 * Math.sqrt(width)) / 3),
            ...setting.exclusions(queries, 8),
            counts: unwritten(queries),
            candidate: missing(queries * capacity),
          },
          parameters: { queries, first: 0, end: count, width, ranks: 1, capacity },
          size: { workgroups: Math.ceil(queries / 32) },
          twin: product_collect,
        }),
      },
    ];
  },
  'search/product_check': ({ size: { scored: queries, k }, seed }) => [
    {
      what: 'all items',
      shape: `${formatCount(queries)} queries`,
      cost: { ...ofFloats(16 * queries, 2 * queries), arithmetic: 'logic' },
      work: () => ({
        inputs: {
          counts: new Uint32Array(queries).fill(1),
          bound: floats(queries, seed),
          products: floats(queries * k, seed + 1),
          unsure: unwritten(queries),
        },
        parameters: { queries, ranks: 1, k, capacity: 1, slack: 0.125 },
        size: { invocations: queries },
        twin: product_check,
      }),
    },
  ],
  'search/score_topk': scoreTopkOf(false),
  'search/score_topk.lanes': scoreTopkOf(true),
  'search/candidate_products': candidateProductsOf(false),
  'search/candidate_products.subgroups': candidateProductsOf(true),
  'search/candidate_topk': candidateTopkOf(false),
  'search/candidate_topk.lanes': candidateTopkOf(true),
  'eval/ranking_hits': (setting) => {
    const { queries, k, items } = setting.size;
    const each = 8;
    return [
      {
        what: `up to ${each} test items`,
        shape: `${formatCount(queries)} × ${k}`,
        // Each place once and a search of three steps in the user's items; a bit a place written.
        cost: ofCodes(queries * (4 * k + 4 * each + 4 + 4 * Math.ceil(k / 32)), queries * k * 6),
        work: () => {
          const { exclude_offsets, exclude_ids } = setting.exclusions(queries, each);
          return {
            inputs: {
              ids: setting.candidates(queries, Math.min(k, items)),
              test_offsets: exclude_offsets,
              test_items: exclude_ids,
              hits: unwritten(queries * Math.ceil(k / 32)),
            },
            parameters: { queries, k },
            size: { invocations: queries * Math.ceil(k / 32) },
            twin: ranking_hits,
          };
        },
      },
    ];
  },
};
