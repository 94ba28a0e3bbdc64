import { HashgnnError } from '../base/errors.js';
import type { Program, Tensor, TensorScope } from '../gpu/index.js';

/** What varies by step and is the same for every layer. */
export interface StepTensors {
  /** [2] rows in use, and how many of them belong to side 0. */
  readonly rows: Tensor<'u32'>;
  /** [4] state[0] is the step. */
  readonly state: Tensor<'u32'>;
  /** [steps, 4] column 0 is the guidance probability p, or the sharpness β of a smooth relaxation. */
  readonly schedule: Tensor<'f32'>;
}

/** What the loss sees in place of the embeddings z, so that signs are learnt: ĥ, recorded forward and backward. */
export interface Relaxation {
  /** [maxRows, bits] ĥ, after `forward`. */
  readonly guided: Tensor<'f32'>;
  /** @param io `embedding` [maxRows, bits]: z */
  forward(program: Program, io: { readonly embedding: Tensor<'f32'> } & StepTensors): void;
  /** @param io `embedding` as before; `guidedGradient` and `embeddingGradient` (written), both [maxRows, bits] */
  backward(
    program: Program,
    io: {
      readonly embedding: Tensor<'f32'>;
      readonly guidedGradient: Tensor<'f32'>;
      readonly embeddingGradient: Tensor<'f32'>;
    } & StepTensors,
  ): void;
}

/**
 * The discrete half of the hash layer: codes h = sign(z) (paper, eq. 3), trained straight through, and their guidance
 * by the continuous embedding, ĥ = Q ⊙ z + (1 - Q) ⊙ h with Q ~ Bernoulli(p) (eq. 8).
 */
export class HashGuidance implements Relaxation {
  /** [maxRows, bits] h, after `forward`. */
  readonly code: Tensor<'f32'>;
  /** [maxRows, bits] ĥ, after `forward`. */
  readonly guided: Tensor<'f32'>;
  readonly #direct: Tensor<'f32'>;
  readonly #through: Tensor<'f32'>;

  /**
   * @param options `maxRows`: rows there is room for; `bits`: width of a code, a multiple of 4; `byRow`: one draw a row
   * (the published code) and not one an element (the paper's text); `seed` of the draws
   * @throws HashgnnError if `bits` is no positive multiple of 4
   */
  constructor(
    scope: TensorScope,
    readonly options: {
      readonly maxRows: number;
      readonly bits: number;
      readonly byRow: boolean;
      readonly seed: number;
    },
  ) {
    const { maxRows, bits } = options;
    if (!(Number.isInteger(bits) && bits > 0 && bits % 4 === 0)) {
      throw new HashgnnError(`a code cannot have ${bits} bits`, { fix: 'use a multiple of 8' });
    }
    this.code = scope.tensor('f32', [maxRows, bits], 'hash code');
    this.guided = scope.tensor('f32', [maxRows, bits], 'hash guided');
    this.#direct = scope.tensor('f32', [maxRows, bits], 'hash direct gradient');
    this.#through = scope.tensor('f32', [maxRows, bits], 'hash code gradient');
  }

  /**
   * Records h = sign(z) and ĥ.
   * @param io `embedding` [maxRows, bits]: z
   */
  forward(program: Program, io: { readonly embedding: Tensor<'f32'> } & StepTensors): void {
    const { embedding, rows, state, schedule } = io;
    const { maxRows, bits, byRow, seed } = this.options;
    const count = maxRows * bits;
    program.dispatch('hash/sign', {
      bind: { embedding, code: this.code },
      parameters: { count },
      invocations: count / 4,
      cost: { bytes: 8 * count, operations: count },
    });
    program.dispatch('hash/guide', {
      bind: { embedding, code: this.code, rows, state, schedule, guided: this.guided },
      parameters: { width: bits, seed },
      constants: { BY_ROW: byRow ? 1 : 0 },
      invocations: count / 4,
      cost: { bytes: 12 * count },
    });
  }

  /**
   * Records ∂L/∂z from ∂L/∂ĥ: parted by Q between z and h, copied through the sign, and joined again. Both branches have
   * slope 1, so the result equals ∂L/∂ĥ.
   * @param io `guidedGradient` and `embeddingGradient` (written), both [maxRows, bits]
   */
  backward(
    program: Program,
    io: { readonly guidedGradient: Tensor<'f32'>; readonly embeddingGradient: Tensor<'f32'> } & StepTensors,
  ): void {
    const { guidedGradient, embeddingGradient, rows, state, schedule } = io;
    const { maxRows, bits, byRow, seed } = this.options;
    const count = maxRows * bits;
    program.dispatch('hash/guide_backward', {
      bind: {
        guided_gradient: guidedGradient,
        rows,
        state,
        schedule,
        embedding_gradient: this.#direct,
        code_gradient: this.#through,
      },
      parameters: { width: bits, seed },
      constants: { BY_ROW: byRow ? 1 : 0 },
      invocations: count / 4,
      cost: { bytes: 12 * count },
    });
    program.dispatch('hash/sign_backward', {
      bind: {
        direct_gradient: this.#direct,
        code_gradient: this.#through,
        rows,
        embedding_gradient: embeddingGradient,
      },
      parameters: { width: bits },
      invocations: count / 4,
      cost: { bytes: 12 * count, operations: count },
    });
  }
}

/**
 * Codes relaxed to ĥ = tanh(β (atanh z + noise)), whose sharpness β grows: without noise the continuation of HashNet (Cao et
 * al., ICCV 2017), with it a two-way Gumbel softmax at the temperature 1 / β (Jang et al., ICLR 2017).
 */
export class SmoothRelaxation implements Relaxation {
  readonly guided: Tensor<'f32'>;

  /** @param options `maxRows`: rows there is room for; `bits`: width of a code, a multiple of 4; `seed` of the noise */
  constructor(
    scope: TensorScope,
    readonly options: {
      readonly maxRows: number;
      readonly bits: number;
      readonly noise: boolean;
      readonly seed: number;
    },
  ) {
    this.guided = scope.tensor('f32', [options.maxRows, options.bits], 'relaxed code');
  }

  forward(program: Program, io: { readonly embedding: Tensor<'f32'> } & StepTensors): void {
    const { embedding, rows, state, schedule } = io;
    const { maxRows, bits, noise, seed } = this.options;
    program.dispatch('hash/relax', {
      bind: { embedding, rows, state, schedule, guided: this.guided },
      parameters: { width: bits, seed },
      constants: { NOISE: noise ? 1 : 0 },
      invocations: (maxRows * bits) / 4,
      cost: { bytes: 8 * maxRows * bits },
    });
  }

  backward(
    program: Program,
    io: {
      readonly embedding: Tensor<'f32'>;
      readonly guidedGradient: Tensor<'f32'>;
      readonly embeddingGradient: Tensor<'f32'>;
    } & StepTensors,
  ): void {
    const { embedding, guidedGradient, embeddingGradient, rows, state, schedule } = io;
    const { maxRows, bits } = this.options;
    program.dispatch('hash/relax_backward', {
      bind: {
        ...{ embedding, guided: this.guided, guided_gradient: guidedGradient, rows, state, schedule },
        embedding_gradient: embeddingGradient,
      },
      parameters: { width: bits },
      invocations: (maxRows * bits) / 4,
      cost: { bytes: 16 * maxRows * bits },
    });
  }
}
