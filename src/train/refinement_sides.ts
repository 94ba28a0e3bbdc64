import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import { Dense } from '../layers/dense.js';
import type { PreparedEmbeddings } from '../search/embeddings.js';
import { type Part, rowLanes, rowsOf, type ScoredUsers, Scores } from './multinomial.js';

/** What teacher and pupil share. */
export interface Shared {
  readonly users: ScoredUsers;
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
    const { users } = shared;
    const { width } = vectors;
    const maxRows = users.parts[0]!.count;
    this.#shared = shared;
    this.temperature = scope.tensor('f32', [1], 'temperature', Float32Array.of(1));
    this.scores = scope.tensor('f32', [maxRows, users.stride], 'probabilities by embeddings');
    this.terms = scope.tensor('f32', [maxRows, 4], 'terms of the teacher');
    this.#vectors = scope.tensor('f32', [users.count, width], 'user embeddings', vectors.values);
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

/** The codes, as signs: the vectors of a likelihood. */
export class Pupil {
  /** [4] as `shaders/refine/directions.wgsl` defines them. */
  readonly factors: Tensor<'f32'>;
  /** [users, 4] the same. */
  readonly terms: Tensor<'f32'>;
  /** [users] and [items]: bits flipped in a round. */
  readonly userFlips: Tensor<'u32'>;
  readonly itemFlips: Tensor<'u32'>;
  readonly #memory: Scores;
  readonly #userMass: Tensor<'f32'>;
  readonly #itemMass: Tensor<'f32'>;
  readonly #bits: number;
  readonly #shared: Shared;

  /** @param codes `userSigns` [users, bits] and `itemSigns` [items, bits], 1 and -1 */
  constructor(
    scope: TensorScope,
    codes: {
      readonly bits: number;
      readonly userSigns: Float32Array<ArrayBuffer>;
      readonly itemSigns: Float32Array<ArrayBuffer>;
    },
    shared: Shared,
  ) {
    const { users, itemCount } = shared;
    const maxRows = users.parts[0]!.count;
    this.#bits = codes.bits;
    this.#shared = shared;
    this.factors = scope.tensor('f32', [4], 'factors of codes');
    this.terms = scope.tensor('f32', [users.count, 4], 'terms of codes');
    this.userFlips = scope.tensor('u32', [users.count], 'flips of users');
    this.itemFlips = scope.tensor('u32', [itemCount], 'flips of items');
    this.#memory = new Scores(scope, users, codes);
    this.#userMass = scope.tensor('f32', [maxRows], 'mass of users', new Float32Array(maxRows).fill(1));
    this.#itemMass = scope.tensor('f32', [users.stride], 'mass of items');
    this.userSigns.write(codes.userSigns);
    this.itemSigns.write(codes.itemSigns);
  }

  /** [users, bits] */
  get userSigns(): Tensor<'f32'> {
    return this.#memory.vectors;
  }

  /** [stride, bits] */
  get itemSigns(): Tensor<'f32'> {
    return this.#memory.items.weight;
  }

  /** Records what comes before the first part of a round. */
  recordBegin(program: Program): void {
    for (const tensor of [this.userFlips, this.itemFlips, this.#itemMass]) program.clear(tensor);
  }

  /** Records a flip of the users of a part. */
  recordUsers(program: Program, part: Part, teacher: Tensor<'f32'>): void {
    this.#recordDirections(program, part, teacher);
    this.#memory.recordUserGradient(program, part);
    this.#recordFlip(program, part.count, 'users', {
      direction: rowsOf(this.#memory.gradient, part, this.#bits),
      mass: this.#userMass,
      signs: rowsOf(this.userSigns, part, this.#bits),
      flips: rowsOf(this.userFlips, part, 1),
    });
  }

  /** Records adding a part's share to the directions of the items. */
  recordItems(program: Program, part: Part, teacher: Tensor<'f32'>): void {
    const { count } = part;
    const { stride } = this.#shared.users;
    this.#recordDirections(program, part, teacher);
    this.#memory.recordItemGradient(program, part);
    program.dispatch('refine/mass', {
      bind: { factors: this.factors, teacher, direction: this.#memory.scores, mass: this.#itemMass },
      parameters: { rows: count, stride },
      invocations: stride / 4,
      cost: { bytes: 8 * count * stride, operations: 3 * count * stride },
    });
  }

  /** Records a flip of the items, after all parts. */
  recordFlipItems(program: Program): void {
    this.#recordFlip(program, this.#shared.itemCount, 'items', {
      direction: this.#memory.itemGradient,
      mass: this.#itemMass,
      signs: this.itemSigns,
      flips: this.itemFlips,
    });
  }

  #recordFlip(
    program: Program,
    nodes: number,
    what: string,
    bind: Record<'direction' | 'mass' | 'signs', Tensor<'f32'>> & { readonly flips: Tensor<'u32'> },
  ): void {
    program.dispatch('refine/flip', {
      label: `refine/flip of ${what}`,
      bind: { ...bind, factors: this.factors },
      parameters: { nodes, bits: this.#bits },
      invocations: nodes,
      cost: { bytes: 8 * nodes * this.#bits },
    });
  }

  #recordDirections(program: Program, part: Part, teacher: Tensor<'f32'>): void {
    const { first, count } = part;
    const { users, itemCount, own } = this.#shared;
    this.#memory.recordScores(program, part);
    const { constants, lanes } = rowLanes(program.gpu);
    program.dispatch('refine/directions', {
      bind: {
        ...{ ...own, factors: this.factors, teacher, scores: this.#memory.scores },
        terms: rowsOf(this.terms, part, 4),
      },
      parameters: { rows: count, first_row: first, items: itemCount, stride: users.stride },
      constants,
      invocations: count * lanes,
      cost: { bytes: 24 * count * users.stride, operations: 30 * count * users.stride },
    });
  }
}
