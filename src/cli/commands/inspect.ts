/** `hashgnn inspect`: what a dataset is like, as text, as JSON and as a page. */
import type { Command } from 'commander';
import { requireNoFile, writeFileAtomic } from '../../base/files.js';
import { datasetStatistics, readDataset } from '../../data/index.js';
import { datasetPage } from '../dataset_page.js';
import { describeDataset, describeStatistics } from '../dataset_text.js';
import { Output, type OutputOptions, outputOptions } from '../output.js';

interface Options extends OutputOptions {
  readonly html?: string;
}

export function register(program: Command): void {
  const command = program
    .command('inspect')
    .description('check that a dataset is whole, and show its statistics, degrees, split and what filters removed')
    .argument('<dataset>', 'folder that hashgnn prepare wrote')
    .option('-o, --html <file>', 'also write a page with plots, for any browser; must not exist');
  outputOptions(command).action(async (folder: string, options: Options) => {
    const output = new Output(options);
    const { html } = options;
    if (html !== undefined) await requireNoFile(html);
    const dataset = await readDataset(folder);
    const { summary } = dataset;
    const statistics = datasetStatistics(dataset);
    if (html !== undefined) await writeFileAtomic(html, datasetPage(summary, statistics));
    const texts = [
      describeDataset(summary),
      describeStatistics(statistics),
      'the dataset is whole: counts, order, checksums and fingerprint hold, and no pair stands in two parts',
      ...(html === undefined ? [] : [`the same and more as a page for any browser: ${html}`]),
    ];
    output.result({ summary, statistics, page: html ?? null }, texts.join('\n\n'));
  });
}
