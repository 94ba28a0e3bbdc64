import fc from 'fast-check';
import { expect, test } from 'vitest';
import { multinomial } from '../../../src/reference/loss/multinomial.js';
import { useGpu } from '../../support/gpu.js';
import { anyGraph, floats } from '../../support/graphs.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();

const cases = fc.record({
  graph: anyGraph,
  batch: fc.integer({ min: 1, max: 20 }),
  firstRow: fc.nat(100),
  distillation: fc.constantFrom(0, 0.5),
  scale: fc.constantFrom<number>(-0.5, 0, 0.3, 40),
  flattening: fc.constantFrom(0, 0.5, 1),
  LANES: fc.constantFrom(1, 4, 64),
});

test('terms and gradients are the twin’s, and the twin’s are the numeric derivatives', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ graph, batch, firstRow, distillation, scale, flattening, LANES }) => {
      const { users, items, offsets, neighbours } = graph;
      const stride = 4 * Math.ceil(items / 4);
      const bind = {
        users: Uint32Array.from({ length: batch }, (_, row) => (row * 7) % users),
        offsets,
        neighbours,
        scale: Float32Array.of(scale),
        teacher: floats(batch * stride, 2),
        teacher_scale: Float32Array.of(0.7),
        scores: floats(batch * stride, 1),
        terms: new Float32Array(batch * 4).fill(77),
      };
      const parameters = {
        ...{ batch, items, stride, first_item: users, weight: 0.7, flattening },
        ...{ distillation, first_row: firstRow },
      };
      const evaluate = (scores: ArrayLike<number>, factor = scale) => {
        const result = { scores: Float64Array.from(scores), terms: new Float64Array(batch * 4) };
        multinomial({ ...bind, ...result, scale: [factor] }, parameters);
        const loss = result.terms.reduce((sum, value, at) => sum + (at % 4 === 0 ? 0.7 * value : 0), 0);
        return { ...result, loss };
      };
      const expected = evaluate(bind.scores);
      const size = { invocations: batch * LANES };
      const { scores, terms } = await runKernel(gpu(), 'loss/multinomial', bind, parameters, size, { LANES });
      expectClose(scores, expected.scores, { absolute: 2e-4, relative: 2e-4 }, 'gradient');
      expectClose(terms, expected.terms, { absolute: 2e-4, relative: 2e-4 }, 'term');

      const at = firstRow % bind.scores.length;
      const moved = (by: number) => evaluate(Float64Array.from(bind.scores, (x, index) => x + (index === at ? by : 0)));
      const slope = at % stride < items ? (moved(1e-5).loss - moved(-1e-5).loss) / 2e-5 : 0;
      expect(Math.abs(slope - expected.scores[at]!)).toBeLessThan(1e-5 * (1 + Math.abs(slope)));
      const byScale = (evaluate(bind.scores, scale + 1e-5).loss - evaluate(bind.scores, scale - 1e-5).loss) / 2e-5;
      const ofScale = expected.terms.reduce((sum, value, term) => sum + (term % 4 === 2 ? value : 0), 0);
      expect(Math.abs(byScale - ofScale)).toBeLessThan(1e-4 * (1 + Math.abs(byScale)));
    }),
    { numRuns: 25 },
  );
});
