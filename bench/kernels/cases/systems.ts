import { formatCount } from '../../../src/cli/output.js';
import { propagate } from '../../../src/reference/aggregate/propagate.js';
import { relax } from '../../../src/reference/hash/relax.js';
import { relaxBackward } from '../../../src/reference/hash/relax_backward.js';
import { multinomial } from '../../../src/reference/loss/multinomial.js';
import { add } from '../../../src/reference/reduce/add.js';
import { parts } from '../../../src/reference/reduce/parts.js';
import { gather } from '../../../src/reference/rows/gather.js';
import { scatter } from '../../../src/reference/rows/scatter.js';
import { negativesByDegree } from '../../../src/reference/sample/negatives_by_degree.js';
import { users } from '../../../src/reference/sample/users.js';
import { walks } from '../../../src/reference/sample/walks.js';
import { floats, unwritten, unwrittenFloats } from '../../../src/selftest/case.js';
import type { CaseMap, CaseSpec, CasesOf, Cost } from '../case.js';
import type { Setting } from '../setting.js';

type SystemKernel =
  | `aggregate/propagate${'' | '.lanes'}`
  | `hash/${'relax' | 'relax_backward'}`
  | 'loss/multinomial'
  | `reduce/${'add' | 'parts'}`
  | `rows/${'gather' | 'scatter'}`
  | `sample/${'negatives_by_degree' | 'users' | 'walks'}`;

/** Parts that a sum is computed in. */
const PARTS = 15;

const FLOAT = { absolute: 2e-5, relative: 2e-5 };
const work = (bytes: number, operations: number, more: Partial<Cost> = {}): Cost => ({
  ...{ bytes, operations, access: 'copy', arithmetic: 'multiply_add' },
  ...more,
});
const clock = () => ({ state: new Uint32Array(4), schedule: new Float32Array([1.5, 0.01, 1.5, 0]) });

/** The batch's embeddings. */
const embeddings = ({ batchNodes: { count, rows }, size: { widths }, seed }: Setting) => {
  const width = widths[3];
  const length = count * width;
  const shape = `${formatCount(count)} × ${width}`;
  return { what: "the batch's embeddings", count, rows, width, length, shape, seed, size: { invocations: length / 4 } };
};

const propagateOf =
  (lanes: boolean): CasesOf<'aggregate/propagate'> =>
  ({ graph, nodes, size: { widths }, seed }) => {
    const width = widths[3];
    const entries = graph.neighbours.length;
    return [
      {
        what: 'a layer of all nodes',
        shape: `${formatCount(entries)} of ${formatCount(nodes)} × ${width}`,
        // A row, its number and its norm for every neighbour; the base and the output.
        cost: work(entries * (4 * width + 8) + nodes * (8 * width + 8), 2 * (entries + nodes) * width, {
          access: { tableBytes: 4 * nodes * width },
        }),
        lanes: lanes ? 8 : 0,
        work: () => ({
          inputs: {
            base: floats(nodes * width, seed),
            source: floats(nodes * width, seed + 1),
            norms: floats(nodes, seed + 2),
            offsets: graph.offsets,
            neighbours: graph.neighbours,
            output: unwrittenFloats(nodes * width),
          },
          parameters: { nodes, width, factor: 1 },
          size: lanes ? { workgroups: nodes } : { invocations: (nodes * width) / 4 },
          twin: propagate,
          tolerance: { output: { absolute: 1e-4, relative: 1e-4 } },
        }),
      },
    ];
  };

/** Operations of a logarithm and a tanh, about, and of a drawn word with another logarithm. */
const RELAXED = 40;
const DRAWN = 30;

const relaxOf: CasesOf<'hash/relax'> = (setting) =>
  [0, 1].map((NOISE): CaseSpec<'hash/relax'> => {
    const { length, rows, width, shape, size, seed } = embeddings(setting);
    return {
      ...{ what: NOISE ? 'with noise' : 'without noise', shape },
      cost: work(8 * length, (RELAXED + NOISE * DRAWN) * length),
      work: () => ({
        inputs: { embedding: floats(length, seed), rows, ...clock(), guided: unwrittenFloats(length) },
        parameters: { width, seed },
        constants: { NOISE },
        size,
        twin: relax,
        tolerance: { guided: FLOAT },
      }),
    };
  });

/** Users of a batch whose scores of all items are held, as far as they fit a binding of the least device. */
const SCORED = 256;

/** The kernels that the systems of the paper other than HashGNN itself, and the best configuration, add to it. */
export const SYSTEM_CASES: CaseMap<SystemKernel> = {
  'aggregate/propagate': propagateOf(false),
  'aggregate/propagate.lanes': propagateOf(true),
  'hash/relax': relaxOf,
  'hash/relax_backward': (setting) => {
    const { what, length, rows, width, shape, size, seed } = embeddings(setting);
    return [
      {
        ...{ what, shape, cost: work(16 * length, 8 * length) },
        work: () => ({
          inputs: {
            embedding: floats(length, seed),
            guided: floats(length, seed + 1),
            guided_gradient: floats(length, seed + 2),
            rows,
            ...clock(),
            embedding_gradient: unwrittenFloats(length),
          },
          parameters: { width },
          size,
          twin: relaxBackward,
          tolerance: { embedding_gradient: { absolute: 1e-4, relative: 1e-3 } },
        }),
      },
    ];
  },
  'rows/gather': (setting) => {
    const { what, length, count, rows, width, shape, size, seed } = embeddings(setting);
    return [
      {
        ...{ what, shape: `${shape} of ${formatCount(setting.nodes)}` },
        cost: work(8 * length + 4 * count, 0, { access: { tableBytes: 4 * setting.nodes * width } }),
        work: () => ({
          inputs: {
            source: floats(setting.nodes * width, seed),
            nodes: setting.batchNodes.nodes,
            rows,
            output: unwrittenFloats(length),
          },
          parameters: { width },
          size,
          twin: gather,
        }),
      },
    ];
  },
  'rows/scatter': (setting) => {
    const { what, length, count, rows, width, shape, size, seed } = embeddings(setting);
    return [
      {
        ...{ what, shape: `${shape} of ${formatCount(setting.nodes)}` },
        cost: work(8 * length + 4 * count, 0, { access: { tableBytes: 4 * setting.nodes * width } }),
        work: () => ({
          inputs: {
            source: floats(length, seed),
            nodes: setting.batchNodes.nodes,
            rows,
            output: new Float32Array(setting.nodes * width),
          },
          parameters: { width },
          size,
          twin: scatter,
        }),
      },
    ];
  },
  'reduce/add': (setting) => {
    const { what, length, shape, size, seed } = embeddings(setting);
    return [
      {
        ...{ what, shape, cost: work(12 * length, length), restore: ['sum'] },
        work: () => ({
          inputs: { addend: floats(length, seed), sum: floats(length, seed + 1) },
          parameters: { count: length },
          size,
          twin: add,
        }),
      },
    ];
  },
  'reduce/parts': (setting) => {
    const { what, length, shape, size, seed } = embeddings(setting);
    return [
      {
        ...{ what: `${what} in ${PARTS} parts`, shape, cost: work(4 * (PARTS + 1) * length, PARTS * length) },
        work: () => ({
          inputs: { partial: floats(PARTS * length, seed), sum: unwrittenFloats(length) },
          parameters: { parts: PARTS, count: length },
          size,
          twin: parts,
        }),
      },
    ];
  },
  'loss/multinomial': ({ graph, size: { users: all, items }, seed }) => {
    const batch = Math.min(all, SCORED);
    const stride = 4 * Math.ceil(items / 4);
    return [0, 0.5].map((distillation) => ({
      what: distillation > 0 ? 'a batch of users, with a teacher' : 'a batch of users',
      shape: `${formatCount(batch)} × ${formatCount(items)}`,
      // Read three times and written once; two exponentials of some ten operations each.
      cost: work((distillation > 0 ? 20 : 16) * batch * stride, 30 * batch * items),
      restore: ['scores'],
      work: () => ({
        inputs: {
          users: Uint32Array.from({ length: batch }, (_, row) => row),
          offsets: graph.offsets,
          neighbours: graph.neighbours,
          scale: new Float32Array([1.7]),
          teacher: floats(batch * stride, seed + 1),
          teacher_scale: new Float32Array([0.8]),
          scores: floats(batch * stride, seed),
          terms: unwrittenFloats(batch * 4),
        },
        parameters: {
          ...{ batch, items, stride, first_item: all, weight: 1, flattening: 0 },
          ...{ distillation, first_row: 0 },
        },
        constants: { LANES: 1 },
        size: { invocations: batch },
        twin: multinomial,
        tolerance: { scores: { absolute: 1e-4, relative: 1e-4 }, terms: { absolute: 1e-3, relative: 1e-3 } },
      }),
    }));
  },
  'sample/users': ({ size: { users: all }, seed }) => {
    const count = Math.min(all, SCORED);
    return [
      {
        what: 'a batch of users',
        shape: `${formatCount(count)} of ${formatCount(all)}`,
        // Four rounds of some thirty operations, walked two to four times.
        cost: work(4 * count, 360 * count, { arithmetic: 'logic' }),
        work: () => ({
          inputs: { state: new Uint32Array(4), batch: unwritten(count) },
          parameters: { count, users: all, seed },
          size: { invocations: count },
          twin: users,
        }),
      },
    ];
  },
  'sample/negatives_by_degree': ({ size: { batch, slots, items, users: all }, seed }) => {
    const count = batch * slots;
    const depth = Math.ceil(Math.log2(items));
    return [
      {
        what: 'a batch of edges',
        shape: `${formatCount(batch)} × ${slots} of ${formatCount(items)}`,
        cost: work(count * (4 + 4 * depth), count * (30 + 4 * depth), {
          ...{ access: { tableBytes: 4 * items }, arithmetic: 'logic' },
        }),
        twinSteps: count * items,
        work: () => ({
          inputs: {
            state: new Uint32Array(4),
            cumulative: Uint32Array.from({ length: items }, (_, at) => 2 ** 32 * ((at + 1) / items) - 1),
            pairs: unwritten(batch * (2 + slots)),
          },
          parameters: { first_row: 0, batch, stride: 2 + slots, first_node: all, count: items, seed },
          size: { invocations: count },
          twin: negativesByDegree,
        }),
      },
    ];
  },
  'sample/walks': ({ graph, nodes, size: { batch, slots }, seed }) => [
    {
      what: 'pairs of users',
      shape: `${formatCount(batch)} walks`,
      // Some three hops, each of two draws of a neighbour.
      cost: work(batch * (8 + 3 * 24), batch * 120, {
        ...{ access: { tableBytes: 4 * graph.neighbours.length }, arithmetic: 'logic' },
      }),
      work: () => ({
        inputs: {
          state: new Uint32Array(4),
          offsets: graph.offsets,
          neighbours: graph.neighbours,
          pairs: unwritten(batch * (2 + slots)),
        },
        parameters: {
          ...{ first_row: 0, batch, stride: 2 + slots, edges: graph.edges, side: 0, contexts: nodes },
          ...{ window: 5, stop: 0.3, seed },
        },
        size: { invocations: batch },
        twin: walks,
      }),
    },
  ],
};
