/** Data that no estimate of a bound fits, at sizes where the bit-sliced design is chosen. */
import { expect, test, vi } from 'vitest';
import { HashgnnError } from '../../src/base/errors.js';
import { type Design, HammingIndex, idBitmap } from '../../src/search/index.js';
import { Nearest } from '../../src/search/nearest.js';
import { useGpu } from '../support/gpu.js';
import { type Edits, plantedShaders, withPlanted } from '../support/planted.js';
import { listsOf, mix, once } from './support.js';

const one = (kernel: string, from: string, to: string): Edits => ({ [`search/${kernel}`]: [from, to] });
/** In all variants of the kernel that lists candidates: the last one of them queues what it finds. */
const collecting = (blockwise: readonly [string, string], queued: readonly [string, string] = blockwise): Edits => ({
  'search/hamming_collect': blockwise,
  'search/hamming_collect.subgroups': blockwise,
  'search/hamming_collect.queue': queued,
});
/**
 * Errors that a search must give away. Others only make it slower: where a bound falls too early, too little is listed,
 * and the query is searched for again.
 */
const planted: [what: string, design: Design, edits: Edits][] = [
  ['the bound falls by two', 'sliced', collecting(['bounds[component] -= 1u', 'bounds[component] -= 2u'])],
  [
    'an item is lost',
    'sliced',
    collecting(
      ['return below & (below - 1u)', 'return below & (below - 1u) & 0x7fffffffu'],
      ['items &= items - 1u', 'items &= (items - 1u) & 0x7fffffffu'],
    ),
  ],
  [
    'places are those of the next block',
    'sliced',
    collecting(['first + item)', 'first + item + 32u)'], ['item - begin * 32u)', 'item - begin * 32u + 32u)']),
  ],
  [
    'removed items are listed',
    'sliced',
    collecting(['below &= vec4u(alive[current]);', ''], [' & vec4u(alive[current])', '']),
  ],
  ['nobody says that an estimate was off', 'sliced', one('hamming_order', 'kept >= k ||', 'kept >= 0u ||')],
  [
    'equal distances share a place',
    'sliced',
    one('hamming_order', 'place + 1u;', 'select(place + 1u, place, place > 0u);'),
  ],
  ['the wrong items are excluded', 'sliced', one('hamming_order', '[cursor] == item', '[cursor] == item + 1u')],
  ['one item too few is listed', 'lanes', one('hamming_topk.lanes', 'min(seen, goal)', 'min(seen, goal - 1u)')],
  [
    'removed items are listed',
    'lanes',
    one('hamming_topk.lanes', 'let mask = alive[quad / 8u]', 'let mask = (alive[quad / 8u] | ~0u)'),
  ],
];

const gpu = useGpu({ shaders: plantedShaders(planted.map(([, , edits]) => edits)) });

const POPCOUNT = Uint8Array.from(
  { length: 256 },
  (_, byte) => [...byte.toString(2)].filter((bit) => bit === '1').length,
);

interface Data {
  readonly bits: number;
  readonly codes: Uint8Array<ArrayBuffer>;
  readonly users: Uint8Array<ArrayBuffer>;
}

/** The nearest k that may be returned, by counting: (distance, id). */
function bruteForce({ bits, codes, users }: Data, k: number, gone: (query: number) => ReadonlySet<number>) {
  const bytes = bits / 8;
  const count = codes.length / bytes;
  const queries = users.length / bytes;
  const ids = new Int32Array(queries * k).fill(-1);
  const distances = new Int32Array(queries * k).fill(-1);
  for (let query = 0; query < queries; query += 1) {
    const away = gone(query);
    const lists = Array.from({ length: bits + 1 }, () => [] as number[]);
    for (let item = 0; item < count; item += 1) {
      if (away.has(item)) continue;
      let sum = 0;
      for (let byte = 0; byte < bytes; byte += 1) {
        sum += POPCOUNT[users[query * bytes + byte]! ^ codes[item * bytes + byte]!]!;
      }
      if (lists[sum]!.length < k) lists[sum]!.push(item);
    }
    let place = query * k;
    lists.forEach((list, value) => {
      for (const item of list) {
        if (place === (query + 1) * k) return;
        ids[place] = item;
        distances[place] = value;
        place += 1;
      }
    });
  }
  return { ids, distances, k };
}

const COUNT = 20_000;
const random = (bytes: number, seed: number) => Uint8Array.from({ length: bytes }, (_, at) => mix(at, seed) & 255);
const words = (count: number, word: (index: number) => number) =>
  new Uint8Array(Uint32Array.from({ length: count }, (_, index) => word(index)).buffer);
/** Half of 32 bits, different halves. */
const half = (index: number) => {
  const low = mix(index, 9) & 0xffff;
  return (low | ((~low & 0xffff) << 16)) >>> 0;
};

const adversaries: Record<string, Data> = {
  'random codes': { bits: 32, codes: random(COUNT * 4, 1), users: random(37 * 4, 2) },
  'random codes of 200 bits': { bits: 200, codes: random(COUNT * 25, 1), users: random(37 * 25, 2) },
  'all codes equal': { bits: 32, codes: words(COUNT, () => 0x1234567), users: random(37 * 4, 2) },
  'all codes equal to the queries': { bits: 64, codes: random(COUNT * 8, 1).fill(9), users: random(37 * 8, 2).fill(9) },
  'all distances equal': { bits: 32, codes: words(COUNT, half), users: words(37, (row) => (row % 2 ? 0xffffffff : 0)) },
  'two clusters, one of them small': {
    bits: 32,
    codes: words(COUNT, (index) => (index % 331 === 7 ? 0 : 0xffffffff - (mix(index, 3) & 3))),
    users: words(37, (row) => (row % 3 === 0 ? 0xffffffff : 1 << (row % 32))),
  },
  'sorted codes': {
    bits: 32,
    codes: words(COUNT, (index) => index * 200_000),
    users: words(37, (row) => row * 99_000_000),
  },
  'the nearest side by side': {
    bits: 32,
    codes: words(COUNT, (index) => (index >= 700 && index < 760 ? 0 : 0xffffffff)),
    users: words(37, () => 0),
  },
};

for (const [name, data] of Object.entries(adversaries)) {
  test(`${name}: what brute force finds, within each of three filters`, async () => {
    const count = data.codes.length / (data.bits / 8);
    using index = await HammingIndex.create(gpu(), { codes: data.codes, count, bits: data.bits });
    const none = new Set<number>();
    for (const k of [1, 50, 150]) {
      expect(await index.search(data.users, k)).toEqual(bruteForce(data, k, () => none));
    }
    // Whatever is left of the nearest when those of most queries are filtered.
    const nearest = new Set(bruteForce(data, 30, () => none).ids);
    expect(await index.search(data.users, 40, { deny: idBitmap(nearest) })).toEqual(
      bruteForce(data, 40, () => nearest),
    );
    const sorted = Uint32Array.from(nearest).sort();
    const exclude = {
      offsets: Uint32Array.from({ length: 38 }, (_, row) => row * sorted.length),
      ids: Uint32Array.from({ length: 37 * sorted.length }, (_, at) => sorted[at % sorted.length]!),
    };
    expect(await index.search(data.users, 40, { exclude })).toEqual(bruteForce(data, 40, () => nearest));
  });
}

test('queries whose estimate was off, and no others, are searched for again with a popcount of every pair', async () => {
  const again = vi.spyOn(Nearest.prototype, 'again');
  try {
    // The sample misses nearly all of the sixty items that are near, and the bound is where the other 19,940 are.
    const data = adversaries['the nearest side by side']!;
    using index = await HammingIndex.create(gpu(), { codes: data.codes, count: COUNT, bits: 32 });
    await index.search(data.users, 50);
    const { codes } = adversaries['random codes']!;
    using usual = await HammingIndex.create(gpu(), { codes, count: COUNT, bits: 32 });
    again.mockClear();
    await usual.search(random(5000 * 4, 8), 50);
    const rows = again.mock.calls.reduce((sum, [queries]) => sum + queries.length, 0);
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThan(500);
  } finally {
    again.mockRestore();
  }
});

/** Removed and excluded items, and so many queries that the estimate is off for some. */
const situation = once(() => {
  const queries = 1500;
  const data = { bits: 32, codes: random(COUNT * 4, 5), users: random(queries * 4, 8) };
  const removed = Array.from({ length: 3000 }, (_, at) => mix(at, 6) % COUNT);
  const gone = new Set(removed);
  const nearest = bruteForce(data, 50, () => gone);
  // Of every other query what it would have got first and last.
  const excluded = Array.from({ length: queries }, (_, row) =>
    row % 2 ? [] : [nearest.ids[row * 50]!, nearest.ids[row * 50 + 49]!],
  );
  const expected = bruteForce(data, 50, (query) => new Set([...removed, ...excluded[query]!]));
  return { data, removed, excluded, expected };
});

test.each(planted.map(([what, design, edits], index) => [what, design, edits, index] as const))(
  'an error is found: %s (%s)',
  async (_, variant, edits, index) => {
    const { data, removed, excluded, expected } = situation();
    const search = async () => {
      using codes = await HammingIndex.create(gpu(), { codes: data.codes, count: COUNT, bits: 32 });
      codes.remove(removed);
      return await codes.search(data.users, 50, { variant, exclude: listsOf(excluded) });
    };
    expect(await search()).toEqual(expected);
    expect(await withPlanted(gpu(), edits, index, search)).not.toEqual(expected);
  },
);

test('a search that one query alone would take over the budget says what it needs', async () => {
  using index = await HammingIndex.create(gpu(), { codes: words(COUNT, half), count: COUNT, bits: 32 });
  const users = words(3, () => 0);
  await expect(index.search(users, 5000, { memory: 20_000 })).rejects.toThrow(HashgnnError);
  await expect(index.search(users, 5000, { memory: 20_000 })).rejects.toMatchObject({
    message: expect.stringMatching(/^one query needs \d+ bytes/),
    details: { fix: 'the memory budget is 20000 bytes: raise it or use a smaller k' },
  });
  await expect(index.rangeSearch(users, 16, { memory: 20_000 })).rejects.toMatchObject({
    message: expect.stringMatching(/^one query needs \d+ bytes/),
    details: { where: 'search of 20000 items within 16 bits', fix: expect.stringContaining('use a smaller radius') },
  });
  // What another search has kept does not count against the next.
  await index.search(users, 5000);
  const kept = gpu().memory().live;
  await index.search(users, 5, { memory: 60_000 });
  expect(gpu().memory().live).toBeLessThan(kept);
});

test('an index that is destroyed finishes the searches that have begun, refuses others and frees everything', async () => {
  const before = gpu().memory().live;
  const index = await HammingIndex.create(gpu(), { codes: words(COUNT, half), count: COUNT, bits: 32 });
  const users = words(9, () => 0);
  const alone = await index.search(users, 5);
  const under = [index.search(users, 5), index.search(users, 5)];
  index.destroy();
  await expect(index.search(users, 5)).rejects.toThrow('this index was destroyed');
  expect(await Promise.all(under)).toEqual([alone, alone]);
  index.destroy();
  expect(gpu().memory().live).toBe(before);
});
