import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import { ACTIVATIONS, type Activation } from './dense.js';
import type { Graph } from './graph.js';
import { Grouping } from './grouping.js';
import { NodeSet } from './node_set.js';
import type { GatherVariant } from './variants.js';

/** `joint`: the node among its neighbours (paper, eq. 1); `concat`: the node beside its neighbours' mean (its code). */
export type Aggregation = 'joint' | 'concat';

/** Width of an aggregated row for features of a width. */
export function aggregatedWidth(aggregation: Aggregation, width: number): number {
  return aggregation === 'joint' ? width : 2 * width;
}

/** Words of a row of features in halves: as `aggregate/pack_half` has them, in octets of eight columns. */
export function packedWidth(width: number): number {
  return 4 * Math.ceil(width / 8);
}

const constantsOf = (aggregation: Aggregation) => ({ JOINT: aggregation === 'joint' ? 1 : 0 });

const byColumns = (rows: number, width: number) => ({ invocations: (rows * width) / 4 });
/** As `shaders/lib/strip_rows.wgsl` shares rows out. */
export const byStrips = (rows: number) => ({ workgroups: Math.ceil(rows / 16) });

/**
 * The kernels of a variant, and what does `rows` rows of a width: of few draws (`sampled`), of the uses of a draw (`uses`) or
 * of whole neighbourhoods (`full`). Few draws are not worth the copy of their table to an image: there a lane has a row to
 * itself. Uses are so many workgroups' at most, which take rows in turns, that any number of threads has work.
 */
const VARIANTS = {
  columns: { suffix: '', sampled: byColumns, uses: byColumns, full: byColumns },
  lanes: {
    suffix: '.lanes',
    sampled: (rows: number) => ({ invocations: rows }),
    uses: (rows: number) => ({ workgroups: Math.min(rows, 2048) }),
    full: byStrips,
  },
} as const satisfies Record<GatherVariant, object>;

/** Where gradients come to: at the features of a layer, or past their activation at the sums before it. */
interface SourceGradient {
  readonly outputGradient: Tensor<'f32'>;
  readonly width: number;
  /** What was aggregated, and the activation that gave it. */
  readonly source: Tensor<'f32'>;
  readonly activation: Activation;
  /** Towards the sums before the activation. */
  readonly sourceGradient: Tensor<'f32'>;
}

/** Mean aggregation over sampled neighbours: the nodes of one layer, their sample and the nodes of the layer below. */
export class SampledAggregation {
  /** All nodes that the layer reads: the targets and their sampled neighbours. */
  readonly sources: NodeSet;
  /** [targets, fanout] sampled neighbours by node number. */
  readonly sampled: Tensor<'u32'>;
  /** [targets, fanout] sampled neighbours by row of `sources`. */
  readonly sampledRows: Tensor<'u32'>;
  /** [targets] row of each target in `sources`. */
  readonly selfRows: Tensor<'u32'>;
  /** [sources] row of each source among the targets, or NONE. */
  readonly #usesOfSelf: Tensor<'u32'>;
  readonly #uses: Grouping;

  constructor(
    scope: TensorScope,
    readonly options: {
      graph: Graph;
      targets: NodeSet;
      aggregation: Aggregation;
      fanout: number;
      layer: number;
      seed: number;
      variant: GatherVariant;
    },
  ) {
    const { graph, targets, fanout, layer } = options;
    const label = `layer ${layer}`;
    const entries = targets.maxRows * fanout;
    const maxRows = Math.min(graph.nodeCount, targets.maxRows + entries);
    this.sources = new NodeSet(scope, {
      label: `${label} sources`,
      nodeCount: graph.nodeCount,
      userCount: graph.userCount,
      maxRows,
    });
    this.sampled = scope.tensor('u32', [targets.maxRows, fanout], `${label} sampled neighbours`);
    this.sampledRows = scope.tensor('u32', [targets.maxRows, fanout], `${label} sampled rows`);
    this.selfRows = scope.tensor('u32', [targets.maxRows], `${label} self rows`);
    this.#usesOfSelf = scope.tensor('u32', [maxRows], `${label} uses of self`);
    this.#uses = new Grouping(scope, { label: `${label} uses`, keyCount: maxRows, entries });
  }

  /** Records drawing the sample and finding the distinct sources and their rows. */
  recordSample(program: Program, state: Tensor<'u32'>): void {
    const { graph, targets, fanout, layer, seed } = this.options;
    const { rows, maxRows } = targets;
    program.dispatch('sample/neighbours', {
      label: `sample layer ${layer}`,
      bind: {
        state,
        nodes: targets.nodes,
        rows,
        offsets: graph.offsets,
        neighbours: graph.neighbours,
        sampled: this.sampled,
      },
      parameters: { fanout, layer, seed },
      invocations: maxRows * fanout,
    });
    const drawn = { nodes: this.sampled, rows, stride: fanout, maxRows };
    this.sources.recordBuild(program, [drawn], targets);
    this.sources.recordLocate(program, drawn, this.sampledRows);
    this.sources.recordLocate(program, targets, this.selfRows);
    targets.recordLocate(program, this.sources, this.#usesOfSelf);
    this.#uses.record(program, { keys: this.sampledRows, rows, stride: fanout });
  }

  /**
   * Records output = aggregate of the source features.
   * @param io `source` by node number where `selfRows` and `neighbours` are, else by row of `sources`
   */
  recordForward(
    program: Program,
    io: {
      source: Tensor<'f32'>;
      selfRows: Tensor<'u32'>;
      neighbours: Tensor<'u32'>;
      width: number;
      output: Tensor<'f32'>;
    },
  ): void {
    const { targets, fanout, aggregation, layer } = this.options;
    const { suffix, sampled } = VARIANTS[this.options.variant];
    program.dispatch(`aggregate/mean_sampled${suffix}`, {
      label: `aggregate layer ${layer}`,
      bind: {
        source: io.source,
        self_rows: io.selfRows,
        neighbours: io.neighbours,
        rows: targets.rows,
        output: io.output,
      },
      parameters: { width: io.width, fanout },
      constants: constantsOf(aggregation),
      ...sampled(targets.maxRows, io.width),
      cost: { bytes: targets.maxRows * io.width * 4 * (fanout + 1 + (aggregation === 'joint' ? 1 : 2)) },
    });
  }

  /** Records the gradient of the source features, by row of `sources`. */
  recordBackward(program: Program, io: SourceGradient): void {
    const { targets, fanout, aggregation, layer } = this.options;
    const { suffix, uses } = VARIANTS[this.options.variant];
    program.dispatch(`aggregate/mean_sampled_backward${suffix}`, {
      label: `aggregate layer ${layer} backward`,
      bind: {
        output_gradient: io.outputGradient,
        uses_of_self: this.#usesOfSelf,
        offsets: this.#uses.offsets,
        order: this.#uses.order,
        rows: this.sources.rows,
        source: io.source,
        source_gradient: io.sourceGradient,
      },
      parameters: { width: io.width, fanout },
      constants: { ...constantsOf(aggregation), ACTIVATION: ACTIVATIONS[io.activation] },
      ...uses(this.sources.maxRows, io.width),
      cost: { bytes: (targets.maxRows * (fanout + 1) + this.sources.maxRows) * io.width * 4 },
    });
  }
}

/** Consecutive nodes. */
export interface NodeRange {
  readonly first: number;
  readonly count: number;
}

/** Mean aggregation over whole neighbourhoods. */
export class FullAggregation {
  constructor(readonly options: { graph: Graph; aggregation: Aggregation; layer: number; variant: GatherVariant }) {}

  /** Records packing the features `source` [N, width] into halves, `packed` [N, packedWidth(width)]. */
  recordPack(program: Program, io: { source: Tensor<'f32'>; width: number; packed: Tensor<'u32'> }): void {
    const { source, width, packed } = io;
    const { nodeCount } = this.options.graph;
    program.dispatch('aggregate/pack_half', {
      label: `pack layer ${this.options.layer}`,
      bind: { source, packed },
      parameters: { rows: nodeCount, width },
      invocations: nodeCount * Math.ceil(width / 8),
      cost: { bytes: 6 * nodeCount * width },
    });
  }

  /**
   * Records output [count, …] = aggregate of `source`, for all nodes or those of `range`.
   * @param io `source` [N, width], or in halves [N, packedWidth(width)]; `activation` of joint means, none unless told
   */
  recordForward(
    program: Program,
    io: {
      source: Tensor<'f32'> | Tensor<'u32'>;
      width: number;
      output: Tensor<'f32'>;
      range?: NodeRange;
      activation?: Activation;
    },
  ): void {
    const { graph, aggregation, layer, variant } = this.options;
    const { nodeCount, edgeCount, offsets, neighbours } = graph;
    const { source, width, output, activation = 'none' } = io;
    const { first, count } = io.range ?? { first: 0, count: nodeCount };
    const packed = source.elementType === 'u32';
    const rowWidth = packed ? packedWidth(width) : width;
    // Of the edges the share that nodes have on average.
    const rows = ((2 * edgeCount) / nodeCount + 1) * count;
    const work = {
      label: `aggregate layer ${layer}`,
      parameters: { first, nodes: count, width },
      constants: { ...constantsOf(aggregation), ACTIVATION: ACTIVATIONS[activation] },
      cost: { bytes: (rows * (packed ? 2 : 4) + 2 * count * 4) * width },
    };
    const lists = { offsets, neighbours, output };
    if (variant === 'columns') {
      if (packed) {
        const bind = { source: source as Tensor<'u32'>, ...lists };
        program.dispatch('aggregate/mean_full_half', { ...work, bind, invocations: count * Math.ceil(width / 8) });
      } else {
        const bind = { source: source as Tensor<'f32'>, ...lists };
        program.dispatch('aggregate/mean_full', { ...work, bind, ...byColumns(count, width) });
      }
      return;
    }
    const users = Math.min(Math.max(graph.userCount - first, 0), count);
    const sides = [
      { skip: 0, end: users, ...this.#rowsOf('items', source, rowWidth) },
      { skip: users, end: count, ...this.#rowsOf('users', source, rowWidth) },
    ];
    for (const { skip, end, others, others_begin } of sides) {
      if (end === skip) continue;
      const part = {
        ...work,
        parameters: { first, skip, nodes: end, width, others_begin },
        cost: { bytes: (work.cost.bytes * (end - skip)) / count },
        ...byStrips(end - skip),
      };
      if (packed) {
        const bind = { source: source as Tensor<'u32'>, others, ...lists };
        program.dispatch('aggregate/mean_full_half.lanes', { ...part, bind });
      } else {
        const bind = { source: source as Tensor<'f32'>, others, ...lists };
        program.dispatch('aggregate/mean_full.lanes', { ...part, bind });
      }
    }
  }

  /**
   * The rows of one side, which the other side's nodes have as neighbours, with up to 63 elements before them: as an image
   * they take less memory than all rows. `others_begin` is the vector of four elements that they begin with. An image has
   * floats, which may be any bits.
   */
  #rowsOf(side: 'users' | 'items', source: Tensor<'f32'> | Tensor<'u32'>, width: number) {
    const { userCount, nodeCount } = this.options.graph;
    const [first, end] = side === 'users' ? [0, userCount] : [userCount, nodeCount];
    const offset = 64 * Math.floor((first * width) / 64);
    const shape = [end * width - offset];
    const others = (source as Tensor<'f32'>).view(shape, `${source.label} of ${side}`, { offset, element: 'f32' });
    return { others, others_begin: offset / 4 };
  }

  /** Records the gradient of `source` [N, width]. */
  recordBackward(program: Program, io: SourceGradient): void {
    const { graph, aggregation, layer } = this.options;
    const { suffix, full } = VARIANTS[this.options.variant];
    program.dispatch(`aggregate/mean_full_backward${suffix}`, {
      label: `aggregate layer ${layer} backward`,
      bind: {
        output_gradient: io.outputGradient,
        offsets: graph.offsets,
        neighbours: graph.neighbours,
        source: io.source,
        source_gradient: io.sourceGradient,
      },
      parameters: { nodes: graph.nodeCount, width: io.width },
      constants: { ...constantsOf(aggregation), ACTIVATION: ACTIVATIONS[io.activation] },
      ...full(graph.nodeCount, io.width),
      cost: { bytes: (2 * graph.edgeCount + 3 * graph.nodeCount) * io.width * 4 },
    });
  }
}
