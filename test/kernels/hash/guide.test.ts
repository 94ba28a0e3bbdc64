import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Purpose, random4, toUnit } from '../../../src/base/random.js';
import { guide } from '../../../src/reference/hash/guide.js';
import { guideBackward } from '../../../src/reference/hash/guide_backward.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

const cases = fc.record({
  maxRows: fc.integer({ min: 1, max: 40 }),
  unused: fc.nat(3),
  width: fc.integer({ min: 1, max: 17 }).map((quads) => quads * 4),
  seed: fc.integer({ min: 0, max: 0xffffffff }),
  step: fc.nat(5),
  p: fc.constantFrom(0, 0.05, 0.5, 0.95, 1),
  byRow: fc.constantFrom(0, 1),
});
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

/** Values of which no two are alike, so that a misplaced one is seen. */
const values = (length: number, from: number) => Float32Array.from({ length }, (_, index) => from + index / 8192);

function inputs({ maxRows, unused, step, p }: Case) {
  const schedule = new Float32Array(6 * 4).fill(0.3);
  schedule[step * 4] = p;
  return {
    rows: Uint32Array.of(Math.max(0, maxRows - unused), 0),
    state: Uint32Array.of(step, 7, 7, 7),
    schedule,
  };
}

test('the guided value is z where the drawn number is below p and h elsewhere, in the active rows alone', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (example) => {
      const { maxRows, width, seed, step, byRow } = example;
      const length = maxRows * width;
      const bind = {
        ...inputs(example),
        embedding: values(length, 1),
        code: values(length, -9),
        guided: new Float32Array(length).fill(77),
      };
      const expected = Float64Array.from(bind.guided);
      guide({ ...bind, guided: expected }, { width, seed }, { BY_ROW: byRow });
      const { guided } = await runKernel(
        gpu(),
        'hash/guide',
        bind,
        { width, seed },
        { invocations: length / 4 },
        { BY_ROW: byRow },
      );
      expect([...guided]).toEqual([...expected]);
      // And once more by the definition of the counters alone.
      for (let at = 0; at < bind.rows[0]! * width; at += 1) {
        const [row, column] = [Math.floor(at / width), at % width];
        const counter = byRow ? row : (row * width) / 4 + Math.floor(column / 4);
        const draw = toUnit(random4(seed, Purpose.guidance, step, counter)[byRow ? 0 : column % 4]!);
        expect(guided[at]).toBe(draw < bind.schedule[step * 4]! ? bind.embedding[at] : bind.code[at]);
      }
    }),
    { numRuns: 25 },
  );
});

test('p = 1 gives z and p = 0 gives h, exactly, whatever the seed', async () => {
  await fc.assert(
    fc.asyncProperty(cases, fc.constantFrom(0, 1), async (example, p) => {
      const { maxRows, width, seed, byRow } = example;
      const length = maxRows * width;
      const bind = {
        ...inputs({ ...example, p, unused: 0 }),
        embedding: values(length, 1),
        code: values(length, -9),
        guided: new Float32Array(length),
      };
      const size = { invocations: length / 4 };
      const { guided } = await runKernel(gpu(), 'hash/guide', bind, { width, seed }, size, { BY_ROW: byRow });
      expect([...guided]).toEqual([...(p === 1 ? bind.embedding : bind.code)]);
    }),
    { numRuns: 10 },
  );
});

test.each([
  [0.05, 0],
  [0.7, 0],
  [0.7, 1],
])('the continuous value is kept with frequency near p = %d (by row: %d)', async (p, byRow) => {
  const [rows, width] = [4096, 32];
  const length = rows * width;
  const bind = {
    rows: Uint32Array.of(rows, 0),
    state: Uint32Array.of(0, 0, 0, 0),
    schedule: Float32Array.of(p, 0, 0, 0),
    embedding: new Float32Array(length).fill(1),
    code: new Float32Array(length),
    guided: new Float32Array(length),
  };
  const size = { invocations: length / 4 };
  const { guided } = await runKernel(gpu(), 'hash/guide', bind, { width, seed: 11 }, size, { BY_ROW: byRow });
  const draws = byRow ? rows : length;
  // Five standard deviations of a fraction of so many draws.
  const margin = 5 * Math.sqrt((p * (1 - p)) / draws);
  expect(Math.abs(guided.reduce((sum, value) => sum + value, 0) / length - p)).toBeLessThan(margin);
  const perRow = Array.from({ length: rows }, (_, row) => guided[row * width]!);
  expect(new Set(perRow).size).toBe(2);
  if (byRow) expect(guided.every((value, at) => value === perRow[Math.floor(at / width)])).toBe(true);
});

test('another step draws another mask', async () => {
  const [rows, width] = [64, 32];
  const run = async (step: number) => {
    const bind = {
      rows: Uint32Array.of(rows, 0),
      state: Uint32Array.of(step, 0, 0, 0),
      schedule: new Float32Array(8).fill(0.5),
      embedding: new Float32Array(rows * width).fill(1),
      code: new Float32Array(rows * width),
      guided: new Float32Array(rows * width),
    };
    return (await runKernel(gpu(), 'hash/guide', bind, { width, seed: 1 }, { invocations: rows * 8 })).guided;
  };
  const [first, again, second] = [await run(0), await run(0), await run(1)];
  expect([...again]).toEqual([...first]);
  const differing = first.filter((value, at) => value !== second[at]).length;
  expect(differing / first.length).toBeGreaterThan(0.4);
  expect(differing / first.length).toBeLessThan(0.6);
});

test('backward parts the gradient between z and h by the same mask as forward', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (example) => {
      const { maxRows, width, seed, byRow } = example;
      const length = maxRows * width;
      const bind = {
        ...inputs(example),
        guided_gradient: values(length, -2),
        embedding_gradient: new Float32Array(length).fill(77),
        code_gradient: new Float32Array(length).fill(78),
      };
      const expected = {
        embedding_gradient: Float64Array.from(bind.embedding_gradient),
        code_gradient: Float64Array.from(bind.code_gradient),
      };
      guideBackward({ ...bind, ...expected }, { width, seed }, { BY_ROW: byRow });
      const size = { invocations: length / 4 };
      const got = await runKernel(gpu(), 'hash/guide_backward', bind, { width, seed }, size, { BY_ROW: byRow });
      expect([...got.embedding_gradient]).toEqual([...expected.embedding_gradient]);
      expect([...got.code_gradient]).toEqual([...expected.code_gradient]);

      // ĥ is linear in z and h, so its differences are exact: move one of them by 1 and see which element follows.
      const forward = (embedding: number, code: number) => {
        const guided = new Float64Array(length);
        const filled = {
          embedding: new Float64Array(length).fill(embedding),
          code: new Float64Array(length).fill(code),
        };
        guide({ ...bind, ...filled, guided }, { width, seed }, { BY_ROW: byRow });
        return guided;
      };
      const [base, byEmbedding, byCode] = [forward(0, 0), forward(1, 0), forward(0, 1)];
      for (let at = 0; at < bind.rows[0]! * width; at += 1) {
        const gradient = bind.guided_gradient[at]!;
        expect(got.embedding_gradient[at]).toBeCloseTo((byEmbedding[at]! - base[at]!) * gradient, 12);
        expect(got.code_gradient[at]).toBeCloseTo((byCode[at]! - base[at]!) * gradient, 12);
      }
    }),
    { numRuns: 20 },
  );
});
