/** `hashgnn bench compare`: what changed between two results of a bench. */
import type { Command } from 'commander';
import { compareFiles, describeComparison } from '../../../bench/compare.js';
import { Output, type OutputOptions, outputOptions } from '../output.js';

export function registerCompare(bench: Command): void {
  const command = bench
    .command('compare')
    .description('what changed between two results of bench kernels, search, train or step, beyond the noise')
    .argument('<first>', 'JSON file that --out wrote, before')
    .argument('<second>', 'and after');
  outputOptions(command).action(async (first: string, second: string, options: OutputOptions) => {
    const output = new Output(options);
    const comparison = await compareFiles(first, second);
    for (const warning of comparison.warnings) output.warn(warning);
    output.result(comparison, describeComparison(comparison));
  });
}
