/** What `prepareDataset` may be told, and whether it makes sense. */
import { UsageError } from '../base/errors.js';
import { type ColumnOptions, type Format, formats } from './format.js';
import { type SplitKind, splitKinds } from './split.js';

/** A file, several, or patterns such as `logs/*.csv`; `-` is standard input. */
export type Files = string | readonly string[];

export interface PrepareOptions extends ColumnOptions {
  /** All interactions; or `query`; or `train` and `test`. */
  readonly file?: Files;
  /** An SQL query of the embedded engine (DuckDB) that gives all interactions: `SELECT … FROM 'log.parquet'`. */
  readonly query?: string;
  readonly train?: Files;
  readonly test?: Files;
  /** Only with `train`; without it validation is drawn from the training interactions. */
  readonly valid?: Files;
  /** Detected from the content unless named. */
  readonly format?: Format;
  /** Whether the first line names the columns; detected unless said. */
  readonly header?: boolean;
  /** Titles of items for display: item, title and anything else a line. */
  readonly items?: string;
  /** Name of the dataset; the folder's unless said. */
  readonly name?: string;
  /** Rows that cannot be read are left out and counted instead of refused. */
  readonly skipBadRows?: boolean;
  /** Interactions of other behaviours are left out; needs a column of behaviours. */
  readonly behaviours?: readonly string[];
  /** Interactions rated lower are left out; the rest count alike. */
  readonly minRating?: number;
  /** Interactions before `from`, or at or after `until`, are left out: ISO dates (UTC unless said), or Unix time. */
  readonly from?: string;
  readonly until?: string;
  /** Which time a pair has that repeats: that of its first or its last row. Default first. */
  readonly repeats?: 'first' | 'last';
  /** Only so many users, or below 1 such a share of them, drawn by `seed`. */
  readonly sampleUsers?: number;
  /** Users (items) with fewer distinct interactions are left out, again and again until none has fewer. */
  readonly minUserDegree?: number;
  readonly minItemDegree?: number;
  /** How interactions are split unless files give the parts. Default `by-user`. */
  readonly split?: SplitKind;
  /** Share of the interactions that tests, in [0, 1), with `by-user` of each user's. Default 0.3. */
  readonly testRatio?: number;
  /** With `by-time`: interactions at or after this moment test; an ISO date, or Unix time. */
  readonly testFrom?: string;
  /** Share of the training interactions that validate, in [0, 1). Default 0.1. */
  readonly validRatio?: number;
  /** Whole number below 2^32. Default 1. */
  readonly seed?: number;
  /** Bytes that the process may take; what does not fit spills to the disk. Default 4 GiB, or 3/4 of the machine's. */
  readonly memory?: number;
  readonly signal?: AbortSignal;
  /** Called with a sentence on what was found and what is done. */
  readonly report?: (text: string) => void;
  /** Called now and then while something takes long: how many of how many units are done. */
  readonly progress?: (stage: string, done: number, total: number, unit: string) => void;
}

/** What a file holds: all interactions, or one part of them. */
export type Role = 'all' | 'train' | 'valid' | 'test';
/** One place that interactions come from. */
export interface Input {
  readonly role: Role;
  /** A path, a pattern, `-`, or with `query` the query. */
  readonly path: string;
  readonly query?: true;
}

/** What the process takes at least: Node and the engine hold something beside the engine's buffers. */
export const leastMemory = 768 * 2 ** 20;

/** What there is to read. @throws UsageError for options that make no sense */
export function checkOptions(options: PrepareOptions): Input[] {
  const { query } = options;
  const list = (files: Files | undefined) => (files === undefined ? [] : typeof files === 'string' ? [files] : files);
  const [file, train, test, valid] = [options.file, options.train, options.test, options.valid].map(list) as [
    readonly string[],
    readonly string[],
    readonly string[],
    readonly string[],
  ];
  if (file.length === 0 && train.length === 0 && query === undefined) {
    throw new UsageError('no interactions are named', { fix: 'name a file, or --query, or --train and --test' });
  }
  const given = train.length + test.length + valid.length > 0;
  if (Number(file.length > 0) + Number(query !== undefined) + Number(given) > 1) {
    throw new UsageError('a file of all interactions, a query and files of parts exclude each other', {
      fix: 'name a file, or --query, or --train and --test',
    });
  }
  if (given && (train.length === 0 || test.length === 0)) {
    throw new UsageError(train.length === 0 ? '--test is given without --train' : '--train is given without --test', {
      fix: 'name both, or one file that is split here',
    });
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
  const sample = options.sampleUsers;
  if (sample !== undefined && !(sample > 0 && (sample < 1 || Number.isSafeInteger(sample)))) {
    throw new UsageError(`--sample-users is ${sample}; expected a share below 1 or a whole number of users`);
  }
  const { seed } = options;
  if (seed !== undefined && !(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new UsageError(`--seed is ${seed}; expected a whole number from 0 to 4294967295`);
  }
  if (options.format !== undefined && !formats.includes(options.format)) {
    throw new UsageError(`--format is ${options.format}; expected one of ${formats.join(', ')}`);
  }
  const { split } = options;
  if (split !== undefined && !splitKinds.includes(split)) {
    throw new UsageError(`--split is ${split}; expected one of ${splitKinds.join(', ')}`);
  }
  if (split !== undefined && given) {
    throw new UsageError('--split and files of parts exclude each other', { fix: 'leave --split out' });
  }
  if ((split === 'by-time') !== (options.testFrom !== undefined)) {
    throw new UsageError('--split by-time and --test-from go together', {
      fix: 'name both: --split by-time --test-from 2019-03-31',
    });
  }
  if (options.testRatio !== undefined && split !== undefined && split !== 'by-user' && split !== 'overall') {
    throw new UsageError(`--test-ratio has no meaning with --split ${split}`, { fix: 'leave it out' });
  }
  if (options.repeats !== undefined && options.repeats !== 'first' && options.repeats !== 'last') {
    throw new UsageError(`--repeats is ${options.repeats}; expected first or last`);
  }
  if (options.behaviours?.length === 0) throw new UsageError('--behaviours names none');
  if (options.memory !== undefined && !(options.memory >= leastMemory)) {
    throw new UsageError(`--memory is ${options.memory} bytes; expected at least 768 MiB`);
  }
  if (query !== undefined) return [{ role: 'all', path: query, query: true }];
  const inputs = Object.entries({ all: file, train, valid, test }).flatMap(([role, paths]) =>
    paths.map((path) => ({ role: role as Role, path })),
  );
  if (inputs.filter(({ path }) => path === '-').length > 1)
    throw new UsageError('standard input can be read only once');
  return inputs;
}
