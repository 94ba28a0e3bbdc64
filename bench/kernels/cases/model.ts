import { formatCount } from '../../../src/cli/output.js';
import { chunkRows } from '../../../src/layers/dense.js';
import { activation_backward } from '../../../src/reference/dense/activation_backward.js';
import { backward_input } from '../../../src/reference/dense/backward_input.js';
import { backward_weight } from '../../../src/reference/dense/backward_weight.js';
import { forward } from '../../../src/reference/dense/forward.js';
import { reduce_partials } from '../../../src/reference/dense/reduce_partials.js';
import { guide } from '../../../src/reference/hash/guide.js';
import { guideBackward } from '../../../src/reference/hash/guide_backward.js';
import { pack } from '../../../src/reference/hash/pack.js';
import { sign } from '../../../src/reference/hash/sign.js';
import { signBackward } from '../../../src/reference/hash/sign_backward.js';
import { pairs } from '../../../src/reference/loss/pairs.js';
import { pairsBackward } from '../../../src/reference/loss/pairs_backward.js';
import { adam } from '../../../src/reference/optim/adam.js';
import { adamCatchUp } from '../../../src/reference/optim/adam_catch_up.js';
import { adamMade } from '../../../src/reference/optim/adam_made.js';
import { adamRows } from '../../../src/reference/optim/adam_rows.js';
import { adamTable } from '../../../src/reference/optim/adam_table.js';
import { advance } from '../../../src/reference/optim/advance.js';
import { clip } from '../../../src/reference/optim/clip.js';
import { columns } from '../../../src/reference/reduce/columns.js';
import { notFinite } from '../../../src/reference/reduce/not_finite.js';
import { squares } from '../../../src/reference/reduce/squares.js';
import { floats, unwritten, unwrittenFloats } from '../../../src/selftest/case.js';
import type { CaseMap, CaseSpec, CasesOf, Cost } from '../case.js';
import type { Setting } from '../setting.js';

type ModelKernel =
  | `dense/${'forward' | 'backward_input' | 'backward_weight'}${'' | '.subgroups'}`
  | `dense/${'activation_backward' | 'reduce_partials'}`
  | `hash/${'guide' | 'guide_backward' | 'pack' | 'sign' | 'sign_backward'}`
  | `loss/${'pairs' | 'pairs_backward'}`
  | `optim/${'adam' | 'adam.vec4' | 'adam_catch_up' | 'adam_made' | 'advance' | 'clip' | `adam_${'rows' | 'table'}${'' | '.lanes'}`}`
  | `reduce/${'columns' | 'not_finite' | 'squares'}`;

const floatWork = (bytes: number, operations: number, access: Cost['access'] = 'copy'): Cost => ({
  ...{ bytes, operations, access, arithmetic: 'multiply_add' },
});

/** Sums over thousands of rows, whose order is not the twin's. */
const LONG = { absolute: 1e-3, relative: 1e-4 };
const FLOAT = { absolute: 2e-5, relative: 2e-5 };
const SETTINGS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };
const clock = () => ({ state: new Uint32Array(4), schedule: new Float32Array([0.3, 0.01, 1.5, 0]) });
const blocks = (length: number, size: number) => Math.ceil(length / size);

// ------------------------------------------------------------------------------------------------------------- dense

interface Layer {
  readonly what: string;
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly count: number;
  readonly input_width: number;
  readonly output_width: number;
  /** 1 leaky ReLU, 2 tanh */
  readonly activation: number;
  readonly seed: number;
}

/** The model's three layers, each for both sides: the two after an aggregation, and the one before the code. */
function layersOf({ first, second, batchNodes, size: { widths }, seed }: Setting): Layer[] {
  const [features, one, two, bits] = widths;
  return [
    { what: 'layer 1', targets: first.targets, input_width: 2 * features, output_width: one, activation: 1 },
    { what: 'layer 2', targets: second.targets, input_width: 2 * one, output_width: two, activation: 1 },
    { what: 'embedding', targets: batchNodes, input_width: two, output_width: bits, activation: 2 },
  ].map(({ targets, ...layer }) => ({ ...layer, rows: targets.rows, count: targets.count, seed }));
}

/** Two operations for every row and weight; input, output and weights once. */
function denseCost({ count, input_width, output_width }: Layer): Cost {
  const bytes = 4 * (count * (input_width + output_width) + 2 * (input_width + 1) * output_width);
  return floatWork(bytes, 2 * count * input_width * output_width);
}

const denseOf = <K extends ModelKernel>(
  setting: Setting,
  lanes: number,
  work: (layer: Layer) => ReturnType<CaseSpec<K>['work']>,
): CaseSpec<K>[] =>
  layersOf(setting).map((layer) => ({
    what: layer.what,
    shape: `${formatCount(layer.count)} × ${layer.input_width} → ${layer.output_width}`,
    cost: denseCost(layer),
    lanes,
    work: () => work(layer),
  }));

const shapeOf = ({ input_width, output_width }: Layer) => ({ input_width, output_width, sides: 2 });
/** Rows of one side follow those of the other, and may begin a span of their own. */
const spans = ({ count }: Layer, rows: number) => blocks(count, rows) + 1;
const weightOf = ({ input_width, output_width, seed }: Layer) => floats(2 * input_width * output_width, seed + 1);

/** All of a forward product but what the variants have different parameters for. */
const forwardOf = (layer: Layer, rows: number, columns_: number) => ({
  inputs: {
    input: floats(layer.count * layer.input_width, layer.seed),
    weight: weightOf(layer),
    bias: floats(2 * layer.output_width, layer.seed + 2),
    rows: layer.rows,
    output: unwrittenFloats(layer.count * layer.output_width),
  },
  constants: { ACTIVATION: layer.activation },
  size: { workgroups: spans(layer, rows) * blocks(layer.output_width, columns_) },
  twin: forward,
  tolerance: { output: FLOAT },
});

const backwardInputOf = (rows: number, columns_: number, lanes: number) => (setting: Setting) =>
  denseOf<'dense/backward_input'>(setting, lanes, (layer) => ({
    inputs: {
      gradient: floats(layer.count * layer.output_width, layer.seed),
      weight: weightOf(layer),
      rows: layer.rows,
      input: floats(layer.count * layer.input_width, layer.seed + 2),
      input_gradient: unwrittenFloats(layer.count * layer.input_width),
    },
    parameters: shapeOf(layer),
    size: { workgroups: spans(layer, rows) * blocks(layer.input_width, columns_) },
    twin: backward_input,
    tolerance: { input_gradient: FLOAT },
  }));

const partialLength = (layer: Layer) =>
  spans(layer, chunkRows(layer.count)) * (layer.input_width + 1) * layer.output_width;

/** `bias`: inputs that a variant has for the bias. */
const backwardWeightOf = (inputs: number, columns_: number, bias: number, lanes: number) => (setting: Setting) =>
  denseOf<'dense/backward_weight'>(setting, lanes, (layer) => {
    const chunk_rows = chunkRows(layer.count);
    return {
      inputs: {
        input: floats(layer.count * layer.input_width, layer.seed),
        gradient: floats(layer.count * layer.output_width, layer.seed + 1),
        rows: layer.rows,
        partial: unwrittenFloats(partialLength(layer)),
      },
      parameters: { ...shapeOf(layer), chunk_rows },
      size: {
        workgroups:
          spans(layer, chunk_rows) * blocks(layer.input_width + bias, inputs) * blocks(layer.output_width, columns_),
      },
      twin: backward_weight,
      tolerance: { partial: LONG },
    };
  });

// -------------------------------------------------------------------------------------------------------------- hash

/** The batch's embeddings. */
const embeddingsOf = ({ batchNodes, size: { widths }, seed }: Setting) => {
  const width = widths[3];
  const length = batchNodes.count * width;
  return {
    ...{ width, length, rows: batchNodes.rows, count: batchNodes.count, seed },
    shape: `${formatCount(batchNodes.count)} × ${width}`,
    size: { invocations: length / 4 },
  };
};
const guidances = [0, 1].map((BY_ROW) => ({ BY_ROW, what: BY_ROW ? 'by row' : 'by element' }));
/** Operations a drawn word of `random4`, and the choice by it. */
const DRAW = 8 + 3;

const signs = (length: number, seed: number) => floats(length, seed).map((value) => (value < 0 ? -1 : 1));

// --------------------------------------------------------------------------------------------------------- optimiser

/** The table of all nodes' features with its moments; second moments are no less than 0. */
const tableOf = ({ nodes, size: { widths }, seed }: Setting) => {
  const width = widths[0];
  const length = nodes * width;
  return {
    ...{ width, length, nodes },
    shape: `${formatCount(nodes)} × ${width}`,
    moments: () => ({
      parameter: floats(length, seed),
      first_moment: floats(length, seed + 1),
      second_moment: floats(length, seed + 2).map(Math.abs),
    }),
  };
};
/** Operations an element: both moments, the corrections, a root, a division and the step. */
const ADAM = 14;

const adamRowsOf =
  (lanes: boolean): CasesOf<'optim/adam_rows'> =>
  (setting) => {
    const { width, moments } = tableOf(setting);
    const { nodes, rows, count } = setting.first.sources;
    const active = count * width;
    return [
      {
        what: "layer 1's sources",
        shape: `${formatCount(count)} of ${formatCount(setting.nodes)} × ${width}`,
        cost: floatWork(28 * active + 4 * count, ADAM * active),
        work: () => ({
          inputs: { ...moments(), gradient: floats(active, setting.seed + 3), nodes, rows, ...clock() },
          parameters: { width, ...SETTINGS },
          size: { invocations: lanes ? count : active / 4 },
          twin: adamRows,
          tolerance: { parameter: FLOAT },
        }),
      },
    ];
  };

const adamCatchUpOf: CasesOf<'optim/adam_catch_up'> = (setting) => {
  const { width, moments } = tableOf(setting);
  const { nodes, rows, count } = setting.first.sources;
  const active = count * width;
  // As many steps were missed as it takes for others to have been touched that often.
  const missed = Math.round(setting.nodes / count);
  return [
    {
      what: "layer 1's sources",
      shape: `${formatCount(count)} of ${formatCount(setting.nodes)} × ${width}, ${missed} missed`,
      cost: floatWork(24 * active + 8 * count, ADAM * active * missed),
      work: () => ({
        inputs: {
          ...moments(),
          made: new Uint32Array(setting.nodes),
          ...{ nodes, rows },
          state: new Uint32Array([missed, 0, 0, 0]),
          schedule: Float32Array.from({ length: 4 * missed }, () => 0.001),
        },
        parameters: { width, ...SETTINGS },
        size: { invocations: active / 4 },
        twin: adamCatchUp,
        tolerance: { parameter: FLOAT },
      }),
    },
  ];
};

const adamTableOf =
  (lanes: boolean): CasesOf<'optim/adam_table'> =>
  (setting) => {
    const { width, length, moments } = tableOf(setting);
    const { bits, ranks, count } = setting.first.sources;
    return [
      {
        what: "layer 1's sources",
        shape: `${formatCount(count)} of ${formatCount(setting.nodes)} × ${width}`,
        cost: floatWork(24 * length + 4 * count * width + 8 * bits.length, ADAM * length),
        work: () => ({
          inputs: { ...moments(), gradient: floats(count * width, setting.seed + 3), bits, ranks, ...clock() },
          parameters: { nodes: setting.nodes, width, ...SETTINGS },
          size: { invocations: lanes ? setting.nodes : length / 4 },
          twin: adamTable,
          tolerance: { parameter: FLOAT },
        }),
      },
    ];
  };

const adamOf =
  (each: number) =>
  (setting: Setting): CaseSpec<'optim/adam'>[] => {
    const { length, shape, moments } = tableOf(setting);
    return [
      {
        what: 'a table of features',
        shape,
        // Parameter and moments read and written, the gradient read.
        cost: floatWork(28 * length, ADAM * length),
        work: () => ({
          inputs: { ...moments(), gradient: floats(length, setting.seed + 3), ...clock() },
          parameters: { count: length, ...SETTINGS },
          size: { invocations: length / each },
          twin: adam,
          tolerance: { parameter: FLOAT },
        }),
      },
    ];
  };

/** The kernels of a training step past the graph. */
export const MODEL_CASES: CaseMap<ModelKernel> = {
  'dense/forward': (setting) =>
    denseOf(setting, 0, (layer) => ({
      ...forwardOf(layer, 64, 64),
      parameters: { ...shapeOf(layer), part_steps: layer.input_width, max_rows: layer.count },
    })),
  'dense/forward.subgroups': (setting) =>
    denseOf(setting, 8, (layer) => ({ ...forwardOf(layer, 32, 32), parameters: shapeOf(layer) })),
  'dense/backward_input': backwardInputOf(64, 64, 0),
  'dense/backward_input.subgroups': backwardInputOf(32, 32, 8),
  'dense/backward_weight': backwardWeightOf(64, 64, 0, 0),
  'dense/backward_weight.subgroups': backwardWeightOf(32, 32, 1, 8),
  'dense/activation_backward': (setting) =>
    layersOf(setting).map((layer) => {
      const length = layer.count * layer.output_width;
      return {
        what: layer.what,
        shape: `${formatCount(layer.count)} × ${layer.output_width}`,
        // Gradients shrink from dispatch to dispatch: they are put back, since numbers near 0 may be slower.
        cost: floatWork(12 * length, 3 * length),
        restore: ['gradient'],
        work: () => ({
          inputs: { output: floats(length, layer.seed), rows: layer.rows, gradient: floats(length, layer.seed + 1) },
          parameters: { width: layer.output_width },
          constants: { ACTIVATION: layer.activation },
          size: { invocations: length / 4 },
          twin: activation_backward,
        }),
      };
    }),
  'dense/reduce_partials': (setting) =>
    layersOf(setting).map((layer) => {
      const partial = partialLength(layer);
      const values = 2 * (layer.input_width + 1) * layer.output_width;
      return {
        what: layer.what,
        shape: `${spans(layer, chunkRows(layer.count))} × ${layer.input_width + 1} × ${layer.output_width}`,
        cost: floatWork(4 * (partial + values), partial),
        work: () => ({
          inputs: {
            partial: floats(partial, layer.seed),
            rows: layer.rows,
            weight_gradient: unwrittenFloats(2 * layer.input_width * layer.output_width),
            bias_gradient: unwrittenFloats(2 * layer.output_width),
          },
          parameters: { ...shapeOf(layer), chunk_rows: chunkRows(layer.count) },
          size: { invocations: values / 4 },
          twin: reduce_partials,
          tolerance: { weight_gradient: FLOAT, bias_gradient: FLOAT },
        }),
      };
    }),

  'hash/sign': (setting) => {
    const { length, shape, size, seed } = embeddingsOf(setting);
    return [
      {
        ...{ what: "the batch's embeddings", shape, cost: floatWork(8 * length, length) },
        work: () => ({
          inputs: { embedding: floats(length, seed), code: unwrittenFloats(length) },
          parameters: { count: length },
          size,
          twin: sign,
        }),
      },
    ];
  },
  'hash/sign_backward': (setting) => {
    const { length, width, rows, shape, size, seed } = embeddingsOf(setting);
    return [
      {
        ...{ what: "the batch's embeddings", shape, cost: floatWork(12 * length, length) },
        work: () => ({
          inputs: {
            direct_gradient: floats(length, seed),
            code_gradient: floats(length, seed + 1),
            rows,
            embedding_gradient: unwrittenFloats(length),
          },
          parameters: { width },
          size,
          twin: signBackward,
        }),
      },
    ];
  },
  'hash/pack': ({ nodes, size: { widths }, seed }) => {
    const bits = widths[3];
    const words = Math.ceil(bits / 32);
    return [
      {
        what: 'all nodes',
        shape: `${formatCount(nodes)} × ${bits}`,
        // A comparison, a shift and an or for each bit.
        cost: { ...floatWork(nodes * (4 * bits + 4 * words), 3 * nodes * bits), arithmetic: 'logic' },
        work: () => ({
          inputs: { embedding: floats(nodes * bits, seed), codes: unwritten(nodes * words) },
          parameters: { rows: nodes, width: bits },
          size: { invocations: nodes * words },
          twin: pack,
        }),
      },
    ];
  },
  'hash/guide': (setting) =>
    guidances.map(({ BY_ROW, what }) => {
      const { length, width, rows, shape, size, seed } = embeddingsOf(setting);
      return {
        ...{ what, shape, cost: { ...floatWork(12 * length, DRAW * length), arithmetic: 'logic' } },
        work: () => ({
          inputs: {
            embedding: floats(length, seed),
            code: signs(length, seed + 1),
            rows,
            ...clock(),
            guided: unwrittenFloats(length),
          },
          parameters: { width, seed },
          constants: { BY_ROW },
          size,
          twin: guide,
        }),
      };
    }),
  'hash/guide_backward': (setting) =>
    guidances.map(({ BY_ROW, what }) => {
      const { length, width, rows, shape, size, seed } = embeddingsOf(setting);
      return {
        ...{ what, shape, cost: { ...floatWork(12 * length, DRAW * length), arithmetic: 'logic' } },
        work: () => ({
          inputs: {
            guided_gradient: floats(length, seed),
            rows,
            ...clock(),
            embedding_gradient: unwrittenFloats(length),
            code_gradient: unwrittenFloats(length),
          },
          parameters: { width, seed },
          constants: { BY_ROW },
          size,
          twin: guideBackward,
        }),
      };
    }),

  'loss/pairs': (setting) => {
    const { size, pairRows, seed } = setting;
    const { length, width } = embeddingsOf(setting);
    const { batch, slots } = size;
    return [0, 1].map((RANKING) => ({
      what: `${RANKING ? 'softplus' : 'margin'} ranking`,
      shape: `${batch} × ${2 + slots} rows × ${width}`,
      // A row for every entry with its number; gradients and terms written. Products, and some 20 a score for the terms.
      cost: floatWork(
        batch * ((2 + slots) * (4 * width + 4) + 4 * (1 + slots) + 16),
        batch * (1 + slots) * (2 * width + 20),
        { tableBytes: 4 * length },
      ),
      work: () => ({
        inputs: {
          guided: floats(length, seed),
          pairs: pairRows,
          scale: new Float32Array([0.7]),
          score_gradient: unwrittenFloats(batch * (1 + slots)),
          edge_terms: unwrittenFloats(batch * 4),
        },
        parameters: {
          ...{ batch, width, slots, negatives: slots, triplets: 1 },
          ...{ cross_entropy_weight: 0.4, ranking_weight: 0.9, margin: 0.2, later_first: batch, later_weight: 1 },
        },
        constants: { RANKING, LANES: 1 },
        size: { invocations: batch },
        twin: pairs,
        tolerance: { score_gradient: FLOAT, edge_terms: FLOAT },
      }),
    }));
  },
  'loss/pairs_backward': (setting) => {
    const { size, pairRows, seed } = setting;
    const { length, width, rows, count } = embeddingsOf(setting);
    const { batch, slots } = size;
    return [
      {
        what: 'a batch of edges',
        shape: `${batch} × ${2 + slots} rows × ${width}`,
        // For every entry its position and gradient: as user all other rows of the edge, else the user's; one row written.
        cost: floatWork(
          batch * (2 * (1 + slots) * (4 * width + 4) + (2 + slots) * 4) + 4 * length,
          4 * batch * (1 + slots) * width,
          { tableBytes: 4 * length },
        ),
        work: () => {
          const { offsets, order } = setting.groups(pairRows, count);
          return {
            inputs: {
              guided: floats(length, seed),
              pairs: pairRows,
              score_gradient: floats(batch * (1 + slots), seed + 1),
              scale: new Float32Array([0.7]),
              offsets,
              order,
              rows,
              guided_gradient: unwrittenFloats(length),
            },
            parameters: { width, slots },
            size: { invocations: length / 4 },
            twin: pairsBackward,
            tolerance: { guided_gradient: FLOAT },
          };
        },
      },
    ];
  },

  'optim/adam': adamOf(1),
  'optim/adam.vec4': adamOf(4),
  'optim/adam_rows': adamRowsOf(false),
  'optim/adam_rows.lanes': adamRowsOf(true),
  'optim/adam_catch_up': adamCatchUpOf,
  'optim/adam_made': (setting) => {
    const { nodes, rows, count } = setting.first.sources;
    return [
      {
        what: "layer 1's sources",
        shape: `${formatCount(count)} of ${formatCount(setting.nodes)}`,
        cost: { bytes: 8 * count, operations: count, access: 'copy', arithmetic: 'logic' },
        work: () => ({
          inputs: { nodes, rows, state: new Uint32Array(4), made: new Uint32Array(setting.nodes) },
          parameters: {},
          size: { invocations: count },
          twin: adamMade,
        }),
      },
    ];
  },
  'optim/adam_table': adamTableOf(false),
  'optim/adam_table.lanes': adamTableOf(true),
  'optim/advance': () => [
    {
      what: 'one step',
      shape: '1',
      cost: { bytes: 8, operations: 1, access: 'copy', arithmetic: 'logic' },
      work: () => ({ inputs: { state: new Uint32Array(4) }, parameters: {}, size: { workgroups: 1 }, twin: advance }),
    },
  ],
  'optim/clip': (setting) => {
    const { length, moments } = tableOf(setting);
    return [
      {
        what: 'a gradient of a table of features',
        shape: formatCount(length),
        cost: floatWork(8 * length, length),
        work: () => ({
          inputs: {
            gradient: moments().parameter,
            rows: new Uint32Array([1, 1]),
            squares: new Float32Array([1.0002]),
          },
          parameters: { width: length, limit: 1 },
          size: { invocations: length },
          twin: clip,
        }),
      },
    ];
  },
  'reduce/squares': (setting) => {
    const { length, moments } = tableOf(setting);
    const invocations = Math.min(8192, Math.ceil(length / 64));
    return [
      {
        what: 'a gradient of a table of features',
        shape: formatCount(length),
        cost: floatWork(4 * length, 2 * length),
        work: () => ({
          inputs: {
            values: moments().parameter,
            rows: new Uint32Array([1, 1]),
            partial: unwrittenFloats(invocations),
          },
          parameters: { width: length, first: 0, invocations },
          size: { invocations },
          twin: squares,
        }),
      },
    ];
  },
  'reduce/not_finite': (setting) => {
    const { length, moments } = tableOf(setting);
    const invocations = Math.ceil(length / 64);
    return [
      {
        what: 'a table of features',
        shape: formatCount(length),
        cost: { bytes: 4 * length, operations: 2 * length, access: 'copy', arithmetic: 'logic' },
        work: () => ({
          inputs: { values: moments().parameter, found: new Uint32Array(2) },
          parameters: { count: length, invocations, slot: 0 },
          size: { invocations },
          twin: notFinite,
        }),
      },
    ];
  },
  'reduce/columns': ({ size: { batch }, seed }) => [
    {
      what: "a batch's terms",
      shape: `${batch} × 4`,
      cost: floatWork(16 * batch + 20, 4 * batch),
      work: () => ({
        inputs: {
          table: floats(batch * 4, seed),
          state: new Uint32Array(4),
          ring: unwrittenFloats(4 * 8),
          chosen: unwrittenFloats(1),
        },
        parameters: { count: batch, columns: 4, capacity: 8, chosen_first: 2, chosen_count: 1 },
        size: { workgroups: 1 },
        twin: columns,
        tolerance: { ring: LONG, chosen: LONG },
      }),
    },
  ],
};
