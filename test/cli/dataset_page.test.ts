import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { datasetPage, thinned } from '../../src/cli/dataset_page.js';
import { type DatasetSummary, datasetStatistics } from '../../src/data/index.js';
import { find, type Markup, number, readMarkup } from '../support/markup.js';

/** User u of 20 has the items from 0 to u: those that 3 divides train, and so on. */
const pairs = Array.from({ length: 20 }, (_, user) =>
  Array.from({ length: user + 1 }, (_, item) => [user, item]),
).flat();
const part = (which: number) => Int32Array.from(pairs.filter((_, at) => at % 3 === which).flat());
const dataset = { userCount: 20, itemCount: 20, train: part(0), valid: part(1), test: part(2) };
const statistics = datasetStatistics(dataset);

const summary: DatasetSummary = {
  format: 'hashgnn-dataset',
  version: 2,
  name: 'small & <odd>',
  statistics: {
    ...{ users: 20, items: 20, interactions: 210, density: 210 / 400 },
    userDegree: { min: 1, median: 10.5, max: 20 },
    itemDegree: { min: 1, median: 10.5, max: 20 },
    times: {
      ...{ first: 951_868_800, last: 957_052_799.5, from: 950_400_000, period: 30 * 86_400 },
      ...{ train: [50, 20, 0], valid: [0, 60, 10], test: [0, 0, 70] },
    },
  },
  sources: [
    {
      ...{ part: 'all', path: 'in <1>.tsv', bytes: 2048, compression: 'gzip', encoding: 'utf-8' },
      ...{ layout: 'tsv, 2 columns', rows: 1000 },
    },
  ],
  filters: {
    ...{
      minRating: 4,
      minUserDegree: 2,
      minItemDegree: null,
      rowsRead: 1000,
      behaviours: null,
      from: null,
      until: null,
    },
    ...{
      repeats: 'first',
      sampleUsers: null,
      badRows: { count: 7, first: ['line 3: a <b>'] },
      rowsOfOtherBehaviours: 0,
    },
    ...{ rowsBelowMinRating: 600, rowsOutsideDates: 0, sampledOut: { users: 0, rows: 0 }, duplicatesMerged: 150 },
    overlapRemoved: { valid: 0, test: 0 },
    degreeFilter: { rounds: 2, users: 30, items: 4, interactions: 40 },
  },
  split: {
    ...{ kind: 'by-user', seed: 1, testFrom: null, testRatio: 0.3, validRatio: 0.1, train: 70, valid: 70, test: 70 },
    ...{ usersWithTest: 20, usersWithoutTrain: 0, itemsWithoutTrain: 0, sharedPairs: 0 },
  },
  titledItems: 12,
  fingerprint: 'f00d',
  files: {},
};

const root = readMarkup(datasetPage(summary, statistics));
const section = (id: string) => find(root, 'section').find(({ attributes }) => attributes.id === id)!;
/** The rows of a table by their first cell. */
const rowsOf = (within: Markup) =>
  Object.fromEntries(
    find(within, 'tr').map(({ children: [first, ...rest] }) => [first!.text, rest.map(({ text }) => text)]),
  );
/** What stands at the ends of bars, by the label of their row. */
const barsOf = (svg: Markup) =>
  find(svg, 'g', 'row').map((row) => ({
    label: find(row, 'text', 'code')[0]!.text,
    texts: find(row, 'text')
      .slice(1)
      .map(({ text }) => text),
    widths: find(row, 'rect').map((bar) => number(bar, 'width')),
  }));

describe('the page of a dataset', () => {
  it('has the figures of Table 1, every section and a way to each', () => {
    expect(rowsOf(find(root, 'table', 'facts')[0]!)).toMatchObject({
      users: ['20'],
      items: ['20'],
      interactions: ['210'],
      density: ['52.50 %'],
      times: ['2000-03-01 to 2000-04-29'],
      'items with a title': ['12'],
      fingerprint: ['f00d'],
    });
    const ids = find(root, 'section').map(({ attributes }) => attributes.id);
    expect(ids).toEqual(['degrees', 'split', 'training', 'times', 'read']);
    expect(find(root, 'a').map(({ attributes }) => attributes.href)).toEqual(ids.map((id) => `#${id}`));
    expect(root.text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('draws the tails of the degrees on two logarithmic axes', () => {
    const [tail] = find(section('degrees'), 'g', 'panel');
    const [users] = find(tail!, 'path', 'users');
    const points = users!.attributes
      .d!.split(/[ML]/)
      .slice(1)
      .map((pair) => pair.split(' ').map(Number));
    expect(points).toHaveLength(20);
    // Degree 1, 2, 4 and 8: equal factors, equal distances.
    const [one, two, four, eight] = [0, 1, 3, 7].map((at) => points[at]![0]!);
    expect(two! - one!).toBeCloseTo(four! - two!, 0);
    expect(eight! - four!).toBeCloseTo(four! - two!, 0);
    // 20 nodes have at least 1, 10 at least 11, 5 at least 16.
    const [all, half, quarter] = [0, 10, 15].map((at) => points[at]![1]!);
    expect(half! - all!).toBeCloseTo(quarter! - half!, 0);
  });

  it('draws what share of the interactions those with most have, up to all', () => {
    const [, shares] = find(section('degrees'), 'g', 'panel');
    const [items] = find(shares!, 'path', 'items');
    const [equal] = find(shares!, 'path', 'peer');
    const ends = (d: string) => [d.split('L')[0]!.slice(1), d.split('L').at(-1)];
    expect(ends(items!.attributes.d!)).toEqual(ends(equal!.attributes.d!));
    expect(rowsOf(section('degrees'))).toMatchObject({
      mean: ['10.5', '10.5'],
      '50 % have at most': ['10', '10'],
      'held by the 10 % with most': ['18.6 %', '18.6 %'],
    });
  });

  it('draws the parts with their interactions, users and items, and says that the leak check passed', () => {
    const { text } = section('split');
    expect(text).toContain('The leak check passed: 0 of 210 pairs stand in two parts.');
    const bars = barsOf(find(section('split'), 'svg')[0]!);
    expect(bars.map(({ label }) => label)).toEqual(['train', 'valid', 'test']);
    const withTrain = new Set(dataset.train.filter((_, at) => at % 2 === 0)).size;
    expect(bars[0]!.texts.slice(0, 2)).toEqual(['70, 33.3 %', `${withTrain}, ${(5 * withTrain).toString()} %`]);
    // A third of all interactions, of a column that is a third of the picture.
    for (const { widths } of bars) expect(widths[0]).toBeLessThan(1000 / 9);
    expect(bars[0]!.widths[1]! / bars[1]!.widths[1]!).toBeCloseTo(
      statistics.users.inPart.train / statistics.users.inPart.valid,
      1,
    );
  });

  it('draws users and items by their training interactions', () => {
    const [users] = find(section('training'), 'svg');
    expect(barsOf(users!).map(({ texts }) => texts[0])).toEqual(
      statistics.users.byTraining.map(({ nodes }) => String(nodes)),
    );
  });

  it('draws each part over time, and has no such section where no times are known', () => {
    const bars = barsOf(find(section('times'), 'svg')[0]!);
    expect(bars.map(({ label, texts }) => [label, ...texts])).toEqual([
      ['2000-02-13', '50', '0', '0'],
      ['2000-03-14', '20', '60', '0'],
      ['2000-04-13', '0', '10', '70'],
    ]);
    expect(section('times').text).toContain('in periods of 30 days');
    const { times: _, ...without } = summary.statistics;
    const older = readMarkup(datasetPage({ ...summary, statistics: without }, statistics));
    expect(find(older, 'section').map(({ attributes }) => attributes.id)).not.toContain('times');
  });

  it('draws what each filter left and removed, to scale, and names what could not be read', () => {
    const bars = barsOf(find(section('read'), 'svg')[0]!);
    expect(bars.map(({ label, texts }) => [label, ...texts])).toEqual([
      ['rows read', '1,000', '0'],
      ['rated below 4', '400', '600'],
      ['repeated pairs merged', '250', '150'],
      ['below the minimum degree of users 2, items 1', '210', '40'],
    ]);
    for (const at of [0, 1]) {
      const scale = bars[1]!.widths[at]! / [400, 600][at]!;
      expect(bars[2]!.widths[at]).toBeCloseTo([250, 150][at]! * scale, 1);
    }
    const { text } = section('read');
    expect(text).toContain('with 30 users and 4 items (rounds: 2)');
    expect(text).toContain('in <1>.tsv');
    expect(text).toContain('line 3: a <b>');
  });

  it('says so where no filter removed anything', () => {
    const none = { rowsBelowMinRating: 0, duplicatesMerged: 0, minUserDegree: null };
    const html = datasetPage({ ...summary, filters: { ...summary.filters, ...none } }, statistics);
    expect(readMarkup(html).text).toContain('no filter removed any');
  });

  it('is drawn for one interaction too', () => {
    const edge = Int32Array.of(0, 0);
    const none = new Int32Array();
    const one = datasetStatistics({ userCount: 1, itemCount: 1, train: edge, valid: none, test: none });
    expect(readMarkup(datasetPage(summary, one)).text).not.toMatch(/NaN|Infinity/);
    expect(datasetPage(summary, one)).not.toMatch(/NaN|Infinity/);
  });
});

test('a line of many points keeps its ends and its order, and no stretch between two points is long', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 1e6 }), { minLength: 1, maxLength: 2000 }), (values) => {
      const line = values.sort((a, b) => a - b).map((x): [number, number] => [x, -x]);
      const kept = thinned(line);
      expect(kept.length).toBeLessThanOrEqual(243);
      expect(kept[0]).toEqual(line[0]);
      expect(kept.at(-1)).toEqual(line.at(-1));
      const place = new Map(line.map((point, at) => [point, at]));
      const places = kept.map((point) => place.get(point)!);
      for (let at = 1; at < places.length; at++) {
        expect(places[at]).toBeGreaterThan(places[at - 1]!);
        // What is left out between two points lies close to the first of them.
        const last = line[places[at]! - 1]!;
        const width = Math.log(line.at(-1)![0] / line[0]![0]) / 240;
        expect(Math.log(last[0] / kept[at - 1]![0])).toBeLessThanOrEqual(width * 1.0001);
      }
    }),
  );
});
