import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import { Dense } from '../layers/dense.js';
import type { Graph } from '../layers/graph.js';
import { NO_NODE } from '../layers/node_set.js';
import type { DenseVariant } from '../layers/variants.js';
import { LossLog, type StepLoss } from './losses.js';

const COLUMNS = 4;

/** The users of a step, and the memory in which their scores of all items are computed. */
export class UserBatch {
  /** [count] user numbers, none twice. */
  readonly users: Tensor<'u32'>;
  /** [2] the batch as a list of which all rows are active. */
  readonly rows: Tensor<'u32'>;
  /** [count, bits] their vectors. */
  readonly vectors: Tensor<'f32'>;
  /** [count, bits] and the gradient of those. */
  readonly gradient: Tensor<'f32'>;
  /** [count, stride] ⟨v_u, v_i⟩ of all items, then the gradient of those. */
  readonly scores: Tensor<'f32'>;
  /** The items' vectors as a dense layer's weight: scores, and the gradients of both sides, are its three products. */
  readonly items: Dense;
  /** Items, rounded up to a multiple of 4. */
  readonly stride: number;
  /** [stride] node numbers of the items. */
  readonly itemNodes: Tensor<'u32'>;
  /** [2] all of them. */
  readonly itemRows: Tensor<'u32'>;

  /** @param options `count`: users of a batch, at most all; `bits`: width of a vector */
  constructor(
    scope: TensorScope,
    readonly graph: Graph,
    readonly options: {
      readonly count: number;
      readonly bits: number;
      readonly seed: number;
      readonly variant: DenseVariant;
    },
  ) {
    const { count, bits, variant } = options;
    const { userCount, itemCount } = graph;
    this.stride = 4 * Math.ceil(itemCount / 4);
    this.users = scope.tensor('u32', [count], 'users of the batch');
    this.rows = scope.tensor('u32', [2], 'users of the batch rows', Uint32Array.of(count, count));
    this.vectors = scope.tensor('f32', [count, bits], 'users’ vectors');
    this.gradient = scope.tensor('f32', [count, bits], 'users’ vectors gradient');
    this.scores = scope.tensor('f32', [count, this.stride], 'scores of all items');
    this.items = new Dense(scope, {
      ...{ label: 'items’ vectors', inputWidth: this.stride, outputWidth: bits, sides: 1 },
      ...{ activation: 'none', maxRows: count, variant },
    });
    const nodes = Uint32Array.from({ length: this.stride }, (_, at) => (at < itemCount ? userCount + at : NO_NODE));
    this.itemNodes = scope.tensor('u32', [this.stride], 'item nodes', nodes);
    this.itemRows = scope.tensor('u32', [2], 'item rows', Uint32Array.of(this.stride, 0));
  }

  /** Records drawing the users of step state[0]. */
  recordSample(program: Program, state: Tensor<'u32'>): void {
    const { count, seed } = this.options;
    program.dispatch('sample/users', {
      bind: { state, batch: this.users },
      parameters: { count, users: this.graph.userCount, seed },
      invocations: count,
    });
  }
}

/**
 * The multinomial likelihood of the training items of a batch of users among all items (Liang et al., WWW 2018, eq. 2), on
 * inner products: forward and gradient. Reported as a cross-entropy by user.
 */
export class MultinomialLoss extends LossLog {
  /** [N, bits] ∂total/∂vectors. */
  readonly guidedGradient: Tensor<'f32'>;
  readonly scaleGradient: Tensor<'f32'>;
  readonly #terms: Tensor<'f32'>;

  /**
   * @param options `weight` of the loss; `flattening`: a user's items count degree^-flattening each, 0 for all edges alike,
   * 1 for all users alike
   */
  constructor(
    scope: TensorScope,
    readonly options: {
      readonly batch: UserBatch;
      readonly weight: number;
      readonly flattening: number;
      readonly ringCapacity: number;
    },
  ) {
    super(scope, options.ringCapacity);
    const { graph, options: shape } = options.batch;
    this.guidedGradient = scope.tensor('f32', [graph.nodeCount, shape.bits], 'guided gradient');
    this.scaleGradient = scope.tensor('f32', [1], 'scale gradient');
    this.#terms = scope.tensor('f32', [shape.count, COLUMNS], 'user terms');
  }

  /**
   * Records the loss and its gradients.
   * @param io `guided` [N, bits]: vectors of all nodes; `scale` [1]; `state` [4]: state[0] is the step
   */
  record(
    program: Program,
    io: { readonly guided: Tensor<'f32'>; readonly scale: Tensor<'f32'>; readonly state: Tensor<'u32'> },
  ): void {
    const { guided, scale, state } = io;
    const { batch, weight, flattening } = this.options;
    const { graph, users, rows, items, vectors, scores, stride, itemNodes, itemRows } = batch;
    const { count, bits } = batch.options;
    const gather = (source: Tensor<'f32'>, nodes: Tensor<'u32'>, used: Tensor<'u32'>, output: Tensor<'f32'>) =>
      program.dispatch('rows/gather', {
        bind: { source, nodes, rows: used, output },
        parameters: { width: bits },
        invocations: output.length / 4,
        cost: { bytes: 8 * output.length },
      });
    gather(guided, users, rows, vectors);
    gather(guided, itemNodes, itemRows, items.weight);
    items.backwardInput(program, { gradient: vectors, inputGradient: scores, rows, maxRows: count });
    // A software driver runs the lanes one after another and pays for the barriers; a GPU needs them to be busy.
    const lanes = program.gpu.adapter.software ? 1 : 64;
    program.dispatch('loss/multinomial', {
      bind: {
        ...{ users, offsets: graph.offsets, neighbours: graph.neighbours, scale, state, scores },
        terms: this.#terms,
      },
      parameters: {
        ...{ batch: count, items: graph.itemCount, stride, first_item: graph.userCount, flattening },
        weight: weight / count,
      },
      constants: { LANES: lanes, WORKGROUP: lanes === 1 ? 8 : 64 },
      invocations: count * lanes,
      cost: { bytes: 16 * scores.length, operations: 30 * scores.length },
    });
    this.recordLog(program, { terms: this.#terms, state, scaleGradient: this.scaleGradient });
    items.forward(program, { input: scores, output: batch.gradient, rows, maxRows: count });
    items.backwardWeight(program, { input: scores, gradient: vectors, rows, maxRows: count });
    program.clear(this.guidedGradient);
    const scatter = (source: Tensor<'f32'>, nodes: Tensor<'u32'>, used: Tensor<'u32'>) =>
      program.dispatch('rows/scatter', {
        bind: { source, nodes, rows: used, output: this.guidedGradient },
        parameters: { width: bits },
        invocations: source.length / 4,
        cost: { bytes: 8 * source.length },
      });
    scatter(batch.gradient, users, rows);
    scatter(items.weightGradient, itemNodes, itemRows);
  }

  lossOf(sums: ArrayLike<number>): StepLoss {
    const { count } = this.options.batch.options;
    const crossEntropy = sums[0]! / count;
    return { crossEntropy, ranking: 0, total: this.options.weight * crossEntropy, auc: sums[3]! / count };
  }
}
