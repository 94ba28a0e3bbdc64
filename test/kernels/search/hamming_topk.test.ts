import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hamming_topk } from '../../../src/reference/search/hamming_topk.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

/** Codes from a small alphabet of words, so that duplicates and ties abound; bits beyond the code are 0. */
function codesOf(bits: number, alphabet: readonly number[], choices: readonly number[]): number[] {
  const words = Math.ceil(bits / 32);
  return choices.flatMap((choice) =>
    Array.from({ length: words }, (_, word) => {
      const value = alphabet[(choice + word * 7) % alphabet.length]!;
      return word === words - 1 && bits % 32 > 0 ? (value & (2 ** (bits % 32) - 1)) >>> 0 : value >>> 0;
    }),
  );
}

const shape = fc.record({
  bits: fc.integer({ min: 1, max: 32 }).map((bytes) => bytes * 8),
  alphabet: fc.array(fc.nat(0xffffffff), { minLength: 1, maxLength: 20 }),
  items: fc.array(fc.nat(1000), { minLength: 1, maxLength: 90 }),
  queries: fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 }),
  excluded: fc.array(fc.array(fc.nat(89), { maxLength: 60 }), { maxLength: 20 }),
  k: fc.integer({ min: 1, max: 120 }),
});

for (const variant of ['lanes', 'workgroup'] as const) {
  test(`${variant}: the best k by (distance, id) without excluded items, -1 where there are fewer`, async () => {
    await fc.assert(
      fc.asyncProperty(shape, async ({ bits, alphabet, items, queries, excluded, k }) => {
        const size = 8;
        const words = Math.ceil(bits / 32);
        const count = items.length;
        const codes = codesOf(bits, alphabet, items);
        const database = new Uint32Array(Math.ceil(count / 4) * 4 * words);
        codes.forEach((value, index) => {
          const item = Math.floor(index / words);
          database[(Math.floor(item / 4) * words + (index % words)) * 4 + (item % 4)] = value;
        });
        const query = Uint32Array.from(codesOf(bits, alphabet, queries), (word, index) =>
          index % words === 0 ? word ^ (index & 7) : word,
        );
        // Lists may repeat an item.
        const lists = queries.map((_, row) => (excluded[row] ?? []).filter((id) => id < count).sort((a, b) => a - b));
        const exclude_offsets = new Uint32Array(queries.length + 1);
        lists.forEach((list, row) => {
          exclude_offsets[row + 1] = exclude_offsets[row]! + list.length;
        });
        const exclude_ids = Uint32Array.from(lists.flat());
        const inputs = { database, query, exclude_offsets, exclude_ids };
        const parameters = { queries: queries.length, count, k, bits };
        const length = queries.length * k;
        const expected = { ids: new Float64Array(length), distances: new Float64Array(length) };
        hamming_topk({ ...inputs, ...expected }, parameters);
        const lanes = variant === 'lanes';
        const scratch = new Uint32Array(lanes ? Math.ceil(queries.length / size) * size * (bits + 1) : length * 2);
        const results = { ids: new Int32Array(length), distances: new Int32Array(length) };
        const found = await runKernel(
          gpu(),
          lanes ? 'search/hamming_topk.lanes' : 'search/hamming_topk',
          { ...inputs, ...results, scratch },
          parameters,
          lanes ? { invocations: queries.length } : { workgroups: queries.length },
          lanes ? { WIDE: bits > 32 ? 1 : 0, WORKGROUP: size } : { WORKGROUP: size },
        );
        expect([...found.distances]).toEqual([...expected.distances]);
        expect([...found.ids]).toEqual([...expected.ids]);
      }),
      { numRuns: 40 },
    );
  });
}
