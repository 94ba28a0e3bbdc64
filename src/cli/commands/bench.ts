/** `hashgnn bench`: how fast the kernels are, beside their peers in the same run. */
import type { Command } from 'commander';
import { benchSearch, type SearchBenchResult } from '../../../bench/search/index.js';
import { describeCeilings, describeSummary, RowTable } from '../../../bench/search/report.js';
import { Gpu } from '../../gpu/index.js';
import { interruptSignal } from '../interrupt.js';
import { toCount, toWhole } from '../numbers.js';
import { Output, type OutputOptions, outputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { registerCompare } from './bench_compare.js';
import { registerKernel } from './bench_kernel.js';
import { registerKernels } from './bench_kernels.js';
import { registerReport } from './bench_report.js';
import { finishBench } from './bench_result.js';
import { registerTraining } from './bench_train.js';
import { versions } from './doctor.js';

interface SearchOptions extends OutputOptions {
  readonly rows?: readonly string[];
  readonly run?: readonly string[];
  readonly k?: number;
  readonly repeat: number;
  readonly seed: number;
  readonly quick?: boolean;
  readonly peer: boolean;
  readonly table4?: boolean;
  readonly alibaba?: boolean;
  readonly out?: string;
  readonly adapter?: string;
}

export function register(program: Command): void {
  const bench = program
    .command('bench')
    .description('measure speed, beside a peer on the same data where there is one');
  registerSearch(bench);
  registerTraining(bench);
  registerKernels(bench);
  registerKernel(bench);
  registerCompare(bench);
  registerReport(bench);
}

function registerSearch(bench: Command): void {
  const command = bench
    .command('search')
    .description('exact search beside FAISS, in turn on the same arrays, results compared')
    .option('--rows <names>', 'measure these rows only, comma-separated', toNames)
    .option('--run <folder>', 'also the codes and embeddings of this run; may be repeated', toList)
    .option('-k, --k <n>', "best of each query, in place of each row's own", toCount)
    .option(
      '--repeat <n>',
      'rounds, the median of which counts; more where they are short, fewer where they take long',
      toCount,
      5,
    )
    .option('--seed <n>', 'seed of random codes', toWhole, 0)
    .option('--quick', 'everything at a small size, to see that it works')
    .option('--no-peer', 'time ours alone, without FAISS')
    .option('--table4', "measure the paper's Table 4 again; alone unless --rows or --run is given")
    .option(
      '--alibaba',
      "the paper's whole Alibaba search on random codes, once; alone unless --rows or --run is given",
    )
    .option('-o, --out <file>', 'also write the JSON object into this file')
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it');
  outputOptions(command).action(async (options: SearchOptions) => {
    const output = new Output(options);
    const signal = interruptSignal();
    using gpu = await Gpu.open({ adapter: options.adapter });
    const { result, text } = await runSearch(gpu, options, output, signal);
    await finishBench(command, output, options.out, result, text);
  });
}

/** Runs the bench with its table growing on standard error. */
async function runSearch(
  gpu: Gpu,
  options: SearchOptions,
  output: Output,
  signal: AbortSignal,
): Promise<{ result: SearchBenchResult; text: string }> {
  const { rows, run: runs, k, repeat, seed, quick, peer, table4, alibaba } = options;
  let rowTable = new RowTable([]);
  let progress: Progress | undefined;
  // One row is a matter of seconds to minutes: a live line tells that it goes on, and plain lines would only disturb.
  const live = process.stderr.isTTY && !output.quiet;
  const settings = { rows, runs, k, repeat, seed, quick, peer, table4, alibaba, signal, versions: versions() };
  try {
    const result = await benchSearch(gpu, settings, {
      onPlan: (planned) => {
        rowTable = new RowTable(planned);
      },
      onCeilings: (ceilings) => {
        output.say(describeCeilings(gpu.name, ceilings));
        if (rows?.length !== 0) output.say(`\n${rowTable.header()}`);
      },
      onStep: (row, what, done) => {
        progress ??= new Progress({ label: row.name, total: 100, unit: '%', quiet: !live });
        progress.update(Math.round(100 * done), what);
      },
      onRow: (row) => {
        const line = rowTable.line(row);
        if (live) progress?.done(line);
        else output.say(line);
        progress = undefined;
      },
      onAlibaba: (done, total) => {
        progress ??= new Progress({ label: 'Alibaba', total, unit: 'queries', quiet: output.quiet });
        progress.update(done);
        if (done === total) progress.done();
      },
    });
    const summary = describeSummary(result);
    return { result, text: output.quiet ? `${rowTable.whole(result.rows)}\n\n${summary}` : `\n${summary}` };
  } catch (error) {
    if (live) progress?.done(`stopped`);
    throw error;
  }
}

function toNames(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

function toList(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
