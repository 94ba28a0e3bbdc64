/** What becomes of an index whose device is lost or has no memory left, and of the searches that are under way. */
import { afterEach, describe, expect, test } from 'vitest';
import { Gpu, GpuLostError, GpuOutOfMemoryError } from '../../src/gpu/index.js';
import { HammingIndex, HierarchicalIndex, InnerProductIndex } from '../../src/search/index.js';
import { codesOf, embeddingsOf } from './support.js';

const [count, queries, bits, width, k] = [2000, 40, 32, 6, 9];
const items = { codes: codesOf(count, bits, 2 ** 31, 1), count, bits };
const embeddings = embeddingsOf(count, width, 2);
const users = { codes: codesOf(queries, bits, 2 ** 31, 3), embeddings: embeddingsOf(queries, width, 4) };

const opened: Gpu[] = [];
afterEach(() => {
  for (const gpu of opened.splice(0)) gpu.destroy();
});

/** The three indexes on a device of their own, and a search of each. */
async function open() {
  const gpu = await Gpu.open({ profile: process.env.HASHGNN_PROFILE === 'portable' ? 'portable' : 'best' });
  opened.push(gpu);
  const hamming = await HammingIndex.create(gpu, items);
  const both = await HierarchicalIndex.create(gpu, { ...items, embeddings, width });
  const exact = await InnerProductIndex.create(gpu, { embeddings, count, width });
  // Small batches, so that a search is under way for a while.
  const memory = 60_000;
  const searches = [
    () => hamming.search(users.codes, k, { memory }),
    () => both.search(users, k, { candidates: 30, memory }),
    () => exact.search(users.embeddings, k, { memory }),
  ];
  return { gpu, searches, indexes: [hamming, both, exact] };
}

const ruins: [string, (gpu: Gpu) => void, typeof GpuLostError | typeof GpuOutOfMemoryError][] = [
  ['the device is destroyed', (gpu) => gpu.device.destroy(), GpuLostError],
  ['a loss is injected', (gpu) => gpu.fail(new GpuLostError('injected')), GpuLostError],
  ['memory runs out', (gpu) => gpu.fail(new GpuOutOfMemoryError('injected')), GpuOutOfMemoryError],
];

describe.each(ruins)('where %s', (_, ruin, type) => {
  test('searches under way are rejected, and the next ones find what they found before', async () => {
    const { gpu, searches, indexes } = await open();
    const before = [];
    for (const search of searches) before.push(await search());
    const pending = searches.map((search) => search());
    await new Promise((resolve) => setImmediate(resolve));
    ruin(gpu);
    for (const outcome of await Promise.allSettled(pending)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(type) });
    }
    // Several at once: one device takes the place of the lost one.
    expect(await Promise.all(searches.map((search) => search()))).toEqual(before);
    // Nothing is left on the device that failed.
    expect(gpu.memory().live).toBe(0);

    const living = await gpu.living();
    expect(living).not.toBe(gpu);
    ruin(living);
    await living.finish().catch(() => {});
    expect(await Promise.all(searches.map((search) => search()))).toEqual(before);
    for (const index of indexes) index.destroy();
    expect((await gpu.living()).memory().live).toBe(0);
  });
});

test('what was added and removed before and after a loss is found', async () => {
  const { gpu, indexes } = await open();
  const [hamming, both] = indexes as [HammingIndex, HierarchicalIndex];
  await hamming.search(users.codes, k);
  await both.search(users, k);
  hamming.remove([1, 5, 9]);
  both.remove([1, 5, 9]);
  gpu.fail(new GpuLostError('injected'));
  hamming.add(codesOf(50, bits, 2 ** 31, 9));
  both.add(codesOf(50, bits, 2 ** 31, 9), embeddingsOf(50, width, 9));
  const anew = await Gpu.open();
  opened.push(anew);
  const other = await HammingIndex.fromContents(anew, hamming.contents());
  const otherBoth = await HierarchicalIndex.fromContents(anew, both.contents());
  expect(await hamming.search(users.codes, k)).toEqual(await other.search(users.codes, k));
  expect(await both.search(users, k)).toEqual(await otherBoth.search(users, k));
});
