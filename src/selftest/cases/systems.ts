import { propagate } from '../../reference/aggregate/propagate.js';
import { relax } from '../../reference/hash/relax.js';
import { relaxBackward } from '../../reference/hash/relax_backward.js';
import { NONE } from '../../reference/lib/none.js';
import { multinomial } from '../../reference/loss/multinomial.js';
import { add } from '../../reference/reduce/add.js';
import { parts } from '../../reference/reduce/parts.js';
import { gather } from '../../reference/rows/gather.js';
import { scatter } from '../../reference/rows/scatter.js';
import { negativesByDegree } from '../../reference/sample/negatives_by_degree.js';
import { users } from '../../reference/sample/users.js';
import { walks } from '../../reference/sample/walks.js';
import { floats, type KernelCase, kernelCase, unwritten, unwrittenFloats } from '../case.js';
import { graph, ITEMS, NODES, USERS } from './graph.js';

const STATE = () => new Uint32Array([1, 0, 0, 0]);
/** Column 0 of the second step is β. */
const SCHEDULE = () => new Float32Array([9, 0, 0, 0, 1.5, 0, 0, 0]);
const FLOAT = { absolute: 2e-5, relative: 2e-5 };

function relaxations(): KernelCase[] {
  const [maxRows, width] = [13, 12];
  const length = maxRows * width;
  const rows = new Uint32Array([11, 5]);
  const embedding = floats(length, 1).map((value, at) => (at % 17 === 3 ? Math.sign(value) : value));
  return [
    ...[0, 1].map((NOISE) =>
      kernelCase('hash/relax', {
        what: NOISE ? 'with noise' : 'without noise',
        inputs: { embedding, rows, state: STATE(), schedule: SCHEDULE(), guided: unwrittenFloats(length) },
        parameters: { width, seed: 7 },
        constants: { NOISE },
        size: { invocations: length / 4 },
        twin: relax,
        tolerance: { guided: FLOAT },
      }),
    ),
    kernelCase('hash/relax_backward', {
      inputs: {
        embedding,
        guided: floats(length, 2),
        guided_gradient: floats(length, 3),
        rows,
        state: STATE(),
        schedule: SCHEDULE(),
        embedding_gradient: unwrittenFloats(length),
      },
      parameters: { width },
      size: { invocations: length / 4 },
      twin: relaxBackward,
      // 1 / (1 - z²) magnifies the rounding of z² where z is near ±1.
      tolerance: { embedding_gradient: { absolute: 1e-4, relative: 1e-3 } },
    }),
  ];
}

function rowsByNumber(): KernelCase[] {
  const [table, maxRows, width] = [23, 9, 8];
  const nodes = Uint32Array.from({ length: maxRows }, (_, row) => (row === 4 ? NONE : (row * 7 + 2) % table));
  const shape = { parameters: { width }, size: { invocations: (maxRows * width) / 4 } };
  const rows = new Uint32Array([8, 0]);
  return [
    kernelCase('rows/gather', {
      ...shape,
      inputs: { source: floats(table * width, 1), nodes, rows, output: unwrittenFloats(maxRows * width) },
      twin: gather,
    }),
    kernelCase('rows/scatter', {
      ...shape,
      inputs: { source: floats(maxRows * width, 2), nodes, rows, output: unwrittenFloats(table * width) },
      twin: scatter,
    }),
    kernelCase('reduce/add', {
      inputs: { addend: floats(44, 3), sum: floats(44, 4) },
      parameters: { count: 40 },
      size: { invocations: 10 },
      twin: add,
    }),
    kernelCase('reduce/parts', {
      inputs: { partial: floats(3 * 40, 5), sum: unwrittenFloats(44) },
      parameters: { parts: 3, count: 40 },
      size: { invocations: 10 },
      twin: parts,
    }),
  ];
}

/** The kernels that the systems of the paper other than HashGNN itself, and the best configuration, add to it. */
export function systemCases(): KernelCase[] {
  const { offsets, neighbours, edges } = graph();
  const width = 12;
  const propagation = {
    inputs: {
      base: floats(NODES * width, 1),
      source: floats(NODES * width, 2),
      norms: Float32Array.from(
        { length: NODES },
        (_, node) => Math.max(1, offsets[node + 1]! - offsets[node]!) ** -0.5,
      ),
      offsets,
      neighbours,
      output: unwrittenFloats(NODES * width),
    },
    parameters: { nodes: NODES, width, factor: 0.5 },
    twin: propagate,
    tolerance: { output: FLOAT },
  };
  const batch = 9;
  const stride = 4 * Math.ceil(ITEMS / 4);
  const likelihood = {
    inputs: {
      users: Uint32Array.from({ length: batch }, (_, row) => (row * 5) % USERS),
      offsets,
      neighbours,
      scale: new Float32Array([1.7]),
      teacher: floats(batch * stride, 6),
      teacher_scale: new Float32Array([0.8]),
      scores: floats(batch * stride, 5),
      terms: unwrittenFloats(batch * 4),
    },
    parameters: {
      ...{ batch, items: ITEMS, stride, first_item: USERS, weight: 0.3, flattening: 0.5 },
      ...{ distillation: 0.4, first_row: 3 },
    },
    twin: multinomial,
    tolerance: { scores: FLOAT, terms: FLOAT },
  };
  const pairs = { stride: 5, first_row: 3, batch: 20 };
  return [
    ...relaxations(),
    ...rowsByNumber(),
    kernelCase('aggregate/propagate', { ...propagation, size: { invocations: (NODES * width) / 4 } }),
    kernelCase('aggregate/propagate.lanes', { ...propagation, size: { workgroups: NODES }, lanes: 8 }),
    ...[1, 16].map((LANES) =>
      kernelCase('loss/multinomial', {
        ...likelihood,
        what: `${LANES} ${LANES === 1 ? 'lane' : 'lanes'}`,
        constants: { LANES },
        size: { invocations: batch * LANES },
      }),
    ),
    kernelCase('sample/users', {
      inputs: { state: new Uint32Array([6, 0, 0, 0]), batch: unwritten(10) },
      parameters: { count: 10, users: USERS, seed: 5 },
      size: { invocations: 10 },
      twin: users,
    }),
    kernelCase('sample/negatives_by_degree', {
      inputs: {
        state: STATE(),
        cumulative: Uint32Array.from({ length: 30 }, (_, at) => 2 ** 32 * ((at + 1) / 30) ** 2 - 1),
        pairs: unwritten(25 * pairs.stride),
      },
      parameters: { ...pairs, first_node: 100, count: 30, seed: 6 },
      size: { invocations: pairs.batch * (pairs.stride - 2) },
      twin: negativesByDegree,
    }),
    ...[0, 1].map((side) =>
      kernelCase('sample/walks', {
        what: side === 0 ? 'users' : 'items',
        inputs: { state: STATE(), offsets, neighbours, pairs: unwritten(25 * pairs.stride) },
        parameters: { ...pairs, edges, side, contexts: NODES, window: 4, stop: 0.3, seed: 6 },
        size: { invocations: pairs.batch },
        twin: walks,
      }),
    ),
  ];
}
