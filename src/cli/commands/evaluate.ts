/** `hashgnn evaluate`: a run's metrics on the test edges. */
import type { Command } from 'commander';
import { readDataset } from '../../data/index.js';
import { Gpu } from '../../gpu/index.js';
import { CUTOFFS } from '../../search/index.js';
import { evaluateRun } from '../../train/evaluate.js';
import { readRun, type TestMetrics, writeTestMetrics } from '../../train/run_folder.js';
import { toCount } from '../numbers.js';
import { formatCount, formatSeconds, Output, type OutputOptions, outputOptions, table } from '../output.js';

interface Options extends OutputOptions {
  readonly data?: string;
  readonly unmasked?: boolean;
  readonly candidates?: number;
  readonly adapter?: string;
}

export function register(program: Command): void {
  const command = program
    .command('evaluate')
    .description('rank all items for every user with test items, by three searches, and print the metrics')
    .argument('<run>', 'folder that hashgnn train wrote')
    .option('--data <dataset>', 'dataset folder (the one that the run was trained on, unless it was moved)')
    .option('--unmasked', 'rank training and validation items too, as the published code does')
    .option('--candidates <m>', 'candidates by code that hierarchical search re-ranks (default: as trained)', toCount)
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it');
  outputOptions(command).action(async (folder: string, options: Options) => {
    const output = new Output(options);
    const run = await readRun(folder);
    const dataset = await readDataset(options.data ?? run.dataset.folder);
    using gpu = await Gpu.open({ adapter: options.adapter });
    const metrics = await evaluateRun(gpu, run, dataset, {
      masked: !options.unmasked,
      ...(options.candidates !== undefined && { candidates: options.candidates }),
    });
    await writeTestMetrics(run, metrics);
    output.result(metrics, describeMetrics(metrics));
  });
}

/** The metrics as a table, searches by row. */
export function describeMetrics(metrics: TestMetrics): string {
  const rows = [
    ['popularity', metrics.popularity, undefined],
    ['Hamming', metrics.hamming, metrics.seconds.hamming],
    [`hierarchical, ${formatCount(metrics.candidates)}`, metrics.hierarchical, metrics.seconds.hierarchical],
    ['exact', metrics.exact, metrics.seconds.exact],
  ] as const;
  return [
    `${formatCount(metrics.users)} users with test items, ${metrics.masked ? 'items seen in training masked' : 'nothing masked'}`,
    ...(['HR', 'hit', 'ndcg', 'ndcg_retrieved'] as const).map((metric) =>
      table(
        [
          ['', ...CUTOFFS.map((n) => `${metric}@${n}`), ...(metric === 'HR' ? ['time'] : [])],
          ...rows.map(([name, values, seconds]) => [
            name,
            ...CUTOFFS.map((n) => values[`${metric}@${n}`]!.toFixed(4)),
            ...(metric === 'HR' ? [seconds === undefined ? '' : formatSeconds(seconds)] : []),
          ]),
        ],
        { align: ['left', 'right', 'right', 'right', 'right', 'right'] },
      ),
    ),
  ].join('\n\n');
}
