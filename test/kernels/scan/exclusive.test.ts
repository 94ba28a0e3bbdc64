import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exclusive } from '../../../src/reference/scan/exclusive.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

test.each([0, 1])('prefix sums of values (0) or bit counts (1): %i', async (POPCOUNT) => {
  const value = POPCOUNT ? fc.nat({ max: 2 ** 32 - 1 }) : fc.nat({ max: 1000 });
  await fc.assert(
    fc.asyncProperty(fc.array(value, { maxLength: 2000, size: 'max' }), async (list) => {
      const values = Uint32Array.from(list);
      const parameters = { count: values.length };
      const sums = new Uint32Array(values.length + 1);
      const expected = new Float64Array(values.length + 1);
      exclusive({ values, sums: expected }, parameters, { POPCOUNT });
      const result = await runKernel(
        gpu(),
        'scan/exclusive',
        { values, sums },
        parameters,
        { workgroups: 1 },
        { POPCOUNT },
      );
      expect([...result.sums]).toEqual([...expected]);
    }),
    { numRuns: 20 },
  );
});
