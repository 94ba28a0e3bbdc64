/** `hashgnn prepare`: raw interactions into a dataset folder. */
import { type Command, Option } from 'commander';
import { quoted } from '../../base/text.js';
import type { DatasetSummary } from '../../data/dataset.js';
import { formats } from '../../data/format.js';
import { type PrepareOptions, prepareDataset } from '../../data/prepare.js';
import { splitKinds } from '../../data/split.js';
import { describeDataset } from '../dataset_text.js';
import { interruptSignal } from '../interrupt.js';
import { toBytes, toNumber } from '../numbers.js';
import { Output, type OutputOptions, outputOptions } from '../output.js';
import { Stages } from '../stages.js';

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
    const summary = await shown.during(() =>
      prepareDataset(
        {
          ...rest,
          ...(files.length > 0 && { file: files }),
          signal: interruptSignal(),
          report: (text) => shown.say(text),
          progress: (stage, done, total, unit) => shown.update(stage, done, total, unit),
        },
        out,
      ),
    );
    output.result(summary, describePrepared(summary, out));
  });
}

/** A dataset that was prepared, as people read it, with the next command. */
function describePrepared(summary: DatasetSummary, folder: string): string {
  const run = `runs/${summary.name.replace(/[^\w.-]+/g, '-')}`;
  return `${describeDataset(summary)}\n\nnext: hashgnn train ${quoted(folder)} --out ${run}`;
}
