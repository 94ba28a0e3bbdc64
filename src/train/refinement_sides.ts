import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import { recordAdd } from '../layers/add.js';
import { Dense } from '../layers/dense.js';
import type { PreparedEmbeddings } from '../search/embeddings.js';
import { type Part, rowLanes, rowsOf, type ScoredUsers } from './multinomial.js';

/** What teacher and pupil share. */
export interface Shared {
  readonly users: ScoredUsers;
  readonly userCount: number;
  readonly itemCount: number;
  /** `offsets` [users + 1] and `columns`: the items that are not ranked. */
  readonly own: Record<'offsets' | 'columns', Tensor<'u32'>>;
}

/** The probabilities by embeddings, a part of the users at a time. */
export class Teacher {
  /** [1] */
  readonly temperature: Tensor<'f32'>;
  /** [largest part, stride] */
  readonly scores: Tensor<'f32'>;
  /** [largest part, 4] as `shaders/refine/probabilities.wgsl` defines them. */
  readonly terms: Tensor<'f32'>;
  readonly #vectors: Tensor<'f32'>;
  readonly #items: Dense;
  readonly #shared: Shared;

  constructor(
    scope: TensorScope,
    { users: vectors, items }: Record<'users' | 'items', PreparedEmbeddings>,
    shared: Shared,
  ) {
    const { users, userCount } = shared;
    const { width } = vectors;
    const maxRows = users.parts[0]!.count;
    this.#shared = shared;
    this.temperature = scope.tensor('f32', [1], 'temperature', Float32Array.of(1));
    this.scores = scope.tensor('f32', [maxRows, users.stride], 'probabilities by embeddings');
    this.terms = scope.tensor('f32', [maxRows, 4], 'terms of the teacher');
    this.#vectors = scope.tensor('f32', [userCount, width], 'user embeddings', vectors.values);
    this.#items = new Dense(scope, {
      ...{ label: 'item embeddings', inputWidth: users.stride, outputWidth: width, sides: 1, maxRows },
      ...{ activation: 'none', trainable: false },
    });
    this.#items.weight.write(items.values);
  }

  record(program: Program, part: Part): void {
    const { first, count, rows } = part;
    const { users, itemCount, own } = this.#shared;
    const gradient = rowsOf(this.#vectors, part, this.#items.options.outputWidth);
    this.#items.backwardInput(program, { gradient, inputGradient: this.scores, rows, maxRows: count });
    const { constants, lanes } = rowLanes(program.gpu);
    program.dispatch('refine/probabilities', {
      bind: { ...own, scale: this.temperature, scores: this.scores, terms: this.terms },
      parameters: { rows: count, first_row: first, items: itemCount, stride: users.stride },
      constants,
      invocations: count * lanes,
      cost: { bytes: 16 * count * users.stride, operations: 30 * count * users.stride },
    });
  }
}

/** The codes, as signs. */
export class Pupil {
  /** [users, bits] */
  readonly userSigns: Tensor<'f32'>;
  /** [4] as `shaders/refine/directions.wgsl` defines them. */
  readonly factors: Tensor<'f32'>;
  /** [users, 4] the same. */
  readonly terms: Tensor<'f32'>;
  /** [users] and [items]: bits flipped in a round. */
  readonly userFlips: Tensor<'u32'>;
  readonly itemFlips: Tensor<'u32'>;
  readonly #scores: Tensor<'f32'>;
  readonly #userDirection: Tensor<'f32'>;
  readonly #itemDirection: Tensor<'f32'>;
  readonly #userMass: Tensor<'f32'>;
  readonly #itemMass: Tensor<'f32'>;
  readonly #items: Dense;
  readonly #bits: number;
  readonly #shared: Shared;

  constructor(
    scope: TensorScope,
    {
      bits,
      userSigns,
      itemSigns,
    }: { bits: number; userSigns: Float32Array<ArrayBuffer>; itemSigns: Float32Array<ArrayBuffer> },
    shared: Shared,
  ) {
    const { users, userCount, itemCount } = shared;
    const maxRows = users.parts[0]!.count;
    this.#bits = bits;
    this.#shared = shared;
    this.userSigns = scope.tensor('f32', [userCount, bits], 'user codes', userSigns);
    this.factors = scope.tensor('f32', [4], 'factors of codes');
    this.terms = scope.tensor('f32', [userCount, 4], 'terms of codes');
    this.userFlips = scope.tensor('u32', [userCount], 'flips of users');
    this.itemFlips = scope.tensor('u32', [itemCount], 'flips of items');
    this.#scores = scope.tensor('f32', [maxRows, users.stride], 'directions of inner products');
    this.#userDirection = scope.tensor('f32', [maxRows, bits], 'directions of user codes');
    this.#userMass = scope.tensor('f32', [maxRows], 'mass of users', new Float32Array(maxRows).fill(1));
    this.#itemMass = scope.tensor('f32', [users.stride], 'mass of items');
    this.#items = new Dense(scope, {
      ...{ label: 'item codes', inputWidth: users.stride, outputWidth: bits, sides: 1, maxRows, activation: 'none' },
    });
    this.#items.weight.write(itemSigns);
    this.#itemDirection =
      users.parts.length === 1
        ? this.#items.weightGradient
        : scope.tensor('f32', [users.stride, bits], 'directions of item codes');
  }

  /** [stride, bits] */
  get itemSigns(): Tensor<'f32'> {
    return this.#items.weight;
  }

  /** Records what comes before the first part of a round. */
  recordBegin(program: Program): void {
    program.clear(this.userFlips);
    program.clear(this.itemFlips);
    program.clear(this.#itemMass);
    if (this.#itemDirection !== this.#items.weightGradient) program.clear(this.#itemDirection);
  }

  /** Records a flip of the users of a part. */
  recordUsers(program: Program, part: Part, teacher: Tensor<'f32'>): void {
    const { rows, count } = part;
    this.#recordDirections(program, part, teacher);
    this.#items.forward(program, { input: this.#scores, output: this.#userDirection, rows, maxRows: count });
    program.dispatch('refine/flip', {
      label: 'refine/flip of users',
      bind: {
        ...{ factors: this.factors, direction: this.#userDirection, mass: this.#userMass },
        signs: rowsOf(this.userSigns, part, this.#bits),
        flips: rowsOf(this.userFlips, part, 1),
      },
      parameters: { nodes: count, bits: this.#bits },
      invocations: count,
      cost: { bytes: 8 * count * this.#bits },
    });
  }

  /** Records adding a part's share to the directions of the items. */
  recordItems(program: Program, part: Part, teacher: Tensor<'f32'>): void {
    const { rows, count } = part;
    const { stride } = this.#shared.users;
    this.#recordDirections(program, part, teacher);
    const gradient = rowsOf(this.userSigns, part, this.#bits);
    this.#items.backwardWeight(program, { input: this.#scores, gradient, rows, maxRows: count });
    const addend = this.#items.weightGradient;
    const sum = this.#itemDirection;
    if (sum !== addend) recordAdd(program, { addend, sum, label: 'directions of item codes over all parts' });
    program.dispatch('refine/mass', {
      bind: { factors: this.factors, teacher, direction: this.#scores, mass: this.#itemMass },
      parameters: { rows: count, stride },
      invocations: stride / 4,
      cost: { bytes: 8 * count * stride, operations: 3 * count * stride },
    });
  }

  recordFlipItems(program: Program): void {
    const { itemCount } = this.#shared;
    program.dispatch('refine/flip', {
      label: 'refine/flip of items',
      bind: {
        ...{ factors: this.factors, direction: this.#itemDirection, mass: this.#itemMass, signs: this.itemSigns },
        flips: this.itemFlips,
      },
      parameters: { nodes: itemCount, bits: this.#bits },
      invocations: itemCount,
      cost: { bytes: 8 * itemCount * this.#bits },
    });
  }

  #recordDirections(program: Program, part: Part, teacher: Tensor<'f32'>): void {
    const { first, count, rows } = part;
    const { users, itemCount, own } = this.#shared;
    const gradient = rowsOf(this.userSigns, part, this.#bits);
    this.#items.backwardInput(program, { gradient, inputGradient: this.#scores, rows, maxRows: count });
    const { constants, lanes } = rowLanes(program.gpu);
    program.dispatch('refine/directions', {
      bind: {
        ...{ ...own, factors: this.factors, teacher, scores: this.#scores },
        terms: rowsOf(this.terms, part, 4),
      },
      parameters: { rows: count, first_row: first, items: itemCount, stride: users.stride },
      constants,
      invocations: count * lanes,
      cost: { bytes: 24 * count * users.stride, operations: 30 * count * users.stride },
    });
  }
}
