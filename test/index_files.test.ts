import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { HammingIndex, HierarchicalIndex, openIndex, saveIndex } from '../src/index.js';
import { codesOf, embeddingsOf } from './search/support.js';
import { useGpu } from './support/gpu.js';

const gpu = useGpu();
let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hashgnn-index-'));
});
beforeEach(() => {
  path = join(folder, 'items.index');
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const codes = codesOf(50, 40, 9, 1);
const queries = codesOf(7, 40, 9, 2);
const items = { codes, count: 50, bits: 40 };

test('what was saved is opened and finds the same, whatever was added and removed before', async () => {
  const shape = fc.record({
    count: fc.nat(40),
    more: fc.nat(20),
    bits: fc.integer({ min: 1, max: 20 }).map((bytes) => bytes * 8),
    width: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 9 })),
    removing: fc.integer({ min: 2, max: 5 }),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ count, more, bits, width, removing, seed }) => {
      const ids = Int32Array.from({ length: count }, (_, row) => (count - row) * 3);
      const part = (n: number, salt: number) => codesOf(n, bits, 8, seed + salt);
      const ask = part(5, 2);
      const gone = [...ids, ...Array.from({ length: more }, (_, row) => count * 3 + 1 + row)].filter(
        (id) => id % removing === 0,
      );
      if (width === undefined) {
        using index = await HammingIndex.create(gpu(), { codes: part(count, 0), count, bits, ids });
        index.add(part(more, 1));
        index.remove(gone);
        await saveIndex(path, index);
        using opened = (await openIndex(gpu(), path)) as HammingIndex;
        expect(opened).toBeInstanceOf(HammingIndex);
        expect([opened.count, opened.bits]).toEqual([index.count, bits]);
        expect(await opened.search(ask, 9)).toEqual(await index.search(ask, 9));
        return;
      }
      const wide = (n: number, salt: number) => embeddingsOf(n, width, seed + salt);
      const both = { codes: part(count, 0), embeddings: wide(count, 0), count, bits, width, ids };
      using index = await HierarchicalIndex.create(gpu(), both);
      index.add(part(more, 1), wide(more, 1));
      index.remove(gone);
      await saveIndex(path, index);
      using opened = (await openIndex(gpu(), path)) as HierarchicalIndex;
      expect(opened).toBeInstanceOf(HierarchicalIndex);
      expect([opened.count, opened.bits, opened.width]).toEqual([index.count, bits, width]);
      const query = { codes: ask, embeddings: wide(5, 2) };
      expect(await opened.search(query, 9, { candidates: 20 })).toEqual(
        await index.search(query, 9, { candidates: 20 }),
      );
    }),
    { numRuns: 25 },
  );
  expect(await readdir(folder)).toEqual(['items.index']);
});

test('an opened index takes more items and forgets some like any other', async () => {
  using index = await HammingIndex.create(gpu(), items);
  await saveIndex(path, index);
  using opened = (await openIndex(gpu(), path)) as HammingIndex;
  opened.add(queries);
  // 52 is the third of the queries.
  expect(opened.remove([3, 52])).toBe(2);
  const { ids, distances } = await opened.search(queries, 1);
  expect(opened.count).toBe(55);
  expect([...distances].filter((_, query) => query !== 2)).toEqual(Array(6).fill(0));
  expect([...ids]).not.toContain(52);
});

test('a file that is missing, a folder, no index, cut off or altered: one input error that names it', async () => {
  using index = await HammingIndex.create(gpu(), items);
  await saveIndex(path, index);
  const bytes = await readFile(path);
  const altered = Buffer.from(bytes);
  altered[altered.length - 60]! ^= 1;
  const cases: [string, Uint8Array | undefined, RegExp][] = [
    ['missing', undefined, /no such file/],
    ['text', Buffer.from('user,item\n'), /no index file/],
    ['empty', Buffer.alloc(0), /empty/],
    ['cut', bytes.subarray(0, -100), /cut off/],
    ['altered', altered, /altered/],
  ];
  for (const [name, content, message] of cases) {
    const file = join(folder, name);
    if (content) await writeFile(file, content);
    const opening = openIndex(gpu(), file);
    await expect(opening).rejects.toBeInstanceOf(InputError);
    await expect(opening).rejects.toMatchObject({
      message: expect.stringMatching(message),
      details: { where: file, fix: expect.stringMatching(/./) },
    });
    await rm(file, { force: true });
  }
  await expect(openIndex(gpu(), folder)).rejects.toThrow(/folder, not a file/);
});

test('saving that fails leaves what was there and nothing half-written', async () => {
  await writeFile(path, 'kept');
  using index = await HammingIndex.create(gpu(), items);
  const broken = { contents: () => ({ ...index.contents(), ids: Int32Array.of(2, 1) }) } as unknown as HammingIndex;
  await expect(saveIndex(path, broken)).rejects.toThrow(InputError);
  await expect(saveIndex(join(folder, 'no', 'such', 'place'), index)).rejects.toThrow(/no such file or folder/);
  await expect(saveIndex(folder, index)).rejects.toThrow();
  expect(await readFile(path, 'utf8')).toBe('kept');
  expect(await readdir(folder)).toEqual(['items.index']);
  await saveIndex(path, index);
  expect((await stat(path)).size).toBeGreaterThan(50 * 8);
});
