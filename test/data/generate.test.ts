import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.js';
import { generateInteractions, toTsv } from '../../src/data/generate.js';
import { popularityScores } from '../../src/data/graph.js';
import { separate, splitByUser } from '../support/split.js';

describe('generateInteractions', () => {
  it('makes exactly the asked number of distinct pairs, sorted, with every user and item', () => {
    const sizes = fc
      .record({ users: fc.integer({ min: 1, max: 30 }), items: fc.integer({ min: 1, max: 30 }), seed: fc.nat() })
      .filter(({ users, items }) => users * items >= 2 * Math.max(users, items))
      .chain(({ users, items, seed }) =>
        fc
          .integer({ min: Math.max(users, items), max: Math.floor((users * items) / 2) })
          .map((interactions) => ({ users, items, seed, interactions })),
      );
    fc.assert(
      fc.property(sizes, (options) => {
        const { edges } = generateInteractions(options);
        const cells = Array.from({ length: options.interactions }, (_, e) => edges[2 * e]! * 1000 + edges[2 * e + 1]!);
        expect(edges.length).toBe(2 * options.interactions);
        expect(cells.every((cell, index) => index === 0 || cells[index - 1]! < cell)).toBe(true);
        expect(new Set(cells.map((cell) => Math.floor(cell / 1000))).size).toBe(options.users);
        expect(new Set(cells.map((cell) => cell % 1000)).size).toBe(options.items);
      }),
    );
  });

  const options = { users: 600, items: 400, interactions: 15_000, seed: 4 };

  it('is the same for the same seed and another for another', () => {
    const text = (seed: number) => [...toTsv(generateInteractions({ ...options, seed }))].join('');
    expect(text(4)).toBe(text(4));
    expect(text(4)).not.toBe(text(5));
    expect(text(4).split('\n').slice(0, 2)).toEqual(['user\titem', expect.stringMatching(/^u001\ti\d{3}$/)]);
  });

  it('plants what popularity cannot see: the oracle finds far more of held-out items', () => {
    const generated = generateInteractions(options);
    const parts = splitByUser(generated.edges, { testRatio: 0.3, validRatio: 0, seed: 1 });
    const { train, test } = separate(generated.edges, parts);
    const popularity = popularityScores(train, options.items);
    const trained = itemsByUser(train, options.users);
    const tested = itemsByUser(test, options.users);
    const recall = (scoresOf: (user: number) => Float32Array) => {
      let sum = 0;
      tested.forEach((own, user) => {
        const scores = scoresOf(user);
        const ranked = Array.from({ length: options.items }, (_, item) => item)
          .filter((item) => !trained[user]!.has(item))
          .sort((a, b) => scores[b]! - scores[a]!);
        sum += ranked.slice(0, 50).filter((item) => own.has(item)).length / own.size;
      });
      return sum / options.users;
    };
    const oracle = recall((user) => generated.oracle(user));
    const popular = recall(() => popularity);
    expect(oracle).toBeGreaterThan(1.5 * popular);
    expect(oracle).toBeGreaterThan(0.4);
  });

  it('has a long tail: the most active tenth of users and the most popular of items hold much more than a tenth', () => {
    const { edges } = generateInteractions(options);
    for (const [side, count] of [
      [0, options.users],
      [1, options.items],
    ] as const) {
      const degrees = new Uint32Array(count);
      for (let at = side; at < edges.length; at += 2) degrees[edges[at]!]!++;
      const top = degrees
        .sort()
        .reverse()
        .slice(0, count / 10);
      expect(top.reduce((sum, degree) => sum + degree)).toBeGreaterThan(0.2 * options.interactions);
    }
  });

  it.each([
    { users: 0 },
    { items: 1.5 },
    { interactions: 599 },
    { interactions: 120_001 },
    { seed: -1 },
    { groups: 401 },
  ])('refuses %j', (wrong) => {
    expect(() => generateInteractions({ ...options, ...wrong })).toThrow(UsageError);
  });
});

function itemsByUser(edges: Int32Array, users: number): Set<number>[] {
  const own = Array.from({ length: users }, () => new Set<number>());
  for (let at = 0; at < edges.length; at += 2) own[edges[at]!]!.add(edges[at + 1]!);
  return own;
}
