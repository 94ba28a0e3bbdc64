import { formatCount } from '../../../src/cli/output.js';
import { directions } from '../../../src/reference/refine/directions.js';
import { flip } from '../../../src/reference/refine/flip.js';
import { mass } from '../../../src/reference/refine/mass.js';
import { probabilities } from '../../../src/reference/refine/probabilities.js';
import { floats, unwrittenFloats } from '../../../src/selftest/case.js';
import type { CaseMap, Cost } from '../case.js';
import type { Setting } from '../setting.js';

const SCALE = 0.2;
const BITS = 32;
/** Users of a part, as far as their scores fit a binding of the least device. */
const SCORED = 256;

const work = (bytes: number, operations: number): Cost => ({
  ...{ bytes, operations, access: 'copy', arithmetic: 'multiply_add' },
});

/** A part of the users with scores for all items. */
function scored({ graph, size: { users: all, items }, seed }: Setting) {
  const rows = Math.min(all, SCORED);
  const stride = 4 * Math.ceil(items / 4);
  const parameters = { rows, first_row: 0, items, stride };
  const own = () => ({
    offsets: graph.offsets.slice(0, all + 1),
    columns: graph.neighbours.slice(0, graph.offsets[all]).map((node) => node - all),
  });
  return {
    ...{ rows, items, stride, parameters, own },
    shape: `${formatCount(rows)} × ${formatCount(items)}`,
    factors: Float32Array.of(SCALE, Math.sinh(2 * SCALE), Math.cosh(2 * SCALE) - 1, 0),
    scores: () => floats(rows * stride, seed).map((value) => 20 * value),
    teacher: () => {
      const scores = floats(rows * stride, seed + 1);
      probabilities({ ...own(), scale: [2], scores, terms: [] }, parameters);
      return scores;
    },
    tolerance: { scores: { absolute: 1e-4, relative: 1e-4 }, terms: { absolute: 1e-3, relative: 1e-3 } },
  };
}

export const REFINE_CASES: CaseMap<`refine/${'probabilities' | 'directions' | 'mass' | 'flip'}`> = {
  'refine/probabilities': (setting) => {
    const { rows, items, stride, shape, parameters, own, scores, tolerance } = scored(setting);
    return [
      {
        what: 'a part of the users',
        shape,
        // Read three times and written once; two exponentials of some ten operations each.
        cost: work(16 * rows * stride, 30 * rows * items),
        restore: ['scores'],
        work: () => ({
          inputs: { ...own(), scale: Float32Array.of(SCALE), scores: scores(), terms: unwrittenFloats(rows * 4) },
          ...{ parameters, tolerance },
          constants: { LANES: 1 },
          size: { invocations: rows },
          twin: probabilities,
        }),
      },
    ];
  },
  'refine/directions': (setting) => {
    const { rows, items, stride, shape, parameters, factors, own, scores, teacher, tolerance } = scored(setting);
    return [
      {
        what: 'a part of the users',
        shape,
        cost: work(24 * rows * stride, 36 * rows * items),
        restore: ['scores'],
        work: () => ({
          inputs: { ...own(), factors, teacher: teacher(), scores: scores(), terms: unwrittenFloats(rows * 4) },
          ...{ parameters, tolerance },
          constants: { LANES: 1 },
          size: { invocations: rows },
          twin: directions,
        }),
      },
    ];
  },
  'refine/mass': (setting) => {
    const { rows, items, stride, shape, factors, teacher, scores } = scored(setting);
    return [
      {
        what: 'a part of the users',
        shape,
        cost: work(8 * rows * stride, 3 * rows * items),
        restore: ['mass'],
        work: () => ({
          inputs: { factors, teacher: teacher(), direction: scores(), mass: new Float32Array(stride) },
          parameters: { rows, stride },
          size: { invocations: stride / 4 },
          twin: mass,
          tolerance: { mass: { absolute: 0.1, relative: 1e-4 } },
        }),
      },
    ];
  },
  'refine/flip': (setting) => {
    const { items, factors } = scored(setting);
    const length = items * BITS;
    return [
      {
        what: 'all items',
        shape: `${formatCount(items)} × ${BITS}`,
        cost: work(8 * length, 2 * length),
        restore: ['signs', 'flips'],
        work: () => ({
          inputs: {
            factors,
            direction: floats(length, setting.seed),
            mass: floats(items, setting.seed + 1).map(Math.abs),
            signs: floats(length, setting.seed + 2).map((value) => (value < 0 ? -1 : 1)),
            flips: new Uint32Array(items),
          },
          parameters: { nodes: items, bits: BITS },
          size: { invocations: items },
          twin: flip,
        }),
      },
    ];
  },
};
