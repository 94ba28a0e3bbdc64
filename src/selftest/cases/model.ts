import { activation_backward } from '../../reference/dense/activation_backward.js';
import { backward_input } from '../../reference/dense/backward_input.js';
import { backward_weight } from '../../reference/dense/backward_weight.js';
import { forward } from '../../reference/dense/forward.js';
import { reduce_partials } from '../../reference/dense/reduce_partials.js';
import { count } from '../../reference/group/count.js';
import { place } from '../../reference/group/place.js';
import { guide } from '../../reference/hash/guide.js';
import { guideBackward } from '../../reference/hash/guide_backward.js';
import { pack } from '../../reference/hash/pack.js';
import { sign } from '../../reference/hash/sign.js';
import { signBackward } from '../../reference/hash/sign_backward.js';
import { NONE } from '../../reference/lib/none.js';
import { pairs } from '../../reference/loss/pairs.js';
import { pairsBackward } from '../../reference/loss/pairs_backward.js';
import { adam } from '../../reference/optim/adam.js';
import { adamCatchUp } from '../../reference/optim/adam_catch_up.js';
import { adamMade } from '../../reference/optim/adam_made.js';
import { adamRows } from '../../reference/optim/adam_rows.js';
import { adamTable } from '../../reference/optim/adam_table.js';
import { advance } from '../../reference/optim/advance.js';
import { clip } from '../../reference/optim/clip.js';
import { columns } from '../../reference/reduce/columns.js';
import { notFinite } from '../../reference/reduce/not_finite.js';
import { squares } from '../../reference/reduce/squares.js';
import { exclusive } from '../../reference/scan/exclusive.js';
import { below, floats, type KernelCase, kernelCase, offsetsOf, unwritten, unwrittenFloats, words } from '../case.js';

/** Two steps of a schedule: guidance probability, step size, second-moment correction. */
const SCHEDULE = () => new Float32Array([0.3, 0.01, 1.5, 0, 0.6, 0.02, 1.25, 0]);
const STATE = () => new Uint32Array([1, 0, 0, 0]);
/** Values on both sides of 0 and both zeros. */
const signed = (length: number, seed: number) =>
  floats(length, seed).map((value, index) => (index % 11 === 3 ? 0 : index % 11 === 7 ? -0 : value));

const FLOAT = { absolute: 2e-5, relative: 2e-5 };

function denseCases(): KernelCase[] {
  const allocated = 150;
  return [1, 2].flatMap((sides) => {
    const [input_width, output_width] = sides === 2 ? [36, 72] : [68, 20];
    const rows = new Uint32Array([137, 70]);
    const shape = { input_width, output_width, sides };
    const input = floats(allocated * input_width, 1);
    const gradient = floats(allocated * output_width, 2);
    const weight = floats(sides * input_width * output_width, 3);
    const bias = floats(sides * output_width, 4);
    const blocks = (length: number, size: number) => Math.ceil(length / size);
    const what = `${sides} ${sides === 1 ? 'side' : 'sides'}`;

    // Each activation is compiled anew, for seconds on a software driver, so that the trivial one is left out.
    const forwards = [1, 2].flatMap((ACTIVATION) => {
      const options = {
        what: `${what}, ${['no activation', 'leaky ReLU', 'tanh'][ACTIVATION]}`,
        inputs: { input, weight, bias, rows, output: unwrittenFloats(allocated * output_width) },
        parameters: shape,
        constants: { ACTIVATION },
        twin: forward,
        tolerance: { output: FLOAT },
      };
      return [
        kernelCase('dense/forward', {
          ...options,
          parameters: { ...shape, part_steps: input_width, max_rows: allocated },
          size: { workgroups: (blocks(allocated, 64) + 1) * blocks(output_width, 64) },
        }),
        kernelCase('dense/forward.subgroups', {
          ...options,
          size: { workgroups: (blocks(allocated, 32) + 1) * blocks(output_width, 32) },
          lanes: 8,
        }),
        kernelCase('dense/activation_backward', {
          what: options.what,
          inputs: { output: signed(allocated * output_width, 5), rows, gradient },
          parameters: { width: output_width },
          constants: { ACTIVATION },
          size: { invocations: (allocated * output_width) / 4 },
          twin: activation_backward,
        }),
      ];
    });

    const towardsInput = {
      what,
      inputs: { gradient, weight, rows, input, input_gradient: unwrittenFloats(allocated * input_width) },
      parameters: shape,
      constants: { ACTIVATION: 2 },
      twin: backward_input,
      tolerance: { input_gradient: FLOAT },
    };
    const chunk_rows = 48;
    const chunks = blocks(allocated, chunk_rows) + 1;
    const partial = unwrittenFloats(chunks * (input_width + 1) * output_width);
    const towardsWeight = {
      what,
      inputs: { input, gradient, rows, partial },
      parameters: { ...shape, chunk_rows },
      twin: backward_weight,
      tolerance: { partial: FLOAT },
    };
    return [
      ...forwards,
      kernelCase('dense/backward_input', {
        ...towardsInput,
        size: { workgroups: (blocks(allocated, 64) + 1) * blocks(input_width, 64) },
      }),
      kernelCase('dense/backward_input.subgroups', {
        ...towardsInput,
        size: { workgroups: (blocks(allocated, 32) + 1) * blocks(input_width, 32) },
        lanes: 8,
      }),
      kernelCase('dense/backward_weight', {
        ...towardsWeight,
        size: { workgroups: chunks * blocks(input_width, 64) * blocks(output_width, 64) },
      }),
      kernelCase('dense/backward_weight.subgroups', {
        ...towardsWeight,
        size: { workgroups: chunks * blocks(input_width + 1, 32) * blocks(output_width, 32) },
        lanes: 8,
      }),
      kernelCase('dense/reduce_partials', {
        what,
        inputs: {
          partial: floats(partial.length, 6),
          rows,
          weight_gradient: unwrittenFloats(weight.length),
          bias_gradient: unwrittenFloats(bias.length),
        },
        parameters: { ...shape, chunk_rows },
        size: { invocations: (sides * (input_width + 1) * output_width) / 4 },
        twin: reduce_partials,
      }),
    ];
  });
}

function hashCases(): KernelCase[] {
  const width = 20;
  const allocated = 45;
  const rows = new Uint32Array([41, 20]);
  const length = allocated * width;
  const size = { invocations: length / 4 };
  return [
    kernelCase('hash/sign', {
      inputs: { embedding: signed(340, 1), code: unwrittenFloats(340) },
      parameters: { count: 332 },
      size: { invocations: 83 },
      twin: sign,
    }),
    kernelCase('hash/sign_backward', {
      inputs: {
        direct_gradient: floats(length, 2),
        code_gradient: floats(length, 3),
        rows,
        embedding_gradient: unwrittenFloats(length),
      },
      parameters: { width },
      size,
      twin: signBackward,
    }),
    ...[8, 32, 40].map((bits) =>
      kernelCase('hash/pack', {
        what: `${bits} bits`,
        inputs: { embedding: signed(33 * bits, 4), codes: unwritten(33 * Math.ceil(bits / 32)) },
        parameters: { rows: 33, width: bits },
        size: { invocations: 33 * Math.ceil(bits / 32) },
        twin: pack,
      }),
    ),
    ...[0, 1].flatMap((BY_ROW) => {
      const options = {
        what: BY_ROW ? 'by row' : 'by element',
        parameters: { width, seed: 123 },
        constants: { BY_ROW },
        size,
      };
      return [
        kernelCase('hash/guide', {
          ...options,
          inputs: {
            embedding: floats(length, 5),
            code: floats(length, 6).map((value) => (value < 0 ? -1 : 1)),
            rows,
            state: STATE(),
            schedule: SCHEDULE(),
            guided: unwrittenFloats(length),
          },
          twin: guide,
        }),
        kernelCase('hash/guide_backward', {
          ...options,
          inputs: {
            guided_gradient: floats(length, 7),
            rows,
            state: STATE(),
            schedule: SCHEDULE(),
            embedding_gradient: unwrittenFloats(length),
            code_gradient: unwrittenFloats(length),
          },
          twin: guideBackward,
        }),
      ];
    }),
  ];
}

function lossCases(): KernelCase[] {
  const width = 16;
  const embeddings = 40;
  const slots = 5;
  const edges = 61;
  const entries = 2 + slots;
  const listed = below(edges * entries, embeddings - 2, 1).map((row, index) => (index % 13 === 6 ? NONE : row));
  const guided = floats(embeddings * width, 2);
  const scale = new Float32Array([0.7]);
  const occurrences = new Uint32Array(embeddings);
  count({ keys: listed, rows: [edges], counts: occurrences }, { stride: entries });
  const offsets = offsetsOf(occurrences);
  const order = new Uint32Array(offsets[embeddings]!);
  place({ keys: listed, rows: [edges], cursors: offsets.slice(), order }, { stride: entries });
  const forwards = [
    [0, 1],
    [1, 4],
  ].map(([RANKING, LANES = 1]) =>
    kernelCase('loss/pairs', {
      what: `${RANKING ? 'softplus' : 'margin'} ranking, ${LANES} ${LANES === 1 ? 'invocation' : 'invocations'} an edge`,
      inputs: {
        guided,
        pairs: listed,
        scale,
        score_gradient: unwrittenFloats(edges * (1 + slots)),
        edge_terms: unwrittenFloats(edges * 4),
      },
      parameters: {
        batch: edges,
        width,
        slots,
        negatives: 5,
        triplets: 3,
        cross_entropy_weight: 0.4,
        ranking_weight: 0.9,
        margin: 0.2,
        later_first: 7,
        later_weight: 0.25,
      },
      constants: { RANKING, LANES },
      size: { invocations: edges * LANES },
      twin: pairs,
      tolerance: { score_gradient: FLOAT, edge_terms: FLOAT },
    }),
  );
  return [
    ...forwards,
    kernelCase('loss/pairs_backward', {
      inputs: {
        guided,
        pairs: listed,
        score_gradient: floats(edges * (1 + slots), 3),
        scale,
        offsets,
        order,
        rows: new Uint32Array([embeddings - 1, 20]),
        guided_gradient: unwrittenFloats(embeddings * width),
      },
      parameters: { width, slots },
      size: { invocations: (embeddings * width) / 4 },
      twin: pairsBackward,
      tolerance: { guided_gradient: FLOAT },
    }),
  ];
}

function optimiserCases(): KernelCase[] {
  const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };
  const width = 12;
  const nodes = 100;
  const moments = (length: number) => ({
    parameter: floats(length, 1),
    first_moment: floats(length, 2),
    second_moment: floats(length, 3).map(Math.abs),
  });
  const clock = () => ({ state: STATE(), schedule: SCHEDULE() });
  const bits = words(Math.ceil(nodes / 32), 5);
  bits[3]! &= 0xf;
  const ranks = new Uint32Array(bits.length + 1);
  exclusive({ values: bits, sums: ranks }, { count: bits.length }, { POPCOUNT: 1 });
  return [
    kernelCase('optim/adam', {
      inputs: { ...moments(333), gradient: floats(333, 4), ...clock() },
      parameters: { count: 331, ...settings },
      size: { invocations: 333 },
      twin: adam,
      tolerance: { parameter: FLOAT },
    }),
    kernelCase('optim/adam.vec4', {
      inputs: { ...moments(336), gradient: floats(336, 4), ...clock() },
      parameters: { count: 332, ...settings },
      size: { invocations: 84 },
      twin: adam,
      tolerance: { parameter: FLOAT },
    }),
    ...(['', '.lanes'] as const).map((variant) =>
      kernelCase(`optim/adam_rows${variant}`, {
        inputs: {
          ...moments(nodes * width),
          gradient: floats(20 * width, 4),
          nodes: Uint32Array.from({ length: 20 }, (_, row) => row * 5 + (row % 3)),
          rows: new Uint32Array([17, 9]),
          ...clock(),
        },
        parameters: { width, ...settings },
        size: { invocations: variant ? 20 : (20 * width) / 4 },
        twin: adamRows,
        tolerance: { parameter: FLOAT },
      }),
    ),
    ...(['', '.lanes'] as const).map((variant) =>
      kernelCase(`optim/adam_table${variant}`, {
        inputs: { ...moments(nodes * width), gradient: floats(nodes * width, 4), bits, ranks, ...clock() },
        parameters: { nodes: nodes - 1, width, ...settings },
        size: { invocations: variant ? nodes : (nodes * width) / 4 },
        twin: adamTable,
        tolerance: { parameter: FLOAT },
      }),
    ),
    ...[0, 1].flatMap((ALL) => {
      const what = ALL ? 'a whole table' : 'rows of a table';
      const list = {
        nodes: Uint32Array.from({ length: 20 }, (_, row) => row * 5 + (row % 3)),
        rows: new Uint32Array(ALL ? [nodes - 3, 40] : [17, 9]),
      };
      return [
        kernelCase('optim/adam_catch_up', {
          what,
          inputs: { ...moments(nodes * width), made: below(nodes, STATE()[0]! + 1, 8), ...list, ...clock() },
          parameters: { width, ...settings },
          constants: { ALL },
          size: { invocations: ((ALL ? nodes : 20) * width) / 4 },
          twin: adamCatchUp,
          tolerance: { parameter: FLOAT },
        }),
        kernelCase('optim/adam_made', {
          what,
          inputs: { ...list, state: STATE(), made: words(nodes, 9) },
          parameters: {},
          constants: { ALL, AHEAD: 1 },
          size: { invocations: ALL ? nodes : 20 },
          twin: adamMade,
        }),
      ];
    }),
    kernelCase('optim/advance', {
      what: 'one step',
      inputs: { state: new Uint32Array([41, 7, 7, 7]) },
      parameters: {},
      size: { workgroups: 1 },
      twin: advance,
    }),
    ...[0.5, 100].map((limit) =>
      kernelCase('optim/clip', {
        what: limit < 1 ? 'a norm beyond the limit' : 'a norm within the limit',
        inputs: { gradient: floats(60, 8), rows: new Uint32Array([7, 3]), squares: new Float32Array([9]) },
        parameters: { width: 8, limit },
        size: { invocations: 60 },
        twin: clip,
      }),
    ),
    kernelCase('reduce/squares', {
      inputs: { values: floats(700, 7), rows: new Uint32Array([83, 50]), partial: unwrittenFloats(40) },
      parameters: { width: 8, first: 5, invocations: 30 },
      size: { invocations: 33 },
      twin: squares,
    }),
    kernelCase('reduce/not_finite', {
      inputs: {
        // The largest and the smallest numbers are numbers.
        values: floats(500, 6).map((value, at) =>
          at % 90 === 37
            ? [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][at % 3]!
            : at % 7
              ? value
              : value * 3e38,
        ),
        found: new Uint32Array(6),
      },
      parameters: { count: 499, invocations: 70, slot: 1 },
      size: { invocations: 70 },
      twin: notFinite,
    }),
    ...[1, 4, 7].map((width) =>
      kernelCase('reduce/columns', {
        what: `${width} ${width === 1 ? 'column' : 'columns'}`,
        inputs: {
          table: floats(1000 * width, 6),
          state: new Uint32Array([12, 0, 0, 0]),
          ring: unwrittenFloats(5 * width),
          chosen: unwrittenFloats(1),
        },
        parameters: { count: 999, columns: width, capacity: 5, chosen_first: width - 1, chosen_count: 1 },
        size: { workgroups: 1 },
        twin: columns,
        tolerance: { ring: FLOAT, chosen: FLOAT },
      }),
    ),
  ];
}

/** The kernels of a training step past the graph: dense layers, hashing, loss, reduction, optimiser. */
export function modelCases(): KernelCase[] {
  return [...denseCases(), ...hashCases(), ...lossCases(), ...optimiserCases()];
}
