/** Exhaustive search by inner product that lists only what is above an estimated bound, on data that no estimate fits too. */
import { expect, test, vi } from 'vitest';
import { Program } from '../../src/gpu/index.js';
import { InnerProductIndex, MISSING_PRODUCT } from '../../src/search/index.js';
import { planBound } from '../../src/search/plan.js';
import { useGpu } from '../support/gpu.js';
import { type Edits, plantedShaders, withPlanted } from '../support/planted.js';
import { best, embeddingsOf, listsOf, mix, once, product } from './support.js';

/** Errors that a search must give away. */
const planted: [what: string, edits: Edits][] = [
  [
    'an item is lost',
    { 'search/product_collect': ['return above & (above - 1u)', 'return above & (above - 1u) & 0x7fffffffu'] },
  ],
  ['excluded items are listed', { 'search/product_collect': ['if (gone[r] != item)', 'if (gone[r] != item + 1u)'] }],
  [
    'the list of the next query',
    { 'search/product_collect': ['list_first(1u, above.y, rows.y,', 'list_first(1u, above.y, rows.z,'] },
  ],
  [
    'nobody says that an estimate was off',
    { 'search/product_check': ['let complete = limit', 'let complete = true || limit'] },
  ],
  [
    'nobody says that a list was too short',
    { 'search/product_check': ['complete && counts[row] <= parameters.capacity', 'complete'] },
  ],
];

const gpu = useGpu({ shaders: plantedShaders(planted.map(([, edits]) => edits)) });
const together = () => gpu().adapter.software && (gpu().adapter.subgroupSize?.[0] ?? 0) >= 8;
const NEEDED = 'this design is for drivers on the CPU with subgroups of eight lanes';

const [COUNT, QUERIES, WIDTH] = [6000, 70, 12];
const rows = (count: number, value: (row: number, column: number) => number) =>
  Float32Array.from({ length: count * WIDTH }, (_, at) => value(Math.floor(at / WIDTH), at % WIDTH));
const users = embeddingsOf(QUERIES, WIDTH, 2);
const { step } = planBound(COUNT, 50);

/** Small integers: products are exact. */
const data: Record<string, Float32Array> = {
  'many ties': embeddingsOf(COUNT, WIDTH, 1),
  'few ties': rows(COUNT, (row, column) => (mix(row * WIDTH + column, 1) % 401) - 200),
  'all items equal': rows(COUNT, (_, column) => (column % 3) - 1),
  'longer with every id': rows(COUNT, (row, column) => ((mix(row * WIDTH + column, 1) % 5) - 2) * Math.floor(row / 64)),
  'shorter with every id': rows(
    COUNT,
    (row, column) => ((mix(row * WIDTH + column, 1) % 5) - 2) * Math.ceil((COUNT - row) / 64),
  ),
  'the sample worse than all others': rows(COUNT, (row, column) =>
    row % step === 0 ? 0 : (mix(row * WIDTH + column, 1) % 401) - 200,
  ),
  'the sample better than all others': rows(
    COUNT,
    (row, column) => ((mix(row * WIDTH + column, 1) % 401) - 200) * (row % step === 0 ? 64 : 1),
  ),
};

const everything = Array.from({ length: COUNT }, (_, item) => item);
const bruteForce = (items: Float32Array, k: number, gone: readonly (readonly number[])[] = []) =>
  Array.from({ length: QUERIES }, (_, query) => {
    const away = new Set(gone[query]);
    const kept = everything.filter((item) => !away.has(item));
    return best(kept, k, -1, (item) => product(users, query, items, item, WIDTH), MISSING_PRODUCT);
  });

for (const [name, items] of Object.entries(data)) {
  test(`${name}: what brute force finds, some of the best excluded or not`, async (context) => {
    if (!together()) context.skip(NEEDED);
    using index = await InnerProductIndex.create(gpu(), { embeddings: items, count: COUNT, width: WIDTH });
    const first = bruteForce(items, 60);
    // One query excludes nearly all.
    const gone = first.map(({ ids }, query) =>
      query === 40 ? everything.slice(0, COUNT - 20) : ids.filter((_, place) => mix(place, query) % 3 < query % 4),
    );
    for (const k of [1, 50]) {
      for (const exclude of [undefined, gone]) {
        const expected = bruteForce(items, k, exclude);
        const found = await index.search(users, k, {
          variant: 'bounded',
          ...(exclude && { exclude: listsOf(exclude) }),
        });
        expect([...found.ids]).toEqual(expected.flatMap(({ ids }) => ids));
        expect([...found.products].map((value) => value + 0)).toEqual(expected.flatMap(({ values }) => values));
      }
    }
  });
}

/** Embeddings of all magnitudes below 1. */
const floats = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, at) => Math.fround(mix(at, seed) / 2 ** 31 - 1));

/** The second has so many floats that the items are walked by more than one dispatch. */
for (const [count, queries, width, k] of [
  [9001, 1500, 30, 40],
  [70_000, 50, 64, 100],
] as const) {
  test(`${queries} queries of ${count} items: chosen, seldom repeated, the bits of the products that are stored`, async (context) => {
    if (!together()) context.skip(NEEDED);
    const embeddings = floats(count * width, 3);
    const asked = floats(queries * width, 4);
    using index = await InnerProductIndex.create(gpu(), { embeddings, count, width });
    const stored = await index.search(asked, k, { variant: 'lanes' });
    const dispatch = vi.spyOn(Program.prototype, 'dispatch');
    try {
      const found = await index.search(asked, k);
      expect(found).toEqual(stored);
      const sizes = dispatch.mock.calls.map(([name, { parameters }]) => ({
        name,
        ...(parameters as unknown as { queries: number; count?: number }),
      }));
      expect(sizes.map(({ name }) => name)).toContain('search/product_collect');
      const again = sizes.filter((each) => each.name === 'search/score_topk.lanes' && each.count === count);
      expect(again.reduce((sum, each) => sum + each.queries, 0)).toBeLessThan(queries / 20);
      // With a budget for some queries a batch.
      expect(await index.search(asked, k, { memory: 2 ** 20 })).toEqual(stored);
    } finally {
      dispatch.mockRestore();
    }
  });
}

/** Of some data, the best that each query does not exclude, and what it excludes: two of its best. */
const expectations = once(() =>
  ['few ties', 'the sample worse than all others', 'the sample better than all others'].map((name) => {
    const items = data[name]!;
    const gone = bruteForce(items, 4).map(({ ids }) => ids.slice(1, 3));
    return { items, gone, expected: bruteForce(items, 50, gone).flatMap(({ ids }) => ids) };
  }),
);

for (const [index, [what, edits]] of planted.entries()) {
  test(`an error is found: ${what}`, async (context) => {
    if (!together()) context.skip(NEEDED);
    const search = async () => {
      const found: number[][] = [];
      for (const { items, gone } of expectations()) {
        using products = await InnerProductIndex.create(gpu(), { embeddings: items, count: COUNT, width: WIDTH });
        const { ids } = await products.search(users, 50, { variant: 'bounded', exclude: listsOf(gone) });
        found.push([...ids]);
      }
      return found;
    };
    const expected = expectations().map((each) => each.expected);
    expect(await search()).toEqual(expected);
    expect(await withPlanted(gpu(), edits, index, search)).not.toEqual(expected);
  });
}
