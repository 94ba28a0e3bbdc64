import { HashgnnError } from '../base/errors.js';
import { BindingError, type Program, type Tensor, type TensorScope } from '../gpu/index.js';
import { type DenseVariant, likelyVariants } from './variants.js';

export type Activation = 'none' | 'leaky-relu' | 'tanh';

/** Numbers of the activations in the shaders. */
export const ACTIVATIONS: Readonly<Record<Activation, number>> = { none: 0, 'leaky-relu': 1, tanh: 2 };

/** Rows and columns that one workgroup of a variant computes, and inputs that it has for the bias; as the shaders have them. */
const BLOCKS = {
  tiles: { suffix: '', rows: 64, columns: 64, inputs: 64, biasInputs: 0 },
  subgroups: { suffix: '.subgroups', rows: 32, columns: 32, inputs: 32, biasInputs: 1 },
} as const satisfies Record<DenseVariant, object>;

/** Rows that one partial sum of the weight gradient covers at least, and how many partial sums a side has at most. */
const MIN_CHUNK_ROWS = 256;
const MAX_CHUNKS = 128;

/** Rows in one partial sum of the weight gradient, from the greatest number of rows alone, so that sums repeat. */
export function chunkRows(maxRows: number): number {
  return Math.max(MIN_CHUNK_ROWS, Math.ceil(maxRows / MAX_CHUNKS / 16) * 16);
}

/** Parts that a long sum is cut into have at least so many inputs, and only as many workgroups are sought as keep a GPU busy. */
const MIN_PART_INPUTS = 512;
const BUSY_WORKGROUPS = 256;

export interface DenseOptions {
  /** Names the layer in errors, profiles and memory. */
  readonly label: string;
  /** Widths of a row of input and output, multiples of 4. */
  readonly inputWidth: number;
  readonly outputWidth: number;
  /** 2: users and items have their own weights. */
  readonly sides: 1 | 2;
  readonly activation: Activation;
  /** Rows that `backward` is recorded for at most. */
  readonly maxRows: number;
  /** Whether gradients are allocated; true unless told. */
  readonly trainable?: boolean;
  /** The likely one for the adapter unless told. */
  readonly variant?: DenseVariant;
}

/** Rows in use, and the number of rows that tensors have room for. */
interface Rows {
  /** [2] rows in use, and how many of them belong to side 0. */
  readonly rows: Tensor<'u32'>;
  readonly maxRows: number;
}

/**
 * A dense layer over rows of two sides: output[r] = activation(input[r] · weight[side(r)] + bias[side(r)]), σ(W·x) in
 * the paper's eq. 1 and 2. Rows 0 to rows[1] - 1 belong to side 0, those up to rows[0] - 1 to side 1. The leaky ReLU has
 * slope 0.2. Weights start at zero; whoever trains the layer fills them.
 */
export class Dense {
  /** [sides, inputWidth, outputWidth] */
  readonly weight: Tensor<'f32'>;
  /** [sides, outputWidth] */
  readonly bias: Tensor<'f32'>;
  readonly variant: DenseVariant;
  /** Inputs of a part of a row's sum in `forward`, and parts. */
  readonly #cut: { readonly steps: number; readonly parts: number };
  /** [parts, maxRows, outputWidth] where there are several. */
  readonly #parts: Tensor<'f32'> | undefined;
  readonly #gradients: { weight: Tensor<'f32'>; bias: Tensor<'f32'>; partial: Tensor<'f32'> } | undefined;

  /** @throws HashgnnError if a width is no positive multiple of 4 or `maxRows` no count */
  constructor(
    scope: TensorScope,
    readonly options: DenseOptions,
  ) {
    const { label, inputWidth, outputWidth, sides, maxRows, trainable = true } = options;
    for (const [what, width] of Object.entries({ inputWidth, outputWidth })) {
      if (!(Number.isInteger(width) && width > 0 && width % 4 === 0)) {
        throw new HashgnnError(`the ${what} of ${label} cannot be ${width}`, { fix: 'use a positive multiple of 4' });
      }
    }
    if (!(Number.isInteger(maxRows) && maxRows >= 0)) {
      throw new HashgnnError(`${label} cannot have room for ${maxRows} rows`);
    }
    this.variant = options.variant ?? likelyVariants(scope.gpu).dense;
    this.#cut = this.#cutOf(options);
    if (this.#cut.parts > 1) {
      this.#parts = scope.tensor('f32', [this.#cut.parts, maxRows, outputWidth], `${label} partial sums`);
    }
    this.weight = scope.tensor('f32', [sides, inputWidth, outputWidth], `${label} weight`);
    this.bias = scope.tensor('f32', [sides, outputWidth], `${label} bias`);
    if (trainable) {
      const chunks = Math.min(MAX_CHUNKS, Math.ceil(maxRows / MIN_CHUNK_ROWS)) + sides - 1;
      this.#gradients = {
        weight: scope.tensor('f32', [sides, inputWidth, outputWidth], `${label} weight gradient`),
        bias: scope.tensor('f32', [sides, outputWidth], `${label} bias gradient`),
        partial: scope.tensor('f32', [chunks, inputWidth + 1, outputWidth], `${label} partial gradients`),
      };
    }
  }

  /** [sides, inputWidth, outputWidth], after `backward`. @throws HashgnnError if the layer is not trainable */
  get weightGradient(): Tensor<'f32'> {
    return this.#trainable().weight;
  }

  /** [sides, outputWidth], after `backward`. @throws HashgnnError if the layer is not trainable */
  get biasGradient(): Tensor<'f32'> {
    return this.#trainable().bias;
  }

  /**
   * Records the layer's output. Rows of `output` beyond rows[0] are left as they are, or undefined where sums are so long
   * that they are cut into parts.
   * @param io `input` [maxRows, inputWidth], `output` [maxRows, outputWidth], the sums before the activation where
   * `outputBeforeActivation` is set
   * @throws BindingError if a tensor has no room for maxRows rows
   */
  forward(
    program: Program,
    io: {
      readonly input: Tensor<'f32'>;
      readonly output: Tensor<'f32'>;
      readonly outputBeforeActivation?: boolean;
    } & Rows,
  ): void {
    const { input, output, outputBeforeActivation = false, rows, maxRows } = io;
    const { label, inputWidth, outputWidth, sides } = this.options;
    const activation = outputBeforeActivation ? 'none' : this.options.activation;
    this.#requireRows({ input }, inputWidth, maxRows);
    this.#requireRows({ output }, outputWidth, maxRows);
    const block = BLOCKS[this.variant];
    const parameters = { input_width: inputWidth, output_width: outputWidth, sides };
    const work = {
      label: `${label} forward`,
      constants: { ACTIVATION: ACTIVATIONS[activation] },
      workgroups: this.#spans(maxRows, block.rows) * Math.ceil(outputWidth / block.columns),
      cost: this.#cost(maxRows),
    };
    const bind = { input, weight: this.weight, bias: this.bias, rows };
    if (this.variant !== 'tiles') {
      program.dispatch(`dense/forward.${this.variant}`, { ...work, bind: { ...bind, output }, parameters });
      return;
    }
    // Only as many rows as there are partial sums for.
    const partial = maxRows <= this.options.maxRows ? this.#parts : undefined;
    const { steps, parts } = partial ? this.#cut : { steps: inputWidth, parts: 1 };
    program.dispatch('dense/forward', {
      ...work,
      bind: { ...bind, output: partial ?? output },
      parameters: { ...parameters, part_steps: steps, max_rows: maxRows },
      workgroups: parts * work.workgroups,
    });
    if (!partial) return;
    const count = maxRows * outputWidth;
    program.dispatch('reduce/parts', {
      label: `${label} sum of parts`,
      bind: { partial, sum: output },
      parameters: { parts, count },
      invocations: count / 4,
      cost: { bytes: 4 * (parts + 1) * count, operations: parts * count },
    });
  }

  /**
   * Records the gradients of weight and bias and, where `inputGradient` is given, of the input.
   * @param io `input` and `output` as in `forward`; `outputGradient` [maxRows, outputWidth], which becomes the gradient
   * towards the sum before the activation, or is that already where `outputBeforeActivation` is set; `inputGradient`
   * [maxRows, inputWidth], written up to row rows[0] - 1, and towards the sum before `inputActivation` where the input is
   * what that activation gave
   * @throws HashgnnError if the layer is not trainable or was made for fewer rows; BindingError if a tensor has no room
   */
  backward(
    program: Program,
    io: {
      readonly input: Tensor<'f32'>;
      readonly output: Tensor<'f32'>;
      readonly outputGradient: Tensor<'f32'>;
      readonly outputBeforeActivation?: boolean;
      readonly inputGradient?: Tensor<'f32'> | undefined;
      readonly inputActivation?: Activation;
    } & Rows,
  ): void {
    const { input, output, outputGradient: gradient, inputGradient, rows, maxRows } = io;
    const { outputBeforeActivation = false, inputActivation = 'none' } = io;
    const { label, outputWidth, activation } = this.options;
    this.#requireRows({ output }, outputWidth, maxRows);
    if (activation !== 'none' && !outputBeforeActivation) {
      this.#requireRows({ outputGradient: gradient }, outputWidth, maxRows);
      const count = maxRows * outputWidth;
      program.dispatch('dense/activation_backward', {
        label: `${label} activation backward`,
        bind: { output, rows, gradient },
        parameters: { width: outputWidth },
        constants: { ACTIVATION: ACTIVATIONS[activation] },
        invocations: count / 4,
        cost: { bytes: 12 * count, operations: 3 * count },
      });
    }
    this.backwardWeight(program, { input, gradient, rows, maxRows });
    if (inputGradient) this.backwardInput(program, { gradient, input, inputGradient, inputActivation, rows, maxRows });
  }

  /**
   * Records the gradients of weight and bias.
   * @param io `input` as in `forward`; `gradient` [maxRows, outputWidth] towards the sums before the activation
   * @throws as `backward`
   */
  backwardWeight(
    program: Program,
    io: { readonly input: Tensor<'f32'>; readonly gradient: Tensor<'f32'> } & Rows,
  ): void {
    const { input, gradient, rows, maxRows } = io;
    const { label, inputWidth, outputWidth, sides } = this.options;
    const { weight, bias, partial } = this.#trainable();
    if (maxRows > this.options.maxRows) {
      throw new HashgnnError(`${label} is made for ${this.options.maxRows} rows and cannot learn from ${maxRows}`);
    }
    this.#requireRows({ input }, inputWidth, maxRows);
    this.#requireRows({ outputGradient: gradient }, outputWidth, maxRows);
    const block = BLOCKS[this.variant];
    const chunk_rows = chunkRows(maxRows);
    const chunks = this.#spans(maxRows, chunk_rows);
    const parameters = { input_width: inputWidth, output_width: outputWidth, sides, chunk_rows };
    program.dispatch(`dense/backward_weight${block.suffix}`, {
      label: `${label} weight backward`,
      bind: { input, gradient, rows, partial },
      parameters,
      workgroups:
        chunks * Math.ceil((inputWidth + block.biasInputs) / block.inputs) * Math.ceil(outputWidth / block.columns),
      cost: this.#cost(maxRows),
    });
    const values = sides * (inputWidth + 1) * outputWidth;
    program.dispatch('dense/reduce_partials', {
      label: `${label} weight reduction`,
      bind: { partial, rows, weight_gradient: weight, bias_gradient: bias },
      parameters,
      invocations: values / 4,
      cost: { bytes: 4 * (chunks * (inputWidth + 1) * outputWidth + values), operations: chunks * values },
    });
  }

  /**
   * Records the gradient of the input, gradient · weightᵀ: with weights that are rows of something, also its products with
   * other rows.
   * @param io `gradient` as in `backwardWeight`; `input` is read where `inputActivation` is one, and `inputGradient` is
   * towards the sums before that, as in `backward`
   * @throws BindingError if a tensor has no room for maxRows rows
   */
  backwardInput(
    program: Program,
    io: {
      readonly gradient: Tensor<'f32'>;
      readonly inputGradient: Tensor<'f32'>;
      readonly input?: Tensor<'f32'>;
      readonly inputActivation?: Activation;
    } & Rows,
  ): void {
    const { gradient, inputGradient, input = this.weight, inputActivation = 'none', rows, maxRows } = io;
    const { label, inputWidth, outputWidth, sides } = this.options;
    this.#requireRows({ inputGradient, ...(inputActivation !== 'none' && { input }) }, inputWidth, maxRows);
    this.#requireRows({ outputGradient: gradient }, outputWidth, maxRows);
    const block = BLOCKS[this.variant];
    program.dispatch(`dense/backward_input${block.suffix}`, {
      label: `${label} input backward`,
      bind: { gradient, weight: this.weight, rows, input, input_gradient: inputGradient },
      parameters: { input_width: inputWidth, output_width: outputWidth, sides },
      constants: { ACTIVATION: ACTIVATIONS[inputActivation] },
      workgroups: this.#spans(maxRows, block.rows) * Math.ceil(inputWidth / block.columns),
      cost: this.#cost(maxRows),
    });
  }

  /** How sums are cut: long ones of a few rows and columns into parts, so that all of a GPU has work. */
  #cutOf({ inputWidth, outputWidth, maxRows, activation }: DenseOptions): { steps: number; parts: number } {
    const { rows, columns } = BLOCKS.tiles;
    const workgroups = this.#spans(maxRows, rows) * Math.ceil(outputWidth / columns);
    const wanted = Math.min(Math.floor(inputWidth / MIN_PART_INPUTS), Math.floor(BUSY_WORKGROUPS / workgroups));
    if (this.variant !== 'tiles' || activation !== 'none' || wanted < 2) return { steps: inputWidth, parts: 1 };
    const steps = 16 * Math.ceil(inputWidth / wanted / 16);
    return { steps, parts: Math.ceil(inputWidth / steps) };
  }

  /** Spans of `size` rows that the rows can make, wherever the border between the sides falls. */
  #spans(maxRows: number, size: number): number {
    return Math.ceil(maxRows / size) + this.options.sides - 1;
  }

  #cost(maxRows: number): { bytes: number; operations: number } {
    const { inputWidth, outputWidth, sides } = this.options;
    return {
      bytes: 4 * (maxRows * (inputWidth + outputWidth) + sides * inputWidth * outputWidth),
      operations: 2 * maxRows * inputWidth * outputWidth,
    };
  }

  #requireRows(tensors: Readonly<Record<string, Tensor<'f32'>>>, width: number, maxRows: number): void {
    for (const [name, tensor] of Object.entries(tensors)) {
      if (tensor.length < maxRows * width) {
        throw new BindingError(
          `${tensor.label} of ${tensor.length} elements has no room for ${maxRows} rows of width ${width}`,
          { where: `${this.options.label}, ${name}` },
        );
      }
    }
  }

  #trainable(): { weight: Tensor<'f32'>; bias: Tensor<'f32'>; partial: Tensor<'f32'> } {
    if (!this.#gradients) {
      throw new HashgnnError(`${this.options.label} has no gradients`, { fix: 'make the layer trainable' });
    }
    return this.#gradients;
  }
}
