import fc from 'fast-check';
import { expect, test } from 'vitest';
import { notFinite } from '../../../src/reference/reduce/not_finite.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

test('every NaN and infinity is counted and the first one found, and no number is taken for one', async () => {
  const value = fc.oneof(
    { weight: 20, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3.4028234663852886e38, -0, 1e-45),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(value, { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 90 }),
      fc.nat({ max: 3 }),
      async (all, invocations, beyond) => {
        const count = Math.max(0, all.length - beyond);
        const bind = { values: Float32Array.from(all), found: new Uint32Array([9, 9, 0, 0, 9, 9]) };
        const parameters = { count, invocations, slot: 1 };
        const expected = Array.from(bind.found);
        notFinite({ values: bind.values, found: expected }, parameters);
        const { found } = await runKernel(gpu(), 'reduce/not_finite', bind, parameters, {
          invocations: invocations + 3,
        });
        expect([...found]).toEqual(expected);
      },
    ),
    {
      numRuns: 60,
      examples: [
        [[Number.NaN], 1, 0],
        [[1, Number.NaN], 2, 1],
      ],
    },
  );
});

test('any pattern of a NaN is one', async () => {
  const bits = new Uint32Array([0x7f800001, 0x7fc00000, 0xff800001, 0xffffffff, 0x7f7fffff, 0x00000001, 0x80000000]);
  const values = new Float32Array(bits.buffer);
  const parameters = { count: 7, invocations: 7, slot: 0 };
  const bind = { values, found: new Uint32Array(2) };
  const { found } = await runKernel(gpu(), 'reduce/not_finite', bind, parameters, { invocations: 7 });
  expect([...found]).toEqual([4, 7]);
});
