import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Purpose, random4, toBelow, toUnit } from '../../src/base/random.js';
import type { Tensor } from '../../src/gpu/index.js';
import { permuted } from '../../src/reference/lib/permutation.js';
import { useGpu } from '../support/gpu.js';
import { fixtureShaders } from './fixtures.js';

const gpu = useGpu({ shaders: fixtureShaders() });

const EDGES = [0, 1, 2, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const word = fc.oneof(fc.nat({ max: 0xffffffff }), fc.constantFrom(...EDGES));

type Counter = readonly [number, number, number, number];

/** Bits of what the GPU makes of counters and bounds. */
async function drawn(counters: readonly Counter[], bounds: readonly number[]) {
  const count = counters.length;
  using scope = gpu().scope();
  using program = gpu().program('random');
  const words = scope.tensor('u32', [count, 4], 'words');
  const units = scope.tensor('f32', [count, 4], 'units');
  const belows = scope.tensor('u32', [count, 4], 'belows');
  const bind: Record<string, Tensor> = {
    counters: scope.tensor('u32', [count, 4], 'counters', Uint32Array.from(counters.flat())),
    bounds: scope.tensor('u32', [count], 'bounds', Uint32Array.from(bounds)),
    words,
    units,
    belows,
  };
  program.dispatch<string>('fixture/random', { bind, parameters: { count }, invocations: count });
  await program.compile();
  program.run();
  return { words: await words.read(), units: await units.read(), belows: await belows.read() };
}

async function expectSame(counters: readonly Counter[], bounds: readonly number[]): Promise<void> {
  const expected = counters.flatMap((counter) => random4(...counter));
  const { words, units, belows } = await drawn(counters, bounds);
  expect([...words]).toEqual(expected);
  expect([...units]).toEqual(expected.map(toUnit));
  expect([...belows]).toEqual(expected.map((value, index) => toBelow(value, bounds[index >> 2]!)));
}

describe('random numbers are the same on the GPU and here, bit for bit', () => {
  test('for any counters and bounds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(word, word, word, word, word), { minLength: 1, maxLength: 400, size: 'max' }),
        (rows) =>
          expectSame(
            rows.map(([a, b, c, d]) => [a, b, c, d] as const),
            rows.map((row) => row[4]),
          ),
      ),
      { numRuns: 20 },
    );
  });

  test('for the counters of a training run', async () => {
    const counters = Array.from(
      { length: 40_000 },
      (_, index): Counter => [7, Purpose.negatives, Math.floor(index / 500), index % 500],
    );
    await expectSame(
      counters,
      counters.map((_, index) => 1 + (index % 3706)),
    );
  });

  test('for the words at the edges', async () => {
    // Every pair of edges as a word and its bound, by the twins alone: the high half of the exact product.
    for (const value of EDGES) {
      for (const bound of EDGES) expect(toBelow(value, bound)).toBe(Number((BigInt(value) * BigInt(bound)) >> 32n));
      expect(toUnit(value)).toBe(Math.fround(toUnit(value)));
      expect(toUnit(value)).toBeLessThan(1);
    }
    const counters = EDGES.flatMap((seed) => EDGES.map((index): Counter => [seed, index, index, seed]));
    await expectSame(
      counters,
      counters.map((_, index) => EDGES[index % EDGES.length]!),
    );
  });

  test('and so are the purposes', async () => {
    using purposes = gpu().tensor('u32', [4], 'purposes');
    using program = gpu().program('purposes');
    program.dispatch<string>('fixture/purposes', { bind: { purposes }, parameters: {}, workgroups: 1 });
    await program.compile();
    program.run();
    const { neighbours, negatives, guidance, shuffle } = Purpose;
    expect([...(await purposes.read())]).toEqual([neighbours, negatives, guidance, shuffle]);
  });
});

describe('the permutation', () => {
  async function images(count: number, seed: number, epoch: number): Promise<number[]> {
    using tensor = gpu().tensor('u32', [count], 'images');
    using program = gpu().program('permutation');
    program.dispatch<string>('fixture/permutation', {
      bind: { images: tensor },
      parameters: { count, seed, epoch },
      invocations: count,
    });
    await program.compile();
    program.run();
    return [...(await tensor.read())];
  }

  test('is the same on the GPU and here, and meets every number once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constantFrom(1, 2, 3, 4, 5, 16, 17, 64, 65, 256, 257)),
        word,
        word,
        async (count, seed, epoch) => {
          const actual = await images(count, seed, epoch);
          const indices = Array.from({ length: count }, (_, index) => index);
          expect(actual).toEqual(indices.map((index) => permuted(index, count, seed, epoch)));
          expect([...actual].sort((a, b) => a - b)).toEqual(indices);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is another one in another epoch and for another seed', async () => {
    const first = await images(1000, 1, 0);
    expect(await images(1000, 1, 1)).not.toEqual(first);
    expect(await images(1000, 2, 0)).not.toEqual(first);
    expect(await images(1000, 1, 0)).toEqual(first);
  });
});
