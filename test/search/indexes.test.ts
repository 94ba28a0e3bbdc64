import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HashgnnError, InputError } from '../../src/base/errors.js';
import { GpuOutOfMemoryError } from '../../src/gpu/index.js';
import {
  type Design,
  HammingIndex,
  HierarchicalIndex,
  InnerProductIndex,
  MISSING_PRODUCT,
  packCodes,
  topkVariant,
} from '../../src/search/index.js';
import { selectionVariant } from '../../src/search/plan.js';
import { useGpu } from '../support/gpu.js';
import { best, codesOf, distance, embeddingsOf, listsOf, mix, product } from './support.js';

const gpu = useGpu();

const shape = fc.record({
  count: fc.integer({ min: 0, max: 120 }),
  queries: fc.integer({ min: 0, max: 40 }),
  bits: fc.integer({ min: 1, max: 32 }).map((bytes) => bytes * 8),
  kinds: fc.integer({ min: 1, max: 60 }),
  seed: fc.nat(),
  k: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 150 })),
  variant: fc.constantFrom<Design>('lanes', 'workgroup', 'sliced'),
  // What part of the items each query excludes; some exclude all.
  excluding: fc.constantFrom(0, 0.1, 0.9),
  // Small budgets force many batches.
  memory: fc.constantFrom(2 ** 28, 20_000),
});
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never;

function exclusionsOf({ count, queries, seed, excluding }: Shape) {
  const rows = Array.from({ length: queries }, (_, query) =>
    Array.from({ length: count }, (_, item) => item).filter(
      (item) => excluding > 0 && (query % 5 === 4 || mix(query * 1000 + item, seed) % 100 < excluding * 100),
    ),
  );
  const kept = rows.map((row) => {
    const gone = new Set(row);
    return Array.from({ length: count }, (_, item) => item).filter((item) => !gone.has(item));
  });
  return { exclude: listsOf(rows), kept };
}

test('Hamming search finds what brute force finds, in any number of batches, and the hits are those of its ids', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.boolean(), async (s, asWords) => {
      const { count, queries, bits, k, variant, memory } = s;
      const items = codesOf(count, bits, s.kinds, s.seed);
      const users = codesOf(queries, bits, s.kinds, s.seed + 1);
      const { exclude, kept } = exclusionsOf(s);
      const expected = kept.map((candidates, query) =>
        best(candidates, k, 1, (item) => distance(users, query, items, item, bits / 8), -1),
      );
      const codes = asWords ? packCodes(items, bits) : items;
      using index = await HammingIndex.create(gpu(), { codes, count, bits });
      const options = { variant, memory, ...(s.excluding > 0 && { exclude }) };
      const found = await index.search(users, k, options);
      expect(found.k).toBe(k);
      expect([...found.distances]).toEqual(expected.flatMap((row) => row.values));
      expect([...found.ids]).toEqual(expected.flatMap((row) => row.ids));

      const test = kept.map((row) => row.filter((item) => item % 3 === 0));
      const lists = listsOf(test);
      const hits = await index.hits(users, k, { offsets: lists.offsets, columns: lists.ids }, options);
      const words = Math.ceil(k / 32);
      expect(hits.length).toBe(queries * words);
      expected.forEach(({ ids }, row) => {
        const places = ids.map((_, place) => (hits[row * words + (place >>> 5)]! >>> (place & 31)) & 1);
        expect(places).toEqual(ids.map((id) => (id >= 0 && id % 3 === 0 ? 1 : 0)));
      });
    }),
    { numRuns: 40 },
  );
});

test('exhaustive search finds what brute force finds, ties in order of id', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.integer({ min: 1, max: 20 }), async (s, width) => {
      const { count, queries, k, memory } = s;
      const variant = s.variant === 'sliced' ? undefined : s.variant;
      const items = embeddingsOf(count, width, s.seed);
      const users = embeddingsOf(queries, width, s.seed + 1);
      const { exclude, kept } = exclusionsOf(s);
      const expected = kept.map((candidates, query) =>
        best(candidates, k, -1, (item) => product(users, query, items, item, width), MISSING_PRODUCT),
      );
      using index = await InnerProductIndex.create(gpu(), { embeddings: items, count, width });
      const found = await index.search(users, k, { memory, exclude, ...(variant && { variant }) });
      expect([...found.ids]).toEqual(expected.flatMap((row) => row.ids));
      expect([...found.products].map((value) => value + 0)).toEqual(expected.flatMap((row) => row.values));
    }),
    { numRuns: 40 },
  );
});

test('hierarchical search re-ranks exactly the best candidates by code', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.integer({ min: 1, max: 130 }), async (s, candidates) => {
      const { count, queries, bits, k, variant, memory } = s;
      const width = 12;
      const items = { codes: codesOf(count, bits, s.kinds, s.seed), embeddings: embeddingsOf(count, width, s.seed) };
      const users = {
        codes: codesOf(queries, bits, s.kinds, s.seed + 1),
        embeddings: embeddingsOf(queries, width, s.seed + 1),
      };
      const { exclude, kept } = exclusionsOf(s);
      const expected = kept.map((allowed, query) => {
        const byCode = best(
          allowed,
          candidates,
          1,
          (item) => distance(users.codes, query, items.codes, item, bits / 8),
          -1,
        );
        return best(
          byCode.ids.filter((id) => id >= 0),
          k,
          -1,
          (item) => product(users.embeddings, query, items.embeddings, item, width),
          MISSING_PRODUCT,
        );
      });
      using index = await HierarchicalIndex.create(gpu(), { ...items, count, bits, width });
      const found = await index.search(users, k, { variant, memory, exclude, candidates });
      expect([...found.ids]).toEqual(expected.flatMap((row) => row.ids));
      expect([...found.products].map((value) => value + 0)).toEqual(expected.flatMap((row) => row.values));
    }),
    { numRuns: 40 },
  );
});

test('at the size of MovieLens-1M the checked rows are those of brute force', async () => {
  const [count, queries, bits, width, k] = [3706, 6040, 32, 32, 100];
  const items = codesOf(count, bits, 2 ** 31, 1);
  const users = codesOf(queries, bits, 2 ** 31, 2);
  const itemEmbeddings = embeddingsOf(count, width, 3);
  const userEmbeddings = embeddingsOf(queries, width, 4);
  const rows = Array.from({ length: queries }, (_, query) =>
    Array.from({ length: mix(query, 5) % 40 }, (_, entry) => (mix(query, 6) % 90) * 40 + entry),
  );
  const exclude = listsOf(rows);
  using hamming = await HammingIndex.create(gpu(), { codes: items, count, bits });
  using exact = await InnerProductIndex.create(gpu(), { embeddings: itemEmbeddings, count, width });
  const byCode = await hamming.search(users, k, { exclude });
  const byProduct = await exact.search(userEmbeddings, k, { exclude });
  for (const query of [0, 1, 63, 64, 2999, 6038, 6039]) {
    const gone = new Set(rows[query]);
    const kept = Array.from({ length: count }, (_, item) => item).filter((item) => !gone.has(item));
    const nearest = best(kept, k, 1, (item) => distance(users, query, items, item, 4), -1);
    expect([...byCode.ids.subarray(query * k, (query + 1) * k)]).toEqual(nearest.ids);
    expect([...byCode.distances.subarray(query * k, (query + 1) * k)]).toEqual(nearest.values);
    const largest = best(kept, k, -1, (item) => product(userEmbeddings, query, itemEmbeddings, item, width), 0);
    expect([...byProduct.ids.subarray(query * k, (query + 1) * k)]).toEqual(largest.ids);
  }
});

test('what cannot be an index or a query is an input error that says where', async () => {
  const codes = new Uint8Array(12);
  const embeddings = new Float32Array(12);
  const create = (options: object) => HammingIndex.create(gpu(), { codes, count: 3, bits: 32, ...options });
  await expect(create({ count: 4 })).rejects.toThrow(InputError);
  await expect(create({ bits: 12 })).rejects.toThrow(InputError);
  await expect(create({ codes: new Uint8Array(11) })).rejects.toThrow(InputError);
  const broken = Float32Array.from(embeddings);
  broken[5] = Number.NaN;
  const product = InnerProductIndex.create(gpu(), { embeddings: broken, count: 3, width: 4 });
  await expect(product).rejects.toMatchObject({ details: { where: 'item embeddings, row 1, column 1' } });
  await expect(InnerProductIndex.create(gpu(), { embeddings, count: 3, width: 5 })).rejects.toThrow(InputError);
  const hierarchical = { codes, count: 3, bits: 32, embeddings: new Float32Array(8), width: 4 };
  await expect(HierarchicalIndex.create(gpu(), hierarchical)).rejects.toThrow(InputError);

  using index = await create({});
  for (const k of [-1, 1.5, Number.NaN]) await expect(index.search(codes, k)).rejects.toThrow(InputError);
  await expect(index.search(new Uint8Array(3), 1)).rejects.toThrow(InputError);
  const exclude = (offsets: number[], ids: number[]) => index.search(codes, 1, { exclude: { offsets, ids } });
  await expect(exclude([0, 0], [])).rejects.toThrow(/offsets/);
  await expect(exclude([0, 1, 1, 1], [3])).rejects.toThrow(/no id below 3/);
  await expect(exclude([0, 2, 2, 2], [1, 0])).rejects.toThrow(/comes after/);
  await expect(exclude([0, 2, 1, 2], [0, 1])).rejects.toThrow(/backwards/);
  await expect(exclude([0, 0, 0, 4], [0, 1])).rejects.toThrow(InputError);
  await expect(index.search(codes, 1, { memory: 8 })).rejects.toThrow(HashgnnError);

  using exact = await InnerProductIndex.create(gpu(), { embeddings: embeddings.fill(1e20), count: 3, width: 4 });
  await expect(exact.search(broken, 1)).rejects.toThrow(InputError);
  await expect(exact.search(new Float32Array(4).fill(1e19), 1)).rejects.toThrow(/range of float32/);
  const both = await HierarchicalIndex.create(gpu(), { ...hierarchical, embeddings });
  try {
    const queries = { codes, embeddings: new Float32Array(12) };
    await expect(both.search(queries, 1, { candidates: 0 })).rejects.toThrow(InputError);
    await expect(both.search({ ...queries, embeddings: new Float32Array(8) }, 1)).rejects.toThrow(InputError);
  } finally {
    both.destroy();
  }
});

test('embeddings larger than one binding are refused with their size and the limit', async () => {
  const limit = gpu().limits.maxStorageBufferBindingSize;
  if (limit > 2 ** 28) return;
  const count = limit / 64 + 1;
  const large = InnerProductIndex.create(gpu(), { embeddings: new Float32Array(count * 16), count, width: 16 });
  await expect(large).rejects.toThrow(GpuOutOfMemoryError);
});

test('lanes on drivers that run on the CPU and for very many queries, workgroups otherwise', () => {
  expect(topkVariant({ software: true, queries: 1 })).toBe('lanes');
  expect(topkVariant({ software: false, queries: 1 })).toBe('workgroup');
  expect(topkVariant({ software: false, queries: 100_000 })).toBe('lanes');
  expect(['lanes', 'workgroup']).toEqual([true, false].map((software) => selectionVariant({ software })));
});
