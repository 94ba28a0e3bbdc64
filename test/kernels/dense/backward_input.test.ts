import fc from 'fast-check';
import { test } from 'vitest';
import { backward_input } from '../../../src/reference/dense/backward_input.js';
import { useGpu } from '../../support/gpu.js';
import { expectClose, runKernel } from '../../support/kernels.js';
import { denseCase, denseExamples, rowsOf, spans, uniform, variants } from './cases.js';

const gpu = useGpu();

/** Milliseconds: software drivers take seconds to compile a kernel for the first time, on a busy machine many. */
const COMPILING = { timeout: 300_000 };

test(
  'every variant multiplies by the transposed weights of the side, goes past the activation and leaves rows out of use alone',
  COMPILING,
  async () => {
    await fc.assert(
      fc.asyncProperty(
        denseCase,
        fc.nat({ max: 2 }),
        async ({ inputWidth, outputWidth, sides, total, first, maxRows, seed }, ACTIVATION) => {
          const bindings = {
            gradient: rowsOf(seed, total, maxRows, outputWidth),
            weight: uniform(seed + 1, sides * inputWidth * outputWidth).map((w) => w / Math.sqrt(outputWidth)),
            rows: Uint32Array.of(total, first),
            input: rowsOf(seed + 2, total, maxRows, inputWidth),
            input_gradient: new Float32Array(Math.max(1, maxRows) * inputWidth).fill(7),
          };
          const parameters = { input_width: inputWidth, output_width: outputWidth, sides };
          const expected = Float64Array.from(bindings.input_gradient);
          backward_input({ ...bindings, input_gradient: expected }, parameters, { ACTIVATION });
          for (const variant of variants(gpu())) {
            const [rows, columns] = variant ? [32, 32] : [64, 64];
            const workgroups = spans(maxRows, rows) * Math.ceil(inputWidth / columns);
            const name = `dense/backward_input${variant}` as const;
            const { input_gradient } = await runKernel(
              gpu(),
              name,
              bindings,
              parameters,
              { workgroups },
              { ACTIVATION },
            );
            expectClose(input_gradient, expected, { absolute: 2e-6, relative: 1e-5 }, `${name} input_gradient`);
          }
        },
      ),
      {
        numRuns: 30,
        examples: denseExamples.flatMap(([example]) =>
          [0, 1, 2].map((activation): [typeof example, number] => [example, activation]),
        ),
      },
    );
  },
);
