import fc from 'fast-check';
import { expect, test } from 'vitest';
import { negativesByDegree } from '../../../src/reference/sample/negatives_by_degree.js';
import { users as usersTwin } from '../../../src/reference/sample/users.js';
import { walks } from '../../../src/reference/sample/walks.js';
import { cumulativeChances } from '../../../src/train/objective.js';
import { useGpu } from '../../support/gpu.js';
import { anyGraph } from '../../support/graphs.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();
const seeds = fc.nat(0xffffffff);

test('users of a batch are distinct, and an epoch has each at most once and all but a part of a batch', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 1, max: 90 }),
      seeds,
      async (all, some, seed) => {
        const count = Math.min(all, some);
        const batches = Math.floor(all / count);
        for (const epoch of [0, 3]) {
          const seen: number[] = [];
          for (let step = epoch * batches; step < (epoch + 1) * Math.min(batches, 4); step += 1) {
            const bind = { state: Uint32Array.of(step, 0, 0, 0), batch: new Uint32Array(count) };
            const parameters = { count, users: all, seed };
            const expected = new Uint32Array(count);
            usersTwin({ ...bind, batch: expected }, parameters);
            const { batch } = await runKernel(gpu(), 'sample/users', bind, parameters, { invocations: count });
            expect([...batch]).toEqual([...expected]);
            seen.push(...batch);
          }
          expect(seen.every((user) => user < all)).toBe(true);
          if (epoch === 0) expect(new Set(seen).size).toBe(seen.length);
        }
      },
    ),
    { numRuns: 10 },
  );
});

test('negatives by degree are the twin’s, and come in proportion to their weights', async () => {
  const weights = [1, 0, 5, 2, 0, 8, 4];
  const cumulative = cumulativeChances(weights);
  const [batch, stride] = [4000, 7];
  const bind = { state: new Uint32Array(4), cumulative, pairs: new Uint32Array((batch + 2) * stride).fill(9) };
  const parameters = { first_row: 2, batch, stride, first_node: 100, count: weights.length, seed: 3 };
  const expected = bind.pairs.slice();
  negativesByDegree({ ...bind, pairs: expected }, parameters);
  const size = { invocations: batch * (stride - 2) };
  const { pairs } = await runKernel(gpu(), 'sample/negatives_by_degree', bind, parameters, size);
  expect([...pairs]).toEqual([...expected]);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  weights.forEach((weight, index) => {
    const share = pairs.filter((node, at) => at >= 2 * stride && at % stride >= 2 && node === 100 + index).length;
    const chance = weight / total;
    const margin = 5 * Math.sqrt(chance * (1 - chance) * batch * (stride - 2));
    expect(Math.abs(share - chance * batch * (stride - 2))).toBeLessThanOrEqual(margin);
  });
});

test('walks are the twin’s, stay on their side, and end where the graph lets them', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyGraph.filter(({ neighbours }) => neighbours.length > 0),
      fc.constantFrom(0, 1),
      seeds,
      async ({ users, items, offsets, neighbours }, side, seed) => {
        const [batch, stride] = [50, 3];
        const bind = {
          state: Uint32Array.of(4, 0, 0, 0),
          offsets,
          neighbours,
          pairs: new Uint32Array((batch + 1) * stride).fill(9),
        };
        const parameters = {
          ...{ first_row: 1, batch, stride, edges: neighbours.length / 2, side, contexts: users + items },
          ...{ window: 4, stop: 0.3, seed },
        };
        const expected = bind.pairs.slice();
        walks({ ...bind, pairs: expected }, parameters);
        const { pairs } = await runKernel(gpu(), 'sample/walks', bind, parameters, { invocations: batch });
        expect([...pairs]).toEqual([...expected]);
        for (let row = 1; row <= batch; row += 1) {
          const [origin, context] = [pairs[row * stride]!, pairs[row * stride + 1]! - users - items];
          expect([origin < users, context < users]).toEqual([side === 0, side === 0]);
        }
      },
    ),
    { numRuns: 15 },
  );
});
