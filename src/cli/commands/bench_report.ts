/** `hashgnn bench report`: results of the benches as a page to read. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { reportOf } from '../../../bench/report/index.js';
import { UsageError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { Output, type OutputOptions, outputOptions } from '../output.js';

interface ReportOptions extends OutputOptions {
  readonly out: string;
}

export function registerReport(bench: Command): void {
  const command = bench
    .command('report')
    .description('results of bench kernels, search, train and step as one page of HTML, with pictures and all numbers')
    .argument('<results...>', 'JSON files that --out wrote')
    .requiredOption('-o, --out <file>', 'the page to write');
  outputOptions(command).action(async (files: string[], options: ReportOptions) => {
    const output = new Output(options);
    const { out } = options;
    if (files.some((file) => resolve(file) === resolve(out))) {
      throw new UsageError('the page would take the place of a result', {
        where: out,
        fix: 'name another file by --out',
      });
    }
    const { html, sections } = await reportOf(files);
    await writeFileAtomic(out, html);
    const counted = `${sections.length} ${sections.length === 1 ? 'result' : 'results'}`;
    output.result({ page: out, sections }, `${counted} in ${out}, a page for any browser`);
  });
}
