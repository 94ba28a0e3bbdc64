/** `hashgnn bench kernels`: how fast every kernel is, beside what the adapter can do at most. */
import type { Command } from 'commander';
import { benchKernels } from '../../../bench/kernels/index.js';
import { describeCeilings, describeSummary, KernelTable } from '../../../bench/kernels/report.js';
import { Gpu } from '../../gpu/index.js';
import { interruptSignal } from '../interrupt.js';
import { toCount, toWhole } from '../numbers.js';
import { Output, type OutputOptions, outputOptions } from '../output.js';
import { finishBench } from './bench_result.js';
import { versions } from './doctor.js';

interface KernelsOptions extends OutputOptions {
  readonly kernels?: readonly string[];
  readonly sizes?: readonly string[];
  readonly repeat: number;
  readonly seed: number;
  readonly quick?: boolean;
  readonly out?: string;
  readonly adapter?: string;
}

export function registerKernels(bench: Command): void {
  const command = bench
    .command('kernels')
    .description('every kernel at the sizes of real data sets, beside what the adapter can do at most')
    .option('--kernels <patterns>', 'these kernels only, comma-separated, * standing for anything: dense/*', toNames)
    .option('--sizes <names>', 'these sizes only, comma-separated: small, movielens, gowalla', toNames)
    .option('--repeat <n>', 'measurements, the median of which counts; fewer where they take long', toCount, 7)
    .option('--seed <n>', 'seed of the graph and of all arrays', toWhole, 0)
    .option('--quick', 'everything once at a tiny size, to see that it works')
    .option('-o, --out <file>', 'also write the JSON object into this file')
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it');
  outputOptions(command).action(async ({ adapter, out, ...options }: KernelsOptions) => {
    const output = new Output(options);
    const signal = interruptSignal();
    using gpu = await Gpu.open({ adapter });
    let table = new KernelTable([], []);
    const result = await benchKernels(
      gpu,
      { ...options, signal, versions: versions() },
      {
        onPlan: (kernels, sizes) => {
          table = new KernelTable(kernels, sizes);
        },
        onCeilings: (ceilings) => {
          output.say(describeCeilings(gpu.name, ceilings));
          output.say(`\n${table.header()}`);
        },
        onRow: (row) => output.say(table.line(row)),
      },
    );
    const summary = describeSummary(result);
    const text = output.quiet ? `${table.whole(result.kernels)}\n\n${summary}` : `\n${summary}`;
    await finishBench(command, output, out, result, text);
  });
}

function toNames(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}
