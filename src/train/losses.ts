import { HashgnnError } from '../base/errors.js';
import type { Program, Tensor, TensorScope } from '../gpu/index.js';

export interface PairLossOptions {
  /** Columns of ĥ, a multiple of 4. */
  readonly bits: number;
  /** Edges of a step. */
  readonly batch: number;
  /** Negatives that the batch carries for an edge, at least as many as the two that follow. */
  readonly slots: number;
  /** Negatives of the cross-entropy, the first of the slots. */
  readonly negatives: number;
  /** Triplets of the ranking loss, the first of the slots. */
  readonly triplets: number;
  /** The paper's hinge on probabilities (eq. 6), or the published code's softplus of the difference of scores. */
  readonly ranking: 'margin' | 'softplus';
  /** α of the hinge; unused by softplus. */
  readonly margin: number;
  /** Weight of the cross-entropy: 1 in the paper's eq. 7, λ in the published code. */
  readonly crossEntropyWeight: number;
  /** Weight of the ranking loss: λ in the paper's eq. 7, 1 in the published code. */
  readonly rankingWeight: number;
  /** Sums over the batch (paper), or means over the batch's pairs and over its triplets (published code). */
  readonly reduction: 'sum' | 'mean';
  /** Edges from this number on count `laterWeight` times as much; all alike unless told. */
  readonly laterFirst?: number;
  readonly laterWeight?: number;
  /** Rows of ĥ there is room for. */
  readonly maxRows: number;
  /** Steps whose terms the log holds; 1,024 unless told. */
  readonly ringCapacity?: number;
}

/** The loss of one step, reduced as the options say. */
export interface StepLoss {
  /** Cross-entropy before its weight. */
  readonly crossEntropy: number;
  /** Ranking loss before its weight. */
  readonly ranking: number;
  /** The weighted sum of both, which training descends. */
  readonly total: number;
  /** Chance that a sampled negative scores below its edge's positive (the AUC on the batch), ties half. */
  readonly auc: number;
}

const COLUMNS = 4;

/** The log of a loss: sums over the batch of four terms a row, which a step adds and the host reads now and then. */
export abstract class LossLog {
  /** [ringCapacity, 4] sums of the terms: a step's row is step mod ringCapacity. */
  readonly log: Tensor<'f32'>;

  constructor(
    scope: TensorScope,
    readonly capacity: number,
  ) {
    this.log = scope.tensor('f32', [capacity, COLUMNS], 'losses');
  }

  /** The loss of a step from its four sums, one row of `log`. */
  abstract lossOf(sums: ArrayLike<number>): StepLoss;

  /** Records adding up `terms` [count, 4], the third of which is the gradient of the scale. */
  protected recordLog(
    program: Program,
    io: { readonly terms: Tensor<'f32'>; readonly state: Tensor<'u32'>; readonly scaleGradient: Tensor<'f32'> },
  ): void {
    const { terms, state, scaleGradient } = io;
    const count = terms.shape[0]!;
    program.dispatch('reduce/columns', {
      label: 'reduce loss terms',
      bind: { table: terms, state, ring: this.log, chosen: scaleGradient },
      parameters: { count, columns: COLUMNS, capacity: this.capacity, chosen_first: 2, chosen_count: 1 },
      workgroups: 1,
      cost: { bytes: 4 * COLUMNS * count, operations: COLUMNS * count },
    });
  }

  /**
   * The losses of steps `from` to `to - 1`, once they are done.
   * @throws HashgnnError if the log cannot hold them all
   */
  async read(from: number, to: number): Promise<StepLoss[]> {
    if (to - from > this.capacity || to < from) {
      throw new HashgnnError(`the log holds ${this.capacity} steps, not steps ${from} to ${to}`, {
        fix: 'read the log more often or give it more room',
      });
    }
    const sums = await this.log.read();
    return Array.from({ length: to - from }, (_, index) => {
      const row = ((from + index) % this.capacity) * COLUMNS;
      return this.lossOf(sums.subarray(row, row + COLUMNS));
    });
  }
}

/**
 * The loss over a batch of edges (paper, eq. 4 to 7): cross-entropy and ranking, forward and gradient in one. It owns
 * the gradient of the scores, the gradient of the learnt scale, and a log of the latest steps.
 */
export class PairLoss extends LossLog {
  /** [maxRows, bits] ∂total/∂ĥ. */
  readonly guidedGradient: Tensor<'f32'>;
  /** [1] ∂total/∂scale. */
  readonly scaleGradient: Tensor<'f32'>;
  /** [batch, 1 + slots] ∂total/∂score of the positive and of every slot. */
  readonly scoreGradient: Tensor<'f32'>;
  /** [batch, 4] terms of every edge, as `shaders/loss/pairs.wgsl` defines them. */
  readonly edgeTerms: Tensor<'f32'>;
  /** The weights that the kernel applies to every term: those of the options with the means folded in. */
  readonly weights: { readonly crossEntropy: number; readonly ranking: number };
  readonly #divisors: { readonly crossEntropy: number; readonly ranking: number };

  /** @throws HashgnnError if the sizes contradict each other */
  constructor(
    scope: TensorScope,
    readonly options: PairLossOptions,
  ) {
    super(scope, options.ringCapacity ?? 1024);
    const { bits, batch, slots, negatives, triplets, reduction, maxRows } = options;
    if (!(Number.isInteger(bits) && bits > 0 && bits % 4 === 0)) {
      throw new HashgnnError(`the loss cannot use ${bits} bits`, { fix: 'use a multiple of 8' });
    }
    if (Math.max(negatives, triplets) > slots) {
      throw new HashgnnError(`${negatives} negatives and ${triplets} triplets do not fit ${slots} sampled negatives`, {
        fix: 'sample at least as many negatives as the larger of the two',
      });
    }
    const mean = reduction === 'mean';
    this.#divisors = {
      crossEntropy: mean ? batch * (1 + negatives) : 1,
      ranking: mean ? batch * Math.max(1, triplets) : 1,
    };
    this.weights = {
      crossEntropy: options.crossEntropyWeight / this.#divisors.crossEntropy,
      ranking: options.rankingWeight / this.#divisors.ranking,
    };
    this.guidedGradient = scope.tensor('f32', [maxRows, bits], 'guided gradient');
    this.scoreGradient = scope.tensor('f32', [batch, 1 + slots], 'score gradient');
    this.edgeTerms = scope.tensor('f32', [batch, COLUMNS], 'edge terms');
    this.scaleGradient = scope.tensor('f32', [1], 'scale gradient');
  }

  /**
   * Records the loss, its gradients by scores, scale and ĥ, and the step's row of the log.
   * @param io `guided` [maxRows, bits]: ĥ; `pairs` [batch, 2 + slots]: rows of ĥ, 0xffffffff for none; `scale` [1];
   * `occurrences`: the positions of every row in `pairs`, ascending, as `offsets` [maxRows + 1] and `order`
   * [batch · (2 + slots)]; `rows` [2]: rows in use; `state` [4]: state[0] is the step
   */
  record(
    program: Program,
    io: {
      readonly guided: Tensor<'f32'>;
      readonly pairs: Tensor<'u32'>;
      readonly scale: Tensor<'f32'>;
      readonly occurrences: { readonly offsets: Tensor<'u32'>; readonly order: Tensor<'u32'> };
      readonly rows: Tensor<'u32'>;
      readonly state: Tensor<'u32'>;
    },
  ): void {
    const { guided, pairs, scale, occurrences, rows, state } = io;
    const { bits, batch, slots, negatives, triplets, ranking, margin } = this.options;
    // A software driver runs the lanes one after another and pays for the barrier; a GPU needs them to be busy.
    const lanes = program.gpu.adapter.software ? 1 : 16;
    program.dispatch('loss/pairs', {
      bind: { guided, pairs, scale, score_gradient: this.scoreGradient, edge_terms: this.edgeTerms },
      parameters: {
        batch,
        width: bits,
        slots,
        negatives,
        triplets,
        cross_entropy_weight: this.weights.crossEntropy,
        ranking_weight: this.weights.ranking,
        margin,
        later_first: this.options.laterFirst ?? batch,
        later_weight: this.options.laterWeight ?? 1,
      },
      constants: { RANKING: ranking === 'softplus' ? 1 : 0, LANES: lanes },
      invocations: batch * lanes,
      cost: { bytes: batch * (2 + slots) * (4 * bits + 8), operations: 2 * batch * (1 + slots) * bits },
    });
    this.recordLog(program, { terms: this.edgeTerms, state, scaleGradient: this.scaleGradient });
    program.dispatch('loss/pairs_backward', {
      bind: {
        guided,
        pairs,
        score_gradient: this.scoreGradient,
        scale,
        offsets: occurrences.offsets,
        order: occurrences.order,
        rows,
        guided_gradient: this.guidedGradient,
      },
      parameters: { width: bits, slots },
      invocations: this.guidedGradient.length / 4,
      cost: {
        bytes: 8 * batch * (1 + slots) * bits + 4 * this.guidedGradient.length,
        operations: 4 * batch * (1 + slots) * bits,
      },
    });
  }

  lossOf(sums: ArrayLike<number>): StepLoss {
    const [crossEntropy, ranking, , below] = [sums[0]!, sums[1]!, sums[2]!, sums[3]!];
    return {
      crossEntropy: crossEntropy / this.#divisors.crossEntropy,
      ranking: ranking / this.#divisors.ranking,
      total: this.weights.crossEntropy * crossEntropy + this.weights.ranking * ranking,
      auc: below / this.options.batch,
    };
  }
}
