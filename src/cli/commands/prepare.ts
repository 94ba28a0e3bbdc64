/** `hashgnn prepare`: raw interactions into a dataset folder. */
import { type Command, Option } from 'commander';
import type { DatasetSummary } from '../../data/dataset.js';
import { type Format, formats } from '../../data/format.js';
import { prepareDataset } from '../../data/prepare.js';
import { interruptSignal } from '../interrupt.js';
import { toNumber } from '../numbers.js';
import { formatBytes, formatCount, Output, type OutputOptions, outputOptions, table } from '../output.js';

interface Options extends OutputOptions {
  readonly out: string;
  readonly train?: string;
  readonly test?: string;
  readonly valid?: string;
  readonly format?: Format;
  readonly header?: boolean;
  readonly items?: string;
  readonly name?: string;
  readonly minRating?: number;
  readonly minUserDegree?: number;
  readonly minItemDegree?: number;
  readonly testRatio?: number;
  readonly validRatio?: number;
  readonly seed?: number;
}

export function register(program: Command): void {
  const command = program
    .command('prepare')
    .description('read interactions, filter and split them, and write a dataset folder')
    .argument('[file]', 'all interactions: MovieLens "::", comma- or tab-separated text, adjacency lists; also gzipped')
    .requiredOption('-o, --out <dataset>', 'folder to write; must not exist, or be empty')
    .option('--train <file>', 'given split: training interactions (with --test, instead of <file>)')
    .option('--test <file>', 'given split: test interactions')
    .option('--valid <file>', 'given split: validation interactions (drawn from training unless named)')
    .addOption(new Option('--format <name>', 'format of the interactions (detected unless named)').choices(formats))
    .option('--header', 'the first line names the columns (detected unless said)')
    .option('--no-header', 'the first line is an interaction')
    .option('--items <file>', 'titles of items for display: item and title a line')
    .option('--name <text>', "name of the dataset (the folder's unless said)")
    .option('--min-rating <x>', 'leave out interactions rated below x', toNumber)
    .option('--min-user-degree <n>', 'leave out users with fewer interactions, repeated until none is left', toNumber)
    .option('--min-item-degree <n>', 'leave out items with fewer interactions, repeated until none is left', toNumber)
    .option('--test-ratio <x>', "share of each user's interactions that test (default 0.3)", toNumber)
    .option('--valid-ratio <x>', 'share of the training interactions that validate (default 0.1)', toNumber)
    .option('--seed <n>', 'seed of the split (default 1)', toNumber);
  outputOptions(command).action(async (file: string | undefined, options: Options) => {
    const output = new Output(options);
    const { out, json: _json, quiet: _quiet, ...rest } = options;
    const summary = await prepareDataset(
      { ...rest, ...(file !== undefined && { file }), signal: interruptSignal(), report: (text) => output.say(text) },
      out,
    );
    output.result(summary, describeDataset(summary, out));
  });
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
  const removed: [count: number, what: string][] = [
    [filters.rowsBelowMinRating, `rated below ${filters.minRating}`],
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
  const kinds = {
    'by-user': `drawn by user with seed ${split.seed}: ${split.testRatio} tests, ${split.validRatio} of the rest validates`,
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
