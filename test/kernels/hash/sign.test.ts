import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sign } from '../../../src/reference/hash/sign.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

test('the sign of every element, with sign(0) and sign(-0) = +1', async () => {
  await fc.assert(
    fc.asyncProperty(fc.float32Array({ noNaN: true, maxLength: 300 }), async (values) => {
      const embedding = Float32Array.from([...values, 0, -0]);
      const count = embedding.length;
      const expected = new Float64Array(count);
      sign({ embedding, code: expected }, { count });
      const { code } = await runKernel(
        gpu(),
        'hash/sign',
        { embedding, code: new Float32Array(count) },
        { count },
        { invocations: count },
      );
      expect([...code]).toEqual([...expected]);
    }),
    { numRuns: 30 },
  );
});
