import fc from 'fast-check';
import { expect, test } from 'vitest';
import { candidate_products } from '../../../src/reference/search/candidate_products.js';
import { inner_products } from '../../../src/reference/search/inner_products.js';
import { MISSING_PRODUCT } from '../../../src/reference/search/missing.js';
import { product_check } from '../../../src/reference/search/product_check.js';
import { product_collect } from '../../../src/reference/search/product_collect.js';
import { listsOf, mix } from '../../search/support.js';
import { useGpu } from '../../support/gpu.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();

const matrices = fc
  .record({ queries: fc.integer({ min: 1, max: 19 }), count: fc.integer({ min: 1, max: 90 }), quads: fc.nat(10) })
  .chain(({ queries, count, quads }) => {
    const width = (quads + 1) * 4;
    const value = fc.integer({ min: -1000, max: 1000 }).map((n) => n / 256);
    const rows = (length: number) =>
      fc.array(value, { minLength: length * width, maxLength: length * width }).map((list) => Float32Array.from(list));
    return fc.record({
      queries: fc.constant(queries),
      count: fc.constant(count),
      width: fc.constant(width),
      query: rows(queries),
      database: rows(count),
    });
  });

for (const variant of ['inner_products', 'inner_products.subgroups'] as const) {
  test(`${variant}: every query times every item`, async (context) => {
    if (variant.endsWith('subgroups') && (gpu().adapter.subgroupSize?.[0] ?? 0) < 8) {
      context.skip('this adapter has no subgroups of eight lanes');
    }
    await fc.assert(
      fc.asyncProperty(matrices, async ({ queries, count, width, query, database }) => {
        const quads = Math.ceil(count / 4);
        const score = new Float32Array(queries * quads * 4);
        const expected = new Float64Array(score.length);
        inner_products({ database, query, score: expected }, { queries, count, width });
        const plain = variant === 'inner_products';
        const found = await runKernel(
          gpu(),
          `search/${variant}`,
          { database, query, score },
          { queries, count, width },
          {
            workgroups: plain
              ? Math.ceil(quads / 64) * Math.ceil(queries / 4)
              : Math.ceil(quads / 8) * Math.ceil(queries / 8),
          },
        );
        for (let row = 0; row < queries; row += 1) {
          const from = row * quads * 4;
          const slice = (values: Float32Array | Float64Array) => values.subarray(from, from + count);
          expectClose(slice(found.score), slice(expected), { absolute: 1e-3 }, `product of query ${row} and item`);
        }
      }),
      { numRuns: 30 },
    );
  });
}

for (const variant of ['candidate_products', 'candidate_products.subgroups'] as const) {
  test(`${variant}: each query times its own candidates in this buffer, and no others`, async (context) => {
    const together = variant.endsWith('subgroups');
    if (together && (gpu().adapter.subgroupSize?.[0] ?? 0) < 8) {
      context.skip('this adapter has no subgroups of eight lanes');
    }
    await fc.assert(
      fc.asyncProperty(
        matrices,
        fc.array(fc.integer({ min: -1, max: 200 }), { minLength: 1, maxLength: 30 }),
        async ({ queries, count, width, query, database }, choices) => {
          const candidates = choices.length;
          const candidate = Int32Array.from({ length: queries * candidates }, (_, index) => {
            const choice = choices[(index * 3) % candidates]!;
            return choice < 0 ? -1 : choice % count;
          });
          const product = new Float32Array(candidate.length);
          const expected = new Float64Array(candidate.length);
          // Two buffers: each dispatch serves its own candidates.
          const middle = Math.floor(count / 2);
          const parameters = { queries, candidates, width, first: middle, count: count - middle };
          const upper = database.slice(middle * width);
          candidate_products({ database: upper, query, candidate, product: expected }, parameters);
          const found = await runKernel(
            gpu(),
            `search/${variant}`,
            { database: upper, query, candidate, product },
            parameters,
            together ? { workgroups: queries } : { invocations: candidate.length },
          );
          expectClose(found.product, expected, { absolute: 1e-3 }, 'product');
        },
      ),
      { numRuns: 20 },
    );
  });
}

test('product_collect: the items above each bound in order, without the excluded ones, as far as there is room', async (context) => {
  if ((gpu().adapter.subgroupSize?.[0] ?? 0) < 8) context.skip('this adapter has no subgroups of eight lanes');
  const shape = fc.record({
    queries: fc.integer({ min: 1, max: 70 }),
    count: fc.integer({ min: 1, max: 150 }),
    quads: fc.integer({ min: 1, max: 10 }),
    ranks: fc.integer({ min: 1, max: 3 }),
    capacity: fc.integer({ min: 1, max: 60 }),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ queries, count, quads, ranks, capacity, seed }) => {
      const width = quads * 4;
      // Products of small integers are exact, and often equal to a bound.
      const integers = (length: number, range: number, own: number) =>
        Float32Array.from({ length }, (_, at) => (mix(at, seed + own) % (2 * range + 1)) - range);
      const bound = integers(queries * ranks, 3 * quads, 2).map((value, at) =>
        mix(at, seed) % 7 === 0 ? MISSING_PRODUCT : value,
      );
      const excluded = listsOf(
        Array.from({ length: queries }, (_, row) =>
          Array.from({ length: count }, (_, item) => item).filter((item) => mix(item * 97 + row, seed) % 5 < row % 4),
        ),
      );
      const inputs = {
        database: integers(count * width, 2, 0),
        query: integers(queries * width, 2, 1),
        bound,
        exclude_offsets: excluded.offsets,
        // A binding is never empty.
        exclude_ids: Uint32Array.from([...excluded.ids, 0]),
        counts: new Uint32Array(queries).fill(77),
        candidate: new Int32Array(queries * capacity).fill(-7),
      };
      // In two dispatches, the second of which goes on with the lists.
      let found = { counts: inputs.counts, candidate: inputs.candidate };
      const expected = { counts: inputs.counts.slice(), candidate: inputs.candidate.slice() };
      const middle = Math.max(1, mix(0, seed) % count);
      for (const [first, end] of middle < count
        ? [[0, middle] as const, [middle, count] as const]
        : [[0, count] as const]) {
        const parameters = { queries, first, end, width, ranks, capacity };
        product_collect({ ...inputs, ...expected }, parameters);
        const size = { workgroups: Math.ceil(queries / 32) };
        const result = await runKernel(gpu(), 'search/product_collect', { ...inputs, ...found }, parameters, size);
        found = { counts: Uint32Array.from(result.counts), candidate: Int32Array.from(result.candidate) };
      }
      expect(found.counts).toEqual(expected.counts);
      expect(found.candidate).toEqual(expected.candidate);
    }),
    { numRuns: 40 },
  );
});

test('product_check: a ranking is certain where its last product is above bound and slack, and the list was long enough', async () => {
  const shape = fc.record({
    queries: fc.integer({ min: 1, max: 200 }),
    ranks: fc.integer({ min: 1, max: 4 }),
    k: fc.integer({ min: 1, max: 5 }),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ queries, ranks, k, seed }) => {
      const quarters = (length: number, own: number) =>
        Float32Array.from({ length }, (_, at) =>
          mix(at, seed + own) % 9 === 0 ? MISSING_PRODUCT : (mix(at, seed + own) % 13) / 4,
        );
      const inputs = {
        counts: Uint32Array.from({ length: queries }, (_, row) => mix(row, seed) % 12),
        bound: quarters(queries * ranks, 1),
        products: quarters(queries * k, 2),
        unsure: new Uint32Array(queries).fill(77),
      };
      const expected = { unsure: inputs.unsure.slice() };
      const parameters = { queries, ranks, k, capacity: 8, slack: 0.5 };
      product_check({ ...inputs, ...expected }, parameters);
      const size = { invocations: queries };
      const found = await runKernel(gpu(), 'search/product_check', inputs, parameters, size);
      expect(found.unsure).toEqual(expected.unsure);
    }),
    { numRuns: 20 },
  );
});
