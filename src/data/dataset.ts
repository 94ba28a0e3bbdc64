/**
 * The dataset folder that `prepare` writes and everything else reads:
 * `dataset.json`, `train.npy`, `valid.npy`, `test.npy` (int32 [E, 2], sorted by user, then item), `users.txt`, `items.txt`
 * (the raw id of index n on line n + 1) and, where titles are known, `titles.txt` (by item, empty where unknown).
 */
import { createHash, type Hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSealedJson, requireDigests } from '../base/checksums.js';
import { InputError } from '../base/errors.js';
import { readBytes, readJson, readNpy } from '../base/files.js';
import { bytesOf } from '../base/npy.js';
import { compareEdges, findSharedPair, type SplitKind } from './split.js';
import type { TimeHistogram } from './times.js';

export interface DegreeSummary {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export const DATASET_FORMAT = 'hashgnn-dataset';
/** 2: with checksums of itself and of the texts. */
export const DATASET_VERSION = 2;

/** The content of `dataset.json`. */
export interface DatasetSummary {
  readonly format: typeof DATASET_FORMAT;
  readonly version: typeof DATASET_VERSION;
  readonly name: string;
  readonly statistics: {
    readonly users: number;
    readonly items: number;
    /** Distinct pairs over all parts. */
    readonly interactions: number;
    /** interactions / (users × items). */
    readonly density: number;
    readonly userDegree: DegreeSummary;
    readonly itemDegree: DegreeSummary;
    /** Null where times are not known; folders from before they were counted lack it. */
    readonly times?: TimeHistogram | null;
  };
  readonly sources: readonly {
    readonly part: 'all' | 'train' | 'valid' | 'test' | 'titles';
    readonly path: string;
    readonly bytes: number;
    readonly compression: 'none' | 'gzip' | 'zstd';
    readonly encoding: string;
    /** What the file was read as. */
    readonly layout: string;
    /** Interactions (or titles) in it. */
    readonly rows: number;
  }[];
  readonly filters: {
    readonly minRating: number | null;
    readonly minUserDegree: number | null;
    readonly minItemDegree: number | null;
    /** Interactions in all sources, before anything was removed. */
    readonly rowsRead: number;
    /** Behaviours that count, or null for all. */
    readonly behaviours: readonly string[] | null;
    /** Interactions at or after `from` and before `until` count, as the user wrote them; null for no bound. */
    readonly from: string | null;
    readonly until: string | null;
    /** Which time a pair that repeats has: that of its first or its last row. */
    readonly repeats: 'first' | 'last';
    /** Users that were to be kept: a share below 1, or a number; null for all. */
    readonly sampleUsers: number | null;
    /** Rows that could not be read and were left out (`skipBadRows`), with the first of them; not in `rowsRead`. */
    readonly badRows: { readonly count: number; readonly first: readonly string[] };
    /** Rows of other behaviours; of the rest those whose rating is below `minRating`; of the rest those outside the dates. */
    readonly rowsOfOtherBehaviours: number;
    readonly rowsBelowMinRating: number;
    readonly rowsOutsideDates: number;
    /** What the sampling of users removed of the rest. */
    readonly sampledOut: { readonly users: number; readonly rows: number };
    /** Rows that repeat a pair of the same part. */
    readonly duplicatesMerged: number;
    /** Pairs taken out of a given part because another part has them: training before validation before test. */
    readonly overlapRemoved: { readonly valid: number; readonly test: number };
    /** What the minimum degrees removed, repeated to the fixed point. */
    readonly degreeFilter: {
      readonly rounds: number;
      readonly users: number;
      readonly items: number;
      readonly interactions: number;
    };
  };
  readonly split: {
    /** A `SplitKind`: made here; `given`: files; `given-valid-drawn`: files, validation drawn from training. */
    readonly kind: SplitKind | 'given' | 'given-valid-drawn';
    readonly seed: number;
    /** Of `by-time`: from when on interactions test, as the user wrote it. */
    readonly testFrom: string | null;
    readonly testRatio: number | null;
    readonly validRatio: number | null;
    readonly train: number;
    readonly valid: number;
    readonly test: number;
    readonly usersWithTest: number;
    readonly usersWithoutTrain: number;
    readonly itemsWithoutTrain: number;
    /** Pairs that stand in two parts: counted after the split. */
    readonly sharedPairs: 0;
  };
  /** Items with a known title, or null where no titles were given. */
  readonly titledItems: number | null;
  readonly fingerprint: string;
  /** SHA-256 of the texts by their names: `users.txt`, `items.txt` and, where there are titles, `titles.txt`. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Dataset {
  readonly folder: string;
  readonly name: string;
  readonly userCount: number;
  readonly itemCount: number;
  /** Flat pairs (user, item), int32 [E × 2], sorted by user, then item. */
  readonly train: Int32Array;
  readonly valid: Int32Array;
  readonly test: Int32Array;
  /** Raw ids by index. */
  readonly userIds: string[];
  readonly itemIds: string[];
  /** By item; empty where unknown. */
  readonly itemTitles?: string[];
  readonly summary: DatasetSummary;
}

/** SHA-256 over the counts and the three edge arrays, in hexadecimal: the same for the same interactions and split. */
export function fingerprint(dataset: Pick<Dataset, 'userCount' | 'itemCount' | 'train' | 'valid' | 'test'>): string {
  const { userCount, itemCount, train, valid, test } = dataset;
  const hash = beginFingerprint(
    userCount,
    itemCount,
    [train, valid, test].map((part) => part.length / 2),
  );
  for (const part of [train, valid, test]) hash.update(bytesOf(part));
  return hash.digest('hex');
}

/**
 * A fingerprint to which the bytes of train, valid and test are still to be added.
 * @param edges their numbers of edges
 */
export function beginFingerprint(userCount: number, itemCount: number, edges: readonly number[]): Hash {
  const lengths = edges.map((count) => 2 * count).join(' ');
  return createHash('sha256').update(`hashgnn-dataset 1 ${userCount} ${itemCount} ${lengths}\n`);
}

async function readLines(path: string, count: number, what: string): Promise<string[]> {
  const bytes = await readBytes(path);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new InputError(`the ${what} are not UTF-8 text`, { where: path, fix: again, cause: error });
  }
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length !== count) {
    throw new InputError(`expected ${count} ${what}, one a line, found ${lines.length}`, { where: path, fix: again });
  }
  return lines;
}

const again = 'prepare the dataset again';

async function readPart(path: string, userCount: number, itemCount: number, count: number): Promise<Int32Array> {
  const { data } = await readNpy(path, { dtype: 'int32', shape: [null, 2] });
  if (data.length !== 2 * count) {
    throw new InputError(`expected ${count} edges, as dataset.json says, found ${data.length / 2}`, {
      where: path,
      fix: again,
    });
  }
  for (let at = 0; at < data.length; at += 2) {
    const user = data[at]!;
    const item = data[at + 1]!;
    if (user < 0 || user >= userCount || item < 0 || item >= itemCount) {
      throw new InputError(
        `edge ${at / 2} is (${user}, ${item}); expected a user below ${userCount} and an item below ${itemCount}`,
        { where: path, fix: again },
      );
    }
    if (at > 0 && compareEdges(data, at - 2, data, at) >= 0) {
      throw new InputError(`edge ${at / 2} is not after the one before it; expected edges sorted and none twice`, {
        where: path,
        fix: again,
      });
    }
  }
  return data;
}

/** A whole number that is not negative, at a path such as "statistics.users". */
function countAt(summary: unknown, key: string, where: string): number {
  let value: unknown = summary;
  for (const part of key.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[part];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InputError(`expected a count at "${key}", found ${JSON.stringify(value) ?? 'nothing'}`, {
    where,
    fix: again,
  });
}

/** @throws InputError where it was changed, or another version wrote it */
async function readSummary(where: string): Promise<DatasetSummary> {
  // Another version may seal it otherwise.
  const { format, version } = ((await readJson(where)) ?? {}) as Record<string, unknown>;
  if (format !== DATASET_FORMAT || version !== DATASET_VERSION) {
    const newer = format === DATASET_FORMAT && typeof version === 'number' && version > DATASET_VERSION;
    throw new InputError(
      newer
        ? 'a newer version of hashgnn has prepared this dataset'
        : `expected a hashgnn dataset of version ${DATASET_VERSION}`,
      { where, fix: newer ? 'use that version, or prepare the dataset again' : again },
    );
  }
  return (await readSealedJson(where)) as unknown as DatasetSummary;
}

/**
 * Reads a dataset folder and checks all of it: versions, counts, shapes, ranges, order, and that no pair stands in two
 * parts.
 *
 * @throws InputError naming the file and what was expected
 */
export async function readDataset(folder: string): Promise<Dataset> {
  const where = join(folder, 'dataset.json');
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new InputError(found ? 'a dataset is a folder, this is a file' : 'there is no such dataset folder', {
      where: folder,
      fix: 'make one: hashgnn prepare <file> --out <dataset>',
    });
  }
  if (!(await stat(where).catch(() => undefined))) {
    throw new InputError('the folder is no dataset: it has no dataset.json', {
      where: folder,
      fix: 'make one: hashgnn prepare <file> --out <dataset>',
    });
  }
  const summary = await readSummary(where);
  const userCount = countAt(summary, 'statistics.users', where);
  const itemCount = countAt(summary, 'statistics.items', where);
  const part = (name: 'train' | 'valid' | 'test') =>
    readPart(join(folder, `${name}.npy`), userCount, itemCount, countAt(summary, `split.${name}`, where));
  const [train, valid, test] = [await part('train'), await part('valid'), await part('test')];
  const shared = findSharedPair(train, valid, test);
  if (shared) {
    throw new InputError(`user ${shared.user} and item ${shared.item} stand in two of train, valid and test`, {
      where: folder,
      fix: again,
    });
  }
  const titles = join(folder, 'titles.txt');
  const titled = summary.titledItems !== null && summary.titledItems !== undefined;
  const dataset = {
    folder,
    name: summary.name,
    userCount,
    itemCount,
    train,
    valid,
    test,
    userIds: await readLines(join(folder, 'users.txt'), userCount, 'users'),
    itemIds: await readLines(join(folder, 'items.txt'), itemCount, 'items'),
    ...(titled && { itemTitles: await readLines(titles, itemCount, 'titles') }),
    summary,
  };
  await requireDigests(folder, summary.files, again);
  if (fingerprint(dataset) !== summary.fingerprint) {
    throw new InputError('the edges are not those that the dataset was prepared with: their fingerprint differs', {
      where: folder,
      fix: again,
    });
  }
  return dataset;
}
