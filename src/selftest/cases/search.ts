import { ranking_hits } from '../../reference/eval/ranking_hits.js';
import { candidate_products } from '../../reference/search/candidate_products.js';
import { candidate_topk } from '../../reference/search/candidate_topk.js';
import { hamming_bound } from '../../reference/search/hamming_bound.js';
import { hamming_collect } from '../../reference/search/hamming_collect.js';
import { hamming_order } from '../../reference/search/hamming_order.js';
import { hamming_slice } from '../../reference/search/hamming_slice.js';
import { hamming_topk } from '../../reference/search/hamming_topk.js';
import { inner_products } from '../../reference/search/inner_products.js';
import { MISSING_PRODUCT } from '../../reference/search/missing.js';
import { product_check } from '../../reference/search/product_check.js';
import { product_collect } from '../../reference/search/product_collect.js';
import { score_topk } from '../../reference/search/score_topk.js';
import type { Writable } from '../../reference/types.js';
import { below, floats, type KernelCase, kernelCase, offsetsOf, unwritten, unwrittenFloats, words } from '../case.js';

const QUERIES = 9;
const COUNT = 301;
const WORKGROUP = 64;

/** Ascending lists of items: short ones, and one that leaves fewer than k items. */
function lists() {
  const drawn = Array.from({ length: QUERIES }, (_, query) => {
    const wanted = query === 4 ? COUNT - 3 : query * 3;
    const items = new Set(
      query === 4 ? Array.from({ length: wanted }, (_, item) => item) : below(wanted, COUNT, query),
    );
    return [...items].sort((a, b) => a - b);
  });
  return { offsets: offsetsOf(drawn.map((list) => list.length)), items: Uint32Array.from(drawn.flat()) };
}

/** Items by query in a random order, some places without one. */
function candidates(each: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: QUERIES * each }, (_, index) => {
    const query = Math.floor(index / each);
    // 7 and COUNT share no factor: no item comes twice.
    return index % 10 === 6 ? -1 : ((index % each) * 7 + query * 31) % COUNT;
  });
}

const missing = (length: number) => new Int32Array(length).fill(-7);

/** From codes to rankings by Hamming distance, in both designs, over two chunks of a buffer of three. */
function hammingCases(
  bits: number,
  k: number,
  exclude_offsets: Uint32Array<ArrayBuffer>,
  exclude_ids: Uint32Array<ArrayBuffer>,
): KernelCase[] {
  const size = Math.ceil(bits / 32);
  const blocks = Math.ceil(COUNT / 32);
  const stride = Math.ceil(QUERIES / 4) * 4;
  const [WORDS, LEVELS] = [size, 6 + Math.ceil(Math.log2(size))];
  const what = `${bits} bits, k = ${k}`;
  const list = (length: number, value: number) => new Uint32Array(length).fill(value);
  // Bits beyond the width are 0.
  const coded = (words: Uint32Array<ArrayBuffer>, word: (index: number) => number) =>
    words.map((code, index) => ((word(index) + 1) * 32 > bits ? code & (2 ** (bits % 32) - 1) : code));
  const database = coded(words(blocks * 32 * size, 1), (index) => Math.floor(index / 4) % size);
  const slices = new Uint32Array(blocks * 32 * size);
  hamming_slice({ database, slices }, { first: 0, blocks, words: size });
  const query = coded(words(size * stride, 2), (index) => Math.floor(index / stride));
  // Some items are gone, and those beyond the last.
  const alive = words(blocks, 3).map((word, index) => (index === blocks - 1 ? word & (2 ** (COUNT % 32) - 1) : word));
  const chunks = { own_chunk: 1, first_chunk: 2, chunks: 5, capacity: 40 };
  const lists = { counts: unwritten(stride * 5), candidates: unwritten(stride * 5 * 40) };
  const popcount = {
    what,
    inputs: { database, alive, query, wanted: list(stride, k), ...lists, scratch: new Uint32Array(64 * (bits + 1)) },
    parameters: { queries: QUERIES, count: COUNT, chunk_items: 128, ...chunks, bits },
    twin: hamming_topk,
    ignore: ['scratch'] as const,
  };
  const bound = list(stride, 0).map((_, row) => (row < QUERIES ? Math.floor(bits / 2) - 2 + (row % 5) : 0));
  const collect = {
    what,
    inputs: { slices, alive, query, bound, wanted: list(stride, k), ...lists },
    parameters: { queries: QUERIES, blocks, chunk_blocks: 4, ...chunks },
    twin: hamming_collect,
  };
  const estimate = {
    what,
    inputs: { slices, query, target_count: below(stride, COUNT + 20, 4), bound: unwritten(stride) },
    parameters: { queries: QUERIES, count: COUNT, bits },
    twin: hamming_bound,
  };
  const listed = below(QUERIES * 3, 14, 5);
  // Lists ascend by place within a distance, as the collecting kernels leave them.
  const candidates = words(QUERIES * 3 * 12, 6).map((word, index) => ((word % bits) << 21) | ((index % 12) * 8));
  return [
    kernelCase('search/hamming_slice', {
      what,
      inputs: { database, slices: unwritten(slices.length) },
      parameters: { first: 2, blocks: blocks - 3, words: size },
      size: { invocations: (blocks - 3) * size },
      twin: hamming_slice,
    }),
    kernelCase('search/hamming_topk', { ...popcount, size: { workgroups: QUERIES * 2 } }),
    kernelCase('search/hamming_topk.lanes', {
      ...popcount,
      constants: { WIDE: bits > 32 ? 1 : 0 },
      size: { invocations: QUERIES * 2 },
    }),
    kernelCase('search/hamming_collect', {
      ...collect,
      constants: { WORDS, LEVELS },
      size: { invocations: (stride / 4) * 2 },
    }),
    kernelCase('search/hamming_collect.subgroups', {
      ...collect,
      constants: { WORDS, LEVELS },
      size: { workgroups: 2 },
      lanes: 8,
    }),
    kernelCase('search/hamming_collect.queue', {
      ...collect,
      inputs: { ...collect.inputs, database },
      constants: { WORDS, LEVELS },
      size: { workgroups: 2 },
      lanes: 8,
    }),
    kernelCase('search/hamming_bound', {
      ...estimate,
      constants: { WORDS, LEVELS },
      size: { invocations: stride / 4 },
    }),
    kernelCase('search/hamming_bound.subgroups', {
      ...estimate,
      constants: { WORDS, LEVELS },
      size: { workgroups: 1 },
      lanes: 8,
    }),
    kernelCase('search/hamming_order', {
      what,
      inputs: {
        counts: listed,
        candidates,
        exclude_offsets,
        exclude_ids,
        bound: list(QUERIES, bits + 1).map((most, row) => most - (row % 2)),
        ids: missing(QUERIES * k),
        distances: missing(QUERIES * k),
        scratch: new Uint32Array(64 * (bits + 1)),
      },
      parameters: { queries: QUERIES, chunks: 3, chunk_items: 128, capacity: 12, k, bits },
      size: { invocations: QUERIES },
      twin: hamming_order,
      ignore: ['candidates', 'scratch'] as const,
    }),
  ];
}

/** Search and ranking metrics. */
export function searchCases(): KernelCase[] {
  const { offsets: exclude_offsets, items: exclude_ids } = lists();
  const hamming = [
    [32, 10],
    [200, 33],
  ].flatMap(([BITS = 32, k = 10]) => hammingCases(BITS, k, exclude_offsets, exclude_ids));

  const width = 20;
  const stride = Math.ceil(COUNT / 4) * 4;
  const k = 12;
  // Quarters, so that equal scores occur.
  const coarse = (length: number, seed: number) => floats(length, seed).map((value) => Math.round(value * 64) / 4);
  const scores = {
    inputs: {
      score: coarse(QUERIES * stride, 3),
      exclude_offsets,
      exclude_ids,
      ids: missing(QUERIES * k),
      products: unwrittenFloats(QUERIES * k),
      scratch: new Uint32Array(QUERIES * k * 2),
    },
    parameters: { queries: QUERIES, count: COUNT, stride, k },
    twin: score_topk,
    ignore: ['scratch'] as const,
  };
  const products = {
    inputs: {
      database: floats(COUNT * width, 5),
      query: floats(QUERIES * width, 6),
      score: unwrittenFloats(QUERIES * stride),
    },
    parameters: { queries: QUERIES, count: COUNT, width },
    twin: inner_products,
    // What lies beyond the last item means nothing.
    canonical: ({ score }: { score: Writable }) => {
      for (let index = 0; index < score.length; index += 1) if (index % stride >= COUNT) score[index] = 0;
    },
  };
  const each = 50;
  const reranked = {
    inputs: {
      candidate: candidates(each),
      product: coarse(QUERIES * each, 4),
      ids: missing(QUERIES * k),
      products: unwrittenFloats(QUERIES * k),
      scratch: new Uint32Array(QUERIES * each * 2),
    },
    parameters: { queries: QUERIES, candidates: each, k },
    twin: candidate_topk,
    ignore: ['scratch'] as const,
  };
  const multiplied = {
    inputs: {
      database: floats(150 * width, 5),
      query: floats(QUERIES * width, 6),
      candidate: candidates(each),
      product: unwrittenFloats(QUERIES * each),
    },
    parameters: { queries: QUERIES, candidates: each, width, first: 100, count: 150 },
    twin: candidate_products,
  };
  return [
    ...hamming,
    kernelCase('search/inner_products', {
      ...products,
      size: { workgroups: Math.ceil(stride / 4 / WORKGROUP) * Math.ceil(QUERIES / 4) },
    }),
    kernelCase('search/inner_products.subgroups', {
      ...products,
      size: { workgroups: Math.ceil(stride / 4 / 8) * Math.ceil(QUERIES / 8) },
      lanes: 8,
    }),
    kernelCase('search/product_collect', {
      inputs: {
        database: floats(COUNT * width, 5),
        query: floats(QUERIES * width, 6),
        // About one item in twenty, of which some lists have no room for all.
        bound: floats(QUERIES * 3, 7).map((value) => 3 + value),
        exclude_offsets,
        exclude_ids,
        counts: unwritten(QUERIES),
        candidate: missing(QUERIES * 12),
      },
      parameters: { queries: QUERIES, first: 0, end: COUNT, width, ranks: 3, capacity: 12 },
      size: { workgroups: Math.ceil(QUERIES / 32) },
      twin: product_collect,
      lanes: 8,
    }),
    kernelCase('search/product_check', {
      inputs: {
        counts: below(QUERIES, 9, 8),
        bound: coarse(QUERIES * 3, 9).map((value, at) => (at % 11 === 2 ? MISSING_PRODUCT : value)),
        products: coarse(QUERIES * k, 10),
        unsure: unwritten(QUERIES),
      },
      parameters: { queries: QUERIES, ranks: 3, k, capacity: 6, slack: 0.25 },
      size: { invocations: QUERIES },
      twin: product_check,
    }),
    kernelCase('search/score_topk', { ...scores, size: { workgroups: QUERIES } }),
    kernelCase('search/score_topk.lanes', { ...scores, size: { invocations: QUERIES } }),
    kernelCase('search/candidate_products', { ...multiplied, size: { invocations: QUERIES * each } }),
    kernelCase('search/candidate_products.subgroups', { ...multiplied, size: { workgroups: QUERIES }, lanes: 8 }),
    kernelCase('search/candidate_topk', { ...reranked, size: { workgroups: QUERIES } }),
    kernelCase('search/candidate_topk.lanes', { ...reranked, size: { invocations: QUERIES } }),
    kernelCase('eval/ranking_hits', {
      inputs: {
        ids: candidates(40),
        test_offsets: exclude_offsets,
        test_items: exclude_ids,
        hits: new Uint32Array(QUERIES * 2).fill(0xffffffff),
      },
      parameters: { queries: QUERIES, k: 40 },
      size: { invocations: QUERIES * 2 },
      twin: ranking_hits,
    }),
  ];
}
