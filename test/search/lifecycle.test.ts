/** Indexes that change: whatever was added, removed and filtered, a search finds what brute force finds. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BusyError,
  type Design,
  HammingIndex,
  type HammingResult,
  HierarchicalIndex,
  type IdBitmap,
  idBitmap,
  MISSING_PRODUCT,
} from '../../src/search/index.js';
import { decodeIndex, encodeIndex } from '../../src/search/index_format.js';
import { useGpu } from '../support/gpu.js';
import { best, codesOf, distance, embeddingsOf, listsOf, mix, product } from './support.js';

const gpu = useGpu();

const WIDTH = 6;
/** Ids are drawn from few numbers, so that removed ones come back, and from the ends of what an id may be. */
const idOf = fc.oneof({ weight: 9, arbitrary: fc.nat(300) }, fc.constantFrom(2 ** 31 - 2, 2 ** 24 + 1, 2 ** 30));

const change = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('add' as const), ids: fc.uniqueArray(idOf, { maxLength: 60 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.nat(70) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), ids: fc.array(idOf, { maxLength: 80 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);
type Change = typeof change extends fc.Arbitrary<infer C> ? C : never;

const question = fc.record({
  queries: fc.constantFrom(0, 1, 3, 9, 40),
  k: fc.oneof(fc.constantFrom(0, 1, 700), fc.integer({ min: 1, max: 40 })),
  radius: fc.nat(40),
  candidates: fc.integer({ min: 1, max: 90 }),
  variant: fc.constantFrom<Design | undefined>('sliced', 'lanes', 'workgroup', undefined),
  memory: fc.constantFrom(undefined, 60_000),
  allow: fc.option(fc.array(fc.nat(350), { maxLength: 300 }), { nil: undefined }),
  deny: fc.option(fc.array(idOf, { maxLength: 100 }), { nil: undefined }),
  // By query: excluded ids, unknown and repeated ones among them; every fifth excludes all.
  exclude: fc.option(fc.array(fc.array(idOf, { maxLength: 20 }), { maxLength: 40 }), { nil: undefined }),
  seed: fc.nat(),
});
type Question = typeof question extends fc.Arbitrary<infer Q> ? Q : never;

const life = fc.record({
  bits: fc.oneof(
    fc.constantFrom(8, 32, 64),
    fc.integer({ min: 1, max: 20 }).map((bytes) => bytes * 8),
  ),
  kinds: fc.integer({ min: 1, max: 60 }),
  start: fc.constantFrom(0, 1, 130, 700),
  // Buffers of 64 codes, or of all.
  small: fc.boolean(),
  steps: fc.array(fc.tuple(fc.array(change, { maxLength: 3 }), question), { minLength: 1, maxLength: 3 }),
  seed: fc.nat(0xffff),
});

/** The items that an index must hold, in the plainest way. */
class Model {
  readonly codes = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly embeddings = new Map<number, Float32Array>();
  /** Places are not given up before `compact`, and with them the largest id. */
  largest = -1;
  drawn = 0;

  constructor(
    readonly bits: number,
    readonly kinds: number,
  ) {}

  get ids(): number[] {
    return [...this.codes.keys()].sort((a, b) => a - b);
  }

  /** New items under these ids. */
  draw(ids: readonly number[], seed: number) {
    this.drawn += 1;
    const codes = codesOf(ids.length, this.bits, this.kinds, seed + this.drawn);
    const embeddings = embeddingsOf(ids.length, WIDTH, seed + this.drawn);
    const bytes = this.bits / 8;
    ids.forEach((id, row) => {
      this.codes.set(id, codes.subarray(row * bytes, (row + 1) * bytes));
      this.embeddings.set(id, embeddings.subarray(row * WIDTH, (row + 1) * WIDTH));
      this.largest = Math.max(this.largest, id);
    });
    return { codes, embeddings };
  }

  compacted(): void {
    this.largest = this.ids.at(-1) ?? -1;
  }

  /** What each query may get. */
  candidates({ queries, allow, deny }: Question, excluded: readonly (readonly number[])[]): number[][] {
    const allowed = allow && new Set(allow);
    const denied = new Set(deny);
    const all = this.ids.filter((id) => (!allowed || allowed.has(id)) && !denied.has(id));
    return Array.from({ length: queries }, (_, query) => {
      const gone = new Set(excluded[query]);
      return all.filter((id) => !gone.has(id));
    });
  }
}

/** The same through both indexes, whose items are the same. */
interface Indexes {
  hamming: HammingIndex;
  both: HierarchicalIndex;
}

async function apply(indexes: Indexes, model: Model, step: Change, seed: number, bufferBytes: number | undefined) {
  const { hamming, both } = indexes;
  if (step.kind === 'add' || step.kind === 'append') {
    const room = 2 ** 31 - 2 - model.largest;
    const ids =
      step.kind === 'add'
        ? step.ids.filter((id) => !model.codes.has(id))
        : Array.from({ length: Math.min(room, step.count) }, (_, index) => model.largest + 1 + index);
    const { codes, embeddings } = model.draw(ids, seed);
    const given = step.kind === 'add' ? [ids] : [];
    hamming.add(codes, ...given);
    both.add(codes, embeddings, ...given);
  } else if (step.kind === 'remove') {
    const present = new Set(step.ids.filter((id) => model.codes.has(id)));
    expect(hamming.remove(step.ids)).toBe(present.size);
    expect(both.remove(step.ids)).toBe(present.size);
    for (const id of present) model.codes.delete(id);
  } else if (step.kind === 'compact') {
    hamming.compact();
    both.compact();
    model.compacted();
  } else {
    const options = bufferBytes === undefined ? {} : { bufferBytes };
    const reopened = async (index: HammingIndex | HierarchicalIndex) => {
      const file = Buffer.concat(await encodeIndex(index.contents()));
      index.destroy();
      return decodeIndex(new Uint8Array(file), 'index');
    };
    indexes.hamming = await HammingIndex.fromContents(gpu(), await reopened(hamming), options);
    indexes.both = await HierarchicalIndex.fromContents(gpu(), await reopened(both), options);
    model.compacted();
  }
}

async function ask({ hamming, both }: Indexes, model: Model, asked: Question): Promise<void> {
  const { queries, k, radius, candidates, seed, memory, variant } = asked;
  const { bits } = model;
  const bytes = bits / 8;
  expect([hamming.count, both.count]).toEqual([model.codes.size, model.codes.size]);
  const users = { codes: codesOf(queries, bits, model.kinds, seed), embeddings: embeddingsOf(queries, WIDTH, seed) };
  // Ids beyond the places of an index without ids of its own are an error, tested elsewhere.
  const known = (id: number) => model.codes.has(id);
  const excluded = Array.from({ length: queries }, (_, query) => {
    if (!asked.exclude) return [];
    return (query % 5 === 4 ? model.ids : (asked.exclude[query] ?? []).filter(known)).flatMap((id) =>
      id % 3 === 0 ? [id, id] : [id],
    );
  });
  const bitmap = (ids: readonly number[] | undefined): IdBitmap | undefined => ids && idBitmap(ids);
  const allow = bitmap(asked.allow);
  const deny = bitmap(asked.deny?.filter((id) => id < 2 ** 25));
  const options = {
    ...(asked.exclude && { exclude: listsOf(excluded) }),
    ...(allow && { allow }),
    ...(deny && { deny }),
    ...(memory && { memory }),
    ...(variant && { variant }),
  };
  const kept = model.candidates({ ...asked, deny: asked.deny?.filter((id) => id < 2 ** 25) }, excluded);
  const distanceTo = (query: number) => (id: number) => distance(users.codes, query, model.codes.get(id)!, 0, bytes);
  const nearest = (query: number, most: number) => best(kept[query]!, most, 1, distanceTo(query), -1);

  const found = await hamming.search(users.codes, k, options);
  const expected = kept.map((_, query) => nearest(query, k));
  expect([...found.distances]).toEqual(expected.flatMap((row) => row.values));
  expect([...found.ids]).toEqual(expected.flatMap((row) => row.ids));

  const { variant: _, ...rangeOptions } = options;
  const range = await hamming.rangeSearch(users.codes, radius, rangeOptions);
  kept.forEach((allowed, query) => {
    const all = nearest(query, allowed.length);
    const end = all.values.filter((value) => value <= radius).length;
    const [from, to] = [range.offsets[query]!, range.offsets[query + 1]!];
    expect([...range.ids.subarray(from, to)]).toEqual(all.ids.slice(0, end));
    expect([...range.distances.subarray(from, to)]).toEqual(all.values.slice(0, end));
  });
  expect([range.offsets.length, range.offsets[0], range.offsets[queries]]).toEqual([queries + 1, 0, range.ids.length]);

  const ranked = await both.search(users, k, { ...options, candidates });
  const best2 = kept.map((_, query) =>
    best(
      nearest(query, candidates).ids.filter((id) => id >= 0),
      k,
      -1,
      (id) => product(users.embeddings, query, model.embeddings.get(id)!, 0, WIDTH),
      MISSING_PRODUCT,
    ),
  );
  expect([...ranked.ids]).toEqual(best2.flatMap((row) => row.ids));
  expect([...ranked.products].map((value) => value + 0)).toEqual(best2.flatMap((row) => row.values));
}

test('after any additions, removals and filters a search finds what brute force finds', async () => {
  await fc.assert(
    fc.asyncProperty(life, async ({ bits, kinds, start, small, steps, seed }) => {
      const model = new Model(bits, kinds);
      const words = Math.ceil(bits / 32);
      const bufferBytes = small ? 64 * 4 * Math.max(words, WIDTH + 2) : undefined;
      const { codes, embeddings } = model.draw([...Array(start).keys()], seed);
      const items = { codes, count: start, bits };
      const options = bufferBytes === undefined ? {} : { bufferBytes };
      const before = gpu().memory().live;
      const indexes: Indexes = {
        hamming: await HammingIndex.create(gpu(), items, options),
        both: await HierarchicalIndex.create(gpu(), { ...items, embeddings, width: WIDTH }, options),
      };
      try {
        for (const [changes, asked] of steps) {
          for (const step of changes) await apply(indexes, model, step, seed, bufferBytes);
          await ask(indexes, model, asked);
        }
      } finally {
        indexes.hamming.destroy();
        indexes.both.destroy();
      }
      expect(gpu().memory().live).toBe(before);
    }),
    { numRuns: 60 },
  );
});

test('what is added or removed while a search runs is for the next one', async () => {
  const [count, queries, bits, k] = [3000, 600, 32, 10];
  const items = codesOf(count, bits, 2 ** 31, 1);
  const users = codesOf(queries, bits, 2 ** 31, 2);
  const embeddings = embeddingsOf(count, WIDTH, 3);
  const userEmbeddings = embeddingsOf(queries, WIDTH, 4);
  using hamming = await HammingIndex.create(gpu(), { codes: items, count, bits });
  using both = await HierarchicalIndex.create(gpu(), { codes: items, count, bits, embeddings, width: WIDTH });
  // Small batches, so that the changes come between them.
  const options = { memory: 400_000, candidates: 20 };
  const search = () =>
    Promise.all([
      hamming.search(users, k, options),
      hamming.rangeSearch(users, 9, options),
      both.search({ codes: users, embeddings: userEmbeddings }, k, options),
    ]);
  const undisturbed = await search();
  const disturbed = search();
  for (let turn = 0; turn < 30; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (turn < 2) continue;
    const own = Array.from({ length: 50 }, (_, index) => 10_000 - turn * 100 + index);
    for (const index of [hamming, both]) {
      index.remove(own.map((_, row) => turn * 90 + row * 3));
      if (turn % 7 === 6) index.compact();
    }
    hamming.add(codesOf(50, bits, 2 ** 31, turn + 10), own);
    both.add(codesOf(50, bits, 2 ** 31, turn + 10), embeddingsOf(50, WIDTH, turn), own);
  }
  // The range search has waited its turn: only the first search of each index was under way.
  const [found, , ranked] = await disturbed;
  expect(found).toEqual(undisturbed[0]);
  expect(ranked).toEqual(undisturbed[2]);

  const contents = hamming.contents();
  using anew = await HammingIndex.fromContents(gpu(), contents);
  expect(await hamming.search(users, k)).toEqual(await anew.search(users, k));
  using bothAnew = await HierarchicalIndex.fromContents(gpu(), both.contents());
  const asked = { codes: users, embeddings: userEmbeddings };
  expect(await both.search(asked, k, options)).toEqual(await bothAnew.search(asked, k, options));
});

test('searches that overlap in time each give what they give alone', async () => {
  const [count, bits] = [2500, 64];
  using index = await HammingIndex.create(gpu(), { codes: codesOf(count, bits, 300, 5), count, bits });
  const asked = Array.from({ length: 12 }, (_, at) => ({
    users: codesOf(1 + at * 9, bits, 300, 20 + at),
    k: 1 + at * 5,
    deny: idBitmap(Array.from({ length: 200 }, (_, row) => mix(row, at) % count)),
  }));
  const alone = [];
  for (const { users, k, deny } of asked) alone.push(await index.search(users, k, { deny }));
  const together = await Promise.all(asked.map(({ users, k, deny }) => index.search(users, k, { deny })));
  expect(together).toEqual(alone);
});

test('rows added where buffers have room, and before others, reach the device', async () => {
  const bits = 32;
  const draw = (count: number, seed: number) => ({
    codes: codesOf(count, bits, 2 ** 31, seed),
    embeddings: embeddingsOf(count, WIDTH, seed),
  });
  const ids = Array.from({ length: 100 }, (_, row) => 3 * row);
  const first = draw(100, 1);
  using index = await HierarchicalIndex.create(gpu(), { ...first, ids, count: 100, bits, width: WIDTH });
  const users = draw(7, 2);
  const same = async () => {
    using anew = await HierarchicalIndex.fromContents(gpu(), index.contents());
    const options = { candidates: 300 };
    expect(await index.search(users, 300, options)).toEqual(await anew.search(users, 300, options));
  };
  await index.search(users, 5);
  // The first of these makes the buffers grow, half as much again; the next ones fit.
  for (const [seed, from] of [3, 4, 5, 6].entries()) {
    const added = draw(8, seed + 10);
    index.add(added.codes, added.embeddings);
    await same();
    const between = draw(1, seed + 20);
    index.add(between.codes, between.embeddings, [from * 3 + 1]);
    await same();
  }
});

test('what a waiting search excludes are ids, whatever happens to their places', async () => {
  const [count, bits] = [400, 32];
  const codes = codesOf(count, bits, 2 ** 31, 1);
  const ids = Array.from({ length: count }, (_, row) => 10 + row);
  using index = await HammingIndex.create(gpu(), { codes, ids, count, bits });
  const users = codesOf(3, bits, 2 ** 31, 2);
  const nearest = (await index.search(users, 4)).ids;
  const exclude = listsOf([0, 1, 2].map((row) => [...nearest.subarray(4 * row, 4 * row + 4)]));
  const before = index.search(users, 4);
  const waiting = index.search(users, 4, { exclude });
  index.add(codesOf(10, bits, 2 ** 31, 3), [...Array(10).keys()]);
  await before;
  using anew = await HammingIndex.fromContents(gpu(), index.contents());
  expect(await waiting).toEqual(await anew.search(users, 4, { exclude }));
});

test('ten thousand callers at once: as many wait as may, each gets what it would alone, all others are sent away', async () => {
  const [count, bits, k, waiting] = [600, 32, 5, 100];
  using index = await HammingIndex.create(gpu(), { codes: codesOf(count, bits, 2 ** 31, 1), count, bits }, { waiting });
  const asked = Array.from({ length: 20 }, (_, at) => codesOf(1 + (at % 3), bits, 2 ** 31, 50 + at));
  const alone: HammingResult[] = [];
  for (const users of asked) alone.push(await index.search(users, k));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10_000 }, (_, at) => index.search(asked[at % asked.length]!, k)),
  );
  outcomes.forEach((outcome, at) => {
    // The first is at work, `waiting` come after it.
    if (at <= waiting) expect(outcome).toEqual({ status: 'fulfilled', value: alone[at % asked.length] });
    else expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(BusyError) });
  });
  await expect(index.search(asked[0]!, k)).resolves.toEqual(alone[0]);
});
