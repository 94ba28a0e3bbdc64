/**
 * Interactions with a planted structure, for demonstrations and tests: a right model clearly beats popularity on them.
 *
 * Users belong to one to three interest groups, items to one or two; most of a user's interactions are drawn from the
 * groups of his. User activity and item popularity fall by a power law. Deterministic in the seed.
 */
import { UsageError } from '../base/errors.js';
import { Purpose, random4, toBelow, toUnit } from '../base/random.js';

export interface GenerateOptions {
  readonly users: number;
  readonly items: number;
  /** Distinct pairs to make; at least one a user and one an item, at most half of all pairs. */
  readonly interactions: number;
  readonly seed: number;
  /** Number of interest groups; without it about one for 60 items. */
  readonly groups?: number;
}

export interface GeneratedInteractions {
  readonly userCount: number;
  readonly itemCount: number;
  readonly groupCount: number;
  /** Flat pairs (user, item), int32 [interactions × 2], sorted by user, then item, none twice. */
  readonly edges: Int32Array;
  /** `u0001`, …: as many digits as the largest needs, so that their order as text is their order. */
  readonly userIds: string[];
  readonly itemIds: string[];
  /** What the interactions were drawn from: the affinity of a user to each item, Float32Array [itemCount]. */
  oracle(user: number): Float32Array;
}

/** Share of draws that follow the user's groups; the rest follow popularity alone. */
const groupShare = 0.85;
const exponent = 0.8;

/** Each kind of draw has its own step of the counter. */
const Step = { userOrder: 1, itemOrder: 2, userGroups: 3, itemGroups: 4, cover: 5, firstDraw: 6 } as const;

/** The items of a group and their running sums of weights, for draws in proportion to weight. */
interface Pool {
  readonly items: number[];
  readonly sums: number[];
}

function poolOf(items: number[], weights: Float64Array): Pool {
  let sum = 0;
  return { items, sums: items.map((item) => (sum += weights[item]!)) };
}

/** The item of the pool at a place in [0, 1) of its weight. */
function pick(pool: Pool, place: number): number {
  const target = place * pool.sums.at(-1)!;
  let low = 0;
  let high = pool.items.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (pool.sums[middle]! <= target) low = middle + 1;
    else high = middle;
  }
  return pool.items[low]!;
}

/** Power-law weights in a random order, so that an index says nothing about its weight. */
function powerLaw(count: number, seed: number, step: number): Float64Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let place = count - 1; place > 0; place--) {
    const other = toBelow(random4(seed, Purpose.generate, step, place)[0], place + 1);
    [order[place], order[other]] = [order[other]!, order[place]!];
  }
  const shift = 1 + 0.02 * count;
  const weights = new Float64Array(count);
  order.forEach((index, rank) => {
    weights[index] = (rank + shift) ** -exponent;
  });
  return weights;
}

/** Whole numbers in proportion to the weights, each from 1 to `most`, that sum to `total`. */
function apportion(weights: Float64Array, total: number, most: number): Uint32Array {
  const counts = new Uint32Array(weights.length).fill(1);
  let rest = total - weights.length;
  let open = weights.length;
  for (let first = true; rest > 0 && open > 0; first = false) {
    let sum = 0;
    weights.forEach((weight, index) => {
      if (counts[index]! < most) sum += weight;
    });
    const share = rest;
    open = 0;
    for (let index = 0; index < weights.length && rest > 0; index++) {
      const room = most - counts[index]!;
      if (room === 0) continue;
      // After the first pass what is left by rounding goes round one by one.
      const wanted = Math.floor((share * weights[index]!) / sum);
      const add = Math.min(room, rest, first ? wanted : Math.max(1, wanted));
      counts[index]! += add;
      rest -= add;
      if (add < room) open++;
    }
  }
  return counts;
}

function checkOptions({ users, items, interactions, seed, groups }: GenerateOptions): void {
  const whole = { users, items, interactions, ...(groups !== undefined && { groups }) };
  for (const [name, value] of Object.entries(whole)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new UsageError(`--${name} is ${value}; expected a whole number of at least 1`);
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
  if (groups !== undefined && groups > items) {
    throw new UsageError(`--groups is ${groups}; expected at most one for each of the ${items} items`);
  }
}

/** One to `most` distinct groups with weights that sum to 1, from the draws of one counter. */
function drawGroups(most: number, groupCount: number, words: readonly number[], own: number): Map<number, number> {
  const [first, second, third, weightWord] = words as [number, number, number, number];
  const chosen = [own];
  const many = 1 + toBelow(first, most);
  for (const word of [second, third].slice(0, many - 1)) chosen.push(toBelow(word, groupCount));
  const distinct = [...new Set(chosen)];
  // The first interest weighs most.
  const lead = 0.5 + 0.3 * toUnit(weightWord);
  const rest = distinct.length > 1 ? (1 - lead) / (distinct.length - 1) : 0;
  return new Map(distinct.map((group, index) => [group, distinct.length === 1 ? 1 : index === 0 ? lead : rest]));
}

/**
 * Generates exactly `interactions` distinct pairs; every user and every item has at least one.
 *
 * @throws UsageError for counts that cannot be met
 */
export function generateInteractions(options: GenerateOptions): GeneratedInteractions {
  checkOptions(options);
  const { users, items, interactions, seed } = options;
  const groupCount = options.groups ?? Math.max(1, Math.min(items, Math.round(items / 60)));
  const draw = (step: number, index: number) => random4(seed, Purpose.generate, step, index);

  const popularity = powerLaw(items, seed, Step.itemOrder);
  const members: number[][] = Array.from({ length: groupCount }, () => []);
  for (let item = 0; item < items; item++) {
    // The first group goes round, so that none is empty.
    const own = item % groupCount;
    for (const group of drawGroups(2, groupCount, draw(Step.itemGroups, item), own).keys()) members[group]!.push(item);
  }
  const pools = members.map((items) => poolOf(items, popularity));
  const everything = poolOf(
    Array.from({ length: items }, (_, item) => item),
    popularity,
  );
  const tastes = Array.from({ length: users }, (_, user) =>
    drawGroups(3, groupCount, draw(Step.userGroups, user), user % groupCount),
  );

  const oracle = (user: number): Float32Array => {
    const total = everything.sums.at(-1)!;
    const scores = Float32Array.from(popularity, (weight) => ((1 - groupShare) * weight) / total);
    for (const [group, share] of tastes[user]!) {
      const pool = pools[group]!;
      for (const item of pool.items) scores[item]! += (groupShare * share * popularity[item]!) / pool.sums.at(-1)!;
    }
    return scores;
  };

  const most = Math.max(Math.ceil(interactions / users), Math.floor(0.6 * items));
  const activity = apportion(powerLaw(users, seed, Step.userOrder), interactions, most);
  const chosen: Set<number>[] = [];
  const itemDegrees = new Uint32Array(items);
  for (let user = 0; user < users; user++) {
    const own = new Set<number>();
    const wanted = activity[user]!;
    // Repeats are drawn again; a user with most of his pools drawn already gets the rest by `fill`.
    for (let attempt = 0; own.size < wanted && attempt < 4 * wanted + 16; attempt++) {
      const [kind, taste, place] = draw(Step.firstDraw + attempt, user);
      own.add(
        pick(toUnit(kind) < groupShare ? pools[choose(tastes[user]!, toUnit(taste))]! : everything, toUnit(place)),
      );
    }
    if (own.size < wanted)
      fill(own, wanted, oracle(user), (item) => draw(Step.firstDraw + 4 * wanted + 16 + item, user)[0]);
    for (const item of own) itemDegrees[item]!++;
    chosen.push(own);
  }
  coverItems(chosen, itemDegrees, (item, attempt) => draw(Step.cover, item * 64 + attempt));

  const edges = new Int32Array(2 * interactions);
  let next = 0;
  chosen.forEach((own, user) => {
    for (const item of Uint32Array.from(own).sort()) {
      edges[next++] = user;
      edges[next++] = item;
    }
  });
  const ids = (letter: string, count: number) => {
    const digits = String(count).length;
    return Array.from({ length: count }, (_, index) => `${letter}${String(index + 1).padStart(digits, '0')}`);
  };
  return {
    userCount: users,
    itemCount: items,
    groupCount,
    edges,
    userIds: ids('u', users),
    itemIds: ids('i', items),
    oracle,
  };
}

function choose(shares: Map<number, number>, place: number): number {
  let sum = 0;
  let last = 0;
  for (const [group, share] of shares) {
    last = group;
    sum += share;
    if (place < sum) break;
  }
  return last;
}

/** Draws without replacement in proportion to the scores: the smallest of −ln(uniform) / score (Efraimidis, Spirakis 2006). */
function fill(own: Set<number>, wanted: number, scores: Float32Array, word: (item: number) => number): void {
  const rest: { item: number; key: number }[] = [];
  scores.forEach((score, item) => {
    if (!own.has(item)) rest.push({ item, key: -Math.log(1 - toUnit(word(item))) / score });
  });
  rest.sort((a, b) => a.key - b.key || a.item - b.item);
  for (const { item } of rest.slice(0, wanted - own.size)) own.add(item);
}

/** Gives each item that nobody drew to a random user, in the place of an item that others have too. */
function coverItems(
  chosen: readonly Set<number>[],
  degrees: Uint32Array,
  draw: (item: number, attempt: number) => readonly number[],
): void {
  for (let item = 0; item < degrees.length; item++) {
    for (let attempt = 0; degrees[item] === 0; attempt++) {
      // After some random users, one after the other: somebody holds an item that is not its only one.
      const user = attempt < 64 ? toBelow(draw(item, attempt)[0]!, chosen.length) : attempt % chosen.length;
      const spare = [...chosen[user]!].filter((other) => degrees[other]! > 1);
      if (spare.length === 0) continue;
      const given = spare.reduce((best, other) => (degrees[other]! > degrees[best]! ? other : best));
      chosen[user]!.delete(given);
      chosen[user]!.add(item);
      degrees[given]!--;
      degrees[item] = 1;
    }
  }
}

/** Interactions as tab-separated lines `user<TAB>item` with a header, some thousand lines a piece. */
export function* toTsv({ edges, userIds, itemIds }: GeneratedInteractions): Generator<string> {
  yield 'user\titem\n';
  const step = 20_000;
  for (let start = 0; start < edges.length; start += step) {
    let text = '';
    for (let at = start; at < Math.min(start + step, edges.length); at += 2) {
      text += `${userIds[edges[at]!]}\t${itemIds[edges[at + 1]!]}\n`;
    }
    yield text;
  }
}
