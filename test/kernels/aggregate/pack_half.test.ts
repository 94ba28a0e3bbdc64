import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packHalf } from '../../../src/reference/aggregate/pack_half.js';
import { halfValue } from '../../../src/reference/lib/half.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

/** The packed words, as many as asked for and two that stay. */
async function pack(source: Float32Array, count = source.length): Promise<{ words: Uint32Array; expected: number[] }> {
  const unwritten = new Uint32Array(count / 2 + 2).fill(7);
  const { packed } = await runKernel(
    gpu(),
    'aggregate/pack_half',
    { source, packed: unwritten },
    { count },
    { invocations: count / 4 + 3 },
  );
  const expected = [...unwritten];
  packHalf({ source, packed: expected }, { count });
  return { words: packed, expected };
}

test('floats of all kinds become the nearest halves, bit by bit', async () => {
  const bits = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const value = fc.oneof(
    fc.float({ noNaN: true }),
    fc.float({ min: Math.fround(-1.5), max: Math.fround(1.5) }),
    // Halves, ties between two of them, and what is a bit off a tie.
    bits.map((word) => halfValue(word & 0x7bff) + halfValue(word & 0x7c00) * 2 ** -11),
    bits.map((word) => halfValue(word & 0xfbff) * (1 + 2 ** -11 + 2 ** -23)),
    fc.constantFrom(0, -0, 65504, 65520, -65536, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN),
  );
  const quads = fc.array(fc.tuple(value, value, value, value), { maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(quads, fc.nat(3), async (values, unread) => {
      const source = Float32Array.from([...values.flat(), ...new Array<number>(4 * unread).fill(1)]);
      const { words, expected } = await pack(source, values.length * 4);
      expect([...words]).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

test('no finite value turns infinite, and none that is not finite is hidden', async () => {
  const { words } = await pack(
    Float32Array.of(65520, -3e38, 1e5, -65504, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1),
  );
  const values = [...words.subarray(0, 4)].flatMap((word) => [halfValue(word & 0xffff), halfValue(word >>> 16)]);
  expect(values).toEqual([
    ...[65504, -65504, 65504, -65504],
    ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1],
  ]);
});
