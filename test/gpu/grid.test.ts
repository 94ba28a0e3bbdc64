import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gridOf } from '../../src/gpu/index.js';
import { useGpu } from '../support/gpu.js';
import { fixtureShaders } from './fixtures.js';

const gpu = useGpu({ shaders: fixtureShaders() });

test('a grid covers its workgroups within the limit and wastes less than a row', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70_000 }), fc.nat({ max: 2 ** 31 }), (limit, wanted) => {
      const count = Math.min(wanted, limit * limit);
      const [x, y, z] = gridOf(count, limit);
      expect(Math.max(x, y)).toBeLessThanOrEqual(limit);
      expect(z).toBe(1);
      expect(x * y).toBeGreaterThanOrEqual(count);
      expect(x * y - count).toBeLessThan(Math.max(y, 1));
    }),
  );
});

test('no workgroups are an empty grid, too many are refused', () => {
  expect(gridOf(0, 65_535)[0]).toBe(0);
  expect(gridOf(65_535, 65_535)).toEqual([65_535, 1, 1]);
  expect(gridOf(65_536, 65_535)).toEqual([32_768, 2, 1]);
  expect(() => gridOf(10, 3)).toThrow(/10 workgroups do not fit a grid of 3 × 3/);
  expect(() => gridOf(Number.NaN, 65_535)).toThrow(/NaN workgroups/);
  expect(() => gridOf(-1, 65_535)).toThrow(/-1 workgroups/);
  expect(() => gridOf(1.5, 65_535)).toThrow(/1.5 workgroups/);
});

describe('a kernel over more workgroups than one dimension holds visits every element exactly once', () => {
  test.each([
    ['one below the limit', 65_534, 1],
    ['the limit', 65_535, 1],
    ['one above it', 65_536, 1],
    ['three ragged rows', 131_073, 1],
    ['more invocations than workgroups', 4 * 65_535 + 3, 4],
  ])('%s', async (_, count, WORKGROUP) => {
    using visits = gpu().tensor('u32', [count + 5], 'visits');
    using program = gpu().program('visit');
    program.dispatch<string>('fixture/visit', {
      bind: { visits },
      parameters: { count },
      constants: { WORKGROUP },
      invocations: count,
    });
    await program.compile();
    program.run();
    const visited = await visits.read();
    expect(visited.subarray(0, count).findIndex((times) => times !== 1)).toBe(-1);
    expect([...visited.subarray(count)]).toEqual([0, 0, 0, 0, 0]);
  });
});
