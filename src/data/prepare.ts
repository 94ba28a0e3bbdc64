/**
 * From files of raw interactions to a dataset folder: read, filter, number, split, check, write.
 *
 * Users are numbered in the order of their ids, items likewise: by value where all ids are integers (of up to 38 digits;
 * equal values, as 7 and 007, by code point), otherwise by Unicode code point. So indices, and with them the split, do
 * not depend on the order of rows.
 */
import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InputError, UsageError } from '../base/errors.js';
import {
  createFolderAtomically,
  digestsOf,
  requireEmptyFolder,
  writeFileAtomic,
  writeNpy,
  writeSealedJson,
} from '../base/files.js';
import { DATASET_FORMAT, DATASET_VERSION, type DatasetSummary, type DegreeSummary, fingerprint } from './dataset.js';
import { Engine } from './engine.js';
import { detectInteractions, detectTitles, type Format, formats } from './format.js';
import { readInteractions, readTitles } from './interactions.js';
import { findSharedPair, Part, separate, splitByUser } from './split.js';
import { inspectText } from './text.js';

export interface PrepareOptions {
  /** All interactions; or `train` and `test`. */
  readonly file?: string;
  readonly train?: string;
  readonly test?: string;
  /** Only with `train`; without it validation is drawn from the training interactions. */
  readonly valid?: string;
  /** Detected from the content unless named. */
  readonly format?: Format;
  /** Whether the first line names the columns; detected unless said. */
  readonly header?: boolean;
  /** Titles of items for display: item, title and anything else a line. */
  readonly items?: string;
  /** Name of the dataset; the folder's unless said. */
  readonly name?: string;
  /** Interactions rated lower are left out; the rest count alike. */
  readonly minRating?: number;
  /** Users (items) with fewer distinct interactions are left out, again and again until none has fewer. */
  readonly minUserDegree?: number;
  readonly minItemDegree?: number;
  /** Share of each user's interactions that test, in [0, 1). Default 0.3. */
  readonly testRatio?: number;
  /** Share of the training interactions that validate, in [0, 1). Default 0.1. */
  readonly validRatio?: number;
  /** Whole number below 2^32. Default 1. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** Called with a sentence on what was found and what is done. */
  readonly report?: (text: string) => void;
}

type Role = 'all' | 'train' | 'valid' | 'test';
type Source = DatasetSummary['sources'][number];

function checkOptions(options: PrepareOptions): { role: Role; path: string }[] {
  const { file, train, test, valid } = options;
  if (file === undefined && train === undefined) {
    throw new UsageError('no interactions are named', { fix: 'name a file, or --train and --test' });
  }
  if (file !== undefined && (train !== undefined || test !== undefined || valid !== undefined)) {
    throw new UsageError('a file of all interactions and files of parts exclude each other', {
      fix: 'name a file, or --train and --test',
    });
  }
  if (train !== undefined && test === undefined) {
    throw new UsageError('--train is given without --test', { fix: 'name both, or one file that is split here' });
  }
  const ratios = { 'test-ratio': options.testRatio, 'valid-ratio': options.validRatio };
  for (const [name, ratio] of Object.entries(ratios)) {
    if (ratio !== undefined && !(ratio >= 0 && ratio < 1)) {
      throw new UsageError(`--${name} is ${ratio}; expected a number from 0 to below 1`);
    }
  }
  const degrees = { 'min-user-degree': options.minUserDegree, 'min-item-degree': options.minItemDegree };
  for (const [name, degree] of Object.entries(degrees)) {
    if (degree !== undefined && !(Number.isSafeInteger(degree) && degree >= 1)) {
      throw new UsageError(`--${name} is ${degree}; expected a whole number of at least 1`);
    }
  }
  if (options.minRating !== undefined && !Number.isFinite(options.minRating)) {
    throw new UsageError(`--min-rating is ${options.minRating}; expected a number`);
  }
  const { seed } = options;
  if (seed !== undefined && !(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new UsageError(`--seed is ${seed}; expected a whole number from 0 to 4294967295`);
  }
  if (options.format !== undefined && !formats.includes(options.format)) {
    throw new UsageError(`--format is ${options.format}; expected one of ${formats.join(', ')}`);
  }
  if (file !== undefined) return [{ role: 'all', path: file }];
  const parts: { role: Role; path: string }[] = [{ role: 'train', path: train! }];
  if (valid !== undefined) parts.push({ role: 'valid', path: valid });
  return [...parts, { role: 'test', path: test! }];
}

/**
 * Reads interactions, filters, numbers and splits them, and writes a dataset folder, whole or not at all.
 *
 * The steps, in this order: ratings below `minRating` out; repeated pairs merged; pairs that two given parts share kept in
 * the first of training, validation, test; minimum degrees (distinct interactions over all parts) to the fixed point;
 * ids numbered; split by user (see `splitByUser`), or as given; leak check.
 *
 * @param folder must not exist, or be empty
 * @throws UsageError for options that make no sense
 * @throws InputError with file and line for input that cannot be read; when a filter leaves nothing, or `minRating` leaves
 *   a user without items and `minUserDegree` does not say that such users go; when a part of the split is left empty
 * @throws InterruptedError after `signal`; nothing is left behind
 */
export async function prepareDataset(options: PrepareOptions, folder: string): Promise<DatasetSummary> {
  const inputs = checkOptions(options);
  await requireEmptyFolder(folder);
  return createFolderAtomically(folder, async (temporary) => {
    const spill = join(temporary, 'spill');
    const engine = await Engine.open(spill, options.signal);
    try {
      return await new Preparation(engine, options, inputs, temporary, basename(resolve(folder))).run();
    } finally {
      engine.close();
      await rm(spill, { recursive: true, force: true });
    }
  });
}

/** One run of `prepareDataset`, step by step. */
class Preparation {
  private readonly sources: Source[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly options: PrepareOptions,
    private readonly inputs: readonly { role: Role; path: string }[],
    private readonly temporary: string,
    private readonly folderName: string,
  ) {}

  async run(): Promise<DatasetSummary> {
    const { engine, options, temporary } = this;
    for (const [index, input] of this.inputs.entries()) await this.readSource(index, input.role, input.path);
    const filters = await this.filter();
    const { edges, given, users, items } = await this.numbered();

    const seed = options.seed ?? 1;
    const drawsTest = this.inputs[0]!.role === 'all';
    const drawsValid = drawsTest || options.valid === undefined;
    const testRatio = drawsTest ? (options.testRatio ?? 0.3) : 0;
    const validRatio = drawsValid ? (options.validRatio ?? 0.1) : 0;
    const parts = splitByUser(edges, { testRatio, validRatio, seed }, given);
    const { train, valid, test } = separate(edges, parts);
    this.checkParts({ train, valid, test }, testRatio);
    const shared = findSharedPair(train, valid, test);
    // A defect of ours, not of the input: a plain error.
    if (shared) throw new Error(`user ${shared.user} and item ${shared.item} stand in two parts of the split`);

    const titledItems = options.items === undefined ? null : await this.writeTitles(options.items);
    await writeFileAtomic(join(temporary, 'users.txt'), engine.lines('SELECT id FROM users ORDER BY final'));
    await writeFileAtomic(join(temporary, 'items.txt'), engine.lines('SELECT id FROM items ORDER BY final'));
    await writeNpy(join(temporary, 'train.npy'), train, [train.length / 2, 2]);
    await writeNpy(join(temporary, 'valid.npy'), valid, [valid.length / 2, 2]);
    await writeNpy(join(temporary, 'test.npy'), test, [test.length / 2, 2]);

    const interactions = edges.length / 2;
    const trainDegrees = degrees(train, users, items);
    const testDegrees = degrees(test, users, items);
    const all = degrees(edges, users, items);
    const summary: DatasetSummary = {
      format: DATASET_FORMAT,
      version: DATASET_VERSION,
      name: options.name ?? this.folderName,
      statistics: {
        users,
        items,
        interactions,
        density: interactions / (users * items),
        userDegree: summarise(all.users),
        itemDegree: summarise(all.items),
      },
      sources: this.sources,
      filters,
      split: {
        kind: drawsTest ? 'by-user' : drawsValid ? 'given-valid-drawn' : 'given',
        seed,
        testRatio: drawsTest ? testRatio : null,
        validRatio: drawsValid ? validRatio : null,
        train: train.length / 2,
        valid: valid.length / 2,
        test: test.length / 2,
        usersWithTest: testDegrees.users.reduce((sum, degree) => sum + (degree > 0 ? 1 : 0), 0),
        usersWithoutTrain: trainDegrees.users.reduce((sum, degree) => sum + (degree === 0 ? 1 : 0), 0),
        itemsWithoutTrain: trainDegrees.items.reduce((sum, degree) => sum + (degree === 0 ? 1 : 0), 0),
        sharedPairs: 0,
      },
      titledItems,
      fingerprint: fingerprint({ userCount: users, itemCount: items, train, valid, test }),
      files: await digestsOf(temporary, ['users.txt', 'items.txt', ...(titledItems === null ? [] : ['titles.txt'])]),
    };
    await writeSealedJson(join(temporary, 'dataset.json'), summary);
    return summary;
  }

  /** The files as one table a part: (user, item, rating). */
  private async readSource(index: number, role: Role, path: string): Promise<void> {
    const { engine, options } = this;
    const text = await inspectText(path, options);
    const layout = detectInteractions(text, options);
    options.report?.(`${path}: ${layout.description}${text.compression === 'gzip' ? ', gzip' : ''}`);
    if (options.minRating !== undefined && layout.rating === undefined) {
      throw new InputError('a minimum rating is asked for, and the file has no rating column', {
        where: path,
        fix: 'leave --min-rating out, or name a file with ratings',
      });
    }
    // Published test lists name users with nothing to test.
    const emptyLists = role === 'test' || role === 'valid';
    const rows = await readInteractions(engine, text, layout, `source_${index}`, { emptyLists });
    const { bytes, compression, encoding } = text;
    this.sources.push({ part: role, path, bytes, compression, encoding, layout: layout.description, rows });
  }

  private async filter(): Promise<DatasetSummary['filters']> {
    const { engine, options, inputs } = this;
    const { minRating } = options;
    const partOf = (role: Role) => (role === 'all' ? Part.train : Part[role]);
    const union = inputs.map(
      ({ role }, index) => `SELECT user, item, rating, ${partOf(role)}::INTEGER AS part FROM source_${index}`,
    );
    await engine.run(`CREATE VIEW source AS ${union.join(' UNION ALL ')}`);
    const keep = minRating === undefined ? '' : `WHERE rating >= ${minRating}::DOUBLE`;
    const rowsRead = this.sources.reduce((sum, source) => sum + source.rows, 0);
    if (minRating !== undefined) await this.checkRatings(minRating);

    for (const [side, table] of [
      ['user', 'users'],
      ['item', 'items'],
    ]) {
      await engine.run(`CREATE TABLE ${table}_seen AS SELECT DISTINCT ${side} AS id FROM source ${keep}`);
      const [{ numeric }] = (await engine.rows<{ numeric: boolean }>(
        `SELECT bool_and(regexp_full_match(id, '-?[0-9]{1,38}')) AS numeric FROM ${table}_seen`,
      )) as [{ numeric: boolean }];
      // Text compares by its UTF-8 bytes, which is by code point.
      const order = numeric ? 'id::HUGEINT, id' : 'id';
      await engine.run(`CREATE TABLE ${table}_numbered AS
        SELECT id, (row_number() OVER (ORDER BY ${order}) - 1)::INTEGER AS number FROM ${table}_seen`);
      await engine.run(`DROP TABLE ${table}_seen`);
    }
    await engine.run(`CREATE TABLE merged AS SELECT u.number AS user, i.number AS item, part, count(*) AS rows
      FROM source s JOIN users_numbered u ON s.user = u.id JOIN items_numbered i ON s.item = i.id ${keep} GROUP BY ALL`);
    await engine.run('DROP VIEW source');
    for (const index of inputs.keys()) await engine.run(`DROP TABLE source_${index}`);
    const merged = await engine.counts<'rows' | 'pairs' | 'valid' | 'test'>(`SELECT coalesce(sum(rows), 0) AS rows,
      count(*) AS pairs, count(*) FILTER (part = ${Part.valid}) AS valid, count(*) FILTER (part = ${Part.test}) AS test
      FROM merged`);
    if (inputs.length === 1) await engine.run('ALTER TABLE merged RENAME TO pairs');
    else {
      await engine.run('CREATE TABLE pairs AS SELECT user, item, min(part) AS part FROM merged GROUP BY user, item');
      await engine.run('DROP TABLE merged');
    }
    const kept = await engine.counts<'valid' | 'test'>(`SELECT count(*) FILTER (part = ${Part.valid}) AS valid,
      count(*) FILTER (part = ${Part.test}) AS test FROM pairs`);
    return {
      minRating: minRating ?? null,
      minUserDegree: options.minUserDegree ?? null,
      minItemDegree: options.minItemDegree ?? null,
      rowsRead,
      rowsBelowMinRating: rowsRead - merged.rows,
      duplicatesMerged: merged.rows - merged.pairs,
      overlapRemoved: { valid: merged.valid - kept.valid, test: merged.test - kept.test },
      degreeFilter: await this.filterDegrees(),
    };
  }

  /** A user whom the minimum rating leaves nothing must be let go knowingly. */
  private async checkRatings(minRating: number): Promise<void> {
    const { engine, options } = this;
    const { all, left } = await engine.counts<'all' | 'left'>(`SELECT count(DISTINCT user) AS all,
      count(DISTINCT user) FILTER (rating >= ${minRating}::DOUBLE) AS left FROM source`);
    const where = this.inputs.map((input) => input.path).join(', ');
    if (left === 0) {
      throw new InputError(`no interaction is rated ${minRating} or more: the filter leaves nothing`, {
        where,
        fix: 'lower --min-rating',
      });
    }
    if (left < all && options.minUserDegree === undefined) {
      const [first] = await engine.rows<{ user: string }>(`SELECT user FROM source GROUP BY user
        HAVING max(rating) < ${minRating}::DOUBLE ORDER BY user LIMIT 1`);
      const users = all - left === 1 ? 'one user has' : `${all - left} users have`;
      throw new InputError(
        `${users} no items after filtering: nothing is rated ${minRating} or more by user ${JSON.stringify(first!.user)}`,
        { where, fix: 'leave such users out with --min-user-degree 1, or lower --min-rating' },
      );
    }
  }

  /** The k-core: both minimum degrees in turn until neither removes anything. */
  private async filterDegrees(): Promise<DatasetSummary['filters']['degreeFilter']> {
    const { engine, options } = this;
    const count = () =>
      engine.counts<'users' | 'items' | 'interactions'>(
        'SELECT count(DISTINCT user) AS users, count(DISTINCT item) AS items, count(*) AS interactions FROM pairs',
      );
    const sides = [
      ['user', options.minUserDegree ?? 1],
      ['item', options.minItemDegree ?? 1],
    ] as const;
    // Whoever is here has an interaction, so a minimum of 1 removes nobody.
    const active = sides.filter(([, minimum]) => minimum > 1);
    if (active.length === 0) return { rounds: 0, users: 0, items: 0, interactions: 0 };
    const before = await count();
    let rounds = 0;
    for (let removed = 1; removed > 0; rounds++) {
      removed = 0;
      for (const [side, minimum] of active) {
        removed += await engine.run(`DELETE FROM pairs WHERE ${side} IN
          (SELECT ${side} FROM pairs GROUP BY ${side} HAVING count(*) < ${minimum})`);
      }
    }
    const after = await count();
    if (after.interactions === 0) {
      const asked = active.map(([side, minimum]) => `--min-${side}-degree ${minimum}`).join(' and ');
      throw new InputError(
        `${asked}, repeated until nothing changes, leaves no interactions of ${before.interactions}`,
        {
          where: this.inputs.map((input) => input.path).join(', '),
          fix: 'lower the minimum degrees',
        },
      );
    }
    return {
      rounds: rounds - 1,
      users: before.users - after.users,
      items: before.items - after.items,
      interactions: before.interactions - after.interactions,
    };
  }

  /** The pairs that are left, with final indices, sorted by user, then item. */
  private async numbered(): Promise<{ edges: Int32Array; given: Uint8Array; users: number; items: number }> {
    const { engine } = this;
    for (const [side, table] of [
      ['user', 'users'],
      ['item', 'items'],
    ]) {
      await engine.run(`CREATE TABLE ${table} AS
        SELECT id, number, (row_number() OVER (ORDER BY number) - 1)::INTEGER AS final
        FROM ${table}_numbered WHERE number IN (SELECT ${side} FROM pairs)`);
      await engine.run(`DROP TABLE ${table}_numbered`);
    }
    const { users, items, pairs } = await engine.counts<'users' | 'items' | 'pairs'>(`SELECT
      (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM items) AS items, (SELECT count(*) FROM pairs) AS pairs`);
    const edges = new Int32Array(2 * pairs);
    const given = new Uint8Array(pairs);
    let next = 0;
    await engine.integers(
      `SELECT u.final, i.final, p.part FROM pairs p JOIN users u ON p.user = u.number JOIN items i ON p.item = i.number
       ORDER BY u.final, i.final`,
      ([user, item, part]) => {
        for (let row = 0; row < user!.length; row++, next++) {
          edges[2 * next] = user![row]!;
          edges[2 * next + 1] = item![row]!;
          given[next] = part![row]!;
        }
      },
    );
    await engine.run('DROP TABLE pairs');
    return { edges, given, users, items };
  }

  private checkParts(parts: Record<'train' | 'valid' | 'test', Int32Array>, testRatio: number): void {
    const where = this.inputs.map((input) => input.path).join(', ');
    const fromFiles = this.inputs[0]!.role !== 'all';
    if (parts.train.length === 0) {
      throw new InputError('no interactions are left to train on', { where, fix: 'relax the filters' });
    }
    if (parts.test.length === 0 && (fromFiles || testRatio > 0)) {
      throw new InputError(
        fromFiles
          ? 'the test part is empty: each of its pairs is in another part or filtered out'
          : 'the test part is empty: no user has enough interactions to test one',
        {
          where,
          fix: fromFiles ? 'name another --test file' : 'use more interactions, or --test-ratio 0 to test nothing',
        },
      );
    }
    if (parts.valid.length === 0 && this.options.valid !== undefined) {
      throw new InputError('the validation part is empty: each of its pairs is in the training part or filtered out', {
        where,
        fix: 'leave --valid out: validation is then drawn from the training interactions',
      });
    }
  }

  private async writeTitles(path: string): Promise<number> {
    const { engine, options, temporary } = this;
    const text = await inspectText(path, { ...options, latin1: true });
    const layout = detectTitles(text);
    const separator = layout.delimiter === '\t' ? 'tabs' : JSON.stringify(layout.delimiter);
    const described = `titles, columns separated by ${separator}, ${layout.header ? 'with a' : 'no'} header`;
    options.report?.(`${path}: ${described}${text.encoding === 'latin-1' ? ', Latin-1' : ''}`);
    await readTitles(engine, text, layout, 'titles');
    const { rows, known } = await engine.counts<'rows' | 'known'>(`SELECT (SELECT count(*) FROM titles) AS rows,
      (SELECT count(*) FROM items JOIN titles USING (id) WHERE title <> '') AS known`);
    if (known === 0) {
      throw new InputError('no item of the interactions has a title here: the ids do not meet', {
        where: path,
        fix: 'name the file that belongs to the interactions: item id and title a line',
      });
    }
    const { bytes, compression, encoding } = text;
    this.sources.push({ part: 'titles', path, bytes, compression, encoding, layout: described, rows });
    await writeFileAtomic(
      join(temporary, 'titles.txt'),
      engine.lines(`SELECT coalesce(title, '') FROM items LEFT JOIN titles USING (id) ORDER BY final`),
    );
    return known;
  }
}

function degrees(edges: Int32Array, users: number, items: number): { users: Uint32Array; items: Uint32Array } {
  const counts = { users: new Uint32Array(users), items: new Uint32Array(items) };
  for (let at = 0; at < edges.length; at += 2) {
    counts.users[edges[at]!]!++;
    counts.items[edges[at + 1]!]!++;
  }
  return counts;
}

function summarise(counts: Uint32Array): DegreeSummary {
  const sorted = counts.slice().sort();
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { min: sorted[0]!, median, max: sorted.at(-1)! };
}
