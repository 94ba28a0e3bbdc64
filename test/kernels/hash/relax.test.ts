import fc from 'fast-check';
import { expect, test } from 'vitest';
import { halfLogistic, relax } from '../../../src/reference/hash/relax.js';
import { relaxBackward } from '../../../src/reference/hash/relax_backward.js';
import { useGpu } from '../../support/gpu.js';
import { floats } from '../../support/graphs.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();

const cases = fc.record({
  maxRows: fc.integer({ min: 1, max: 40 }),
  unused: fc.nat(3),
  width: fc.integer({ min: 1, max: 17 }).map((quads) => quads * 4),
  seed: fc.integer({ min: 0, max: 0xffffffff }),
  step: fc.nat(5),
  beta: fc.constantFrom<number>(1, 1.3, 10, 1e6),
  NOISE: fc.constantFrom(0, 1),
});
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function inputs({ maxRows, unused, width, seed, step, beta }: Case) {
  const schedule = new Float32Array(6 * 4).fill(0.3);
  schedule[step * 4] = beta;
  return {
    // Now and then ±1 itself, which tanh gives of large sums.
    embedding: floats(maxRows * width, seed).map((value, at) => (at % 13 === 5 ? Math.sign(value) : value / 2)),
    rows: Uint32Array.of(Math.max(0, maxRows - unused), 0),
    state: Uint32Array.of(step, 7, 7, 7),
    schedule,
  };
}

test('a relaxed code is its twin’s in the active rows, and nothing else is written', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (example) => {
      const { maxRows, width, seed, NOISE, beta } = example;
      const bind = { ...inputs(example), guided: new Float32Array(maxRows * width).fill(77) };
      const expected = Float64Array.from(bind.guided);
      relax({ ...bind, guided: expected }, { width, seed }, { NOISE });
      const size = { invocations: (maxRows * width) / 4 };
      const { guided } = await runKernel(gpu(), 'hash/relax', bind, { width, seed }, size, { NOISE });
      expect(guided.every(Number.isFinite)).toBe(true);
      // Rounding errors of the argument are multiplied by β where tanh is steep.
      if (beta < 100) expectClose(guided, expected, { absolute: 2e-6 * beta + 2e-6, relative: 2e-5 });
      else expect([...guided].map(Math.sign)).toEqual([...expected].map(Math.sign));
    }),
    { numRuns: 25 },
  );
});

test('β = 1 without noise is the embedding itself', async () => {
  const embedding = floats(400, 3).map((value) => value / 2);
  const bind = {
    embedding,
    rows: Uint32Array.of(100, 0),
    state: new Uint32Array(4),
    schedule: Float32Array.of(1, 0, 0, 0),
    guided: new Float32Array(400),
  };
  const { guided } = await runKernel(gpu(), 'hash/relax', bind, { width: 4, seed: 1 }, { invocations: 100 });
  expectClose(guided, embedding, { absolute: 1e-6, relative: 1e-5 });
});

test('the noise makes a bit +1 with the chance (1 + z) / 2', async () => {
  const count = 40_000;
  for (const z of [-0.6, 0, 0.3]) {
    const bind = {
      embedding: new Float32Array(count).fill(z),
      rows: Uint32Array.of(count / 4, 0),
      state: new Uint32Array(4),
      schedule: Float32Array.of(1, 0, 0, 0),
      guided: new Float32Array(count),
    };
    const size = { invocations: count / 4 };
    const { guided } = await runKernel(gpu(), 'hash/relax', bind, { width: 4, seed: 5 }, size, { NOISE: 1 });
    const share = guided.reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0) / count;
    // Five standard deviations.
    expect(Math.abs(share - (1 + z) / 2)).toBeLessThan(5 * Math.sqrt((1 - z * z) / 4 / count));
  }
  expect(halfLogistic(0)).toBeLessThan(-7);
  expect(halfLogistic(0xffffffff)).toBeGreaterThan(7);
});

test('backward is its twin’s, and the twin’s is the numeric derivative', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (example) => {
      const { maxRows, width, seed, NOISE } = example;
      const length = maxRows * width;
      const bind = { ...inputs({ ...example, beta: Math.min(example.beta, 10) }) };
      const embedding = bind.embedding.map((value) => value * 0.95);
      const forward = (values: ArrayLike<number>) => {
        const guided = new Float64Array(length);
        relax({ ...bind, embedding: values, guided }, { width, seed }, { NOISE });
        return guided;
      };
      const guided = forward(embedding);
      const guided_gradient = floats(length, seed + 1);
      const given = { ...bind, embedding, guided: Float32Array.from(guided), guided_gradient };
      const expected = new Float64Array(length).fill(77);
      relaxBackward({ ...given, guided, embedding_gradient: expected }, { width });
      const size = { invocations: length / 4 };
      const out = { ...given, embedding_gradient: new Float32Array(length).fill(77) };
      const { embedding_gradient } = await runKernel(gpu(), 'hash/relax_backward', out, { width }, size);
      expectClose(embedding_gradient, expected, { absolute: 2e-4, relative: 1e-3 });
      const [more, less] = [1e-6, -1e-6].map((by) => forward(Float64Array.from(embedding, (value) => value + by)));
      for (let at = 0; at < bind.rows[0]! * width; at += 1) {
        const numeric = ((more![at]! - less![at]!) / 2e-6) * guided_gradient[at]!;
        expect(Math.abs(numeric - expected[at]!)).toBeLessThan(1e-4 * (1 + Math.abs(numeric)));
      }
    }),
    { numRuns: 15 },
  );
});
