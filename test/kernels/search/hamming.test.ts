import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hamming_bound } from '../../../src/reference/search/hamming_bound.js';
import { hamming_collect } from '../../../src/reference/search/hamming_collect.js';
import { hamming_order } from '../../../src/reference/search/hamming_order.js';
import { hamming_slice } from '../../../src/reference/search/hamming_slice.js';
import { hamming_topk } from '../../../src/reference/search/hamming_topk.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

const shape = fc.record({
  bits: fc.oneof(
    fc.integer({ min: 1, max: 32 }).map((bytes) => bytes * 8),
    fc.constantFrom(8, 32, 64, 1024),
  ),
  alphabet: fc.array(fc.nat(0xffffffff), { minLength: 1, maxLength: 20 }),
  items: fc.array(fc.nat(1000), { minLength: 1, maxLength: 220 }),
  queries: fc.array(fc.nat(1000), { minLength: 1, maxLength: 70 }),
  gone: fc.constantFrom(0, 0x11111111, 0xfffffffe, 0xffffffff),
  k: fc.integer({ min: 1, max: 120 }),
  chunkBlocks: fc.constantFrom(1, 2, 4, 64),
  own: fc.nat(1),
  capacity: fc.integer({ min: 1, max: 300 }),
  bound: fc.nat(1025),
});
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never;

/** Everything that the kernels read, from a small alphabet of words, so that duplicates and ties abound. */
function inputsOf({ bits, alphabet, items, queries, gone, k, bound }: Shape) {
  const words = Math.ceil(bits / 32);
  const word = (choice: number, index: number) => {
    const value = alphabet[(choice + index * 7) % alphabet.length]!;
    return index === words - 1 && bits % 32 > 0 ? (value & (2 ** (bits % 32) - 1)) >>> 0 : value >>> 0;
  };
  const blocks = Math.ceil(items.length / 32);
  const stride = Math.ceil(queries.length / 4) * 4;
  const database = new Uint32Array(blocks * 32 * words);
  items.forEach((choice, item) => {
    for (let at = 0; at < words; at += 1)
      database[(Math.floor(item / 4) * words + at) * 4 + (item % 4)] = word(choice, at);
  });
  const slices = new Uint32Array(blocks * 32 * words);
  hamming_slice({ database, slices }, { first: 0, blocks, words });
  const query = new Uint32Array(words * stride);
  queries.forEach((choice, row) => {
    for (let at = 0; at < words; at += 1) query[at * stride + row] = word(choice, at) ^ (at === 0 ? row & 7 : 0);
  });
  const alive = new Uint32Array(blocks).fill(~gone);
  if (items.length % 32 > 0) alive[blocks - 1]! &= 2 ** (items.length % 32) - 1;
  const byRow = (value: (row: number) => number) =>
    Uint32Array.from({ length: stride }, (_, row) => (row < queries.length ? value(row) : 0));
  return {
    words,
    blocks,
    stride,
    database,
    slices,
    query,
    alive,
    constants: { WORDS: words, LEVELS: 6 + Math.ceil(Math.log2(words)) },
    wanted: byRow((row) => 1 + ((k + row) % 100)),
    bound: byRow((row) => (bound + row) % (bits + 2)),
    target: byRow((row) => (k + row * 3) % (items.length + 5)),
  };
}

const lanesOf = () => gpu().adapter.subgroupSize?.[0] ?? 0;

test('hamming_slice: transposes blocks, from a given one on', async () => {
  await fc.assert(
    fc.asyncProperty(shape, async (s) => {
      const { words, blocks, database } = inputsOf(s);
      const first = s.own % blocks;
      const slices = new Uint32Array(database.length).fill(7);
      const expected = slices.slice();
      const parameters = { first, blocks: blocks - first, words };
      hamming_slice({ database, slices: expected }, parameters);
      const size = { invocations: parameters.blocks * words };
      const found = await runKernel(gpu(), 'search/hamming_slice', { database, slices }, parameters, size);
      expect(found.slices).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});

for (const variant of ['lanes', 'workgroup'] as const) {
  test(`hamming_topk, ${variant}: the wanted items of each chunk, in order of place`, async () => {
    await fc.assert(
      fc.asyncProperty(shape, async (s) => {
        const { words, blocks, stride, database, query, alive, wanted } = inputsOf(s);
        const chunk_items = s.chunkBlocks * 32;
        const own_chunk = Math.min(s.own, Math.ceil(blocks / s.chunkBlocks) - 1);
        const parts = Math.ceil(blocks / s.chunkBlocks) - own_chunk;
        const [first_chunk, chunks, capacity] = [1, own_chunk + parts + 2, 100];
        const queries = s.queries.length;
        const lists = {
          counts: new Uint32Array(stride * chunks).fill(9),
          candidates: new Uint32Array(stride * chunks * capacity),
        };
        const expected = { counts: lists.counts.slice(), candidates: lists.candidates.slice() };
        const layout = { queries, count: s.items.length, chunk_items, own_chunk, first_chunk, chunks, capacity };
        const parameters = { ...layout, bits: s.bits };
        hamming_topk({ database, alive, query, wanted, ...expected }, parameters);
        const lanes = variant === 'lanes';
        const scratch = new Uint32Array((queries * parts + 8) * (s.bits + 1));
        const found = await runKernel(
          gpu(),
          lanes ? 'search/hamming_topk.lanes' : 'search/hamming_topk',
          { database, alive, query, wanted, ...lists, scratch },
          parameters,
          lanes ? { invocations: queries * parts } : { workgroups: queries * parts },
          lanes ? { WIDE: words > 1 ? 1 : 0, WORKGROUP: 8 } : { WORKGROUP: 8 },
        );
        expect(found.counts).toEqual(expected.counts);
        expect(found.candidates).toEqual(expected.candidates);
      }),
      { numRuns: 40 },
    );
  });
}

for (const variant of ['direct', 'subgroups', 'queue'] as const) {
  test(`hamming_collect, ${variant}: what is closer than the falling bound, in order of place`, async (context) => {
    if (variant !== 'direct' && lanesOf() < 8) context.skip('this adapter has no subgroups of eight lanes');
    await fc.assert(
      fc.asyncProperty(shape, async (s) => {
        const { blocks, stride, database, slices, query, alive, wanted, bound, constants } = inputsOf(s);
        const own_chunk = Math.min(s.own, Math.ceil(blocks / s.chunkBlocks) - 1);
        const parts = Math.ceil(blocks / s.chunkBlocks) - own_chunk;
        const [first_chunk, chunks] = [1, own_chunk + parts + 2];
        const { capacity } = s;
        const queries = s.queries.length;
        const lists = {
          counts: new Uint32Array(stride * chunks).fill(9),
          candidates: new Uint32Array(stride * chunks * capacity),
        };
        const expected = { counts: lists.counts.slice(), candidates: lists.candidates.slice() };
        const layout = { queries, blocks, chunk_blocks: s.chunkBlocks, own_chunk, first_chunk, chunks, capacity };
        hamming_collect({ slices, alive, query, bound, wanted, ...expected }, layout, constants);
        const inputs = { slices, alive, query, bound, wanted, ...lists };
        const workgroups = Math.ceil(queries / 32) * parts;
        const found =
          variant === 'direct'
            ? await runKernel(
                gpu(),
                'search/hamming_collect',
                inputs,
                layout,
                { invocations: (stride / 4) * parts },
                constants,
              )
            : variant === 'subgroups'
              ? await runKernel(gpu(), 'search/hamming_collect.subgroups', inputs, layout, { workgroups }, constants)
              : await runKernel(
                  gpu(),
                  'search/hamming_collect.queue',
                  { ...inputs, database },
                  layout,
                  { workgroups },
                  constants,
                );
        expect(found.counts).toEqual(expected.counts);
        expect(found.candidates).toEqual(expected.candidates);
      }),
      { numRuns: 40 },
    );
  });
}

for (const variant of ['direct', 'subgroups'] as const) {
  test(`hamming_bound, ${variant}: the smallest distance below which the sample has enough`, async (context) => {
    if (variant === 'subgroups' && lanesOf() < 8) context.skip('this adapter has no subgroups of eight lanes');
    await fc.assert(
      fc.asyncProperty(shape, async (s) => {
        const { stride, slices, query, target: target_count, constants } = inputsOf(s);
        const bound = new Uint32Array(stride).fill(77);
        const expected = bound.slice();
        const parameters = { queries: s.queries.length, count: s.items.length, bits: s.bits };
        hamming_bound({ slices, query, target_count, bound: expected }, parameters, constants);
        const direct = variant === 'direct';
        const found = await runKernel(
          gpu(),
          direct ? 'search/hamming_bound' : 'search/hamming_bound.subgroups',
          { slices, query, target_count, bound },
          parameters,
          direct ? { invocations: stride / 4 } : { workgroups: Math.ceil(stride / 32) },
          constants,
        );
        // A target of 0 is met below any distance.
        expect([...found.bound]).toEqual([...expected]);
      }),
      { numRuns: 30 },
    );
  });
}

test('hamming_order: all candidates less the exclusions by (distance, id), and whether that is the whole truth', async () => {
  const lists = fc.record({
    queries: fc.integer({ min: 1, max: 20 }),
    chunks: fc.integer({ min: 1, max: 4 }),
    capacity: fc.integer({ min: 1, max: 20 }),
    k: fc.integer({ min: 1, max: 60 }),
    bits: fc.constantFrom(8, 32, 1024),
    lengths: fc.array(fc.nat(22), { minLength: 80, maxLength: 80 }),
    distances: fc.array(fc.nat(1024), { minLength: 50, maxLength: 50 }),
    excluded: fc.array(fc.array(fc.nat(127), { maxLength: 40 }), { maxLength: 20 }),
    bounds: fc.array(fc.nat(1025), { minLength: 20, maxLength: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(lists, async ({ queries, chunks, capacity, k, bits, ...drawn }) => {
      const bounds = Array.from({ length: queries }, (_, row) => 1 + (drawn.bounds[row]! % (bits + 1)));
      const counts = Uint32Array.from({ length: queries * chunks }, (_, index) => drawn.lengths[index]!);
      const candidates = Uint32Array.from({ length: queries * chunks * capacity }, (_, index) => {
        // Below the bound, as the lists have them.
        const distance = drawn.distances[(index * 7) % 50]! % bounds[Math.floor(index / (chunks * capacity))]!;
        return distance * 2 ** 21 + (index % capacity);
      });
      const rows = Array.from({ length: queries }, (_, row) => (drawn.excluded[row] ?? []).sort((a, b) => a - b));
      const exclude_offsets = Uint32Array.from([0, ...rows.map((_, row) => rows.slice(0, row + 1).flat().length)]);
      const exclude_ids = Uint32Array.from(rows.flat());
      const bound = Uint32Array.from(bounds);
      const results = () => ({
        bound: bound.slice(),
        ids: new Int32Array(queries * k),
        distances: new Int32Array(queries * k),
      });
      const parameters = { queries, chunks, chunk_items: 32, capacity, k, bits };
      const expected = results();
      hamming_order({ counts, candidates, exclude_offsets, exclude_ids, ...expected }, parameters);
      const scratch = new Uint32Array((queries + 8) * (bits + 1));
      const found = await runKernel(
        gpu(),
        'search/hamming_order',
        { counts, candidates, exclude_offsets, exclude_ids, ...results(), scratch },
        parameters,
        { invocations: queries },
        { WORKGROUP: 8 },
      );
      expect(found.distances).toEqual(expected.distances);
      expect(found.ids).toEqual(expected.ids);
      expect(found.bound).toEqual(expected.bound);
    }),
    { numRuns: 40 },
  );
});
