import fc from 'fast-check';
import { test } from 'vitest';
import { candidate_products } from '../../../src/reference/search/candidate_products.js';
import { inner_products } from '../../../src/reference/search/inner_products.js';
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
