import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNpy } from '../../src/base/files.js';
import { EdgeWriter, findSharedPairInFiles, readEdges } from '../../src/data/edge_file.js';
import { findSharedPair, Part, testCount, validCount } from '../../src/data/split.js';
import { separate, splitByUser } from '../support/split.js';

/** Sorted edges of users with the given numbers of items. */
function edgesOf(degrees: number[]): Int32Array {
  return Int32Array.from(
    degrees.flatMap((degree, user) => Array.from({ length: degree }, (_, i) => [user, 3 * i]).flat()),
  );
}
const degreeLists = fc.array(fc.nat(40), { minLength: 1, maxLength: 20 });
const ratios = fc.record({
  testRatio: fc.double({ min: 0, max: 0.99, noNaN: true }),
  validRatio: fc.double({ min: 0, max: 0.99, noNaN: true }),
  seed: fc.nat(0xffffffff),
});

describe('splitByUser', () => {
  it('gives every edge exactly one part, tests the stated count, and leaves every user something to train on', () => {
    fc.assert(
      fc.property(degreeLists, ratios, (degrees, options) => {
        const edges = edgesOf(degrees);
        const parts = splitByUser(edges, options);
        const { train, valid, test } = separate(edges, parts);
        expect(train.length + valid.length + test.length).toBe(edges.length);
        expect(findSharedPair(train, valid, test)).toBeUndefined();
        const all = new Set([train, valid, test].flatMap((part) => pairs(part)));
        expect([...all].sort()).toEqual(pairs(edges).sort());
        degrees.forEach((degree, user) => {
          const own = [train, valid, test].map(
            (part) => pairs(part).filter((pair) => pair.startsWith(`${user},`)).length,
          );
          const tested = testCount(degree, options.testRatio);
          expect(own[2]).toBe(tested);
          const share = (degree - tested) * options.validRatio;
          const most = Math.max(0, degree - tested - 1);
          expect(own[1]).toBeGreaterThanOrEqual(Math.min(Math.floor(share), most));
          expect(own[1]).toBeLessThanOrEqual(Math.min(Math.ceil(share), most));
          if (degree > 0) expect(own[0]).toBeGreaterThanOrEqual(1);
        });
      }),
    );
  });

  it('depends on seed and user alone: other users and what was split before change nothing', () => {
    const options = { testRatio: 0.3, validRatio: 0.1, seed: 5 };
    const whole = splitByUser(edgesOf([10, 30, 7]), options);
    expect(splitByUser(edgesOf([10, 30]), options)).toEqual(whole.subarray(0, 40));
    expect(splitByUser(edgesOf([0, 30]), options)).toEqual(whole.subarray(10, 40));
    expect(splitByUser(edgesOf([10, 30, 7]), { ...options, seed: 6 })).not.toEqual(whole);
  });

  it('draws every place alike: each item tests about as often as the ratio says', () => {
    const counts = new Array(10).fill(0);
    const users = 4000;
    const edges = edgesOf(new Array(users).fill(10));
    splitByUser(edges, { testRatio: 0.3, validRatio: 0, seed: 1 }).forEach((part, edge) => {
      if (part === Part.test) counts[edge % 10]++;
    });
    // Four standard deviations of a binomial count.
    for (const count of counts) expect(Math.abs(count - 0.3 * users)).toBeLessThan(4 * Math.sqrt(users * 0.3 * 0.7));
  });

  it('validates the stated share even where each user has few interactions', () => {
    const users = 5000;
    const parts = splitByUser(edgesOf(new Array(users).fill(3)), { testRatio: 0, validRatio: 0.1, seed: 2 });
    const valid = parts.reduce((sum, part) => sum + (part === Part.valid ? 1 : 0), 0);
    expect(Math.abs(valid - 0.3 * users)).toBeLessThan(4 * Math.sqrt(users * 0.3 * 0.7));
  });

  it('touches only the training part of given files', () => {
    const edges = edgesOf([20]);
    const given = Uint8Array.from({ length: 20 }, (_, index) => (index % 4 === 0 ? Part.test : Part.train));
    const parts = splitByUser(edges, { testRatio: 0, validRatio: 0.2, seed: 3 }, given);
    given.forEach((part, index) => {
      if (part === Part.test) expect(parts[index]).toBe(Part.test);
      else expect(parts[index]).not.toBe(Part.test);
    });
    expect(parts.filter((part) => part === Part.valid).length).toBe(3);
  });
});

describe('other splits', () => {
  const plan = fc.record({
    testRatio: fc.double({ min: 0, max: 0.99, noNaN: true }),
    validRatio: fc.double({ min: 0, max: 0.99, noNaN: true }),
    seed: fc.nat(0xffffffff),
  });
  const countOf = (parts: Uint8Array, wanted: number) => parts.filter((part) => part === wanted).length;

  it('overall tests and validates exactly the stated shares of all', () => {
    fc.assert(
      fc.property(degreeLists, plan, (degrees, { testRatio, validRatio, seed }) => {
        const edges = edgesOf(degrees);
        const parts = splitByUser(edges, { kind: 'overall', testRatio, validRatio, seed });
        const tests = Math.round(parts.length * testRatio);
        expect(countOf(parts, Part.test)).toBe(tests);
        expect(countOf(parts, Part.valid)).toBe(Math.round((parts.length - tests) * validRatio));
      }),
    );
  });

  it('overall draws every place alike', () => {
    const counts = new Array(10).fill(0);
    const edges = edgesOf([10]);
    for (let seed = 0; seed < 4000; seed++) {
      splitByUser(edges, { kind: 'overall', testRatio: 0.3, seed }).forEach((part, at) => {
        if (part === Part.test) counts[at]++;
      });
    }
    for (const count of counts) expect(Math.abs(count - 1200)).toBeLessThan(4 * Math.sqrt(4000 * 0.3 * 0.7));
  });

  it('leave one out: the latest by time, or one drawn, of each user who has another', () => {
    fc.assert(
      fc.property(degreeLists, fc.nat(), (degrees, seed) => {
        const edges = edgesOf(degrees);
        const times = Float64Array.from({ length: edges.length / 2 }, (_, at) => ((at * 7919 + seed) % 13) / 2);
        const last = splitByUser(edges, { kind: 'leave-last-out', seed }, undefined, times);
        const drawn = splitByUser(edges, { kind: 'leave-random-out', seed });
        let start = 0;
        for (const degree of degrees) {
          const own = Array.from(times.subarray(start, start + degree));
          const expected = own.map((_, at) => (degree > 1 && at === own.lastIndexOf(Math.max(...own)) ? 2 : 0));
          expect(Array.from(last.subarray(start, start + degree))).toEqual(expected);
          expect(countOf(drawn.subarray(start, start + degree), Part.test)).toBe(degree > 1 ? 1 : 0);
          start += degree;
        }
      }),
    );
  });

  it('by time: what is at or after the moment tests, and of the rest a share validates', () => {
    const edges = edgesOf([20, 5]);
    const times = Float64Array.from({ length: 25 }, (_, at) => (at * 11) % 25);
    const parts = splitByUser(edges, { kind: 'by-time', testFrom: 15, validRatio: 0.2 }, undefined, times);
    parts.forEach((part, at) => {
      expect(part === Part.test).toBe(times[at]! >= 15);
    });
    expect(countOf(parts, Part.valid)).toBeGreaterThan(0);
  });
});

describe('edge files', () => {
  it('give back in pieces what was written, and the leak check over them finds what the one in memory finds', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hashgnn-edges-'));
    const part = fc.uniqueArray(fc.nat(200), { maxLength: 40 }).map((cells) => cells.sort((a, b) => a - b));
    let run = 0;
    try {
      await fc.assert(
        fc.asyncProperty(part, part, part, fc.integer({ min: 1, max: 7 }), async (a, b, c, atOnce) => {
          const arrays = [a, b, c].map((cells) => Int32Array.from(cells.flatMap((cell) => [cell >> 3, cell & 7])));
          const paths = arrays.map((_, index) => join(folder, `${run}-${index}`));
          run++;
          for (const [index, array] of arrays.entries()) {
            const writer = await EdgeWriter.create(paths[index]!);
            for (let at = 0; at < array.length; at += 2) {
              writer.add(array[at]!, array[at + 1]!);
              await writer.flush(atOnce);
            }
            await writer.finish();
            const back: number[] = [];
            for await (const piece of readEdges(paths[index]!, atOnce)) back.push(...piece);
            expect(back).toEqual([...array]);
            expect((await readNpy(paths[index]!, { dtype: 'int32' })).shape).toEqual([array.length / 2, 2]);
          }
          const shared = await findSharedPairInFiles(paths, atOnce);
          expect(shared === undefined).toBe(findSharedPair(...arrays) === undefined);
        }),
        { numRuns: 30 },
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

it('rounds the test count half up and keeps one to train on', () => {
  expect([0, 1, 2, 3, 4, 5, 10, 20].map((degree) => testCount(degree, 0.3))).toEqual([0, 0, 1, 1, 1, 2, 3, 6]);
  expect([1, 2, 3].map((degree) => testCount(degree, 0.9))).toEqual([0, 1, 2]);
  expect([
    validCount(7, 0.1, 0.29),
    validCount(7, 0.1, 0.31),
    validCount(1, 0.9, 0.5),
    validCount(0, 0.5, 0.9),
  ]).toEqual([0, 1, 0, 0]);
});

describe('the leak check', () => {
  it('finds a shared pair exactly when there is one', () => {
    const part = fc.uniqueArray(fc.nat(30), { maxLength: 8 }).map((cells) => cells.sort((a, b) => a - b));
    fc.assert(
      fc.property(part, part, part, (...parts) => {
        const arrays = parts.map((cells) => Int32Array.from(cells.flatMap((cell) => [Math.floor(cell / 6), cell % 6])));
        const cells = parts.flat();
        const shared = new Set(cells.filter((cell, index) => cells.indexOf(cell) !== index));
        const found = findSharedPair(...arrays);
        if (shared.size === 0) expect(found).toBeUndefined();
        else expect(shared).toContain(6 * found!.user + found!.item);
      }),
    );
  });
});

function pairs(edges: Int32Array): string[] {
  return Array.from({ length: edges.length / 2 }, (_, edge) => `${edges[2 * edge]},${edges[2 * edge + 1]}`);
}
