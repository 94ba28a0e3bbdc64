/** `hashgnn recommend`: a user's best items by hierarchical search. */
import type { Command } from 'commander';
import { readDataset } from '../../data/index.js';
import { Gpu } from '../../gpu/index.js';
import { type Recommendation, recommend } from '../../train/recommend.js';
import { readRun } from '../../train/run_folder.js';
import { toCount } from '../numbers.js';
import { Output, type OutputOptions, outputOptions, table } from '../output.js';

interface Options extends OutputOptions {
  readonly user: string;
  readonly k: number;
  readonly data?: string;
  readonly candidates?: number;
  readonly adapter?: string;
}

export function register(program: Command): void {
  const command = program
    .command('recommend')
    .description('recommend items to a user, by hierarchical search')
    .argument('<run>', 'folder that hashgnn train wrote')
    .requiredOption('-u, --user <id>', 'raw id of the user')
    .option('-k, --k <n>', 'number of items', toCount, 10)
    .option('--data <dataset>', 'dataset folder (the one that the run was trained on, unless it was moved)')
    .option('--candidates <m>', 'candidates by code that are re-ranked (default: as trained)', toCount)
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it');
  outputOptions(command).action(async (folder: string, options: Options) => {
    const output = new Output(options);
    const run = await readRun(folder);
    const dataset = await readDataset(options.data ?? run.dataset.folder);
    using gpu = await Gpu.open({ adapter: options.adapter });
    const { user, k, candidates } = options;
    const items = await recommend(gpu, run, dataset, { user, k, ...(candidates !== undefined && { candidates }) });
    output.result({ user, items }, describeRecommendations(items));
  });
}

/** Recommendations as a table, with titles where any is known. */
export function describeRecommendations(items: readonly Recommendation[]): string {
  const titled = items.some((item) => item.title !== undefined);
  return table([
    ['rank', 'item', ...(titled ? ['title'] : []), 'score'],
    ...items.map(({ rank, item, title = '', score }) => [rank, item, ...(titled ? [title] : []), score.toFixed(4)]),
  ]);
}
