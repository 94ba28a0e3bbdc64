import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeSealedJson } from '../../src/base/checksums.js';
import { type DatasetSummary, datasetStatistics, prepareDataset, readDataset } from '../../src/data/index.js';
import { hashgnn } from '../support/cli.js';
import { find, readMarkup } from '../support/markup.js';

let folder: string;
let data: string;
let summary: DatasetSummary;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hashgnn-inspect-'));
  data = join(folder, 'data');
  // User u has the items from 0 to u, those of even users twice; every item below 3 by all from it on.
  const rows = Array.from({ length: 30 }, (_, user) =>
    Array.from({ length: user + 1 }, (_, item) => `u${user}\ti${item}\n`.repeat(user % 2 === 0 ? 2 : 1)),
  ).flat();
  await writeFile(join(folder, 'in.tsv'), rows.join(''));
  summary = await prepareDataset({ file: join(folder, 'in.tsv'), name: 'a <b> & "c"', minUserDegree: 5 }, data);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A whole copy of the dataset that a test may damage. */
let copy: string;
let copies = 0;
beforeEach(() => {
  copy = join(folder, `copy-${copies++}`);
});
async function copied(): Promise<void> {
  await prepareDataset({ file: join(folder, 'in.tsv'), minUserDegree: 5 }, copy);
}

describe('hashgnn inspect', () => {
  it('shows statistics, degrees, filters, duplicates, split and the checks to people', async () => {
    const { status, out, err } = await hashgnn('inspect', data);
    expect({ status, out }).toEqual({ status: 0, out: '' });
    const { users, items, interactions } = summary.statistics;
    expect([users, items, interactions]).toEqual([26, 30, 455]);
    for (const [name, value] of Object.entries({ users, items, interactions })) {
      expect(err).toMatch(new RegExp(`^${name} +${value}$`, 'm'));
    }
    expect(err).toMatch(/^density +58\.33 %$/m);
    expect(err).toMatch(/^interactions a user \(min \/ median \/ max\) +5 \/ 17\.5 \/ 30$/m);
    expect(err).toContain(`rows read: ${summary.filters.rowsRead}`);
    expect(err).toMatch(/^ {2}225 repeated pairs merged$/m);
    expect(err).toMatch(
      /^ {2}10 below the minimum degree of users 5, items 1, with 4 users and 0 items \(rounds: 1\)$/m,
    );
    expect(err).toMatch(/^leak check passed: 0 of 455 pairs stand in two parts$/m);
    expect(err).toMatch(/^50 % have at most +17 +15$/m);
    expect(err).toMatch(/^ +20–49 +11 +█+ +\d+ +█+$/m);
    expect(err).toMatch(/the dataset is whole/);
    // As prepare did.
    expect(err).not.toContain('next:');
  });

  it('prints one object with --json', async () => {
    const { status, out } = await hashgnn('inspect', data, '--json');
    expect(status).toBe(0);
    expect(out.split('\n')).toHaveLength(2);
    const dataset = await readDataset(data);
    expect(JSON.parse(out)).toEqual({ summary, statistics: datasetStatistics(dataset), page: null });
  });

  it('writes a page, whole and by itself, and leaves nothing beside it', async () => {
    const page = join(folder, 'pages.html');
    const before = await readdir(folder);
    const { status, out } = await hashgnn('inspect', data, '--json', '--html', page);
    expect(status).toBe(0);
    expect(JSON.parse(out).page).toBe(page);
    expect((await readdir(folder)).sort()).toEqual([...before, 'pages.html'].sort());
    const html = await readFile(page, 'utf8');
    const [title] = find(readMarkup(html), 'h1');
    expect(title!.text).toBe('Dataset a <b> & "c"');
    expect(html).not.toMatch(/https?:|<script|<link|<img|url\(/);
  });

  const damages: [name: string, damage: () => Promise<unknown>, message: RegExp][] = [
    ['no folder', () => rm(copy, { recursive: true }), /there is no such dataset folder/],
    ['no dataset.json', () => rm(join(copy, 'dataset.json')), /it has no dataset\.json/],
    ['a part that is cut off', () => truncate(join(copy, 'train.npy'), 200), /train\.npy/],
    ['another id', () => writeFile(join(copy, 'users.txt'), 'x\n'.repeat(26)), /checksum does not hold/],
    ['a pair in two parts', () => leak(), /stand in two of train, valid and test/],
    ['a newer version', () => edit({ version: 3 }), /a newer version of hashgnn has prepared this dataset/],
    ['another statistic', () => writeFile(join(copy, 'dataset.json'), altered()), /a value was changed/],
  ];
  const edit = (change: object) => writeSealedJson(join(copy, 'dataset.json'), { ...summary, ...change });
  const altered = () => JSON.stringify({ ...summary, name: 'other', sha256: '0'.repeat(64) });
  /** The test part as validation part too. */
  async function leak(): Promise<void> {
    await writeFile(join(copy, 'valid.npy'), await readFile(join(copy, 'test.npy')));
    await edit({ split: { ...summary.split, valid: summary.split.test } });
  }
  it.each(damages)('refuses %s with one error and writes no page', async (_, damage, message) => {
    await copied();
    await damage();
    const page = join(folder, 'refused.html');
    const { status, out, err } = await hashgnn('inspect', copy, '--json', '-o', page);
    expect(status).toBe(1);
    expect(err).toMatch(message);
    expect(err).toMatch(/^hashgnn: .*\n {2}where: .*\n {2}to mend it: .*\n$/);
    expect(JSON.parse(out).error.message).toMatch(/./);
    expect(await readdir(folder)).not.toContain('refused.html');
  });

  it('keeps a file that stands where the page should', async () => {
    const page = join(folder, 'mine.html');
    await writeFile(page, 'mine');
    const { status, err } = await hashgnn('inspect', data, '--html', page);
    expect(status).toBe(1);
    expect(err).toMatch(/exists already/);
    expect(await readFile(page, 'utf8')).toBe('mine');
  });

  it.each([
    [['inspect'], 2, /missing required argument 'dataset'/],
    [['inspect', 'DATA', '--colour', 'red'], 2, /unknown option '--colour'/],
    [['inspect', 'DATA', '--html', 'none/page.html'], 1, /cannot write the file/],
    [['inspect', 'FILE'], 1, /a dataset is a folder, this is a file/],
  ])('%j ends with status %i', async (args, status, message) => {
    const places: Record<string, string> = {
      DATA: data,
      FILE: join(folder, 'in.tsv'),
      'none/page.html': join(folder, 'none', 'page.html'),
    };
    const done = await hashgnn(...args.map((arg) => places[arg] ?? arg));
    expect(done.status).toBe(status);
    expect(done.err).toMatch(message);
  });
});
