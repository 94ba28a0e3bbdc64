import { ranking_hits } from '../../reference/eval/ranking_hits.js';
import { candidate_products } from '../../reference/search/candidate_products.js';
import { candidate_topk } from '../../reference/search/candidate_topk.js';
import { hamming_topk } from '../../reference/search/hamming_topk.js';
import { inner_products } from '../../reference/search/inner_products.js';
import { score_topk } from '../../reference/search/score_topk.js';
import type { Writable } from '../../reference/types.js';
import { below, floats, type KernelCase, kernelCase, offsetsOf, unwrittenFloats, words } from '../case.js';

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

/** Search and ranking metrics. */
export function searchCases(): KernelCase[] {
  const { offsets: exclude_offsets, items: exclude_ids } = lists();
  const missing = (length: number) => new Int32Array(length).fill(-7);

  const hamming = [
    [32, 10],
    [200, 33],
  ].flatMap(([BITS = 32, k = 10]) => {
    const size = Math.ceil(BITS / 32);
    const quads = Math.ceil(COUNT / 4);
    // Bits beyond the width are 0.
    const masked = (codes: Uint32Array<ArrayBuffer>, word: (index: number) => number) =>
      codes.map((code, index) => ((word(index) + 1) * 32 > BITS ? code & (2 ** (BITS % 32) - 1) : code));
    const options = (scratch: number) => ({
      what: `${BITS} bits, k = ${k}`,
      inputs: {
        database: masked(words(quads * size * 4, 1), (index) => Math.floor(index / 4) % size),
        query: masked(words(QUERIES * size, 2), (index) => index % size),
        exclude_offsets,
        exclude_ids,
        ids: missing(QUERIES * k),
        distances: missing(QUERIES * k),
        scratch: new Uint32Array(scratch),
      },
      parameters: { queries: QUERIES, count: COUNT, k, bits: BITS },
      twin: hamming_topk,
      ignore: ['scratch'] as const,
    });
    return [
      kernelCase('search/hamming_topk', {
        ...options(QUERIES * k * 2),
        size: { workgroups: QUERIES },
      }),
      kernelCase('search/hamming_topk.lanes', {
        ...options(Math.ceil(QUERIES / WORKGROUP) * WORKGROUP * (BITS + 1)),
        constants: { WIDE: BITS > 32 ? 1 : 0, WORKGROUP },
        size: { invocations: QUERIES },
      }),
    ];
  });

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
    kernelCase('search/score_topk', { ...scores, size: { workgroups: QUERIES } }),
    kernelCase('search/score_topk.lanes', { ...scores, size: { invocations: QUERIES } }),
    kernelCase('search/candidate_products', {
      inputs: {
        database: floats(COUNT * width, 5),
        query: floats(QUERIES * width, 6),
        candidate: candidates(each),
        product: unwrittenFloats(QUERIES * each),
      },
      parameters: { queries: QUERIES, candidates: each, width },
      size: { invocations: QUERIES * each },
      twin: candidate_products,
    }),
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
