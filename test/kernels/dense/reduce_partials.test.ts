import fc from 'fast-check';
import { test } from 'vitest';
import { reduce_partials } from '../../../src/reference/dense/reduce_partials.js';
import { useGpu } from '../../support/gpu.js';
import { expectClose, runKernel } from '../../support/kernels.js';
import { denseCase, denseExamples, spans, uniform } from './cases.js';

const gpu = useGpu();

test('the chunks of each side are added up, and a side without rows gets zeros', async () => {
  await fc.assert(
    fc.asyncProperty(denseCase, fc.constantFrom(16, 37, 256), async (sizes, chunk_rows) => {
      const { inputWidth, outputWidth, sides, total, first, maxRows, seed } = sizes;
      const bindings = {
        partial: uniform(seed, spans(maxRows, chunk_rows) * (inputWidth + 1) * outputWidth),
        rows: Uint32Array.of(total, first),
        weight_gradient: new Float32Array(sides * inputWidth * outputWidth).fill(7),
        bias_gradient: new Float32Array(sides * outputWidth).fill(7),
      };
      const parameters = { input_width: inputWidth, output_width: outputWidth, sides, chunk_rows };
      const weight_gradient = new Float64Array(bindings.weight_gradient.length);
      const bias_gradient = new Float64Array(bindings.bias_gradient.length);
      reduce_partials({ ...bindings, weight_gradient, bias_gradient }, parameters);
      const invocations = (sides * (inputWidth + 1) * outputWidth) / 4;
      const got = await runKernel(gpu(), 'dense/reduce_partials', bindings, parameters, { invocations });
      expectClose(got.weight_gradient, weight_gradient, {}, 'weight_gradient');
      expectClose(got.bias_gradient, bias_gradient, {}, 'bias_gradient');
    }),
    { numRuns: 30, examples: denseExamples.map(([sizes], index) => [sizes, [16, 37, 256][index % 3]!]) },
  );
});
