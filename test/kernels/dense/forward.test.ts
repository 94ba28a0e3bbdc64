import fc from 'fast-check';
import { test } from 'vitest';
import { forward } from '../../../src/reference/dense/forward.js';
import { useGpu } from '../../support/gpu.js';
import { expectClose, runKernel } from '../../support/kernels.js';
import { denseCase, denseExamples, rowsOf, spans, uniform, variants } from './cases.js';

const gpu = useGpu();

/** Milliseconds: software drivers take seconds to compile a kernel for the first time, on a busy machine many. */
const COMPILING = { timeout: 300_000 };

test(
  'every variant gives the activation of the weighted sum by side and leaves rows out of use alone',
  COMPILING,
  async () => {
    await fc.assert(
      fc.asyncProperty(denseCase, fc.constantFrom(0, 1, 2), async (sizes, ACTIVATION) => {
        const { inputWidth, outputWidth, sides, total, first, maxRows, seed } = sizes;
        const bindings = {
          input: rowsOf(seed, total, maxRows, inputWidth),
          weight: uniform(seed + 1, sides * inputWidth * outputWidth).map((w) => w / Math.sqrt(inputWidth)),
          bias: uniform(seed + 2, sides * outputWidth),
          rows: Uint32Array.of(total, first),
          output: new Float32Array(Math.max(1, maxRows) * outputWidth).fill(7),
        };
        const parameters = { input_width: inputWidth, output_width: outputWidth, sides };
        const expected = Float64Array.from(bindings.output);
        forward({ ...bindings, output: expected }, parameters, { ACTIVATION });
        for (const variant of variants(gpu())) {
          const [rows, columns] = variant ? [32, 32] : [64, 64];
          const workgroups = spans(maxRows, rows) * Math.ceil(outputWidth / columns);
          const name = `dense/forward${variant}` as const;
          const one = name === 'dense/forward' && { part_steps: inputWidth, max_rows: maxRows };
          const size = { workgroups };
          const { output } = await runKernel(gpu(), name, bindings, { ...parameters, ...one }, size, { ACTIVATION });
          expectClose(output, expected, { absolute: 2e-6, relative: 1e-5 }, `${name} output`);
        }
      }),
      { numRuns: 30, examples: denseExamples.map(([sizes], index) => [sizes, index % 3]) },
    );
  },
);

test('sums in parts: each part its own, the bias in the first', COMPILING, async () => {
  await fc.assert(
    fc.asyncProperty(denseCase, fc.constantFrom(16, 32, 160), async (sizes, part_steps) => {
      const { inputWidth, outputWidth, sides, total, first, maxRows, seed } = sizes;
      const parts = Math.ceil(inputWidth / part_steps);
      const bindings = {
        input: rowsOf(seed, total, maxRows, inputWidth),
        weight: uniform(seed + 1, sides * inputWidth * outputWidth),
        bias: uniform(seed + 2, sides * outputWidth),
        rows: Uint32Array.of(total, first),
        output: new Float32Array(parts * Math.max(1, maxRows) * outputWidth).fill(7),
      };
      const shape = { input_width: inputWidth, output_width: outputWidth, sides, part_steps, max_rows: maxRows };
      const expected = Float64Array.from(bindings.output);
      forward({ ...bindings, output: expected }, shape);
      const tiles = (Math.ceil(maxRows / 64) + sides - 1) * Math.ceil(outputWidth / 64);
      const size = { workgroups: parts * tiles };
      const { output } = await runKernel(gpu(), 'dense/forward', bindings, shape, size);
      expectClose(output, expected, { absolute: 1e-5, relative: 1e-5 }, 'parts');
    }),
    { numRuns: 20, examples: denseExamples.map(([sizes], index) => [sizes, [16, 32, 160][index % 3]!]) },
  );
});
