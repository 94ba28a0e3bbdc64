import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sign } from '../../../src/reference/hash/sign.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

test('the sign of every element by fours, with sign(0) and sign(-0) = +1, and nothing past the count', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 100 }), fc.nat(1000), async (quads, seed) => {
      const count = quads * 4;
      const embedding = Float32Array.from({ length: count + 4 }, (_, at) => Math.sin(at * 1.3 + seed));
      embedding.set([0, -0, 2e-38, -2e-38], (seed % quads) * 4);
      const expected = new Float64Array(count + 4).fill(7);
      sign({ embedding, code: expected }, { count });
      const bind = { embedding, code: new Float32Array(count + 4).fill(7) };
      const { code } = await runKernel(gpu(), 'hash/sign', bind, { count }, { invocations: quads });
      expect([...code]).toEqual([...expected]);
    }),
    { numRuns: 25 },
  );
});
