import fc from 'fast-check';
import { expect, test } from 'vitest';
import { candidate_topk } from '../../../src/reference/search/candidate_topk.js';
import { score_topk } from '../../../src/reference/search/score_topk.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

/** Few different values, so that ties abound, both zeros, and the ends of the range. */
const value = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 1.5, -1.5, 3e38, -3e38, 1e-30, -1e-30),
  // Without subnormal numbers, which WGSL lets an adapter take for zero (SwiftShader does).
  fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }).map((x) => (Math.abs(x) < 2 ** -126 ? 0 : x)),
);

/** -0 and 0 are equal products. */
const normalised = (values: ArrayLike<number>) => Array.from(values, (entry) => (entry === 0 ? 0 : entry));

for (const variant of ['lanes', 'workgroup'] as const) {
  const lanes = variant === 'lanes';

  test(`score_topk, ${variant}: the best k by (product, id) without excluded items`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 130 }),
        fc.array(fc.array(fc.nat(399), { maxLength: 100 }), { minLength: 12, maxLength: 12 }),
        async (values, queries, k, excluded) => {
          const count = Math.ceil(values.length / queries);
          const stride = Math.ceil(count / 4) * 4;
          const score = Float32Array.from({ length: queries * stride }, (_, index) => values[index % values.length]!);
          const lists = excluded.slice(0, queries).map((list) => list.filter((id) => id < count).sort((a, b) => a - b));
          const exclude_offsets = new Uint32Array(queries + 1);
          lists.forEach((list, row) => {
            exclude_offsets[row + 1] = exclude_offsets[row]! + list.length;
          });
          const inputs = { score, exclude_offsets, exclude_ids: Uint32Array.from(lists.flat()) };
          const parameters = { queries, count, stride, k };
          const expected = { ids: new Float64Array(queries * k), products: new Float64Array(queries * k) };
          score_topk({ ...inputs, ...expected }, parameters);
          const found = await runKernel(
            gpu(),
            lanes ? 'search/score_topk.lanes' : 'search/score_topk',
            {
              ...inputs,
              ids: new Int32Array(queries * k),
              products: new Float32Array(queries * k),
              scratch: new Uint32Array(queries * k * 2),
            },
            parameters,
            lanes ? { invocations: queries } : { workgroups: queries },
            { WORKGROUP: 64 },
          );
          expect([...found.ids]).toEqual([...expected.ids]);
          expect(normalised(found.products)).toEqual(normalised(expected.products));
        },
      ),
      { numRuns: 40 },
    );
  });

  test(`candidate_topk, ${variant}: the best k of the candidates by (product, id)`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(5000), value), { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 130 }),
        fc.integer({ min: 2, max: 5 }),
        async (entries, queries, k, gap) => {
          const candidates = Math.ceil(entries.length / queries);
          const length = queries * candidates;
          // No candidate twice in a list: multiples of an odd number modulo 2^13, in no order; some are missing.
          const candidate = Int32Array.from({ length }, (_, index) =>
            index % gap === 1 ? -1 : ((index % candidates) * 2654435761 + entries[0]![0]) & 8191,
          );
          const product = Float32Array.from({ length }, (_, index) => entries[index % entries.length]![1]);
          const parameters = { queries, candidates, k };
          const expected = { ids: new Float64Array(queries * k), products: new Float64Array(queries * k) };
          candidate_topk({ candidate, product, ...expected }, parameters);
          const found = await runKernel(
            gpu(),
            lanes ? 'search/candidate_topk.lanes' : 'search/candidate_topk',
            {
              candidate,
              product,
              ids: new Int32Array(queries * k),
              products: new Float32Array(queries * k),
              scratch: new Uint32Array(length * 2),
            },
            parameters,
            lanes ? { invocations: queries } : { workgroups: queries },
            { WORKGROUP: 64 },
          );
          expect([...found.ids]).toEqual([...expected.ids]);
          expect(normalised(found.products)).toEqual(normalised(expected.products));
        },
      ),
      { numRuns: 40 },
    );
  });
}
