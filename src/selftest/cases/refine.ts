import { directions } from '../../reference/refine/directions.js';
import { flip } from '../../reference/refine/flip.js';
import { mass } from '../../reference/refine/mass.js';
import { probabilities } from '../../reference/refine/probabilities.js';
import { floats, type KernelCase, kernelCase, unwrittenFloats } from '../case.js';
import { graph, ITEMS, USERS } from './graph.js';

const SCALE = 0.3;
const FLOAT = { absolute: 2e-5, relative: 2e-5 };

/** The kernels that refine codes. */
export function refineCases(): KernelCase[] {
  const { offsets, neighbours } = graph();
  const own = {
    offsets: offsets.slice(0, USERS + 1),
    columns: neighbours.map((node) => Math.max(node, USERS) - USERS),
  };
  const rows = 9;
  const stride = 4 * Math.ceil(ITEMS / 4);
  const factors = Float32Array.of(SCALE, Math.sinh(2 * SCALE), Math.cosh(2 * SCALE) - 1, 0);
  const parameters = { rows, first_row: 3, items: ITEMS, stride };
  const scores = floats(rows * stride, 1).map((value) => 8 * value);
  const teacher = floats(rows * stride, 2);
  probabilities({ ...own, scale: [2], scores: teacher, terms: [] }, parameters);
  const terms = unwrittenFloats(rows * 4);
  const [nodes, bits] = [21, 24];
  return [
    ...[1, 16].flatMap((LANES) => {
      const shape = {
        what: `${LANES} ${LANES === 1 ? 'lane' : 'lanes'}`,
        parameters,
        constants: { LANES },
        size: { invocations: rows * LANES },
        tolerance: { scores: FLOAT, terms: { absolute: 1e-4, relative: 1e-4 } },
      };
      return [
        kernelCase('refine/probabilities', {
          ...shape,
          inputs: { ...own, scale: factors.slice(0, 1), scores, terms },
          twin: probabilities,
        }),
        kernelCase('refine/directions', {
          ...shape,
          inputs: { ...own, factors, teacher, scores, terms },
          twin: directions,
        }),
      ];
    }),
    kernelCase('refine/mass', {
      inputs: { factors, teacher, direction: floats(rows * stride, 3), mass: floats(stride, 4) },
      parameters: { rows, stride },
      size: { invocations: stride / 4 },
      twin: mass,
      tolerance: { mass: FLOAT },
    }),
    kernelCase('refine/flip', {
      inputs: {
        factors,
        direction: floats(nodes * bits, 5),
        mass: floats(nodes, 6).map(Math.abs),
        signs: floats(nodes * bits, 7).map((value) => (value < 0 ? -1 : 1)),
        flips: new Uint32Array(nodes),
      },
      parameters: { nodes, bits },
      size: { invocations: nodes },
      twin: flip,
    }),
  ];
}
