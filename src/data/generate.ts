/**
 * Interactions with a planted structure, for demonstrations, tests and runs at scale: a right model clearly beats
 * popularity on them.
 *
 * Items stand in rows and interest groups: the item of rank r is in row ⌊r / groups⌋ of group r mod groups, and rows fall
 * in popularity by a power law. Some items belong to a second group too. A user has one to three interests and takes up
 * another as the days go by; most of his interactions are drawn from them. So an interaction is drawn in constant time
 * from counter-based random numbers: users are made one after the other, nothing is held for each interaction, and any
 * user can be made again by himself. Some users and items are twins: nearest neighbours that a right model has to find.
 * Deterministic in the seed.
 */
import { UsageError } from '../base/errors.js';
import { Purpose, random4, toBelow, toUnit } from '../base/random.js';

/** What generated interactions look like. */
export interface Shape {
  /** Interest groups; 0 stands for about one for 60 items and at most one for 60 users. */
  readonly groups: number;
  /** Exponent of the power law of users' activity; 0 makes all alike. */
  readonly activity: number;
  /** Exponent of the power law of items' popularity in a group; 0 makes all alike. */
  readonly popularity: number;
  /** Share of draws that follow popularity alone. */
  readonly noise: number;
  /** Share of draws on the last day that come from the interest that a user takes up. */
  readonly drift: number;
  /** Days over which interactions are spread evenly. */
  readonly days: number;
  /** Share of users, and of items, that have a twin. */
  readonly twins: number;
}

const plain: Shape = { groups: 0, activity: 0.8, popularity: 0.8, noise: 0.15, drift: 0.2, days: 30, twins: 0.05 };

/** Shapes by name. */
export const shapes: Readonly<Record<string, Shape>> = {
  plain,
  /** A few users and items have most of the interactions. */
  skewed: { ...plain, activity: 1.1, popularity: 1.1 },
  /** What users like at the end is mostly not what they liked at first. */
  drifting: { ...plain, drift: 0.9 },
  /** Hard: more than half of the draws say nothing of the user. */
  noisy: { ...plain, noise: 0.6 },
  /** No structure but popularity: no model should beat it. */
  popular: { ...plain, noise: 1, drift: 0, twins: 0 },
};

const ranges: Readonly<Record<keyof Shape, readonly [low: number, high: number, whole?: boolean]>> = {
  groups: [0, 2 ** 26, true],
  activity: [0, 3],
  popularity: [0, 3],
  noise: [0, 1],
  drift: [0, 1],
  days: [1, 730, true],
  twins: [0, 0.5],
};

/**
 * A shape as a text: a name, parameters, or a name followed by the parameters that differ from it, with commas between,
 * as `skewed,drift=0.5,days=90`.
 *
 * @throws UsageError for names, parameters and values that are none
 */
export function parseShape(text: string): Shape {
  let shape = plain;
  for (const [at, part] of text.split(',').entries()) {
    const [name, value] = part.split('=').map((side) => side.trim()) as [string, string?];
    if (value === undefined) {
      if (at > 0 || !Object.hasOwn(shapes, name)) {
        throw new UsageError(
          `--shape has "${part}"; expected ${at === 0 ? `${Object.keys(shapes).join(', ')} or ` : ''}parameter=value`,
        );
      }
      shape = shapes[name]!;
    } else if (!Object.hasOwn(ranges, name)) {
      throw new UsageError(`--shape has "${name}"; its parameters are ${Object.keys(ranges).join(', ')}`);
    } else shape = { ...shape, [name]: value === '' ? Number.NaN : Number(value) };
  }
  checkShape(shape);
  return shape;
}

function checkShape(shape: Shape): void {
  for (const [name, [low, high, whole]] of Object.entries(ranges)) {
    const value = shape[name as keyof Shape];
    if (value >= low && value <= high && (!whole || Number.isInteger(value))) continue;
    throw new UsageError(
      `--shape has ${name}=${value}; expected a ${whole ? 'whole ' : ''}number from ${low} to ${high}`,
    );
  }
}

export interface GenerateOptions {
  readonly users: number;
  readonly items: number;
  /** Distinct pairs to make; at least one a user and one an item, at most half of all pairs. */
  readonly interactions: number;
  readonly seed: number;
  /** What differs from the shape `plain`. */
  readonly shape?: Partial<Shape>;
}

/** The interactions of one user. The arrays are valid until the next user is made. */
export interface UserInteractions {
  readonly user: number;
  readonly count: number;
  /** Ascending, none twice; the first `count` are his. */
  readonly items: Uint32Array;
  /** When, in seconds since 1970 (UTC). */
  readonly times: Uint32Array;
}

/** What is known of interactions before any is made, and how they are made. */
export interface GeneratedInteractions {
  readonly userCount: number;
  readonly itemCount: number;
  readonly interactionCount: number;
  /** All of it, `groups` as they came out. */
  readonly shape: Shape;
  /** Pairs of users or of items that are nearest neighbours: about 4 in 5 interactions of one are the other's too. */
  twins(side: 'users' | 'items'): Generator<readonly [number, number]>;
  /** `u0001`, …: as many digits as the largest needs, so that their order as text is their order. */
  userId(user: number): string;
  itemId(item: number): string;
  /** All users one after the other; nothing is kept. */
  users(): Generator<UserInteractions>;
  /** Flat pairs (user, item), int32 [interactions × 2], sorted by user, then item, none twice; for data that fit memory. */
  edges(): Int32Array;
  /**
   * What the interactions were drawn from: the affinity of a user to each item, Float32Array [itemCount].
   * @param at when, from 0 at the beginning of the first day to 1 at the end of the last; without it over all days
   */
  oracle(user: number, at?: number): Float32Array;
}

/** When the first day begins, in seconds since 1970: 1 January 2019. */
const START = 1_546_300_800;
const DAY = 86_400;
/** Share of rows whose items belong to two groups. */
const OVERLAP = 0.3;
/** How uneven the audiences of groups are. */
const AUDIENCE = 0.5;
/** How often a twin does what the other does, in 256ths. */
const TWIN_ODDS = 204;
/** The most active user is ahead of the median one by a factor of about (100 / 2) to the exponent. */
const ACTIVITY_SHIFT = 0.01;

/** Each kind of draw has its own step of the counter. */
const Step = { users: 1, items: 2, tastes: 3, overlap: 4, activity: 5, cover: 6, scan: 7, firstDraw: 8 } as const;

/** Numbers below `count`, k in proportion to the integral of x^-exponent from k + 1 to k + 2. */
class PowerLaw {
  readonly #power: number;
  readonly #total: number;

  constructor(
    exponent: number,
    readonly count: number,
  ) {
    this.#power = 1 - exponent;
    this.#total = this.#upTo(count);
  }

  #upTo(k: number): number {
    return Math.abs(this.#power) < 1e-9 ? Math.log(k + 1) : ((k + 1) ** this.#power - 1) / this.#power;
  }

  weight(k: number): number {
    return (this.#upTo(k + 1) - this.#upTo(k)) / this.#total;
  }

  /** The number at a place in [0, 1) of the whole weight. */
  at(place: number): number {
    const part = place * this.#total;
    const x = Math.abs(this.#power) < 1e-9 ? Math.exp(part) : (1 + part * this.#power) ** (1 / this.#power);
    return Math.min(this.count - 1, Math.floor(x - 1));
  }
}

/** All numbers below `count` in a random order. */
function shuffled(count: number, seed: number, step: number): Uint32Array {
  const order = new Uint32Array(count);
  for (let place = 0; place < count; place++) order[place] = place;
  for (let place = count - 1; place > 0; place--) {
    const other = toBelow(random4(seed, Purpose.generate, step, place)[0], place + 1);
    const moved = order[place]!;
    order[place] = order[other]!;
    order[other] = moved;
  }
  return order;
}

function inverse(order: Uint32Array): Uint32Array {
  const places = new Uint32Array(order.length);
  order.forEach((index, place) => {
    places[index] = place;
  });
  return places;
}

/** Adds whole numbers in proportion to the weights to `counts`, each up to `most`, until they sum to `total`. */
function apportion(counts: Uint32Array, weights: Float64Array, total: number, most: number): void {
  let rest = total - counts.reduce((sum, count) => sum + count, 0);
  let open = counts.length;
  for (let first = true; rest > 0 && open > 0; first = false) {
    let sum = 0;
    weights.forEach((weight, index) => {
      if (counts[index]! < most) sum += weight;
    });
    const share = rest;
    open = 0;
    for (let index = 0; index < weights.length && rest > 0; index++) {
      const room = Math.max(0, most - counts[index]!);
      if (room === 0) continue;
      // After the first pass what is left by rounding goes round one by one.
      const wanted = Math.floor((share * weights[index]!) / sum);
      const add = Math.min(room, rest, first ? wanted : Math.max(1, wanted));
      counts[index]! += add;
      rest -= add;
      if (add < room) open++;
    }
  }
}

function checkOptions({ users, items, interactions, seed }: GenerateOptions, shape: Shape): void {
  for (const [name, value] of Object.entries({ users, items, interactions })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new UsageError(`--${name} is ${value}; expected a whole number of at least 1`);
    }
    if (name !== 'interactions' && value >= 2 ** 26) {
      throw new UsageError(`--${name} is ${value}; expected less than ${2 ** 26}`);
    }
  }
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new UsageError(`--seed is ${seed}; expected a whole number from 0 to 4294967295`);
  }
  const least = Math.max(users, items);
  const most = Math.floor((users * items) / 2);
  if (interactions < least || interactions > most) {
    throw new UsageError(
      most < least
        ? `${users} users and ${items} items are too few to generate interactions for`
        : `--interactions is ${interactions}; expected ${least} (one a user and an item) to ${most} (half of all pairs)`,
    );
  }
  checkShape(shape);
  if (shape.groups > Math.min(users, items)) {
    throw new UsageError(
      `--shape has groups=${shape.groups}; expected at most one for each of ${users} users and ${items} items`,
    );
  }
}

/**
 * Lays out exactly `interactions` distinct pairs, of which every user and every item has at least one. Memory: about 8
 * bytes an item and 24 a user.
 *
 * @throws UsageError for counts that cannot be met
 */
export function generateInteractions(options: GenerateOptions): GeneratedInteractions {
  const shape = { ...plain, ...options.shape };
  checkOptions(options, shape);
  const { users, items, interactions, seed } = options;
  const groups = shape.groups || Math.max(1, Math.round(Math.min(users, items) / 60));
  const rows = Math.ceil(items / groups);
  const draw = (step: number, index: number) => random4(seed, Purpose.generate, step, index);

  // A user's place and an item's rank say what they are; the order makes sure that their index does not.
  const placeOf = shuffled(users, seed, Step.users);
  const itemOf = shuffled(items, seed, Step.items);
  const rowLaw = new PowerLaw(shape.popularity, rows);
  const audience = new PowerLaw(AUDIENCE, groups);

  /** How many groups after its own an item's second group comes, by row; 0 where it has none. */
  const overlap = new Uint32Array(rows);
  for (let row = 0; groups > 1 && row < rows; row++) {
    const [kind, distance] = draw(Step.overlap, row);
    if (toUnit(kind) < OVERLAP) overlap[row] = 1 + toBelow(distance, groups - 1);
  }

  // Twins stand in the same group, one row after the other; those of items are neither the most popular nor the least.
  const userTwins = Math.round((shape.twins * users) / 2);
  const itemTwins = Math.round((shape.twins * items) / 2);
  const firstTwinRow = 2 * Math.floor(rows / 8);
  /** The other of a pair of twins, or -1: of places, or of ranks. */
  const twinOf = (at: number, count: number, pairs: number, firstRow: number): number => {
    const row = Math.floor(at / groups) - firstRow;
    if (row < 0 || (row >>> 1) * groups + (at % groups) >= pairs) return -1;
    const other = (row & 1) === 0 ? at + groups : at - groups;
    return other < count ? other : -1;
  };
  const leadOf = (place: number) => {
    const twin = twinOf(place, users, userTwins, 0);
    return twin >= 0 ? Math.min(twin, place) : place;
  };
  function* twins(side: 'users' | 'items'): Generator<readonly [number, number]> {
    const ofUsers = side === 'users';
    const [count, pairs, firstRow] = ofUsers ? [users, userTwins, 0] : [items, itemTwins, firstTwinRow];
    const indexOf = ofUsers ? inverse(placeOf) : itemOf;
    for (let at = firstRow * groups, found = 0; at < count && found < pairs; at++) {
      const other = twinOf(at, count, pairs, firstRow);
      if (other < at) continue;
      yield [indexOf[at]!, indexOf[other]!];
      found++;
    }
  }

  // The users of a group share its items among them, so that each item has one who holds it for certain.
  const holders = (group: number) => Math.ceil((users - group) / groups);
  const holdings = (group: number) => Math.ceil((items - group) / groups);
  const activity = new Uint32Array(users);
  const weights = new Float64Array(users);
  for (let place = 0; place < users; place++) {
    const group = place % groups;
    activity[place] = Math.max(1, Math.ceil((holdings(group) - Math.floor(place / groups)) / holders(group)));
    weights[place] = (toUnit(draw(Step.activity, leadOf(place))[0]) + ACTIVITY_SHIFT) ** -shape.activity;
  }
  apportion(activity, weights, interactions, Math.max(Math.ceil(interactions / users), Math.floor(0.6 * items)));

  const interests = [0, 0, 0];
  const shares = [0, 0, 0];
  /** Fills the interests of a place and their shares, and gives the one that comes up with the days. */
  const readTastes = (place: number): number => {
    const lead = leadOf(place);
    const [many, second, third, late] = draw(Step.tastes, lead);
    const count = 1 + toBelow(many, 3);
    // The first interest weighs most.
    const first = count === 1 ? 1 : 0.5 + 0.3 * ((many & 255) / 256);
    interests[0] = lead % groups;
    interests[1] = audience.at(toUnit(second));
    interests[2] = audience.at(toUnit(third));
    shares[0] = first;
    shares[1] = count === 1 ? 0 : (1 - first) / (count - 1);
    shares[2] = count === 3 ? shares[1] : 0;
    return audience.at(toUnit(late));
  };

  const seconds = shape.days * DAY;
  function* generate(): Generator<UserInteractions> {
    /** By rank: who took it last, from 1. */
    const taken = new Uint32Array(items);
    const most = activity.reduce((high, count) => Math.max(high, count), 0);
    // An item and its time in one number, so that they are sorted together.
    const pairsOf = new Float64Array(most);
    const ownItems = new Uint32Array(most);
    const ownTimes = new Uint32Array(most);
    for (let user = 0; user < users; user++) {
      const place = placeOf[user]!;
      const lead = leadOf(place);
      const late = readTastes(place);
      const wanted = activity[place]!;
      let count = 0;
      const take = (rank: number, second: number) => {
        if (count >= wanted || taken[rank] === user + 1) return;
        taken[rank] = user + 1;
        pairsOf[count++] = itemOf[rank]! * 2 ** 26 + second;
      };
      const group = place % groups;
      for (let row = Math.floor(place / groups); row * groups + group < items; row += holders(group)) {
        const rank = row * groups + group;
        take(rank, toBelow(draw(Step.cover, rank)[0], seconds));
      }
      // Repeats are drawn again; who has most of his interests already takes what is popular, and at last anything.
      for (let attempt = 0; count < wanted && attempt < 12 * wanted + 64; attempt++) {
        let words = draw(Step.firstDraw + attempt, lead);
        if (lead !== place && ((words[0] >>> 1) & 127) >= TWIN_ODDS / 2) words = draw(Step.firstDraw + attempt, place);
        const [kind, taste, rowPlace, time] = words;
        const when = toUnit(time);
        const place01 = toUnit(taste);
        const row = rowLaw.at(toUnit(rowPlace));
        let own: number;
        const sort = toUnit(kind);
        if (sort < shape.noise || attempt > 4 * wanted + 16) own = audience.at(place01);
        else {
          if (sort < shape.noise + (1 - shape.noise) * shape.drift * when) own = late;
          else if (place01 < shares[0]!) own = interests[0]!;
          else own = place01 < shares[0]! + shares[1]! ? interests[1]! : interests[2]!;
          // Half of the time it is the item of this row whose second group this is.
          if ((kind & 1) === 1) own = (own + groups - overlap[row]!) % groups;
        }
        const rank = row * groups + own;
        if (rank >= items) continue;
        const second = Math.floor(when * seconds);
        take(rank, second);
        const twin = twinOf(rank, items, itemTwins, firstTwinRow);
        if (twin >= 0 && (time & 255) < TWIN_ODDS) take(twin, second);
      }
      for (let rank = toBelow(draw(Step.scan, place)[0], items); count < wanted; rank = (rank + 1) % items) {
        take(rank, toBelow(draw(Step.cover, rank)[1], seconds));
      }
      const sorted = pairsOf.subarray(0, count).sort();
      for (let at = 0; at < count; at++) {
        const item = Math.floor(sorted[at]! / 2 ** 26);
        ownItems[at] = item;
        ownTimes[at] = START + (sorted[at]! - item * 2 ** 26);
      }
      yield { user, count, items: ownItems, times: ownTimes };
    }
  }

  const oracle = (user: number, at = 0.5): Float32Array => {
    const late = readTastes(placeOf[user]!);
    const drifted = shape.drift * at;
    const pull = new Float64Array(groups);
    for (let index = 0; index < 3; index++) pull[interests[index]!]! += (1 - drifted) * shares[index]!;
    pull[late]! += drifted;
    const scores = new Float32Array(items);
    for (let rank = 0; rank < items; rank++) {
      const row = Math.floor(rank / groups);
      const group = rank % groups;
      const drawn = (pull[group]! + pull[(group + overlap[row]!) % groups]!) / 2;
      scores[itemOf[rank]!] = rowLaw.weight(row) * ((1 - shape.noise) * drawn + shape.noise * audience.weight(group));
    }
    return scores;
  };

  const digitsOf = (count: number) => String(count).length;
  const id = (letter: string, count: number) => (index: number) =>
    `${letter}${String(index + 1).padStart(digitsOf(count), '0')}`;
  return {
    userCount: users,
    itemCount: items,
    interactionCount: interactions,
    shape: { ...shape, groups },
    twins,
    userId: id('u', users),
    itemId: id('i', items),
    users: generate,
    edges() {
      const edges = new Int32Array(2 * interactions);
      let next = 0;
      for (const own of generate()) {
        for (let at = 0; at < own.count; at++) {
          edges[next++] = own.user;
          edges[next++] = own.items[at]!;
        }
      }
      return edges;
    },
    oracle,
  };
}
