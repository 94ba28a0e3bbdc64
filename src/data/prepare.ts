/**
 * From files of raw interactions to a dataset folder: read, filter, number, split, check, write.
 *
 * Users are numbered in the order of their ids, items likewise: by value where all ids are integers (of up to 38 digits;
 * equal values, as 7 and 007, by code point), otherwise by Unicode code point. So indices, and with them the split, do
 * not depend on the order of rows.
 */
import { rm } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { digestsOf, writeSealedJson } from '../base/checksums.js';
import { UsageError } from '../base/errors.js';
import { createFolderAtomically, requireEmptyFolder, writeFileAtomic } from '../base/files.js';
import { bytesOf } from '../base/npy.js';
import { beginFingerprint, DATASET_FORMAT, DATASET_VERSION, type DatasetSummary } from './dataset.js';
import { summarise } from './degrees.js';
import { findSharedPairInFiles, readEdges } from './edge_file.js';
import { Engine, literal } from './engine.js';
import { type Counts, countPairs, Filter } from './filter.js';
import { secondsOf } from './interactions.js';
import { parts, requireParts, writeParts } from './parts.js';
import { checkOptions, type Input, leastMemory, type PrepareOptions } from './prepare_options.js';
import { Sources } from './sources.js';
import { writeTitles } from './titles.js';

export type { Files, PrepareOptions } from './prepare_options.js';

/** The engine's buffers: this share of the process's memory; Node and the engine hold something beside them. */
const engineShare = 0.6;

/**
 * Reads interactions, filters, numbers and splits them, and writes a dataset folder, whole or not at all.
 *
 * The steps, in this order: other behaviours, ratings below `minRating` and other dates out; users sampled; repeated pairs
 * merged; pairs that two given parts share kept in the first of training, validation, test; minimum degrees (distinct
 * interactions over all parts) to the fixed point; ids numbered; split (see `SplitKind`), or as given; leak check.
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
    const memory = options.memory ?? Math.max(leastMemory, Math.min(4 * 2 ** 30, 0.75 * totalmem()));
    const engine = await Engine.open(spill, { signal: options.signal, memory: engineShare * memory });
    try {
      return await prepare(
        { engine, options, spill, folder: temporary },
        inputs,
        options.name ?? basename(resolve(folder)),
      );
    } finally {
      engine.close();
      await rm(spill, { recursive: true, force: true });
    }
  });
}

/** What all steps work on. */
interface Preparation {
  readonly engine: Engine;
  readonly options: PrepareOptions;
  /** Where the engine and standard input keep what does not fit in memory. */
  readonly spill: string;
  /** Where the dataset is written. */
  readonly folder: string;
}

/** @param name of the dataset */
async function prepare(preparation: Preparation, given: readonly Input[], name: string): Promise<DatasetSummary> {
  const { engine, options, folder } = preparation;
  // Names what is done from now on, for `progress`.
  const stage = (what: string) => {
    const { progress } = options;
    if (progress) engine.watch = (percent) => progress(what, percent, 100, '%');
  };
  const context = { ...preparation, stage };
  const moments = await readMoments(context);
  const sources = new Sources(context);
  const inputs = await sources.readAll(given);
  const { knowsTime } = sources;
  const where = inputs.map(({ path, query }) => (query ? 'the query' : path)).join(', ');
  // From here on no table has an order of its own.
  await engine.run('SET preserve_insertion_order = false');

  const filter = new Filter({ ...context, inputs, moments, knowsTime, where });
  const rowsRead = sources.read.reduce((sum, source) => sum + source.rows, 0);
  const filters = { ...(await filter.rows(rowsRead)), badRows: sources.bad };
  const before = await countPairs(engine);
  const rounds = await filter.degrees();
  stage('numbering');
  const counts = await number(engine);
  const degreeFilter = { rounds, ...removed(before, counts) };

  const { plan, split } = splitOf(options, inputs, moments);
  const written = await writeParts({ ...context, knowsTime }, { ...plan, total: counts.interactions }, counts.items);
  const fromFiles = inputs[0]!.role !== 'all';
  const wantsTest = !fromFiles && split.testRatio !== 0;
  requireParts(written.counts, options, { where, fromFiles, wantsTest });
  stage('checking');
  const fingerprint = await checkAndFingerprint(folder, counts, written.counts);

  stage('writing ids');
  const titles = options.items === undefined ? undefined : await writeTitles(context, options.items);
  await writeFileAtomic(join(folder, 'users.txt'), engine.lines('SELECT id FROM users ORDER BY final'));
  await writeFileAtomic(join(folder, 'items.txt'), engine.lines('SELECT id FROM items ORDER BY final'));

  const { users, items, interactions } = counts;
  const summary: DatasetSummary = {
    format: DATASET_FORMAT,
    version: DATASET_VERSION,
    name,
    statistics: {
      users,
      items,
      interactions,
      density: interactions / (users * items),
      userDegree: summarise(written.degrees.users),
      itemDegree: summarise(written.degrees.items),
      times: written.times,
    },
    sources: titles ? [...sources.read, titles.source] : sources.read,
    filters: { ...filters, degreeFilter },
    split: {
      ...split,
      ...written.counts,
      usersWithTest: written.usersWithTest,
      usersWithoutTrain: written.usersWithoutTrain,
      itemsWithoutTrain: written.itemsWithoutTrain,
      sharedPairs: 0,
    },
    titledItems: titles ? titles.known : null,
    fingerprint,
    files: await digestsOf(folder, ['users.txt', 'items.txt', ...(titles ? ['titles.txt'] : [])]),
  };
  await writeSealedJson(join(folder, 'dataset.json'), summary);
  return summary;
}

/** How the pairs are split: the plan for `writeParts`, and what the summary says of it. */
function splitOf(options: PrepareOptions, inputs: readonly Input[], { testFrom }: Moments) {
  const drawsTest = inputs[0]!.role === 'all';
  const drawsValid = drawsTest || options.valid === undefined;
  const kind = options.split ?? 'by-user';
  const seed = options.seed ?? 1;
  const hasRatio = drawsTest && (kind === 'by-user' || kind === 'overall');
  const testRatio = hasRatio ? (options.testRatio ?? 0.3) : 0;
  const validRatio = drawsValid ? (options.validRatio ?? 0.1) : 0;
  return {
    plan: { kind, seed, testRatio, validRatio, ...(testFrom !== undefined && { testFrom }) },
    split: {
      kind: drawsTest ? kind : drawsValid ? ('given-valid-drawn' as const) : ('given' as const),
      seed,
      testFrom: options.testFrom ?? null,
      testRatio: hasRatio ? testRatio : null,
      validRatio: drawsValid ? validRatio : null,
    },
  };
}

/** Pairs in two parts are looked for once more in what was written. @returns the dataset's fingerprint */
async function checkAndFingerprint(
  folder: string,
  { users, items }: Counts,
  counts: Record<(typeof parts)[number], number>,
): Promise<string> {
  const paths = parts.map((part) => join(folder, `${part}.npy`));
  const shared = await findSharedPairInFiles(paths);
  // A defect of ours, not of the input: a plain error.
  if (shared) throw new Error(`user ${shared.user} and item ${shared.item} stand in two parts of the split`);
  const hash = beginFingerprint(
    users,
    items,
    parts.map((part) => counts[part]),
  );
  for (const path of paths) for await (const edges of readEdges(path)) hash.update(bytesOf(edges));
  return hash.digest('hex');
}

function removed(before: Counts, { users, items, interactions }: Counts): Counts {
  return {
    users: before.users - users,
    items: before.items - items,
    interactions: before.interactions - interactions,
  };
}

/** Seconds since 1970 of the moments among the options. */
interface Moments {
  readonly from?: number;
  readonly until?: number;
  readonly testFrom?: number;
}

async function readMoments({ engine, options }: Preparation): Promise<Moments> {
  const moments: { from?: number; until?: number; testFrom?: number } = {};
  for (const name of ['from', 'until', 'testFrom'] as const) {
    const text = options[name];
    if (text === undefined) continue;
    const [{ seconds }] = (await engine.rows<{ seconds: number | null }>(
      `SELECT ${secondsOf('moment')} AS seconds FROM (SELECT ${literal(text)} AS moment)`,
    )) as [{ seconds: number | null }];
    if (seconds === null) {
      const option = name === 'testFrom' ? 'test-from' : name;
      throw new UsageError(`--${option} is ${JSON.stringify(text)}; expected a date such as 2019-03-31, or Unix time`);
    }
    moments[name] = seconds;
  }
  const { from, until } = moments;
  if (from !== undefined && until !== undefined && from >= until) {
    throw new UsageError('--from is not before --until');
  }
  return moments;
}

/** Gives the users and items that are left their final numbers. */
async function number(engine: Engine): Promise<Counts> {
  for (const [side, table] of [
    ['user', 'users'],
    ['item', 'items'],
  ]) {
    await engine.run(`CREATE TABLE ${table} AS
      SELECT id, number, (row_number() OVER (ORDER BY number) - 1)::INTEGER AS final
      FROM ${table}_numbered WHERE number IN (SELECT ${side} FROM pairs)`);
    await engine.run(`DROP TABLE ${table}_numbered`);
  }
  return countPairs(engine, '');
}
