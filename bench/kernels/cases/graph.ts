import { formatCount } from '../../../src/cli/output.js';
import { meanFull } from '../../../src/reference/aggregate/mean_full.js';
import { meanFullBackward } from '../../../src/reference/aggregate/mean_full_backward.js';
import { meanFullHalf } from '../../../src/reference/aggregate/mean_full_half.js';
import { meanSampled } from '../../../src/reference/aggregate/mean_sampled.js';
import { meanSampledBackward } from '../../../src/reference/aggregate/mean_sampled_backward.js';
import { packedWidth, packHalf } from '../../../src/reference/aggregate/pack_half.js';
import { compact } from '../../../src/reference/block/compact.js';
import { locate } from '../../../src/reference/block/locate.js';
import { mark } from '../../../src/reference/block/mark.js';
import { count } from '../../../src/reference/group/count.js';
import { place } from '../../../src/reference/group/place.js';
import { sort } from '../../../src/reference/group/sort.js';
import { NONE } from '../../../src/reference/lib/none.js';
import { batch } from '../../../src/reference/sample/batch.js';
import { negatives } from '../../../src/reference/sample/negatives.js';
import { neighbours } from '../../../src/reference/sample/neighbours.js';
import { exclusive } from '../../../src/reference/scan/exclusive.js';
import { below, floats, unwritten, unwrittenFloats, words } from '../../../src/selftest/case.js';
import type { CaseMap, CasesOf, Cost } from '../case.js';
import type { Setting } from '../setting.js';

type GraphKernel =
  | `aggregate/mean_${'full' | 'sampled'}${'' | '_backward'}${'' | '.lanes'}`
  | `aggregate/${'mean_full_half' | 'mean_full_half.lanes' | 'pack_half'}`
  | `block/${'compact' | 'locate' | 'mark'}`
  | `group/${'count' | 'place' | 'sort'}`
  | `sample/${'batch' | 'negatives' | 'neighbours'}`
  | 'scan/exclusive';

/** Bitwise and whole-number operations of one `random4`: four rounds of a product and a sum on four words. */
const RANDOM4 = 32;

const moved = (bytes: number, operations = 0): Cost => ({ bytes, operations, access: 'copy', arithmetic: 'logic' });
const rowsRead = (bytes: number, operations: number, tableBytes: number): Cost => ({
  ...{ bytes, operations, access: { tableBytes }, arithmetic: 'multiply_add' },
});

const FLOAT = { absolute: 2e-5, relative: 2e-5 };
const list = (entries: number) => `${formatCount(entries)} entries`;
const state = () => new Uint32Array(4);

/** Both layers: the first reads the table by node number, the second the first's output by row. */
const layersOf = ({ first, second, size: { widths } }: Setting) => [
  { what: 'layer 1', block: first, width: widths[0] },
  { what: 'layer 2', block: second, width: widths[1] },
];

/** The list that a step groups: every sampled neighbour's row, by which gradients return. */
const keysOf = ({ first }: Setting) => ({ keys: first.places, bound: first.sources.count });

const full = ({ graph, size: { widths } }: Setting, elementBytes = 4) => {
  const [width] = widths;
  const { nodes, edges } = graph;
  const rowBytes = elementBytes * width;
  return {
    what: 'all nodes',
    shape: `${formatCount(nodes)} nodes, ${formatCount(edges)} edges × ${width}`,
    // A row for every neighbour with its number, and each node's own; its own and the mean beside it written.
    cost: rowsRead(
      2 * edges * (rowBytes + 4) + nodes * (rowBytes + 8 * width + 8),
      2 * edges * width,
      nodes * rowBytes,
    ),
  };
};

/** What does a number of rows of a width, and the lanes of a subgroup that it needs. */
interface Gather {
  readonly size: (rows: number, width: number) => { invocations: number } | { workgroups: number };
  readonly lanes?: number;
}
const byColumns: Gather = { size: (rows, width) => ({ invocations: (rows * width) / 4 }) };
const byRows: Gather = { size: (rows) => ({ invocations: rows }) };
const byLanes: Gather = { size: (rows) => ({ workgroups: rows }), lanes: 8 };
const octetsOf = (rows: number, width: number) => rows * Math.ceil(width / 8);

const meanFullOf = ({ graph, nodes, size: { widths }, seed }: Setting) => ({
  inputs: {
    source: floats(nodes * widths[0], seed),
    offsets: graph.offsets,
    neighbours: graph.neighbours,
    output: unwrittenFloats(nodes * 2 * widths[0]),
  },
  parameters: { first: 0, nodes, width: widths[0] },
  constants: { JOINT: 0 },
  twin: meanFull,
  tolerance: { output: FLOAT },
});

/** The features of all nodes in halves. */
const halvesOf = ({ nodes, size, seed }: Setting): Uint32Array<ArrayBuffer> => {
  const width = size.widths[0];
  const packed = new Uint32Array(nodes * packedWidth(width));
  packHalf({ source: floats(nodes * width, seed), packed }, { rows: nodes, width });
  return packed;
};

const meanFullHalfOf = (setting: Setting) => {
  const { inputs, ...rest } = meanFullOf(setting);
  return { ...rest, inputs: { ...inputs, source: halvesOf(setting) }, twin: meanFullHalf };
};

const meanFullBackwardOf =
  ({ size: sizeOf, lanes }: Gather): CasesOf<'aggregate/mean_full_backward'> =>
  (setting) => [
    {
      ...full(setting),
      lanes,
      work: () => {
        const { graph, nodes, size, seed } = setting;
        const width = size.widths[0];
        return {
          inputs: {
            output_gradient: floats(nodes * 2 * width, seed),
            offsets: graph.offsets,
            neighbours: graph.neighbours,
            source: floats(nodes * width, seed),
            source_gradient: unwrittenFloats(nodes * width),
          },
          parameters: { nodes, width },
          constants: { JOINT: 0 },
          size: sizeOf(nodes, width),
          twin: meanFullBackward,
          tolerance: { source_gradient: FLOAT },
        };
      },
    },
  ];

const meanSampledOf =
  ({ size: sizeOf, lanes }: Gather): CasesOf<'aggregate/mean_sampled'> =>
  (setting) =>
    layersOf(setting).map(({ what, block, width }) => {
      const { targets, sources, fanout } = block;
      return {
        what,
        lanes,
        shape: `${formatCount(targets.count)} × ${fanout} of ${formatCount(sources.count)} × ${width}`,
        // A row for every neighbour with its number and the target's own; its own and the mean written.
        cost: rowsRead(
          targets.count * (fanout * (4 * width + 4) + 12 * width + 4),
          targets.count * fanout * width,
          4 * sources.count * width,
        ),
        work: () => ({
          inputs: {
            source: floats(sources.count * width, setting.seed),
            self_rows: block.selves,
            neighbours: block.places,
            rows: targets.rows,
            output: unwrittenFloats(targets.count * 2 * width),
          },
          parameters: { width, fanout },
          constants: { JOINT: 0 },
          size: sizeOf(targets.count, width),
          twin: meanSampled,
          tolerance: { output: FLOAT },
        }),
      };
    });

const meanSampledBackwardOf =
  ({ size: sizeOf, lanes }: Gather): CasesOf<'aggregate/mean_sampled_backward'> =>
  (setting) =>
    layersOf(setting).map(({ what, block, width }) => {
      const { targets, sources, fanout } = block;
      const uses = targets.count * fanout;
      return {
        what,
        lanes,
        shape: `${formatCount(targets.count)} × ${fanout} of ${formatCount(sources.count)} × ${width}`,
        // A row for every use with its position, one for every target's own, and each source's written.
        cost: rowsRead(
          uses * (4 * width + 4) + targets.count * 4 * width + sources.count * (4 * width + 8),
          uses * width,
          8 * targets.count * width,
        ),
        work: () => {
          const { offsets, order } = setting.groups(block.places, sources.count);
          const uses_of_self = new Uint32Array(sources.count).fill(NONE);
          block.selves.forEach((row, target) => {
            uses_of_self[row] = target;
          });
          return {
            inputs: {
              output_gradient: floats(targets.count * 2 * width, setting.seed),
              uses_of_self,
              offsets,
              order,
              rows: sources.rows,
              source: floats(sources.count * width, setting.seed),
              source_gradient: unwrittenFloats(sources.count * width),
            },
            parameters: { width, fanout },
            constants: { JOINT: 0 },
            size: sizeOf(sources.count, width),
            twin: meanSampledBackward,
            tolerance: { source_gradient: FLOAT },
          };
        },
      };
    });

/** Sampling, grouping and aggregation over the graph. */
export const GRAPH_CASES: CaseMap<GraphKernel> = {
  'scan/exclusive': (setting) =>
    [0, 1].map((POPCOUNT) => {
      const { bits } = setting.batchNodes;
      const length = POPCOUNT ? bits.length : setting.first.sources.count;
      return {
        what: POPCOUNT ? 'bit counts of a set' : 'values',
        shape: formatCount(length),
        cost: moved(8 * length, length * (1 + POPCOUNT)),
        work: () => ({
          inputs: { values: POPCOUNT ? bits : below(length, 1000, setting.seed), sums: unwritten(length + 1) },
          parameters: { count: length },
          constants: { POPCOUNT },
          size: { workgroups: 1 },
          twin: exclusive,
        }),
      };
    }),

  'block/mark': ({ first, graph }) => [
    {
      what: "layer 1's neighbours",
      shape: list(first.sampled.length),
      // A node number read, a word of the set read and written.
      cost: moved(12 * first.sampled.length, 3 * first.sampled.length),
      work: () => ({
        inputs: {
          nodes: first.sampled,
          rows: first.targets.rows,
          bits: new Uint32Array(Math.ceil(graph.nodes / 32)),
        },
        parameters: { stride: first.fanout },
        size: { invocations: first.sampled.length },
        twin: mark,
      }),
    },
  ],
  'block/compact': ({ first: { sources }, size }) => [
    {
      what: "layer 1's sources",
      shape: `${formatCount(sources.count)} of ${formatCount(size.users + size.items)}`,
      cost: moved(8 * sources.bits.length + 4 * sources.count, 3 * sources.count),
      work: () => ({
        inputs: { bits: sources.bits, ranks: sources.ranks, nodes: unwritten(sources.count), rows: unwritten(2) },
        parameters: { words: sources.bits.length, users: size.users },
        size: { invocations: sources.bits.length },
        twin: compact,
      }),
    },
  ],
  'block/locate': ({ first }) => [
    {
      what: "layer 1's neighbours",
      shape: list(first.sampled.length),
      // A node number, a word of the set and its rank read, a row written.
      cost: moved(16 * first.sampled.length, 6 * first.sampled.length),
      work: () => ({
        inputs: {
          nodes: first.sampled,
          rows: first.targets.rows,
          bits: first.sources.bits,
          ranks: first.sources.ranks,
          places: unwritten(first.sampled.length),
        },
        parameters: { stride: first.fanout },
        size: { invocations: first.sampled.length },
        twin: locate,
      }),
    },
  ],

  'group/count': (setting) => {
    const { keys, bound } = keysOf(setting);
    return [
      {
        what: "layer 1's neighbours",
        shape: `${list(keys.length)}, ${formatCount(bound)} keys`,
        // A key read, a counter read and written. The counters go on from dispatch to dispatch, at the same cost.
        cost: moved(12 * keys.length, keys.length),
        work: () => ({
          inputs: { keys, rows: Uint32Array.of(keys.length, 0), counts: new Uint32Array(bound) },
          parameters: { stride: 1 },
          size: { invocations: keys.length },
          twin: count,
        }),
      },
    ];
  },
  'group/place': (setting) => {
    const { keys, bound } = keysOf(setting);
    return [
      {
        what: "layer 1's neighbours",
        shape: `${list(keys.length)}, ${formatCount(bound)} keys`,
        cost: moved(16 * keys.length, keys.length),
        restore: ['cursors'],
        work: () => {
          const { offsets } = setting.groups(keys, bound);
          return {
            inputs: { keys, rows: Uint32Array.of(keys.length, 0), cursors: offsets, order: unwritten(keys.length) },
            parameters: { stride: 1 },
            size: { invocations: keys.length },
            twin: place,
            canonical: ({ order }) => sort({ offsets, order }, { keys: bound }),
          };
        },
      },
    ];
  },
  'group/sort': (setting) => {
    const { keys, bound } = keysOf(setting);
    return [
      {
        what: "layer 1's neighbours",
        shape: `${list(keys.length)}, ${formatCount(bound)} keys`,
        // Each entry read and written once, as if its group lay in registers; a comparison for each halving of a group.
        cost: moved(8 * keys.length + 4 * bound, keys.length * Math.log2(1 + keys.length / bound)),
        restore: ['order'],
        work: () => ({
          inputs: { offsets: setting.groups(keys, bound).offsets, order: words(keys.length, setting.seed) },
          parameters: { keys: bound },
          size: { invocations: bound },
          twin: sort,
        }),
      },
    ];
  },

  'sample/batch': ({ size, graph, seed }) => {
    const steps = Math.ceil(Math.log2(size.users));
    return [
      {
        what: 'a batch of edges',
        shape: `${size.batch} of ${formatCount(graph.edges)}`,
        // A binary search for the user, the item, and the pair written; one random word for each of four rounds.
        cost: moved(size.batch * (4 * steps + 12), size.batch * (4 * RANDOM4 + 2 * steps)),
        twinSteps: size.batch * size.users,
        work: () => ({
          inputs: {
            state: state(),
            offsets: graph.offsets,
            neighbours: graph.neighbours,
            pairs: unwritten(size.batch * (2 + size.slots)),
          },
          parameters: { batch: size.batch, stride: 2 + size.slots, edges: graph.edges, users: size.users, seed },
          size: { invocations: size.batch },
          twin: batch,
        }),
      },
    ];
  },
  'sample/negatives': ({ size, graph, pairs, seed }) => {
    const drawn = size.batch * size.slots;
    const steps = Math.ceil(Math.log2(1 + graph.edges / size.users));
    return [
      {
        what: "a batch's negatives",
        shape: `${size.batch} × ${size.slots} of ${formatCount(size.items)}`,
        // A binary search in the user's row, its ends, the user, and the item written.
        cost: moved(drawn * (4 * steps + 16), drawn * (RANDOM4 + 4 * steps)),
        // The twin walks the items up to the one that it draws.
        twinSteps: drawn * size.items * 4,
        work: () => ({
          inputs: { state: state(), offsets: graph.offsets, neighbours: graph.neighbours, pairs },
          parameters: { batch: size.batch, stride: 2 + size.slots, users: size.users, items: size.items, seed },
          size: { invocations: drawn },
          twin: negatives,
        }),
      },
    ];
  },
  'sample/neighbours': (setting) =>
    layersOf(setting).map(({ what, block }) => ({
      what,
      shape: `${formatCount(block.targets.count)} × ${block.fanout}`,
      // The node, the ends of its row, one neighbour, and that written.
      cost: moved(20 * block.sampled.length, block.sampled.length * RANDOM4),
      work: () => ({
        inputs: {
          state: state(),
          nodes: block.targets.nodes,
          rows: block.targets.rows,
          offsets: setting.graph.offsets,
          neighbours: setting.graph.neighbours,
          sampled: unwritten(block.sampled.length),
        },
        parameters: { fanout: block.fanout, layer: 1, seed: setting.seed },
        size: { invocations: block.sampled.length },
        twin: neighbours,
      }),
    })),

  'aggregate/mean_full': (setting) => [
    {
      ...full(setting),
      work: () => ({ ...meanFullOf(setting), size: byColumns.size(setting.nodes, setting.size.widths[0]) }),
    },
  ],
  'aggregate/mean_full.lanes': (setting) => [
    {
      ...full(setting),
      lanes: byLanes.lanes,
      work: () => {
        const { inputs, parameters, ...rest } = meanFullOf(setting);
        return {
          ...rest,
          inputs: { ...inputs, others: inputs.source },
          parameters: { ...parameters, skip: 0, others_begin: 0 },
          size: byLanes.size(setting.nodes, setting.size.widths[0]),
        };
      },
    },
  ],
  'aggregate/mean_full_half': (setting) => [
    {
      ...full(setting, 2),
      work: () => ({
        ...meanFullHalfOf(setting),
        size: { invocations: octetsOf(setting.nodes, setting.size.widths[0]) },
      }),
    },
  ],
  'aggregate/mean_full_half.lanes': (setting) => [
    {
      ...full(setting, 2),
      lanes: byLanes.lanes,
      work: () => {
        const { inputs, parameters, ...rest } = meanFullHalfOf(setting);
        return {
          ...rest,
          inputs: { ...inputs, others: new Float32Array(inputs.source.buffer) },
          parameters: { ...parameters, skip: 0, others_begin: 0 },
          size: byLanes.size(setting.nodes, setting.size.widths[0]),
        };
      },
    },
  ],
  'aggregate/mean_full_backward': meanFullBackwardOf(byColumns),
  'aggregate/mean_full_backward.lanes': meanFullBackwardOf(byLanes),
  'aggregate/pack_half': (setting) => {
    const { nodes, size, seed } = setting;
    const width = size.widths[0];
    const count = nodes * width;
    return [
      {
        what: 'all nodes',
        shape: `${formatCount(nodes)} nodes × ${width}`,
        // Some ten whole-number operations an element.
        cost: moved(6 * count, 10 * count),
        work: () => ({
          inputs: { source: floats(count, seed), packed: unwritten(nodes * packedWidth(width)) },
          parameters: { rows: nodes, width },
          size: { invocations: octetsOf(nodes, width) },
          twin: packHalf,
        }),
      },
    ];
  },
  'aggregate/mean_sampled': meanSampledOf(byColumns),
  'aggregate/mean_sampled.lanes': meanSampledOf(byRows),
  'aggregate/mean_sampled_backward': meanSampledBackwardOf(byColumns),
  'aggregate/mean_sampled_backward.lanes': meanSampledBackwardOf(byLanes),
};
