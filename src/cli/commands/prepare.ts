/** `hashgnn prepare`: raw interactions into a dataset folder. */
import { type Command, Option } from 'commander';
import type { DatasetSummary } from '../../data/dataset.js';
import { formats } from '../../data/format.js';
import { type PrepareOptions, prepareDataset } from '../../data/prepare.js';
import { splitKinds } from '../../data/split.js';
import { interruptSignal } from '../interrupt.js';
import { toBytes, toNumber } from '../numbers.js';
import {
  formatBytes,
  formatCount,
  formatSeconds,
  Output,
  type OutputOptions,
  outputOptions,
  table,
} from '../output.js';
import { Progress } from '../progress.js';

interface Options extends OutputOptions, Omit<PrepareOptions, 'file' | 'signal' | 'report' | 'progress'> {
  readonly out: string;
}

export function register(program: Command): void {
  const command = program
    .command('prepare')
    .description('read interactions, filter and split them, and write a dataset folder')
    .argument(
      '[files...]',
      'all interactions: files or patterns, plain or packed with gzip or zstd; - is standard input',
    )
    .requiredOption('-o, --out <dataset>', 'folder to write; must not exist, or be empty')
    .option('--query <sql>', 'all interactions from a DuckDB query, instead of files')
    .option('--train <files...>', 'given split: training interactions (with --test, instead of <files>)')
    .option('--test <files...>', 'given split: test interactions')
    .option('--valid <files...>', 'given split: validation interactions (drawn from training unless named)')
    .addOption(new Option('--format <name>', 'format of the interactions (detected unless named)').choices(formats))
    .option('--header', 'the first line names the columns (detected unless said)')
    .option('--no-header', 'the first line is an interaction')
    .option('--user-column <column>', 'column of users: a name, or a place from 1')
    .option('--item-column <column>', 'column of items')
    .option('--rating-column <column>', 'column of ratings, or none')
    .option('--time-column <column>', 'column of times (ISO dates or Unix time), or none')
    .option('--behaviour-column <column>', 'column of behaviours, or none')
    .option('--skip-bad-rows', 'leave out rows that cannot be read, count them and show the first')
    .option('--items <file>', 'titles of items for display: item and title a line')
    .option('--name <text>', "name of the dataset (the folder's unless said)")
    .option('--behaviours <names>', 'keep these behaviours only, for example buy,cart', (text) => text.split(','))
    .option('--min-rating <x>', 'leave out interactions rated below x', toNumber)
    .option('--from <time>', 'leave out interactions before this date or Unix time')
    .option('--until <time>', 'leave out interactions at or after this date or Unix time')
    .addOption(
      new Option('--repeats <which>', 'the time of a pair that repeats is that of its … row').choices([
        'first',
        'last',
      ]),
    )
    .option('--sample-users <n>', 'keep n users, or a share below 1, drawn by --seed', toNumber)
    .option('--min-user-degree <n>', 'leave out users with fewer interactions, repeated until none is left', toNumber)
    .option('--min-item-degree <n>', 'leave out items with fewer interactions, repeated until none is left', toNumber)
    .addOption(new Option('--split <kind>', 'what tests (default by-user)').choices(splitKinds))
    .option('--test-ratio <x>', "share of each user's interactions that test (default 0.3)", toNumber)
    .option('--test-from <time>', 'with --split by-time: interactions at or after this date or Unix time test')
    .option('--valid-ratio <x>', 'share of the training interactions that validate (default 0.1)', toNumber)
    .option('--seed <n>', 'seed of the split (default 1)', toNumber)
    .option(
      '--memory <size>',
      'what the process may take, such as 2GiB (default 4GiB, or 3/4 of the machine)',
      toBytes,
    );
  outputOptions(command).action(async (files: string[], options: Options) => {
    const output = new Output(options);
    const { out, json: _json, quiet: _quiet, ...rest } = options;
    const shown = new Stages(output);
    const summary = await prepareDataset(
      {
        ...rest,
        ...(files.length > 0 && { file: files }),
        signal: interruptSignal(),
        report: (text) => shown.say(text),
        progress: (stage, done, total, unit) => shown.update(stage, done, total, unit),
      },
      out,
    );
    shown.end();
    output.result(summary, describeDataset(summary, out));
  });
}

/** Stages shorter than this are not shown. */
const SHOWN_AFTER_MS = 2000;

/** The stages of a long preparation, one progress line each. */
class Stages {
  private stage = '';
  private startedAt = 0;
  private progress: Progress | undefined;

  constructor(private readonly output: Output) {}

  update(stage: string, done: number, total: number, unit: string): void {
    if (stage !== this.stage) {
      this.end();
      this.stage = stage;
      this.startedAt = performance.now();
    }
    if (performance.now() - this.startedAt < SHOWN_AFTER_MS) return;
    this.progress ??= new Progress({
      label: stage,
      total: Math.ceil(total),
      from: Math.floor(done),
      unit,
      quiet: this.output.quiet,
    });
    this.progress.update(Math.floor(done));
  }

  say(text: string): void {
    this.end();
    this.output.say(text);
  }

  end(): void {
    this.progress?.done(`${this.stage}  done in ${formatSeconds((performance.now() - this.startedAt) / 1000)}`);
    this.progress = undefined;
    this.stage = '';
  }
}

/** A dataset as people read it: statistics, what was removed, the split, the leak check, the next command. */
export function describeDataset(summary: DatasetSummary, folder: string): string {
  const { statistics, filters, split } = summary;
  const degree = ({ min, median, max }: { min: number; median: number; max: number }) =>
    `${formatCount(min)} / ${formatCount(median)} / ${formatCount(max)}`;
  const share = (count: number) => `${((100 * count) / statistics.interactions).toFixed(2)} %`;
  const lines = [
    table(
      [
        [summary.name, ''],
        ['users', formatCount(statistics.users)],
        ['items', formatCount(statistics.items)],
        ['interactions', formatCount(statistics.interactions)],
        ['density', `${(100 * statistics.density).toPrecision(4)} %`],
        ['interactions a user (min / median / max)', degree(statistics.userDegree)],
        ['interactions an item', degree(statistics.itemDegree)],
        ...(summary.titledItems === null ? [] : [['items with a title', formatCount(summary.titledItems)]]),
      ],
      { align: ['left', 'right'] },
    ),
    '',
    `rows read: ${formatCount(filters.rowsRead)}, from ${formatBytes(summary.sources.reduce((sum, { bytes }) => sum + bytes, 0))}`,
  ];
  const { badRows } = filters;
  if (badRows.count > 0) {
    lines.push(
      `bad rows left out: ${formatCount(badRows.count)}; the first:`,
      ...badRows.first.map((bad) => `  ${bad}`),
    );
  }
  const removed: [count: number, what: string][] = [
    [filters.rowsOfOtherBehaviours, `of other behaviours than ${filters.behaviours?.join(', ')}`],
    [filters.rowsBelowMinRating, `rated below ${filters.minRating}`],
    [filters.rowsOutsideDates, `not from ${filters.from ?? 'the beginning'} until ${filters.until ?? 'the end'}`],
    [filters.sampledOut.rows, `of ${formatCount(filters.sampledOut.users)} users that were not drawn`],
    [filters.duplicatesMerged, 'repeated pairs merged'],
    [filters.overlapRemoved.valid, 'validation pairs removed that are training pairs too'],
    [filters.overlapRemoved.test, 'test pairs removed that are training or validation pairs too'],
  ];
  for (const [count, what] of removed) if (count > 0) lines.push(`  ${formatCount(count)} ${what}`);
  const { degreeFilter } = filters;
  if (filters.minUserDegree !== null || filters.minItemDegree !== null) {
    lines.push(
      `  minimum degree (users ${filters.minUserDegree ?? 1}, items ${filters.minItemDegree ?? 1}), removed: ` +
        `users ${formatCount(degreeFilter.users)}, items ${formatCount(degreeFilter.items)}, ` +
        `interactions ${formatCount(degreeFilter.interactions)} (rounds: ${degreeFilter.rounds})`,
    );
  }
  const rest = `${split.validRatio} of the rest validates`;
  const kinds: Record<typeof split.kind, string> = {
    'by-user': `drawn by user with seed ${split.seed}: ${split.testRatio} tests, ${rest}`,
    overall: `drawn from all with seed ${split.seed}: ${split.testRatio} tests, ${rest}`,
    'leave-last-out': `by user: the last interaction tests, ${rest}, drawn with seed ${split.seed}`,
    'leave-random-out': `drawn by user with seed ${split.seed}: one interaction tests, ${rest}`,
    'by-time': `by time: from ${split.testFrom} on interactions test, ${rest}, drawn by user with seed ${split.seed}`,
    given: 'as given',
    'given-valid-drawn': `as given; ${split.validRatio} of training validates, drawn by user with seed ${split.seed}`,
  };
  lines.push(
    '',
    `split ${kinds[split.kind]}`,
    table([
      ['part', 'interactions', 'share'],
      ...(['train', 'valid', 'test'] as const).map((part) => [part, formatCount(split[part]), share(split[part])]),
    ]),
    `leak check: ${split.sharedPairs} pairs stand in two parts`,
    `users with test items: ${formatCount(split.usersWithTest)}`,
  );
  if (split.usersWithoutTrain > 0) lines.push(`users without training items: ${formatCount(split.usersWithoutTrain)}`);
  if (split.itemsWithoutTrain > 0) lines.push(`items without training users: ${formatCount(split.itemsWithoutTrain)}`);
  if (split.valid === 0) lines.push('nothing validates: too few interactions for the share');
  const quoted = /^[\w./@%+=:,-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
  lines.push('', `next: hashgnn train ${quoted} --out runs/${summary.name.replace(/[^\w.-]+/g, '-')}`);
  return lines.join('\n');
}
