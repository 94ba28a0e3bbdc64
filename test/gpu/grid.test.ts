import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutGrid } from '../../src/gpu/grid.js';
import { gridOf } from '../../src/gpu/index.js';
import { WORK_A_DISPATCH } from '../../src/gpu/program.js';
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

test('grids that work is cut into cover its workgroups, none twice, at few places', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 }), fc.integer({ min: 1, max: 32 }), (count, parts) => {
      const cut = cutGrid(count, parts, 65_535);
      expect(cut.length).toBeGreaterThanOrEqual(Math.max(1, Math.min(parts, count)));
      expect(cut.length).toBeLessThanOrEqual(Math.max(1, 2 * parts));
      let covered = 0;
      cut.forEach(({ first, grid: [x, y, z] }, index) => {
        expect(first).toBe(covered);
        expect([Math.max(x, y) <= 65_535, z]).toEqual([true, 1]);
        covered += x * y;
        if (index === cut.length - 1) return;
        expect(Number.isInteger(Math.log2(x * y))).toBe(true);
        expect(covered).toBeLessThan(count);
      });
      expect(covered).toBeGreaterThanOrEqual(count);
    }),
  );
});

test.each([1, 2, 5.5, 1000])('work for %d dispatches visits every element exactly once', async (share) => {
  for (const [count, WORKGROUP] of [
    [1, 1],
    [7, 1],
    [4096, 4],
    [70_001, 1],
    [300_001, 64],
  ] as const) {
    using visits = gpu().tensor('u32', [count], 'visits');
    using program = gpu().program('visit');
    const most = WORK_A_DISPATCH[gpu().adapter.software ? 'software' : 'hardware'];
    const dispatch = program.dispatch<string>('fixture/visit', {
      bind: { visits },
      parameters: { count },
      constants: { WORKGROUP },
      invocations: count,
      cost: { operations: share * most.operations },
    });
    await program.compile();
    program.run(2);
    expect(dispatch.parts.length).toBeGreaterThanOrEqual(Math.min(share, 32, Math.ceil(count / WORKGROUP)));
    expect((await visits.read()).findIndex((times) => times !== 2)).toBe(-1);
    program.setParameters(dispatch, { count: 0 });
    program.run();
    expect((await visits.read()).findIndex((times) => times !== 2)).toBe(-1);
  }
});

test.each([1, 2, 5.5, 1000])(
  'work for %d dispatches whose workgroups take turns is done exactly once',
  async (share) => {
    for (const [count, workgroups] of [
      [1, 1],
      [7, 40],
      [4099, 40],
      [70_001, 2048],
      [140_000, 131_073],
      // In two parts the last is folded, with a workgroup too many, whose turn would be another's second one.
      [700_000, 340_001],
    ] as const) {
      using visits = gpu().tensor('u32', [count + 5], 'visits');
      using program = gpu().program('turns');
      const most = WORK_A_DISPATCH[gpu().adapter.software ? 'software' : 'hardware'];
      const dispatch = program.dispatch<string>('fixture/turns', {
        bind: { visits },
        parameters: { count },
        workgroups,
        cost: { operations: share * most.operations },
      });
      await program.compile();
      program.run();
      expect(dispatch.parts.length).toBeGreaterThanOrEqual(Math.min(share, 32, workgroups));
      const visited = await visits.read();
      expect(visited.subarray(0, count).findIndex((times) => times !== 1)).toBe(-1);
      expect([...visited.subarray(count)]).toEqual([0, 0, 0, 0, 0]);
    }
  },
);

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
