import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clip } from '../../../src/reference/optim/clip.js';
import { squares } from '../../../src/reference/reduce/squares.js';
import { useGpu } from '../../support/gpu.js';
import { floats } from '../../support/graphs.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();

const shape = fc.record({
  rows: fc.nat(40),
  width: fc.integer({ min: 1, max: 33 }),
  /** Rows beyond those in use. */
  beyond: fc.nat(3),
  seed: fc.nat(1000),
});

test('squares of the rows in use are summed, in as many parts as are asked for, and nothing else is written', async () => {
  const cases = fc.record({ shape, first: fc.nat(5), invocations: fc.integer({ min: 1, max: 200 }) });
  await fc.assert(
    fc.asyncProperty(cases, async ({ shape: { rows, width, beyond, seed }, first, invocations }) => {
      const values = floats((rows + beyond) * width, seed);
      // What is beyond may be anything.
      values.fill(Number.NaN, rows * width);
      const bind = {
        values,
        rows: Uint32Array.of(rows, 0),
        partial: new Float32Array(first + invocations + 3).fill(7),
      };
      const expected = Float64Array.from(bind.partial);
      squares({ ...bind, partial: expected }, { width, first, invocations });
      const parameters = { width, first, invocations };
      const got = await runKernel(gpu(), 'reduce/squares', bind, parameters, { invocations: invocations + 9 });
      expectClose(got.partial, expected, { absolute: 1e-6, relative: 1e-6 }, 'sum of squares');
    }),
    { numRuns: 40 },
  );
});

test('a gradient is scaled down where the norm exceeds the limit, else its bytes stay', async () => {
  const cases = fc.record({ shape, norm: fc.float({ min: 0, max: 10, noNaN: true }), limit: fc.constantFrom(0.5, 3) });
  await fc.assert(
    fc.asyncProperty(cases, async ({ shape: { rows, width, beyond, seed }, norm, limit }) => {
      const gradient = floats((rows + beyond) * width, seed);
      const bind = { gradient, rows: Uint32Array.of(rows, 0), squares: Float32Array.of(norm * norm) };
      const expected = Float64Array.from(gradient);
      const parameters = { width, limit: Math.fround(limit) };
      clip({ ...bind, gradient: expected }, parameters);
      const got = await runKernel(gpu(), 'optim/clip', bind, parameters, { invocations: gradient.length + 5 });
      expectClose(got.gradient, expected, { absolute: 1e-6, relative: 1e-6 }, 'gradient');
      if (norm < limit) expect([...got.gradient]).toEqual([...gradient]);
    }),
    { numRuns: 40 },
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])(
  'a norm that is %d leaves no gradient that looks right',
  async (square) => {
    const gradient = Float32Array.of(1, Number.NaN, -2);
    const bind = { gradient, rows: Uint32Array.of(1, 1), squares: Float32Array.of(square) };
    const got = await runKernel(gpu(), 'optim/clip', bind, { width: 3, limit: 1 }, { invocations: 3 });
    expect(got.gradient[1]).toBeNaN();
  },
);
