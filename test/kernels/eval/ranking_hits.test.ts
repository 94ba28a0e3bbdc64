import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ranking_hits } from '../../../src/reference/eval/ranking_hits.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

test('a bit for every place that holds a test item, none for missing places', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 110 }),
      fc.array(fc.tuple(fc.array(fc.integer({ min: -1, max: 60 })), fc.uniqueArray(fc.nat(60))), {
        minLength: 1,
        maxLength: 20,
      }),
      async (k, users) => {
        const queries = users.length;
        const ids = new Int32Array(queries * k).fill(-1);
        users.forEach(([ranking], row) => {
          ids.set(ranking.slice(0, k), row * k);
        });
        const lists = users.map(([, test]) => test.sort((a, b) => a - b));
        const test_offsets = new Uint32Array(queries + 1);
        lists.forEach((list, row) => {
          test_offsets[row + 1] = test_offsets[row]! + list.length;
        });
        const test_items = Uint32Array.from(lists.flat());
        const hits = new Uint32Array(queries * Math.ceil(k / 32));
        const expected = new Float64Array(hits.length);
        ranking_hits({ ids, test_offsets, test_items, hits: expected }, { queries, k });
        const found = await runKernel(
          gpu(),
          'eval/ranking_hits',
          { ids, test_offsets, test_items, hits },
          { queries, k },
          { invocations: hits.length },
        );
        expect([...found.hits]).toEqual([...expected]);
      },
    ),
    { numRuns: 30 },
  );
});
