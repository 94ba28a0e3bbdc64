import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import { recordAdd } from '../layers/add.js';
import { Dense } from '../layers/dense.js';
import type { Graph } from '../layers/graph.js';
import { NO_NODE } from '../layers/node_set.js';
import type { DenseVariant } from '../layers/variants.js';
import { LossLog, type StepLoss } from './losses.js';

const COLUMNS = 4;

/** Rows of a table by number. */
interface Rows {
  readonly nodes: Tensor<'u32'>;
  readonly rows: Tensor<'u32'>;
}

/** The largest binding that every WebGPU adapter has: parts of a batch, and so its sums, are the same on all of them. */
const SCORE_BYTES = 128 * 2 ** 20;
/** Parts begin at a multiple of so many users, where views of tensors may begin. */
const PART_ALIGNMENT = 64;

/** Users of the batch whose scores are computed together. */
interface Part {
  readonly first: number;
  readonly count: number;
  /** [2] them as a list of which all rows are active. */
  readonly rows: Tensor<'u32'>;
}

/**
 * The users of a step, and the memory in which their scores of all items are computed: in parts, one after another, where
 * the scores of all of them are larger than a binding may be.
 */
export class UserBatch {
  /** [count] user numbers, none twice. */
  readonly users: Tensor<'u32'>;
  /** [2] the batch as a list of which all rows are active. */
  readonly rows: Tensor<'u32'>;
  /** [count, bits] their vectors. */
  readonly vectors: Tensor<'f32'>;
  /** [count, bits] and the gradient of those. */
  readonly gradient: Tensor<'f32'>;
  readonly parts: readonly Part[];
  /** [largest part, stride] ⟨v_u, v_i⟩ of all items, then the gradient of those. */
  readonly scores: Tensor<'f32'>;
  /** The items' vectors as a dense layer's weight: scores, and the gradients of both sides, are its three products. */
  readonly items: Dense;
  /** Items, rounded up to a multiple of 4. */
  readonly stride: number;
  /** [stride] node numbers of the items. */
  readonly itemNodes: Tensor<'u32'>;
  /** [2] all of them. */
  readonly itemRows: Tensor<'u32'>;

  /**
   * @param options `count`: users of a batch, at most all; `bits`: width of a vector; `scoreBytes`: of the scores of a
   * part, as far as parts of 64 users allow
   */
  constructor(
    scope: TensorScope,
    readonly graph: Graph,
    readonly options: {
      readonly count: number;
      readonly bits: number;
      readonly seed: number;
      readonly variant: DenseVariant;
      readonly scoreBytes?: number;
    },
  ) {
    const { count, bits, variant, scoreBytes = SCORE_BYTES } = options;
    const { userCount, itemCount } = graph;
    this.stride = 4 * Math.ceil(itemCount / 4);
    this.users = scope.tensor('u32', [count], 'users of the batch');
    this.rows = scope.tensor('u32', [2], 'users of the batch rows', Uint32Array.of(count, count));
    this.vectors = scope.tensor('f32', [count, bits], 'users’ vectors');
    this.gradient = scope.tensor('f32', [count, bits], 'users’ vectors gradient');
    const sizes = partSizes(count, Math.floor(scoreBytes / (4 * this.stride)));
    this.parts = sizes.map((size, at) => ({
      first: at * sizes[0]!,
      count: size,
      rows: scope.tensor('u32', [2], 'users of a part rows', Uint32Array.of(size, size)),
    }));
    this.scores = scope.tensor('f32', [sizes[0]!, this.stride], 'scores of all items');
    this.items = new Dense(scope, {
      ...{ label: 'items’ vectors', inputWidth: this.stride, outputWidth: bits, sides: 1 },
      ...{ activation: 'none', maxRows: sizes[0]!, variant },
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

/** Sizes of as few parts of `count` users as can be with at most `most` of them each, all but the last one alike. */
function partSizes(count: number, most: number): number[] {
  const aligned = (users: number) => PART_ALIGNMENT * Math.max(1, Math.floor(users / PART_ALIGNMENT));
  if (count <= Math.max(most, PART_ALIGNMENT)) return [count];
  const parts = Math.ceil(count / aligned(most));
  const size = aligned(Math.ceil(count / parts) + PART_ALIGNMENT - 1);
  return Array.from({ length: Math.ceil(count / size) }, (_, at) => Math.min(size, count - at * size));
}

/**
 * The multinomial likelihood of the training items of a batch of users among all items (Liang et al., WWW 2018, eq. 2), on
 * inner products: forward and gradient. Reported as a cross-entropy by user.
 */
export class MultinomialLoss extends LossLog {
  /** [N, bits] ∂total/∂vectors. */
  readonly guidedGradient: Tensor<'f32'>;
  readonly scaleGradient: Tensor<'f32'>;
  /** [count, 4] as `shaders/loss/multinomial.wgsl` defines them. */
  readonly #terms: Tensor<'f32'>;
  /** [stride, bits] of the items' vectors, over all parts. */
  readonly #itemGradient: Tensor<'f32'>;

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
    const { graph, options: shape, parts, items } = options.batch;
    this.guidedGradient = scope.tensor('f32', [graph.nodeCount, shape.bits], 'guided gradient');
    this.scaleGradient = scope.tensor('f32', [1], 'scale gradient');
    this.#terms = scope.tensor('f32', [shape.count, COLUMNS], 'user terms');
    this.#itemGradient =
      parts.length === 1
        ? items.weightGradient
        : scope.tensor('f32', items.weightGradient.shape, 'items’ vectors gradient over all parts');
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
    const { batch } = this.options;
    const { users, rows, items, itemNodes, itemRows } = batch;
    const { bits } = batch.options;
    const move = (kernel: 'rows/gather' | 'rows/scatter', list: Record<'source' | 'output', Tensor<'f32'>> & Rows) =>
      program.dispatch(kernel, {
        bind: list,
        parameters: { width: bits },
        invocations: (list.nodes.length * bits) / 4,
        cost: { bytes: 8 * list.nodes.length * bits },
      });
    move('rows/gather', { source: guided, nodes: users, rows, output: batch.vectors });
    move('rows/gather', { source: guided, nodes: itemNodes, rows: itemRows, output: items.weight });
    for (const part of batch.parts) this.#recordPart(program, part, { scale, state });
    this.recordLog(program, { terms: this.#terms, state, scaleGradient: this.scaleGradient });
    program.clear(this.guidedGradient);
    move('rows/scatter', { source: batch.gradient, nodes: users, rows, output: this.guidedGradient });
    const source = this.#itemGradient;
    move('rows/scatter', { source, nodes: itemNodes, rows: itemRows, output: this.guidedGradient });
  }

  /** Records the terms and the gradients of a part of the users, and adds its share to the items' gradient. */
  #recordPart(
    program: Program,
    { first, count, rows }: UserBatch['parts'][number],
    { scale, state }: { readonly scale: Tensor<'f32'>; readonly state: Tensor<'u32'> },
  ): void {
    const { batch, weight, flattening } = this.options;
    const { graph, items, scores, stride } = batch;
    const { bits } = batch.options;
    const rowsOf = <E extends 'f32' | 'u32'>(tensor: Tensor<E>, width: number) =>
      tensor.view([count, width], `${tensor.label} of a part`, { offset: first * width });
    const vectors = rowsOf(batch.vectors, bits);
    const maxRows = count;
    items.backwardInput(program, { gradient: vectors, inputGradient: scores, rows, maxRows });
    // A software driver runs the lanes one after another and pays for the barriers; a GPU needs them to be busy.
    const lanes = program.gpu.adapter.software ? 1 : 64;
    program.dispatch('loss/multinomial', {
      bind: {
        ...{
          users: rowsOf(batch.users, 1),
          offsets: graph.offsets,
          neighbours: graph.neighbours,
          scale,
          state,
          scores,
        },
        terms: rowsOf(this.#terms, COLUMNS),
      },
      parameters: {
        ...{ batch: count, items: graph.itemCount, stride, first_item: graph.userCount, flattening },
        weight: weight / batch.options.count,
      },
      constants: { LANES: lanes, WORKGROUP: lanes === 1 ? 8 : 64 },
      invocations: count * lanes,
      cost: { bytes: 16 * count * stride, operations: 30 * count * stride },
    });
    items.forward(program, { input: scores, output: rowsOf(batch.gradient, bits), rows, maxRows });
    items.backwardWeight(program, { input: scores, gradient: vectors, rows, maxRows });
    const addend = items.weightGradient;
    if (this.#itemGradient === addend) return;
    if (first === 0) program.copy(addend, this.#itemGradient);
    else recordAdd(program, { addend, sum: this.#itemGradient, label: 'items’ gradient over all parts' });
  }

  lossOf(sums: ArrayLike<number>): StepLoss {
    const { count } = this.options.batch.options;
    const crossEntropy = sums[0]! / count;
    return { crossEntropy, ranking: 0, total: this.options.weight * crossEntropy, auc: sums[3]! / count };
  }
}
