import fc from 'fast-check';
import { test } from 'vitest';
import { activation_backward } from '../../../src/reference/dense/activation_backward.js';
import { useGpu } from '../../support/gpu.js';
import { expectClose, runKernel } from '../../support/kernels.js';
import { denseCase, rowsOf, uniform } from './cases.js';

const gpu = useGpu();

test('the gradient is multiplied by the slope at the output, and rows out of use are left alone', async () => {
  await fc.assert(
    fc.asyncProperty(denseCase, fc.constantFrom(0, 1, 2), async (sizes, ACTIVATION) => {
      const { outputWidth: width, total, first, maxRows, seed } = sizes;
      const output = rowsOf(seed, total, maxRows, width);
      output[0] = 0;
      const bindings = { output, rows: Uint32Array.of(total, first), gradient: uniform(seed + 1, output.length) };
      const expected = Float64Array.from(bindings.gradient);
      activation_backward({ ...bindings, gradient: expected }, { width }, { ACTIVATION, SLOPE: 0.3 });
      const invocations = (maxRows * width) / 4;
      const constants = { ACTIVATION, SLOPE: 0.3 };
      const name = 'dense/activation_backward';
      const { gradient } = await runKernel(gpu(), name, bindings, { width }, { invocations }, constants);
      expectClose(gradient, expected, {}, 'gradient');
    }),
    { numRuns: 40 },
  );
});
