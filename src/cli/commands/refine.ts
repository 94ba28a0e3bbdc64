/** `hashgnn refine`: codes of a run that rank as its embeddings do. */
import type { Command } from 'commander';
import { readDataset } from '../../data/index.js';
import { Gpu } from '../../gpu/index.js';
import type { Metrics } from '../../search/index.js';
import { DEFAULT_ROUNDS, type RefineRecord, refineRun } from '../../train/refine.js';
import { type RunResult, readRun } from '../../train/run_folder.js';
import { interruptSignal } from '../interrupt.js';
import { toCount, toNumber } from '../numbers.js';
import { formatCount, formatSeconds, Output, type OutputOptions, outputOptions, table } from '../output.js';
import { Progress } from '../progress.js';

interface Options extends OutputOptions {
  readonly out: string;
  readonly data?: string;
  readonly rounds?: number;
  readonly temperature?: number;
  readonly adapter?: string;
}

export function register(program: Command): void {
  const command = program
    .command('refine')
    .description(
      'make the codes of a finished run rank more as its embeddings do, by flipping bits that help; embeddings stay',
    )
    .argument('<run>', 'folder that hashgnn train wrote')
    .requiredOption('-o, --out <run>', 'run folder to write; must not exist, or be empty')
    .option('--data <dataset>', 'dataset folder (the one that the run was trained on, unless it was moved)')
    .option('--rounds <n>', `rounds at most; it stops when one gains little (default: ${DEFAULT_ROUNDS})`, toCount)
    .option(
      '--temperature <x>',
      'factor on inner products of embeddings (default: at which validation items are likeliest)',
      toNumber,
    )
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it');
  outputOptions(command).action(async (folder: string, options: Options) => {
    const output = new Output(options);
    const signal = interruptSignal();
    const { rounds = DEFAULT_ROUNDS, temperature, quiet = false } = options;
    const run = await readRun(folder);
    const dataset = await readDataset(options.data ?? run.dataset.folder);
    using gpu = await Gpu.open({ adapter: options.adapter });
    output.say(`adapter: ${gpu.name}${gpu.adapter.software ? ', a software driver' : ''}`);
    let progress: Progress | undefined;
    let before: Metrics | undefined;
    try {
      const result = await refineRun(gpu, run, dataset, options.out, {
        ...{ rounds, temperature, signal },
        events: {
          onStart(found, hamming) {
            before = hamming;
            output.say(`factor on inner products of embeddings: ${found.toFixed(4)}`);
            if (hamming) output.say(`validation HR@50 by Hamming distance as it is: ${hamming['HR@50']!.toFixed(4)}`);
            progress = new Progress({ label: 'refining', total: rounds * dataset.userCount, unit: 'users', quiet });
          },
          onUsers(round, users) {
            progress?.update((round - 1) * dataset.userCount + users, `round ${round}`);
          },
          onRound(record, best) {
            progress?.log(describeRound(record, best));
          },
        },
      });
      progress?.done();
      output.result(result, describeResult(result, before, options.out));
    } finally {
      progress?.done();
    }
  });
}

function describeRound({ round, crossEntropy, userFlips, itemFlips, hamming }: RefineRecord, best: boolean): string {
  return [
    `round ${round}: cross-entropy ${crossEntropy.toFixed(4)}`,
    `${formatCount(userFlips)} bits of users and ${formatCount(itemFlips)} of items flipped`,
    ...(hamming
      ? [`validation HR@50 by Hamming distance ${hamming['HR@50']!.toFixed(4)}${best ? ', the best so far' : ''}`]
      : []),
  ].join(', ');
}

function describeResult({ best, refinement }: RunResult, before: Metrics | undefined, folder: string): string {
  const { rounds, kept, seconds } = refinement!;
  const names = ['HR@10', 'HR@20', 'HR@50', 'HR@100'] as const;
  const row = (name: string, metrics: Metrics) => [name, ...names.map((metric) => metrics[metric]!.toFixed(4))];
  const hamming = best?.validation.hamming;
  return [
    hamming && before
      ? table([['validation, by Hamming distance', ...names], row('before', before), row('refined', hamming)])
      : 'no validation items: the codes of the last round were kept',
    kept === 0
      ? 'no round was better: the codes are those of the run'
      : `the codes of round ${kept} of ${rounds}, in ${formatSeconds(seconds)}`,
    '',
    `next: hashgnn evaluate ${folder}`,
  ].join('\n');
}
