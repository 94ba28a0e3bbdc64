import fc from 'fast-check';
import { test } from 'vitest';
import { backward_weight } from '../../../src/reference/dense/backward_weight.js';
import { useGpu } from '../../support/gpu.js';
import { expectClose, runKernel } from '../../support/kernels.js';
import { denseCase, denseExamples, rowsOf, spans, variants } from './cases.js';

const gpu = useGpu();

/** Milliseconds: software drivers take seconds to compile a kernel for the first time, on a busy machine many. */
const COMPILING = { timeout: 300_000 };

test(
  'every variant gives the partial sums of every chunk with rows and leaves other chunks alone',
  COMPILING,
  async () => {
    await fc.assert(
      fc.asyncProperty(denseCase, fc.constantFrom(16, 37, 64, 256), async (sizes, chunk_rows) => {
        const { inputWidth, outputWidth, sides, total, first, maxRows, seed } = sizes;
        const chunks = spans(maxRows, chunk_rows);
        const bindings = {
          input: rowsOf(seed, total, maxRows, inputWidth),
          gradient: rowsOf(seed + 1, total, maxRows, outputWidth),
          rows: Uint32Array.of(total, first),
          partial: new Float32Array(chunks * (inputWidth + 1) * outputWidth).fill(7),
        };
        const parameters = { input_width: inputWidth, output_width: outputWidth, sides, chunk_rows };
        const expected = Float64Array.from(bindings.partial);
        backward_weight({ ...bindings, partial: expected }, parameters);
        for (const variant of variants(gpu())) {
          const [inputs, columns] = variant ? [32, 32] : [64, 64];
          const workgroups =
            chunks * Math.ceil((inputWidth + (variant ? 1 : 0)) / inputs) * Math.ceil(outputWidth / columns);
          const name = `dense/backward_weight${variant}` as const;
          const { partial } = await runKernel(gpu(), name, bindings, parameters, { workgroups });
          expectClose(partial, expected, { absolute: 1e-5, relative: 1e-5 }, `${name} partial`);
        }
      }),
      { numRuns: 30, examples: denseExamples.map(([sizes], index) => [sizes, [16, 37, 64, 256][index % 4]!]) },
    );
  },
);
