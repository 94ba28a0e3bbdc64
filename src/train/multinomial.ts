import type { Gpu, Program, Tensor, TensorScope } from '../gpu/index.js';
import { recordAdd } from '../layers/add.js';
import { Dense } from '../layers/dense.js';
import type { Graph } from '../layers/graph.js';
import { NO_NODE } from '../layers/node_set.js';
import type { DenseVariant } from '../layers/variants.js';
import { LossLog, type StepLoss } from './losses.js';

const COLUMNS = 4;

/** The largest binding that every WebGPU adapter has: parts of a batch, and so its sums, are the same on all of them. */
const SCORE_BYTES = 128 * 2 ** 20;
/** Parts begin at a multiple of so many users, where views of tensors may begin. */
const PART_ALIGNMENT = 64;

/** Users that follow one another. */
export interface Part {
  readonly first: number;
  readonly count: number;
  /** [2] them as a list of which all rows are active. */
  readonly rows: Tensor<'u32'>;
}

/** Users whose scores are computed together, or in parts where those would be larger than a binding may be. */
export interface ScoredUsers {
  readonly count: number;
  readonly parts: readonly Part[];
  /** Items, rounded up to a multiple of 4: columns of a row of scores. */
  readonly stride: number;
}

/**
 * Cuts `count` users into parts.
 * @param scoreBytes of the scores of a part, as far as parts of 64 users allow
 */
export function scoredUsers(
  scope: TensorScope,
  { count, itemCount, scoreBytes = SCORE_BYTES }: { count: number; itemCount: number; scoreBytes?: number | undefined },
): ScoredUsers {
  const stride = 4 * Math.ceil(itemCount / 4);
  const sizes = partSizes(count, Math.floor(scoreBytes / (4 * stride)));
  const parts = sizes.map((size, at) => ({
    first: at * sizes[0]!,
    count: size,
    rows: scope.tensor('u32', [2], 'users of a part rows', Uint32Array.of(size, size)),
  }));
  return { count, parts, stride };
}

/** The rows of a part in a tensor [users, width]. */
export function rowsOf<E extends 'f32' | 'u32'>(tensor: Tensor<E>, { first, count }: Part, width: number): Tensor<E> {
  return tensor.view([count, width], `${tensor.label} of a part`, { offset: first * width });
}

/**
 * Invocations for a row of scores: a software driver runs them one after another and pays for the barriers, a GPU needs them
 * to be busy.
 */
export function rowLanes(gpu: Gpu): { lanes: number; constants: { LANES: number; WORKGROUP: number } } {
  const lanes = gpu.adapter.software ? 1 : 64;
  return { lanes, constants: { LANES: lanes, WORKGROUP: lanes === 1 ? 8 : 64 } };
}

/** The users of a step. */
export class UserBatch implements ScoredUsers {
  readonly count: number;
  readonly parts: readonly Part[];
  readonly stride: number;
  /** [count] user numbers, none twice. */
  readonly users: Tensor<'u32'>;
  /** [2] the batch as a list of which all rows are active. */
  readonly rows: Tensor<'u32'>;
  /** [stride] node numbers of the items. */
  readonly itemNodes: Tensor<'u32'>;
  /** [2] all of them. */
  readonly itemRows: Tensor<'u32'>;

  /** @param options `count`: users of a batch, at most all; `scoreBytes` as for `scoredUsers` */
  constructor(
    scope: TensorScope,
    readonly graph: Graph,
    readonly options: { readonly count: number; readonly seed: number; readonly scoreBytes?: number },
  ) {
    const { count, scoreBytes } = options;
    const { userCount, itemCount } = graph;
    this.count = count;
    this.users = scope.tensor('u32', [count], 'users of the batch');
    this.rows = scope.tensor('u32', [2], 'users of the batch rows', Uint32Array.of(count, count));
    const { parts, stride } = scoredUsers(scope, { count, itemCount, scoreBytes });
    this.parts = parts;
    this.stride = stride;
    const nodes = Uint32Array.from({ length: stride }, (_, at) => (at < itemCount ? userCount + at : NO_NODE));
    this.itemNodes = scope.tensor('u32', [stride], 'item nodes', nodes);
    this.itemRows = scope.tensor('u32', [2], 'item rows', Uint32Array.of(stride, 0));
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

/** The memory in which a batch's scores are computed. Losses that are recorded one after another may share it. */
export class Scores {
  /** [count, bits] the users' vectors. */
  readonly vectors: Tensor<'f32'>;
  /** [count, bits] and the gradient of those. */
  readonly gradient: Tensor<'f32'>;
  /** [largest part, stride] ⟨v_u, v_i⟩ of all items, then the gradient of those. */
  readonly scores: Tensor<'f32'>;
  /** The items' vectors as a dense layer's weight: scores, and the gradients of both sides, are its three products. */
  readonly items: Dense;
  /** [stride, bits] the gradient of the items' vectors, over all parts. */
  readonly itemGradient: Tensor<'f32'>;

  /** @param options `bits`: width of a vector; `variant`: the likely one for the adapter unless told */
  constructor(
    scope: TensorScope,
    { parts, stride, count }: ScoredUsers,
    { bits, variant }: { readonly bits: number; readonly variant?: DenseVariant },
  ) {
    const maxRows = parts[0]!.count;
    this.vectors = scope.tensor('f32', [count, bits], 'users’ vectors');
    this.gradient = scope.tensor('f32', [count, bits], 'users’ vectors gradient');
    this.scores = scope.tensor('f32', [maxRows, stride], 'scores of all items');
    this.items = new Dense(scope, {
      ...{ label: 'items’ vectors', inputWidth: stride, outputWidth: bits, sides: 1, maxRows },
      ...{ activation: 'none', ...(variant && { variant }) },
    });
    this.itemGradient =
      parts.length === 1
        ? this.items.weightGradient
        : scope.tensor('f32', [stride, bits], 'items’ vectors gradient over all parts');
  }

  /** Records the scores that the users of a part give to all items. */
  recordScores(program: Program, part: Part): void {
    const { count: maxRows, rows } = part;
    const gradient = rowsOf(this.vectors, part, this.#bits);
    this.items.backwardInput(program, { gradient, inputGradient: this.scores, rows, maxRows });
  }

  /** Records the gradient of the users of a part, where `scores` holds that of the scores. */
  recordUserGradient(program: Program, part: Part): void {
    const { count: maxRows, rows } = part;
    const output = rowsOf(this.gradient, part, this.#bits);
    this.items.forward(program, { input: this.scores, output, rows, maxRows });
  }

  /** Records what a part adds to the gradient of the items; the first part begins it. */
  recordItemGradient(program: Program, part: Part): void {
    const { first, count: maxRows, rows } = part;
    const gradient = rowsOf(this.vectors, part, this.#bits);
    this.items.backwardWeight(program, { input: this.scores, gradient, rows, maxRows });
    const { weightGradient: addend } = this.items;
    if (this.itemGradient === addend) return;
    if (first === 0) program.copy(addend, this.itemGradient);
    else recordAdd(program, { addend, sum: this.itemGradient, label: 'items’ gradient over all parts' });
  }

  get #bits(): number {
    return this.items.options.outputWidth;
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

/** What a loss is recorded with. */
export interface LikelihoodInputs {
  /** [N, bits] vectors of all nodes. */
  readonly guided: Tensor<'f32'>;
  /** [1] */
  readonly scale: Tensor<'f32'>;
  /** [4] state[0] is the step. */
  readonly state: Tensor<'u32'>;
}

/** A loss on other vectors of the same users, recorded just before, whose probabilities are targets too. */
export interface Teacher {
  readonly loss: MultinomialLoss;
  /** [1] the factor on its inner products. */
  readonly scale: Tensor<'f32'>;
  /** Share of its probabilities in the targets, from 0 to 1. */
  readonly share: number;
}

/**
 * The multinomial likelihood of the training items of a batch of users among all items (Liang et al., WWW 2018, eq. 2), on
 * inner products: forward and gradient. Reported as a cross-entropy by user. With a teacher its probabilities, which stay as
 * they are, take a share of the items' place as targets (Hinton et al., 2015, section 2), up to a constant.
 */
export class MultinomialLoss extends LossLog {
  /** [N, bits] ∂total/∂vectors. */
  readonly guidedGradient: Tensor<'f32'>;
  readonly scaleGradient: Tensor<'f32'>;
  /** [count, 4] as `shaders/loss/multinomial.wgsl` defines them. */
  readonly #terms: Tensor<'f32'>;

  /**
   * @param options `weight` of the loss; `flattening`: a user's items count degree^-flattening each, 0 for all edges alike,
   * 1 for all users alike
   */
  constructor(
    scope: TensorScope,
    readonly options: {
      readonly batch: UserBatch;
      readonly memory: Scores;
      readonly weight: number;
      readonly flattening: number;
      readonly ringCapacity: number;
    },
  ) {
    super(scope, options.ringCapacity);
    const { batch, memory } = options;
    this.guidedGradient = scope.tensor(
      'f32',
      [batch.graph.nodeCount, memory.items.options.outputWidth],
      'guided gradient',
    );
    this.scaleGradient = scope.tensor('f32', [1], 'scale gradient');
    this.#terms = scope.tensor('f32', [batch.options.count, COLUMNS], 'user terms');
  }

  /** Records the loss and its gradients. */
  record(program: Program, inputs: LikelihoodInputs): void {
    this.recordVectors(program, inputs);
    for (const part of this.options.batch.parts) this.recordPart(program, part, inputs);
    this.recordGradient(program, inputs);
  }

  /** Records the first of three: the vectors of the users and of all items. */
  recordVectors(program: Program, { guided }: LikelihoodInputs): void {
    const { users, rows, itemNodes, itemRows } = this.options.batch;
    const { vectors, items } = this.options.memory;
    this.#move(program, 'rows/gather', { source: guided, nodes: users, rows, output: vectors });
    this.#move(program, 'rows/gather', { source: guided, nodes: itemNodes, rows: itemRows, output: items.weight });
  }

  /** Records the second, for each part: its terms and gradients, and its share of the items' gradient. */
  recordPart(program: Program, part: Part, { scale }: Pick<LikelihoodInputs, 'scale'>, teacher?: Teacher): void {
    const { first, count } = part;
    const { batch, memory, weight, flattening } = this.options;
    const { graph, stride } = batch;
    const { scores } = memory;
    memory.recordScores(program, part);
    const { constants, lanes } = rowLanes(program.gpu);
    program.dispatch('loss/multinomial', {
      bind: {
        ...{ users: rowsOf(batch.users, part, 1), offsets: graph.offsets, neighbours: graph.neighbours, scale, scores },
        // Something to bind where there is no teacher.
        teacher: teacher ? teacher.loss.options.memory.scores : scale,
        teacher_scale: teacher ? teacher.scale : scale,
        terms: rowsOf(this.#terms, part, COLUMNS),
      },
      parameters: {
        ...{ batch: count, items: graph.itemCount, stride, first_item: graph.userCount, flattening },
        weight: weight / batch.options.count,
        distillation: teacher ? (teacher.share * weight) / teacher.loss.options.weight : 0,
        first_row: first,
      },
      constants,
      invocations: count * lanes,
      cost: { bytes: (teacher ? 20 : 16) * count * stride, operations: 30 * count * stride },
    });
    memory.recordUserGradient(program, part);
    memory.recordItemGradient(program, part);
  }

  /** Records the last: the step's row of the log, and the gradient by the vectors of all nodes. */
  recordGradient(program: Program, { state }: Pick<LikelihoodInputs, 'state'>): void {
    const { users, rows, itemNodes, itemRows } = this.options.batch;
    const { gradient, itemGradient } = this.options.memory;
    const output = this.guidedGradient;
    this.recordLog(program, { terms: this.#terms, state, scaleGradient: this.scaleGradient });
    program.clear(output);
    this.#move(program, 'rows/scatter', { source: gradient, nodes: users, rows, output });
    this.#move(program, 'rows/scatter', { source: itemGradient, nodes: itemNodes, rows: itemRows, output });
  }

  #move(
    program: Program,
    kernel: 'rows/gather' | 'rows/scatter',
    bind: Record<'source' | 'output', Tensor<'f32'>> & Record<'nodes' | 'rows', Tensor<'u32'>>,
  ): void {
    const { outputWidth: width } = this.options.memory.items.options;
    const count = bind.nodes.length * width;
    program.dispatch(kernel, { bind, parameters: { width }, invocations: count / 4, cost: { bytes: 8 * count } });
  }

  lossOf(sums: ArrayLike<number>): StepLoss {
    const { count } = this.options.batch.options;
    const crossEntropy = sums[0]! / count;
    return { crossEntropy, ranking: 0, total: this.options.weight * crossEntropy, auc: sums[3]! / count };
  }
}
