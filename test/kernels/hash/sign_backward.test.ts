import fc from 'fast-check';
import { test } from 'vitest';
import { signBackward } from '../../../src/reference/hash/sign_backward.js';
import { useGpu } from '../../support/gpu.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();

test('the gradient of h is copied to z and joins the direct one, in the active rows alone', async () => {
  const numbers = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
  const cases = fc
    .record({ maxRows: fc.integer({ min: 1, max: 20 }), quads: fc.integer({ min: 1, max: 9 }) })
    .chain(({ maxRows, quads }) => {
      const table = fc.array(numbers, { minLength: maxRows * quads * 4, maxLength: maxRows * quads * 4 });
      return fc.record({ width: fc.constant(quads * 4), used: fc.nat(maxRows), direct: table, code: table });
    });
  await fc.assert(
    fc.asyncProperty(cases, async ({ width, used, direct, code }) => {
      const bind = {
        direct_gradient: Float32Array.from(direct),
        code_gradient: Float32Array.from(code),
        rows: Uint32Array.of(used, 0),
        embedding_gradient: new Float32Array(direct.length).fill(77),
      };
      const expected = Float64Array.from(bind.embedding_gradient);
      signBackward({ ...bind, embedding_gradient: expected }, { width });
      const size = { invocations: direct.length / 4 };
      const { embedding_gradient } = await runKernel(gpu(), 'hash/sign_backward', bind, { width }, size);
      expectClose(embedding_gradient, expected);
    }),
    { numRuns: 25 },
  );
});

test('through the sign alone, the gradient arrives unchanged', async () => {
  const code_gradient = Float32Array.of(1, -2, 0.25, -0);
  const { embedding_gradient } = await runKernel(
    gpu(),
    'hash/sign_backward',
    {
      direct_gradient: new Float32Array(4),
      code_gradient,
      rows: Uint32Array.of(1, 0),
      embedding_gradient: new Float32Array(4),
    },
    { width: 4 },
    { invocations: 1 },
  );
  expectClose(embedding_gradient, code_gradient, { absolute: 0, relative: 0 });
});
