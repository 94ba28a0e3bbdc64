import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import type { Graph } from '../layers/graph.js';
import { Grouping } from '../layers/grouping.js';
import type { NodeSet } from '../layers/node_set.js';
import type { DenseVariant } from '../layers/variants.js';
import { type LossLog, PairLoss } from './losses.js';
import { MultinomialLoss, Scores, UserBatch } from './multinomial.js';
import type { TrainOptions } from './options.js';

/** A loss on vectors of a step's rows, with the gradient towards them. */
export type VectorLoss = LossLog & {
  /** [maxRows, bits] */
  readonly guidedGradient: Tensor<'f32'>;
  /** [1] */
  readonly scaleGradient: Tensor<'f32'>;
};

/** A loss of a step, and what it is recorded with. */
export interface LossRecording {
  readonly loss: VectorLoss;
  /** [maxRows, bits] the vectors: ĥ, or the embeddings. */
  readonly guided: Tensor<'f32'>;
  /** [1] the factor on inner products. */
  readonly scale: Tensor<'f32'>;
}

/** Where a step stands. */
export interface StepInputs {
  /** [2] rows in use, those of users. */
  readonly rows: Tensor<'u32'>;
  /** [4] state[0] is the step. */
  readonly state: Tensor<'u32'>;
}

/** What a step's batch is, and the loss on it, which may be taken of several kinds of vectors. */
export interface Objective {
  /** Records drawing the batch, and finding its nodes where not all are computed. */
  recordSample(program: Program, state: Tensor<'u32'>): void;
  createLoss(scope: TensorScope, weight: number, of: 'codes' | 'embeddings'): VectorLoss;
  /** @param losses those that this objective has made: on ĥ, and on the embeddings where there is one */
  recordLosses(program: Program, losses: readonly [LossRecording, LossRecording?], step: StepInputs): void;
  /** What was drawn, for tests: node numbers of pairs, or user numbers. */
  readonly drawn: Tensor<'u32'>;
}

/** Pairs of a step: the batch's edges, and as many of users and of items again where there are implicit relations. */
export function pairCount({ batchSize, implicitWeight }: TrainOptions): number {
  return implicitWeight > 0 ? 3 * batchSize : batchSize;
}

/** What the pairs of one side that walks find are drawn with. */
interface Walks {
  readonly side: 0 | 1;
  /** The row of their first pair. */
  readonly firstRow: number;
  /** Chances of the side's nodes as negatives. */
  readonly cumulative: Tensor<'u32'>;
}

/**
 * Edges with sampled non-edges: cross-entropy and ranking loss (paper, eq. 4 to 7). Implicit relations may stand beside
 * them: nodes of one side that random walks find near each other, the second one as a context, with contexts drawn by
 * degree^0.75 as negatives (BiNE: Gao et al., SIGIR 2018, section 3).
 */
export class PairObjective implements Objective {
  /** [batch, 2 + slots] node numbers of the batch: user, positive item, negative items. */
  readonly drawn: Tensor<'u32'>;
  /** The same by row of the pass. */
  readonly #pairRows: Tensor<'u32'>;
  /** [2] the batch as a list of which all rows are active. */
  readonly #batchRows: Tensor<'u32'>;
  readonly #occurrences: Grouping;
  readonly #slots: number;
  readonly #cumulative: Tensor<'u32'> | undefined;
  readonly #walks: readonly Walks[];
  readonly #count: number;

  /** @param pass `roots`: the set that the batch's nodes make, none where all are computed; `maxRows` of the pass */
  constructor(
    scope: TensorScope,
    readonly graph: Graph,
    readonly options: TrainOptions,
    readonly pass: { readonly roots: NodeSet | undefined; readonly maxRows: number },
  ) {
    const { negatives, triplets } = options;
    const count = pairCount(options);
    this.#count = count;
    this.#slots = Math.max(negatives, triplets);
    const stride = 2 + this.#slots;
    this.drawn = scope.tensor('u32', [count, stride], 'batch');
    this.#batchRows = scope.tensor('u32', [2], 'batch list rows', new Uint32Array([count, count]));
    this.#pairRows = pass.roots ? scope.tensor('u32', [count, stride], 'batch by row') : this.drawn;
    this.#occurrences = new Grouping(scope, {
      label: 'occurrences in the batch',
      keyCount: pass.maxRows,
      entries: count * stride,
    });
    const weights = graph.degreePowers(NEGATIVE_POWER);
    const chances = (side: 0 | 1) => {
      const own = side === 0 ? weights.subarray(0, graph.userCount) : weights.subarray(graph.userCount);
      return scope.tensor('u32', [own.length], 'chances of negatives', cumulativeChances(own));
    };
    if (options.negativeSampling === 'degree') this.#cumulative = chances(1);
    const sides = options.implicitWeight > 0 ? ([0, 1] as const) : [];
    this.#walks = sides.map((side) => ({
      side,
      firstRow: (1 + side) * options.batchSize,
      cumulative: chances(side),
    }));
  }

  recordSample(program: Program, state: Tensor<'u32'>): void {
    const { batchSize, seed } = this.options;
    const { offsets, neighbours, userCount, itemCount, edgeCount } = this.graph;
    const slots = this.#slots;
    const bind = { state, offsets, neighbours, pairs: this.drawn };
    const shape = { batch: batchSize, stride: 2 + slots, users: userCount, seed };
    program.dispatch('sample/batch', {
      bind,
      parameters: { ...shape, edges: edgeCount },
      invocations: batchSize,
    });
    if (this.#cumulative) {
      program.dispatch('sample/negatives_by_degree', {
        bind: { state, cumulative: this.#cumulative, pairs: this.drawn },
        parameters: {
          ...{ first_row: 0, batch: batchSize, stride: 2 + slots },
          ...{ first_node: userCount, count: itemCount, seed },
        },
        invocations: batchSize * slots,
      });
    } else {
      program.dispatch('sample/negatives', {
        bind,
        parameters: { ...shape, items: itemCount },
        invocations: batchSize * slots,
      });
    }
    for (const walks of this.#walks) this.#recordWalks(program, state, walks);
    const { roots } = this.pass;
    if (roots) {
      const list = { nodes: this.drawn, rows: this.#batchRows, stride: 2 + slots, maxRows: this.#count };
      roots.recordBuild(program, [list]);
      roots.recordLocate(program, list, this.#pairRows);
    }
    this.#occurrences.record(program, { keys: this.#pairRows, rows: this.#batchRows, stride: 2 + slots });
  }

  /** Records pairs of nodes of one side, and negatives for each. */
  #recordWalks(program: Program, state: Tensor<'u32'>, { side, firstRow, cumulative }: Walks): void {
    const { batchSize, seed, walkWindow, walkStop } = this.options;
    const { offsets, neighbours, userCount, nodeCount, edgeCount } = this.graph;
    const rows = { first_row: firstRow, batch: batchSize, stride: 2 + this.#slots, seed };
    program.dispatch('sample/walks', {
      bind: { state, offsets, neighbours, pairs: this.drawn },
      parameters: { ...rows, edges: edgeCount, side, contexts: nodeCount, window: walkWindow, stop: walkStop },
      invocations: batchSize,
    });
    program.dispatch('sample/negatives_by_degree', {
      bind: { state, cumulative, pairs: this.drawn },
      parameters: { ...rows, first_node: nodeCount + side * userCount, count: cumulative.length },
      invocations: batchSize * this.#slots,
    });
  }

  createLoss(scope: TensorScope, weight: number): PairLoss {
    const { bits, batchSize, negatives, triplets, ranking, margin, reduction, logEvery } = this.options;
    return new PairLoss(scope, {
      ...{ bits, batch: this.#count, slots: this.#slots, negatives, triplets, ranking, margin, reduction },
      crossEntropyWeight: weight * this.options.crossEntropyWeight,
      rankingWeight: weight * this.options.rankingWeight,
      laterFirst: batchSize,
      laterWeight: this.options.implicitWeight,
      maxRows: this.pass.maxRows,
      ringCapacity: logEvery,
    });
  }

  recordLosses(program: Program, losses: readonly (LossRecording | undefined)[], step: StepInputs): void {
    const batch = { pairs: this.#pairRows, occurrences: this.#occurrences };
    for (const one of losses) {
      if (one) (one.loss as PairLoss).record(program, { guided: one.guided, scale: one.scale, ...step, ...batch });
    }
  }
}

/** LINE and PTE draw negatives in proportion to this power of the degree (Tang et al., WWW 2015, section 4.1.2). */
const NEGATIVE_POWER = 0.75;

/** The chance that a draw by these weights gives number i or less, of 2³²; the last is 2³² - 1. */
export function cumulativeChances(weights: ArrayLike<number>): Uint32Array<ArrayBuffer> {
  let total = 0;
  for (let at = 0; at < weights.length; at += 1) total += weights[at]!;
  let sum = 0;
  return Uint32Array.from({ length: weights.length }, (_, at) => {
    sum += weights[at]!;
    return at === weights.length - 1 ? 2 ** 32 - 1 : Math.min(2 ** 32 - 1, Math.floor((sum / total) * 2 ** 32));
  });
}

/**
 * Users with all their training items: the multinomial likelihood. With `distillation` the probabilities by embeddings are
 * targets of the codes, so that both losses go through the batch part by part.
 */
export class UserObjective implements Objective {
  readonly #batch: UserBatch;
  /** Of both losses, one after the other; or of that on ĥ. */
  readonly #memory: Scores;
  /** Of the loss on embeddings. */
  readonly #teacherMemory: Scores;

  constructor(
    scope: TensorScope,
    graph: Graph,
    readonly options: TrainOptions,
    variant: DenseVariant,
  ) {
    const { batchSize, bits, seed, distillation } = options;
    this.#batch = new UserBatch(scope, graph, { count: Math.min(batchSize, graph.userCount), seed });
    this.#memory = new Scores(scope, this.#batch, { bits, variant });
    this.#teacherMemory = distillation > 0 ? new Scores(scope, this.#batch, { bits, variant }) : this.#memory;
  }

  /** [users] user numbers. */
  get drawn(): Tensor<'u32'> {
    return this.#batch.users;
  }

  recordSample(program: Program, state: Tensor<'u32'>): void {
    this.#batch.recordSample(program, state);
  }

  createLoss(scope: TensorScope, weight: number, of: 'codes' | 'embeddings'): MultinomialLoss {
    const { flattening, logEvery } = this.options;
    const memory = of === 'codes' ? this.#memory : this.#teacherMemory;
    return new MultinomialLoss(scope, { batch: this.#batch, memory, weight, flattening, ringCapacity: logEvery });
  }

  recordLosses(
    program: Program,
    [codes, embeddings]: readonly [LossRecording, LossRecording?],
    step: StepInputs,
  ): void {
    const share = this.options.distillation;
    const recorded = [embeddings, codes].flatMap((one) =>
      one ? [{ ...step, ...one, loss: one.loss as MultinomialLoss }] : [],
    );
    if (share === 0 || !embeddings) {
      for (const { loss, ...inputs } of recorded) loss.record(program, inputs);
      return;
    }
    const [teacher, pupil] = recorded as [(typeof recorded)[0], (typeof recorded)[0]];
    for (const { loss, ...inputs } of recorded) loss.recordVectors(program, inputs);
    for (const part of this.#batch.parts) {
      teacher.loss.recordPart(program, part, teacher);
      pupil.loss.recordPart(program, part, pupil, { ...teacher, share });
    }
    for (const { loss, ...inputs } of recorded) loss.recordGradient(program, inputs);
  }
}
