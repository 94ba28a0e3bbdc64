import fc from 'fast-check';
import { expect, test } from 'vitest';
import { directions } from '../../../src/reference/refine/directions.js';
import { flip } from '../../../src/reference/refine/flip.js';
import { mass } from '../../../src/reference/refine/mass.js';
import { probabilities } from '../../../src/reference/refine/probabilities.js';
import { useGpu } from '../../support/gpu.js';
import { floats } from '../../support/graphs.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();

/** Rows of scores, and lists of own items: none, some, all. */
const tables = fc
  .record({
    rows: fc.integer({ min: 1, max: 20 }),
    before: fc.nat(5),
    items: fc.integer({ min: 1, max: 70 }),
    density: fc.constantFrom(0, 0.3, 1),
    seed: fc.nat(),
    LANES: fc.constantFrom(1, 4, 64),
    scale: fc.constantFrom(0, 0.05, 0.3, 3),
  })
  .map(({ rows, before, items, density, seed, ...rest }) => {
    const chance = floats((before + rows) * items, seed + 1);
    const lists = Array.from({ length: before + rows }, (_, user) =>
      Array.from({ length: items }, (_, item) => item).filter(
        (item) => (chance[user * items + item]! + 2) / 4 < density || (density > 0 && user % 7 === 5),
      ),
    );
    const offsets = new Uint32Array(lists.length + 1);
    lists.forEach((list, user) => {
      offsets[user + 1] = offsets[user]! + list.length;
    });
    const stride = 4 * Math.ceil(items / 4);
    return {
      ...rest,
      own: { offsets, columns: Uint32Array.from([...lists.flat(), 0]) },
      parameters: { rows, first_row: before, items, stride },
      scores: floats(rows * stride, seed).map((value) => 10 * value),
      constants: { LANES: rest.LANES },
      size: { invocations: rows * rest.LANES },
    };
  });

const CLOSE = { absolute: 2e-4, relative: 2e-4 };

test('probabilities and their moments are the twin’s, which are the derivatives of ln Σ exp', async () => {
  await fc.assert(
    fc.asyncProperty(tables, async ({ own, parameters, scores, scale, constants, size }) => {
      const terms = new Float32Array(parameters.rows * 4).fill(77);
      const bind = { ...own, scale: Float32Array.of(scale), scores, terms };
      const evaluate = (factor: number) => {
        const result = { scores: Float64Array.from(scores), terms: new Float64Array(terms.length) };
        probabilities({ ...own, scale: [factor], ...result }, parameters);
        return result;
      };
      const expected = evaluate(scale);
      const found = await runKernel(gpu(), 'refine/probabilities', bind, parameters, size, constants);
      expectClose(found.scores, expected.scores, CLOSE, 'probability');
      expectClose(found.terms, expected.terms, { absolute: 2e-3, relative: 2e-4 }, 'term');
      const [less, more] = [evaluate(scale - 1e-4).terms, evaluate(scale + 1e-4).terms];
      for (let row = 0; row < parameters.rows; row += 1) {
        const slope = (more[4 * row]! - less[4 * row]!) / 2e-4;
        expect(Math.abs(slope - expected.terms[4 * row + 1]!)).toBeLessThan(1e-3 * (1 + Math.abs(slope)));
        const bend = (more[4 * row + 1]! - less[4 * row + 1]!) / 2e-4;
        expect(Math.abs(bend - expected.terms[4 * row + 2]!)).toBeLessThan(1e-3 * (1 + Math.abs(bend)));
      }
    }),
    { numRuns: 25 },
  );
});

/** A teacher's rows for these tables: of any softmax. */
function taught(scores: Float32Array, own: object, parameters: { rows: number; stride: number }): Float64Array {
  const teacher = Float64Array.from(scores, (_, at) => scores[(at * 7 + 3) % scores.length]!);
  const bind = { ...(own as { offsets: Uint32Array; columns: Uint32Array }), scale: [0.1], scores: teacher };
  probabilities({ ...bind, terms: new Float64Array(parameters.rows * 4) }, parameters as never);
  return teacher;
}

const factorsOf = (scale: number) => [scale, Math.sinh(2 * scale), Math.cosh(2 * scale) - 1, 0];

test('directions, terms and the items’ mass are the twins’, and terms the derivatives of the cross-entropy', async () => {
  await fc.assert(
    fc.asyncProperty(tables, async ({ own, parameters, scores, scale: any, constants, size }) => {
      const scale = Math.max(0.01, any);
      const teacher = Float32Array.from(taught(scores, own, parameters));
      const terms = new Float32Array(parameters.rows * 4).fill(77);
      const bind = { ...own, factors: Float32Array.from(factorsOf(scale)), teacher, scores, terms };
      const evaluate = (factor: number) => {
        const result = { scores: Float64Array.from(scores), terms: new Float64Array(terms.length) };
        directions({ ...own, factors: factorsOf(factor), teacher, ...result }, parameters);
        return result;
      };
      const expected = evaluate(scale);
      const found = await runKernel(gpu(), 'refine/directions', bind, parameters, size, constants);
      const large = { absolute: 2e-4 * Math.sinh(2 * scale), relative: 2e-4 };
      expectClose(found.scores, expected.scores, large, 'direction');
      expectClose(found.terms, expected.terms, { absolute: 2e-3, relative: 2e-4 }, 'term');
      const [less, more] = [evaluate(scale - 1e-4).terms, evaluate(scale + 1e-4).terms];
      for (let row = 0; row < parameters.rows; row += 1) {
        const slope = (more[4 * row]! - less[4 * row]!) / 2e-4;
        const derivative = expected.terms[4 * row + 1]! - expected.terms[4 * row + 2]!;
        expect(Math.abs(slope - derivative)).toBeLessThan(1e-3 * (1 + Math.abs(slope)));
      }

      const { rows, stride } = parameters;
      const sums = { factors: bind.factors, teacher, direction: Float32Array.from(expected.scores) };
      const begun = floats(stride, 3);
      const of = { rows, stride };
      const masses = await runKernel(gpu(), 'refine/mass', { ...sums, mass: begun }, of, { invocations: stride / 4 });
      const twin = Float64Array.from(begun);
      mass({ ...sums, mass: twin }, of);
      expectClose(masses.mass, twin, CLOSE, 'mass');
      // What it is found from is what it is: Σ of the probabilities of the codes.
      const { scores: own2 } = (() => {
        const result = { scores: Float64Array.from(scores), terms: new Float64Array(rows * 4) };
        probabilities({ ...own, scale: [scale], ...result }, parameters);
        return result;
      })();
      twin.forEach((value, item) => {
        let sum = begun[item]!;
        for (let row = 0; row < rows; row += 1) sum += own2[row * stride + item]!;
        expect(Math.abs(value - sum)).toBeLessThan(1e-4 * (1 + Math.abs(sum)));
      });
    }),
    { numRuns: 25 },
  );
});

test('flips are the twin’s', async () => {
  const shapes = fc.record({
    nodes: fc.integer({ min: 1, max: 150 }),
    bits: fc.constantFrom(8, 24, 32, 128),
    scale: fc.constantFrom(0.05, 0.3),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(shapes, async ({ nodes, bits, scale, seed }) => {
      const bind = {
        factors: Float32Array.from(factorsOf(scale)),
        direction: floats(nodes * bits, seed).map((value, at) => (at % 5 === 0 ? 0 : value / 40)),
        mass: floats(nodes, seed + 1).map(Math.abs),
        signs: floats(nodes * bits, seed + 2).map((value) => (value < 0 ? -1 : 1)),
        flips: Uint32Array.from({ length: nodes }, (_, node) => node),
      };
      const expected = { signs: Float64Array.from(bind.signs), flips: Uint32Array.from(bind.flips) };
      flip({ ...bind, ...expected }, { nodes, bits });
      const found = await runKernel(gpu(), 'refine/flip', bind, { nodes, bits }, { invocations: nodes });
      expect([...found.signs]).toEqual([...expected.signs]);
      expect([...found.flips]).toEqual([...expected.flips]);
    }),
    { numRuns: 25 },
  );
});
