import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { boundsOf, classOf, datasetStatistics, PARTS } from '../../src/data/statistics.js';

const USERS = 9;
const ITEMS = 40;

/** Distinct pairs, each with its part. */
const interactions = fc.uniqueArray(
  fc.tuple(fc.nat(USERS - 1), fc.nat(ITEMS - 1), fc.constantFrom(...PARTS)).map(([user, item, part]) => ({
    ...{ user, item, part },
  })),
  { minLength: 1, maxLength: 200, selector: ({ user, item }) => `${user} ${item}` },
);
type Interaction = typeof interactions extends fc.Arbitrary<(infer One)[]> ? One : never;

function datasetOf(all: readonly Interaction[]) {
  const edges = (wanted: string) =>
    Int32Array.from(all.filter(({ part }) => part === wanted).flatMap(({ user, item }) => [user, item]));
  return {
    userCount: USERS,
    itemCount: ITEMS,
    ...{ train: edges('train'), valid: edges('valid'), test: edges('test') },
  };
}

test('all that is counted is what plain loops count', () => {
  fc.assert(
    fc.property(interactions, (all) => {
      const statistics = datasetStatistics(datasetOf(all));
      for (const [name, key, count] of [
        ['users', 'user', USERS],
        ['items', 'item', ITEMS],
      ] as const) {
        const side = statistics[name];
        const of = (node: number, part?: string) =>
          all.filter((one) => one[key] === node && (part === undefined || one.part === part)).length;
        const nodes = Array.from({ length: count }, (_, node) => node);
        const degrees = nodes.map((node) => of(node));
        expect(side.count).toBe(count);
        expect(side.mean).toBeCloseTo(all.length / count, 12);
        expect([side.min, side.max]).toEqual([Math.min(...degrees), Math.max(...degrees)]);
        for (const [degree, found] of side.histogram) {
          expect(found).toBe(degrees.filter((one) => one === degree).length);
        }
        expect(side.histogram.reduce((sum, [, found]) => sum + found, 0)).toBe(count);
        for (const part of PARTS) {
          expect(side.inPart[part]).toBe(nodes.filter((node) => of(node, part) > 0).length);
        }
        expect(side.byTraining[0]).toMatchObject({ least: 0, most: 0 });
        for (const { least, most, nodes: found, valid, test } of side.byTraining) {
          const within = nodes.filter((node) => of(node, 'train') >= least && of(node, 'train') <= most);
          expect(found).toBe(within.length);
          expect(valid).toBe(within.reduce((sum, node) => sum + of(node, 'valid'), 0));
          expect(test).toBe(within.reduce((sum, node) => sum + of(node, 'test'), 0));
        }
        expect(side.byTraining.reduce((sum, one) => sum + one.nodes, 0)).toBe(count);
      }
    }),
  );
});

test('quantiles and shares of those with most are told with their shares', () => {
  // User u has u + 1 interactions.
  const all = Array.from({ length: USERS }, (_, user) =>
    Array.from({ length: user + 1 }, (_, item) => ({ user, item, part: 'train' as const })),
  ).flat();
  const { users } = datasetStatistics(datasetOf(all));
  expect(users.quantiles.find(({ share }) => share === 0.5)).toEqual({ share: 0.5, degree: 5 });
  expect(users.tops.find(({ share }) => share === 0.2)).toEqual({ share: 0.2, interactions: (9 + 8) / 45 });
});

test('classes of degrees follow each other without a gap, and each degree is in its own', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7].map(boundsOf)).toEqual([
    ...[0, 1].map((degree) => ({ least: degree, most: degree })),
    { least: 2, most: 4 },
    { least: 5, most: 9 },
    { least: 10, most: 19 },
    { least: 20, most: 49 },
    { least: 50, most: 99 },
    { least: 100, most: 199 },
  ]);
  for (let degree = 0; degree < 3000; degree++) {
    const { least, most } = boundsOf(classOf(degree));
    expect(degree >= least && degree <= most).toBe(true);
  }
});

test('of a dataset without interactions nothing can be told', () => {
  expect(() => datasetStatistics(datasetOf([]))).toThrow(InputError);
});
