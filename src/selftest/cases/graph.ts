import { meanFull } from '../../reference/aggregate/mean_full.js';
import { meanFullBackward } from '../../reference/aggregate/mean_full_backward.js';
import { meanFullHalf } from '../../reference/aggregate/mean_full_half.js';
import { meanSampled } from '../../reference/aggregate/mean_sampled.js';
import { meanSampledBackward } from '../../reference/aggregate/mean_sampled_backward.js';
import { packedWidth, packHalf } from '../../reference/aggregate/pack_half.js';
import { compact } from '../../reference/block/compact.js';
import { locate } from '../../reference/block/locate.js';
import { mark } from '../../reference/block/mark.js';
import { count } from '../../reference/group/count.js';
import { place } from '../../reference/group/place.js';
import { sort } from '../../reference/group/sort.js';
import { NONE } from '../../reference/lib/none.js';
import { batch } from '../../reference/sample/batch.js';
import { negatives } from '../../reference/sample/negatives.js';
import { neighbours } from '../../reference/sample/neighbours.js';
import { exclusive } from '../../reference/scan/exclusive.js';
import { below, floats, type KernelCase, kernelCase, offsetsOf, unwritten, unwrittenFloats, words } from '../case.js';

export const USERS = 37;
export const ITEMS = 53;
export const NODES = USERS + ITEMS;

/** A bipartite graph by rows; user 0 has every item, user 1 and the last item have no edge. */
export function graph() {
  const rows: number[][] = Array.from({ length: NODES }, () => []);
  const draws = words(USERS * ITEMS, 11);
  for (let user = 0; user < USERS; user += 1) {
    for (let item = 0; item < ITEMS; item += 1) {
      const full = user === 0 && item < ITEMS - 1;
      const drawn = user > 1 && item < ITEMS - 1 && draws[user * ITEMS + item]! % 5 === 0;
      if (!full && !drawn) continue;
      rows[user]!.push(USERS + item);
      rows[USERS + item]!.push(user);
    }
  }
  const adjacency = Uint32Array.from(rows.flat());
  return { offsets: offsetsOf(rows.map((row) => row.length)), neighbours: adjacency, edges: adjacency.length / 2 };
}

/** Ties, both ends of the normal halves and of the subnormal ones, and what is none: 24 in all. */
const HALF_EDGES = new Float32Array([
  ...[0, -0, 0.1, -1 / 3, 1 + 2 ** -11, 1 + 3 * 2 ** -11, -1 - 2 ** -11 - 2 ** -20, 2 - 2 ** -12],
  ...[65504, 65519, -65520, 70000, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -3e38],
  ...[2 ** -14, 2 ** -14 - 2 ** -26, -(2 ** -24), 2 ** -25, 3 * 2 ** -25, 5 * 2 ** -25, -(2 ** -26), 1e-40],
]);

const STRIDE = 3;
const LISTED = 41;
const ROWS = () => new Uint32Array([LISTED, 17]);

/** A list of nodes by rows with some NONE, more rows allocated than in use. */
function nodeList(bound: number): Uint32Array<ArrayBuffer> {
  return below((LISTED + 5) * STRIDE, bound, 12).map((node, index) => (index % 7 === 3 ? NONE : node));
}

/** The nodes of the list as a set, with the ranks of its words. */
function nodeSet() {
  const size = Math.ceil(NODES / 32);
  const bits = new Uint32Array(size);
  mark({ nodes: nodeList(NODES), rows: ROWS(), bits }, { stride: STRIDE });
  const ranks = new Uint32Array(size + 1);
  exclusive({ values: bits, sums: ranks }, { count: size }, { POPCOUNT: 1 });
  return { bits, ranks, size };
}

/** Positions of the list by key. */
function groups(keys: number) {
  const list = nodeList(keys);
  const counts = new Uint32Array(keys);
  count({ keys: list, rows: ROWS(), counts }, { stride: STRIDE });
  const offsets = offsetsOf(counts);
  const order = new Uint32Array(offsets[keys]!);
  place({ keys: list, rows: ROWS(), cursors: offsets.slice(), order }, { stride: STRIDE });
  return { list, offsets, order };
}

/** The kernels that sample, group and aggregate over a graph. */
export function graphCases(): KernelCase[] {
  const { offsets, neighbours: adjacency, edges } = graph();
  const listed = { invocations: nodeList(NODES).length };
  const set = nodeSet();
  const keys = 29;
  const grouped = groups(keys);
  const state = new Uint32Array([5, 0, 0, 0]);

  const scans = [1, 255, 1000].flatMap((length) =>
    [0, 1].map((POPCOUNT) =>
      kernelCase('scan/exclusive', {
        what: `${length} ${POPCOUNT ? 'bitmaps' : 'values'}`,
        inputs: { values: POPCOUNT ? words(length, 1) : below(length, 1000, 2), sums: unwritten(length + 1) },
        parameters: { count: length },
        constants: { POPCOUNT },
        size: { workgroups: 1 },
        twin: exclusive,
      }),
    ),
  );

  const blocks = [
    kernelCase('block/mark', {
      inputs: { nodes: nodeList(NODES), rows: ROWS(), bits: new Uint32Array(set.size) },
      parameters: { stride: STRIDE },
      size: listed,
      twin: mark,
    }),
    kernelCase('block/compact', {
      inputs: { bits: set.bits, ranks: set.ranks, nodes: unwritten(NODES), rows: unwritten(2) },
      parameters: { words: set.size, users: USERS },
      size: { invocations: set.size },
      twin: compact,
    }),
    kernelCase('block/locate', {
      inputs: {
        nodes: below((LISTED + 5) * STRIDE, NODES, 13).map((node, index) => (index % 9 === 4 ? NONE : node)),
        rows: ROWS(),
        bits: set.bits,
        ranks: set.ranks,
        places: unwritten((LISTED + 5) * STRIDE),
      },
      parameters: { stride: STRIDE },
      size: listed,
      twin: locate,
    }),
  ];

  const groupings = [
    kernelCase('group/count', {
      inputs: { keys: grouped.list, rows: ROWS(), counts: new Uint32Array(keys) },
      parameters: { stride: STRIDE },
      size: listed,
      twin: count,
    }),
    kernelCase('group/place', {
      inputs: {
        keys: grouped.list,
        rows: ROWS(),
        cursors: grouped.offsets.slice(),
        order: unwritten(grouped.order.length),
      },
      parameters: { stride: STRIDE },
      size: listed,
      twin: place,
      // Which of a group's positions comes first is left to group/sort.
      canonical: ({ order }) => sort({ offsets: grouped.offsets, order }, { keys }),
    }),
    ...[24, 2].map((SHORT) =>
      kernelCase('group/sort', {
        what: SHORT === 24 ? 'short groups' : 'long groups',
        inputs: { offsets: grouped.offsets, order: words(grouped.order.length, 3) },
        parameters: { keys },
        constants: { SHORT },
        size: { invocations: keys },
        twin: sort,
      }),
    ),
  ];

  const slots = 4;
  const samples = [
    kernelCase('sample/batch', {
      what: 'across the end of an epoch',
      inputs: {
        state: new Uint32Array([Math.floor(edges / 70), 0, 0, 0]),
        offsets,
        neighbours: adjacency,
        pairs: unwritten(70 * (2 + slots)),
      },
      parameters: { batch: 70, stride: 2 + slots, edges, users: USERS, seed: 99 },
      size: { invocations: 70 },
      twin: batch,
    }),
    kernelCase('sample/negatives', {
      inputs: {
        state,
        offsets,
        neighbours: adjacency,
        pairs: below(70 * (2 + slots), USERS, 4),
      },
      parameters: { batch: 70, stride: 2 + slots, users: USERS, items: ITEMS - 1, seed: 99 },
      size: { invocations: 70 * slots },
      twin: negatives,
    }),
    kernelCase('sample/neighbours', {
      inputs: {
        state,
        nodes: Uint32Array.from({ length: NODES }, (_, node) => node),
        rows: new Uint32Array([NODES - 1, USERS]),
        offsets,
        neighbours: adjacency,
        sampled: unwritten(NODES * 5),
      },
      parameters: { fanout: 5, layer: 1, seed: 99 },
      size: { invocations: NODES * 5 },
      twin: neighbours,
    }),
  ];

  const width = 12;
  const fanout = 3;
  const sourceRows = 31;
  const drawn = below((LISTED + 5) * fanout, sourceRows, 5);
  const uses = new Uint32Array(sourceRows);
  const used = drawn.subarray(0, LISTED * fanout);
  count({ keys: used, rows: [LISTED], counts: uses }, { stride: fanout });
  const useOffsets = offsetsOf(uses);
  const useOrder = new Uint32Array(used.length);
  place({ keys: used, rows: [LISTED], cursors: useOffsets.slice(), order: useOrder }, { stride: fanout });
  const halves = new Uint32Array(NODES * packedWidth(width));
  packHalf({ source: floats(NODES * width, 6), packed: halves }, { rows: NODES, width });
  const packing = [8, 12].map((columns) => {
    const rows = HALF_EDGES.length / columns;
    const words = packedWidth(columns);
    return kernelCase('aggregate/pack_half', {
      what: `ties, edges of the range, ${columns} columns`,
      inputs: { source: HALF_EDGES, packed: unwritten((rows + 1) * words) },
      parameters: { rows, width: columns },
      size: { invocations: ((rows + 1) * words) / 4 },
      twin: packHalf,
    });
  });
  // Users and items, but not all of them.
  const part = { first: 3, nodes: NODES - 8, width };
  const aggregations = [0, 1].flatMap((JOINT) => {
    const what = JOINT ? 'joint mean' : 'the node beside the mean';
    const outputWidth = JOINT ? width : 2 * width;
    const means = {
      inputs: {
        source: floats(NODES * width, 6),
        offsets,
        neighbours: adjacency,
        output: unwrittenFloats(NODES * outputWidth),
      },
      parameters: part,
      constants: { JOINT },
      twin: meanFull,
    };
    return [
      kernelCase('aggregate/mean_full_half', {
        ...{ ...means, what, twin: meanFullHalf },
        inputs: { ...means.inputs, source: halves },
        size: { invocations: (NODES * packedWidth(width)) / 4 },
      }),
      kernelCase('aggregate/mean_full_half.lanes', {
        ...{ ...means, what, twin: meanFullHalf, lanes: 8 },
        inputs: { ...means.inputs, source: halves, others: new Float32Array(halves.buffer) },
        parameters: { ...part, skip: 2, others_begin: 0 },
        size: { workgroups: NODES },
      }),
      kernelCase('aggregate/mean_full', { ...means, what, size: { invocations: (NODES * width) / 4 } }),
      kernelCase('aggregate/mean_full.lanes', {
        ...{ ...means, what, lanes: 8 },
        inputs: { ...means.inputs, others: means.inputs.source },
        parameters: { ...part, skip: 2, others_begin: 0 },
        size: { workgroups: NODES },
      }),
      ...(['', '.lanes'] as const).flatMap((variant) => {
        const sampledSize = (rows: number) => ({ invocations: variant ? rows : (rows * width) / 4 });
        const size = (rows: number) => (variant ? { workgroups: rows } : sampledSize(rows));
        const lanes = variant ? 8 : 0;
        // The derivative of the leaky ReLU, from values of either sign.
        const backward = { JOINT, ACTIVATION: 1 };
        return [
          kernelCase(`aggregate/mean_full_backward${variant}`, {
            what,
            inputs: {
              output_gradient: floats(NODES * outputWidth, 7),
              offsets,
              neighbours: adjacency,
              source: floats(NODES * width, 6),
              source_gradient: unwrittenFloats(NODES * width),
            },
            parameters: { nodes: NODES, width },
            constants: backward,
            ...{ size: size(NODES), lanes },
            twin: meanFullBackward,
          }),
          kernelCase(`aggregate/mean_sampled${variant}`, {
            what,
            inputs: {
              source: floats(sourceRows * width, 8),
              self_rows: below(LISTED + 5, sourceRows, 9),
              neighbours: drawn,
              rows: ROWS(),
              output: unwrittenFloats((LISTED + 5) * outputWidth),
            },
            parameters: { width, fanout },
            constants: { JOINT },
            size: sampledSize(LISTED + 5),
            twin: meanSampled,
          }),
          kernelCase(`aggregate/mean_sampled_backward${variant}`, {
            what,
            inputs: {
              output_gradient: floats(LISTED * outputWidth, 10),
              uses_of_self: Uint32Array.from({ length: sourceRows }, (_, row) =>
                row % 4 === 1 ? NONE : LISTED - 1 - row,
              ),
              offsets: useOffsets,
              order: useOrder,
              rows: new Uint32Array([sourceRows - 1, 12]),
              source: floats(sourceRows * width, 8),
              source_gradient: unwrittenFloats(sourceRows * width),
            },
            parameters: { width, fanout },
            constants: backward,
            // Fewer workgroups than rows, which they take in turns.
            ...{ size: variant ? { workgroups: 3 } : sampledSize(sourceRows), lanes },
            twin: meanSampledBackward,
          }),
        ];
      }),
    ];
  });

  return [...scans, ...blocks, ...groupings, ...samples, ...packing, ...aggregations];
}
