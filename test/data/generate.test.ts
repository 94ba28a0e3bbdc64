import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InterruptedError, UsageError } from '../../src/base/errors.js';
import { Engine } from '../../src/data/engine.js';
import { generateInteractions, parseShape } from '../../src/data/generate.js';
import { popularityScores } from '../../src/data/graph.js';
import { toText, twinsText, writeGenerated } from '../../src/data/write_generated.js';
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
        const edges = generateInteractions(options).edges();
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
    const text = (seed: number) => [...toText(generateInteractions({ ...options, seed }))].join('');
    expect(text(4)).toBe(text(4));
    expect(text(4)).not.toBe(text(5));
    expect(text(4).split('\n').slice(0, 2)).toEqual([
      'user\titem\ttime',
      expect.stringMatching(/^u001\ti\d{3}\t15\d{8}$/),
    ]);
  });

  it('plants what popularity cannot see: the oracle finds far more of held-out items', () => {
    const generated = generateInteractions(options);
    const edges = generated.edges();
    const parts = splitByUser(edges, { testRatio: 0.3, validRatio: 0, seed: 1 });
    const { train, test } = separate(edges, parts);
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
    const edges = generateInteractions(options).edges();
    for (const [side, count] of [
      [0, options.users],
      [1, options.items],
    ] as const) {
      const top = degreesOf(edges, side, count)
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
    { shape: { groups: 401 } },
    { shape: { noise: 1.5 } },
    { shape: { days: 0 } },
  ])('refuses %j', (wrong) => {
    expect(() => generateInteractions({ ...options, ...wrong })).toThrow(UsageError);
  });
});

describe('the shape', () => {
  const options = { users: 1200, items: 900, interactions: 40_000, seed: 7 };

  it('is read as a name and what differs from it', () => {
    expect(parseShape('skewed,drift=0.5, days=90')).toMatchObject({ activity: 1.1, drift: 0.5, days: 90 });
    expect(parseShape('twins=0')).toEqual({ ...parseShape('plain'), twins: 0 });
    for (const wrong of ['', 'nobody', 'plain,skewed', 'size=3', 'noise=', 'noise=2', 'days=1.5', 'drift=x']) {
      expect(() => parseShape(wrong), wrong).toThrow(UsageError);
    }
  });

  it('does not depend on what was made before', () => {
    const generated = generateInteractions(options);
    generated.oracle(3);
    expect(generated.edges()).toEqual(generateInteractions(options).edges());
    expect(generated.edges()).toEqual(generated.edges());
  });

  it('draws items as the oracle says: shares of interactions follow its scores', () => {
    // Two interactions a user, so that few are drawn twice.
    const generated = generateInteractions({
      users: 30_000,
      items: 40,
      interactions: 60_000,
      seed: 3,
      shape: { groups: 4, activity: 0, twins: 0, drift: 0.5, noise: 0.2 },
    });
    const expected = new Float64Array(40);
    for (let user = 0; user < 30_000; user++) {
      const scores = generated.oracle(user);
      const sum = scores.reduce((total, score) => total + score, 0);
      for (let item = 0; item < 40; item++) expected[item]! += scores[item]! / sum;
    }
    const degrees = degreesOf(generated.edges(), 1, 40);
    expect(correlation([...degrees], [...expected])).toBeGreaterThan(0.99);
    for (const [item, share] of expected.entries())
      expect(Math.abs(degrees[item]! / (2 * share) - 1)).toBeLessThan(0.25);
  });

  it('falls in popularity by a power law of the exponent asked for', () => {
    for (const popularity of [0.6, 1, 1.3]) {
      const shape = { groups: 1, activity: 0, popularity, noise: 0, drift: 0, twins: 0 };
      const size = { users: 20_000, items: 400, interactions: 100_000, seed: 5 };
      const degrees = degreesOf(generateInteractions({ ...size, shape }).edges(), 1, 400);
      // One interaction of each item is no draw: somebody holds it for certain.
      const drawn = degrees.map((degree) => degree - 1).sort((a, b) => b - a);
      const ranks = Array.from({ length: 100 }, (_, rank) => rank + 3);
      const slope = slopeOf(
        // The law of a rank is that of the middle of its stretch.
        ranks.map((rank) => Math.log(rank + 1.5)),
        ranks.map((rank) => Math.log(drawn[rank]!)),
      );
      // A user has an item once, so that the most popular ones lose some draws.
      expect(slope, `${popularity}`).toBeCloseTo(-popularity, 1);
    }
  });

  it('falls in activity by a power law of the exponent asked for', () => {
    for (const activity of [0.5, 0.8, 1.1]) {
      const size = { users: 4000, items: 2000, interactions: 200_000, seed: 6 };
      const degrees = degreesOf(generateInteractions({ ...size, shape: { activity } }).edges(), 0, 4000);
      const sorted = degrees.sort((a, b) => b - a);
      // The place of a user among all, from 0 to 1, as the law has it; few have so little that rounding shows.
      const places = Array.from({ length: 300 }, (_, at) => 10 + 4 * at);
      const slope = slopeOf(
        places.map((place) => Math.log(place / 4000 + 0.01)),
        places.map((place) => Math.log(sorted[place]!)),
      );
      expect(slope, `${activity}`).toBeCloseTo(-activity, 1);
    }
  });

  it('drifts: with the days users turn to what the oracle of the last day says', () => {
    const generated = generateInteractions({ ...options, shape: { drift: 0.9, days: 10, noise: 0 } });
    let [early, late] = [0, 0];
    for (const { user, count, items, times } of generated.users()) {
      const first = generated.oracle(user, 0);
      const last = generated.oracle(user, 1);
      for (let at = 0; at < count; at++) {
        const day = (times[at]! - 1_546_300_800) / 86_400;
        expect(day >= 0 && day < 10).toBe(true);
        const turned = last[items[at]!]! > first[items[at]!]! ? 1 : 0;
        if (day < 3) early += turned;
        else if (day >= 7) late += turned;
      }
    }
    expect(late).toBeGreaterThan(1.7 * early);
  });

  it('plants twins: most are the nearest neighbours of each other, by the cosine of their interactions', () => {
    const generated = generateInteractions({ ...options, shape: { twins: 0.1 } });
    const edges = generated.edges();
    for (const [kind, side, count] of [
      ['users', 0, 1200],
      ['items', 1, 900],
    ] as const) {
      const pairs = [...generated.twins(kind)];
      expect(pairs.length).toBeGreaterThanOrEqual(0.04 * count);
      expect(new Set(pairs.flat()).size).toBe(2 * pairs.length);
      const sets = Array.from({ length: count }, () => new Set<number>());
      for (let at = 0; at < edges.length; at += 2) sets[edges[at + side]!]!.add(edges[at + 1 - side]!);
      const cosine = (one: number, other: number) =>
        [...sets[one]!].filter((element) => sets[other]!.has(element)).length /
        Math.sqrt(sets[one]!.size * sets[other]!.size);
      const found = pairs.filter(([one, other]) => {
        const own = cosine(one, other);
        return sets.every((_, third) => third === one || third === other || cosine(one, third) < own);
      });
      expect(found.length / pairs.length, kind).toBeGreaterThan(0.9);
    }
    expect([...generateInteractions({ ...options, shape: { twins: 0 } }).twins('users')]).toEqual([]);
  });
});

describe('as a file', () => {
  const options = { users: 300, items: 200, interactions: 5000, seed: 7, shape: { twins: 0.2 } };
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hashgnn-generate-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is the same text in pieces of any size', () => {
    const text = (size: number) =>
      Buffer.concat([...toText(generateInteractions(options), { delimiter: ',', size })]).toString();
    const whole = text(2 ** 24);
    expect(text(1)).toBe(whole);
    expect(text(777)).toBe(whole);
    expect(whole.split('\n').length).toBe(options.interactions + 2);
  });

  it('holds the same rows as text, packed text and Parquet, and nothing else is left', async () => {
    const generated = generateInteractions(options);
    const rows = Buffer.concat([...toText(generated)]).toString();
    for (const name of ['a.tsv', 'a.csv', 'a.csv.gz', 'a.parquet']) {
      const reports: number[] = [];
      await writeGenerated(generated, join(folder, name), { report: (done) => reports.push(done) });
      expect(reports.at(-1)).toBe(options.interactions);
    }
    expect((await readdir(folder)).sort()).toEqual(['a.csv', 'a.csv.gz', 'a.parquet', 'a.tsv']);
    const read = async (name: string) => await readFile(join(folder, name));
    expect((await read('a.tsv')).toString()).toBe(rows);
    expect((await read('a.csv')).toString()).toBe(rows.replaceAll('\t', ','));
    expect(gunzipSync(await read('a.csv.gz'))).toEqual(await read('a.csv'));
    const engine = await Engine.open(join(folder, 'spill'), { memory: 2 ** 28 });
    try {
      const lines = await engine.rows<{ line: string }>(
        `SELECT concat_ws(chr(9), "user", item, epoch("time")::BIGINT) AS line FROM '${join(folder, 'a.parquet')}'`,
      );
      expect(['user\titem\ttime', ...lines.map(({ line }) => line), ''].join('\n')).toBe(rows);
    } finally {
      engine.close();
    }
  });

  it.each(['a.tsv', 'a.tsv.gz', 'a.parquet'])('leaves nothing of %s when it is interrupted', async (name) => {
    const interrupt = new AbortController();
    interrupt.abort();
    const written = writeGenerated(generateInteractions(options), join(folder, name), { signal: interrupt.signal });
    await expect(written).rejects.toThrow(InterruptedError);
    expect(await readdir(folder)).toEqual([]);
  });

  it('says where it cannot be written', async () => {
    for (const name of ['a.tsv', 'a.tsv.gz', 'a.parquet']) {
      const written = writeGenerated(generateInteractions(options), join(folder, 'none', name));
      await expect(written, name).rejects.toThrow('cannot write the file: there is no such file or folder');
    }
  });

  it('lists twins by id', () => {
    const generated = generateInteractions(options);
    const [header, ...lines] = [...twinsText(generated)].join('').trimEnd().split('\n');
    expect(header).toBe('kind\tid\ttwin');
    const users = [...generated.twins('users')].map(([a, b]) => `user\t${generated.userId(a)}\t${generated.userId(b)}`);
    const items = [...generated.twins('items')].map(([a, b]) => `item\t${generated.itemId(a)}\t${generated.itemId(b)}`);
    expect(lines).toEqual([...users, ...items]);
    expect(users.length).toBe(30);
  });
});

function degreesOf(edges: Int32Array, side: 0 | 1, count: number): Float64Array {
  const degrees = new Float64Array(count);
  for (let at = side; at < edges.length; at += 2) degrees[edges[at]!]!++;
  return degrees;
}

function slopeOf(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  const product = xs.reduce((sum, value, at) => sum + (value - x) * (ys[at]! - y), 0);
  return product / xs.reduce((sum, value) => sum + (value - x) ** 2, 0);
}

function correlation(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  const product = (as: readonly number[], a: number, bs: readonly number[], b: number) =>
    as.reduce((sum, value, at) => sum + (value - a) * (bs[at]! - b), 0);
  return product(xs, x, ys, y) / Math.sqrt(product(xs, x, xs, x) * product(ys, y, ys, y));
}

function itemsByUser(edges: Int32Array, users: number): Set<number>[] {
  const own = Array.from({ length: users }, () => new Set<number>());
  for (let at = 0; at < edges.length; at += 2) own[edges[at]!]!.add(edges[at + 1]!);
  return own;
}
