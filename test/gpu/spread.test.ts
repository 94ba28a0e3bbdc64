import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useGpu } from '../support/gpu.js';
import { fixtureShaders } from './fixtures.js';

const gpu = useGpu({ shaders: fixtureShaders() });

/** Units of a round; as `shaders/lib/spread.wgsl` has it. */
const slicesOf = (units: number) => Math.min(32, Math.max(1, Math.floor(units / 4)));

/** The numbers that the workgroups of a grid are given, in their order. */
async function orderOf(workgroups: number, unit: number): Promise<number[]> {
  using scope = gpu().scope();
  using program = gpu().program('spread');
  const order = scope.tensor('u32', [workgroups], 'order', new Uint32Array(workgroups).fill(0xffffffff));
  // So much work that it is cut into several dispatches where there is more than one workgroup.
  const cost = { operations: workgroups % 2 ? 1e15 : 1 };
  program.dispatch<string>('fixture/spread', { bind: { order }, parameters: { unit }, workgroups, cost });
  await program.compile();
  program.run();
  return [...(await order.read())];
}

test('each number is given once, units stay together, and either half of the workgroups has half of any beginning', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 12 }), async (workgroups, unit) => {
      const order = await orderOf(workgroups, unit);
      expect(order.toSorted((a, b) => a - b)).toEqual(order.map((_, index) => index));
      if (workgroups % 2) return;
      order.forEach((number, index) => {
        if (index % unit > 0) expect(number).toBe(order[index - 1]! + 1);
      });
      // What is left after the last whole round is not spread.
      const slices = slicesOf(Math.floor(workgroups / unit));
      const spread = workgroups - (workgroups % (unit * slices));
      const inFirstHalf = new Set(order.slice(0, spread / 2));
      let seen = 0;
      for (let number = 0; number < spread; number += 1) {
        if (inFirstHalf.has(number)) seen += 1;
        expect(Math.abs(seen - (number + 1) / 2)).toBeLessThanOrEqual((unit * (slices + 2)) / 4 + unit);
      }
    }),
    {
      numRuns: 40,
      examples: [
        [32, 1],
        [31, 1],
        [33, 1],
        [64, 12],
        [3000, 1],
        [2047, 3],
      ],
    },
  );
});
