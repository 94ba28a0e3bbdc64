import { HashgnnError, InputError, InterruptedError } from '../base/errors.js';
import type { Gpu, Program, TensorScope } from '../gpu/index.js';
import { toWords } from '../search/codes.js';
import { type PreparedEmbeddings, prepareEmbeddings } from '../search/embeddings.js';
import { type Codes, type Lists, wordsOf } from '../search/index.js';
import { checkLists } from '../search/lists.js';
import { type Part, type ScoredUsers, scoredUsers } from './multinomial.js';
import { Pupil, Teacher } from './refinement_sides.js';

/** Codes, and embeddings of the same users and items whose rankings the codes shall imitate. */
export interface RefinementInput {
  /** Bytes [users, bits / 8] or words [users, ceil(bits / 32)]. */
  readonly userCodes: Codes;
  readonly itemCodes: Codes;
  readonly bits: number;
  /** [users, width], of any width. */
  readonly userEmbeddings: Float32Array;
  /** [items, width] */
  readonly itemEmbeddings: Float32Array;
  /** Items of each user, ascending, that are never ranked for them: those trained on. */
  readonly own: Lists;
}

/** How a refinement is done on the device. */
export interface RefinementSettings {
  /** Bits of a user's code that a round may flip, one after another; it flips one of each item's. 2 unless told. */
  readonly userFlips?: number;
  /** Bytes of the scores of a part of the users, for tests. */
  readonly scoreBytes?: number;
}

/** What a round did. */
export interface RefinementRound {
  /** Mean over users, in nats, after their flips and before those of items. */
  readonly crossEntropy: number;
  /** The factor on inner products of codes that this is with. */
  readonly scale: number;
  readonly userFlips: number;
  readonly itemFlips: number;
}

/** Scores have to stay far above the mark of own items (`shaders/lib/unseen.wgsl`). */
const LARGEST_PRODUCT = 2 ** 49;
/** Newton steps until a temperature is found, and the relative step that is small enough. */
const TEMPERATURE_STEPS = 30;
const TEMPERATURE_CLOSE = 1e-3;
/** Users that a temperature is found from, up to a part less, where there are so many. */
const TEMPERATURE_USERS = 8192;
/** The scale of codes changes by this factor a round at most. */
const SCALE_CHANGE = 2;

/**
 * Codes made to rank as embeddings do, by coordinate descent on their bits. With the teacher's probabilities π_u =
 * softmax(temperature · ⟨e_u, e_i⟩) and the codes' π'_u = softmax(scale · ⟨h_u, b_i⟩), both over the items i that are not
 * the user's own, it lowers the mean over users of -Σ_i π_ui ln π'_ui (Hinton et al., 2015, with discrete pupils, and of the
 * items that will be ranked). Of every code the bit is flipped whose flip lowers it most, for all users at once and then for
 * all items at once, by bounds that add up (`shaders/refine/flip.wgsl`): at its scale no round makes it higher. The scale takes
 * a step of Newton's method after each. There is nothing random in it.
 */
export class CodeRefinement {
  readonly #scope: TensorScope;
  readonly #users: ScoredUsers;
  readonly #teacher: Teacher;
  readonly #pupil: Pupil;
  readonly #programs: readonly { readonly targets: Program; readonly refine: Program }[];
  readonly #flipItems: Program;
  readonly #itemCount: number;
  #scale: number;
  /** Whether the teacher's probabilities of all users are there, which needs them to be in one part. */
  #taught = false;

  private constructor(
    readonly gpu: Gpu,
    scope: TensorScope,
    readonly input: RefinementInput,
    { userFlips = 2, scoreBytes }: RefinementSettings,
  ) {
    const { bits } = input;
    const userWords = toWords(input.userCodes, bits);
    const itemWords = toWords(input.itemCodes, bits);
    const users = userWords.length / wordsOf(bits);
    const items = itemWords.length / wordsOf(bits);
    const teacher = requireShapes(input, users, items);
    this.#scope = scope;
    this.#users = scoredUsers(scope, { count: users, itemCount: items, scoreBytes });
    this.#itemCount = items;
    this.#scale = 1 / Math.sqrt(bits);
    const own = {
      offsets: scope.tensor('u32', [users + 1], 'own items offsets', Uint32Array.from(input.own.offsets)),
      columns: scope.tensor(
        'u32',
        [Math.max(1, input.own.columns.length)],
        'own items',
        input.own.columns.length > 0 ? Uint32Array.from(input.own.columns) : new Uint32Array(1),
      ),
    };
    const shared = { users: this.#users, itemCount: items, own };
    this.#teacher = new Teacher(scope, teacher, shared);
    this.#pupil = new Pupil(
      scope,
      { bits, userSigns: signsOf(userWords, bits), itemSigns: signsOf(itemWords, bits) },
      shared,
    );
    this.#flipItems = scope.own(gpu.program('refine item codes'));
    const { imageRooms } = this.#flipItems;
    this.#programs = this.#users.parts.map((part) => {
      const targets = scope.own(gpu.program('targets of codes', imageRooms));
      this.#teacher.record(targets, part);
      const refine = scope.own(gpu.program('refine user codes', imageRooms));
      if (part.first === 0) this.#pupil.recordBegin(refine);
      for (let flip = 0; flip < userFlips; flip += 1) this.#pupil.recordUsers(refine, part, this.#teacher.scores);
      this.#pupil.recordItems(refine, part, this.#teacher.scores);
      return { targets, refine };
    });
    this.#pupil.recordFlipItems(this.#flipItems);
  }

  /**
   * Prepares a refinement; `temperature` or `fitTemperature` comes next.
   * @throws InputError where codes, embeddings and lists do not belong together; GpuOutOfMemoryError
   */
  static async create(gpu: Gpu, input: RefinementInput, settings: RefinementSettings = {}): Promise<CodeRefinement> {
    const living = await gpu.living();
    const scope = living.scope();
    try {
      const refinement = new CodeRefinement(living, scope, input, settings);
      const programs = refinement.#programs.flatMap(({ targets, refine }) => [targets, refine]);
      // One after another: pipelines are shared, and the first makes them.
      for (const program of [...programs, refinement.#flipItems]) await program.compile();
      return refinement;
    } catch (error) {
      scope.destroy();
      throw error;
    }
  }

  /** The factor on the teacher's inner products. */
  set temperature(value: number) {
    if (!(value > 0 && Number.isFinite(value))) {
      throw new InputError(`the factor on inner products of embeddings cannot be ${value}`, {
        where: 'refinement',
        fix: 'give a number above 0',
      });
    }
    this.#teacher.temperature.write(Float32Array.of(value));
    this.#taught = false;
  }

  /**
   * Finds the factor on the teacher's inner products at which interactions that were held out are likeliest (temperature
   * scaling, Guo et al., ICML 2017), from some 8,192 users where there are so many, and sets it.
   * @param held of each user, ascending: validation items
   * @throws HashgnnError where the embeddings do not rank these above others
   */
  async fitTemperature(held: Lists, signal?: AbortSignal): Promise<number> {
    const { userEmbeddings, itemEmbeddings } = this.input;
    const { parts, count } = this.#users;
    const width = userEmbeddings.length / count;
    const chosen = parts.filter(spread(parts, TEMPERATURE_USERS));
    let sum = 0;
    const counts = new Float64Array(count);
    for (const { first, count: rows } of chosen) {
      for (let user = first; user < first + rows; user += 1) {
        counts[user] = held.offsets[user + 1]! - held.offsets[user]!;
        for (let at = held.offsets[user]!; at < held.offsets[user + 1]!; at += 1) {
          sum += dot(userEmbeddings, user, itemEmbeddings, held.columns[at]!, width);
        }
      }
    }
    let value = 0;
    let low = 0;
    let high = Number.POSITIVE_INFINITY;
    for (let step = 0; step < TEMPERATURE_STEPS; step += 1) {
      this.#teacher.temperature.write(Float32Array.of(value));
      let slope = -sum;
      let curvature = 0;
      for (const part of chosen) {
        await this.#run(this.#programs[parts.indexOf(part)]!.targets, signal);
        const terms = await this.#teacher.terms.read();
        for (let row = 0; row < part.count; row += 1) {
          slope += counts[part.first + row]! * terms[4 * row + 1]!;
          curvature += counts[part.first + row]! * terms[4 * row + 2]!;
        }
      }
      if (!Number.isFinite(slope)) {
        throw new HashgnnError(`the slope of the likelihood by the temperature is ${slope}`, {
          where: `refinement, temperature ${value}`,
          fix: 'use smaller embeddings, or give the temperature (--temperature)',
        });
      }
      if (value === 0 && !(slope < 0 && curvature > 0)) {
        throw new HashgnnError('the embeddings do not rank validation items above others', {
          where: 'refinement',
          fix: 'use embeddings that do, or give the factor on their inner products (--temperature)',
        });
      }
      if (slope < 0) low = value;
      else high = value;
      const newton = value - slope / curvature;
      const inside = newton > low && newton < high;
      const next = inside ? newton : Number.isFinite(high) ? (low + high) / 2 : 2 * low;
      const close = Math.abs(next - value) <= TEMPERATURE_CLOSE * next;
      value = next;
      if (close) break;
    }
    this.temperature = value;
    return value;
  }

  /**
   * Flips bits of all users, then of all items.
   * @param onUsers told how many users are done
   * @throws InterruptedError where `signal` is aborted; HashgnnError where a result is not finite
   */
  async round(signal?: AbortSignal, onUsers?: (done: number) => void): Promise<RefinementRound> {
    const { parts, count } = this.#users;
    const scale = this.#scale;
    this.#pupil.factors.write(Float32Array.of(scale, Math.sinh(2 * scale), Math.cosh(2 * scale) - 1, 0));
    for (const [at, { targets, refine }] of this.#programs.entries()) {
      if (!this.#taught) await this.#run(targets, signal);
      this.#taught = parts.length === 1;
      await this.#run(refine, signal);
      onUsers?.(parts[at]!.first + parts[at]!.count);
    }
    await this.#run(this.#flipItems, signal);
    const { terms, userFlips, itemFlips } = this.#pupil;
    const [each, ...flips] = await Promise.all([terms.read(), userFlips.read(), itemFlips.read()]);
    const sums = [0, 0, 0, 0];
    each.forEach((term, at) => {
      sums[at % 4]! += term;
    });
    const [crossEntropy, mean, taught, spread] = sums as [number, number, number, number];
    if (!(Number.isFinite(crossEntropy) && Number.isFinite(spread))) {
      throw new HashgnnError(`the cross-entropy of codes is ${crossEntropy}`, {
        where: 'refinement',
        fix: 'use smaller embeddings or a smaller factor on their inner products (--temperature)',
      });
    }
    if (spread > 0) {
      const wanted = scale - (mean - taught) / spread;
      this.#scale = Math.min(SCALE_CHANGE * scale, Math.max(scale / SCALE_CHANGE, wanted));
    }
    const [ofUsers, ofItems] = flips.map((counts) => counts.reduce((sum, value) => sum + value, 0));
    return { crossEntropy: crossEntropy / count, scale, userFlips: ofUsers!, itemFlips: ofItems! };
  }

  /** The codes as they are now: bytes [users, bits / 8] and [items, bits / 8]. */
  async codes(): Promise<{ userCodes: Uint8Array<ArrayBuffer>; itemCodes: Uint8Array<ArrayBuffer> }> {
    const { bits } = this.input;
    const [users, items] = await Promise.all([this.#pupil.userSigns.read(), this.#pupil.itemSigns.read()]);
    return { userCodes: codesOf(users, bits), itemCodes: codesOf(items.subarray(0, this.#itemCount * bits), bits) };
  }

  destroy(): void {
    this.#scope.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  async #run(program: Program, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) {
      throw new InterruptedError('interrupted; nothing of the refinement is kept', {
        where: 'refinement',
        fix: 'begin it again, with fewer rounds where it takes too long',
      });
    }
    program.run();
    await this.gpu.finish();
  }
}

/** @throws InputError where arrays do not belong together, or an embedding is not finite */
function requireShapes(
  { bits, userEmbeddings, itemEmbeddings, own }: RefinementInput,
  users: number,
  items: number,
): Record<'users' | 'items', PreparedEmbeddings> {
  if (users === 0 || items === 0) throw new InputError('there are no codes to refine', { where: 'refinement' });
  const width = userEmbeddings.length / users;
  if (itemEmbeddings.length !== items * width) {
    throw new InputError(
      `${userEmbeddings.length} numbers for ${users} users and ${itemEmbeddings.length} for ${items} items are no embeddings of one width`,
      { where: 'embeddings', fix: `give embeddings of the users and items that the ${bits}-bit codes are of` },
    );
  }
  checkLists(own, users, items, 'own items');
  const prepared = {
    users: prepareEmbeddings(userEmbeddings, width, 'user embeddings'),
    items: prepareEmbeddings(itemEmbeddings, width, 'item embeddings'),
  };
  const product = prepared.users.largest * prepared.items.largest * prepared.users.width;
  if (!(product < LARGEST_PRODUCT)) {
    throw new InputError('inner products of these embeddings could be too large', {
      where: `magnitudes up to ${prepared.users.largest} and ${prepared.items.largest}`,
      fix: 'scale the embeddings down',
    });
  }
  return prepared;
}

/** Which of the parts, spread evenly, hold so many users, or all. */
function spread(parts: readonly Part[], users: number): (part: Part, at: number) => boolean {
  const wanted = Math.min(parts.length, Math.ceil(users / parts[0]!.count));
  return (_, at) => Math.floor(((at + 1) * wanted) / parts.length) > Math.floor((at * wanted) / parts.length);
}

function dot(a: Float32Array, row: number, b: Float32Array, other: number, width: number): number {
  let sum = 0;
  for (let at = 0; at < width; at += 1) sum += a[row * width + at]! * b[other * width + at]!;
  return sum;
}

/** Words [N, words] as 1 and -1, [N, bits]. */
function signsOf(words: Uint32Array, bits: number): Float32Array<ArrayBuffer> {
  const perCode = wordsOf(bits);
  return Float32Array.from({ length: (words.length / perCode) * bits }, (_, at) => {
    const bit = at % bits;
    return (words[Math.floor(at / bits) * perCode + (bit >>> 5)]! >>> (bit & 31)) & 1 ? 1 : -1;
  });
}

/** 1 and -1, [N, bits], as bytes [N, bits / 8]. */
function codesOf(signs: Float32Array, bits: number): Uint8Array<ArrayBuffer> {
  const codes = new Uint8Array((signs.length / bits) * (bits / 8));
  signs.forEach((sign, at) => {
    // Rows are whole bytes, so that bits of all rows follow one another.
    if (sign > 0) codes[at >>> 3]! |= 1 << (at & 7);
  });
  return codes;
}
