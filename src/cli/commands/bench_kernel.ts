/** `hashgnn bench kernel`: the time of a compute shader that is not ours, alone or beside another one. */
import { type Command, InvalidArgumentError } from 'commander';
import { benchKernel, type KernelBenchResult, type Side } from '../../../bench/kernel/index.js';
import { describeKernel } from '../../../bench/kernel/report.js';
import { UsageError } from '../../base/errors.js';
import { readBytes } from '../../base/files.js';
import { interruptSignal } from '../interrupt.js';
import { toCount, toNumber, toWhole } from '../numbers.js';
import { formatBytes, formatSeconds, Output, type OutputOptions, outputOptions, table } from '../output.js';
import { Progress } from '../progress.js';
import { finishBench } from './bench_result.js';

type Named = Readonly<Record<string, string>>;

interface KernelOptions extends OutputOptions {
  readonly entry?: string;
  readonly size?: Readonly<Record<string, number>>;
  readonly fill?: Named;
  readonly set?: Named;
  readonly constant?: Named;
  readonly workgroups?: readonly number[];
  readonly invocations?: number;
  readonly against?: string;
  readonly againstEntry?: string;
  readonly againstConstant?: Named;
  readonly againstWorkgroups?: readonly number[];
  readonly tolerance: number;
  readonly operations?: number;
  readonly repeat: number;
  readonly seed: number;
  readonly timeLimit: number;
  readonly adapter?: string;
  readonly out?: string;
}

/** What these texts mean in the help; the command is long. */
const NOTES = `
Buffers are filled from --seed: floats uniform in [-1, 1), integers below 16. Times are of one dispatch: the median of
--repeat measurements, each of as many dispatches as take 5 ms, from the same contents. Shaders may use
\`#import name\` for the functions in shaders/lib/.

  hashgnn bench kernel saxpy.wgsl --size x=65536 --size y=65536 --set count=65536 --set a=2 --invocations 65536
  hashgnn bench kernel tiled.wgsl --against plain.wgsl --size a=65536 --size b=65536 --workgroups 16,16`;

export function registerKernel(bench: Command): void {
  const command = bench
    .command('kernel <file>')
    .description('a compute shader of your own, alone or beside another one that computes the same')
    .option('--entry <name>', 'entry point, where there are several')
    .option('--size <name=n>', 'elements of the runtime-sized array of a buffer; may be repeated', toSizes)
    .option('--fill <name=how>', 'what a buffer holds: zero, random, ramp or a number; may be repeated', toFills)
    .option('--set <name=value>', 'value of a uniform or of its member; numbers of a vector by commas', toNamed)
    .option('--constant <name=value>', 'value of an override constant; may be repeated', toNamed)
    .option('--workgroups <x,y,z>', 'workgroups to dispatch, along one to three dimensions', toGrid)
    .option('--invocations <n>', 'invocations, divided by the size of a workgroup and rounded up', toCount)
    .option('--against <file>', 'another shader with the same buffers: outputs compared, then timed in turn')
    .option('--against-entry <name>', 'its entry point')
    .option('--against-constant <name=value>', 'value of one of its constants, where it differs', toNamed)
    .option('--against-workgroups <x,y,z>', 'workgroups to dispatch of it, where they differ', toGrid)
    .option('--tolerance <x>', 'difference of floats that counts as equal, relative and absolute', toAmount, 1e-5)
    .option('--operations <n>', 'operations of one dispatch, to have the rate', toAmount)
    .option('--repeat <n>', 'measurements, the median of which counts', toCount, 5)
    .option('--seed <n>', 'seed of what the buffers hold', toWhole, 0)
    .option('--time-limit <seconds>', 'the longest that one submission, or compiling, may take', toSeconds, 20)
    .option('-o, --out <file>', 'also write the JSON object into this file')
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it')
    .addHelpText('after', NOTES);
  outputOptions(command).action(async (file: string, options: KernelOptions) => {
    const output = new Output(options);
    const result = await run(file, options, output);
    const text = describeKernel(result, { seconds: formatSeconds, bytes: formatBytes, table });
    await finishBench(command, output, options.out, result, text);
  });
}

async function run(file: string, options: KernelOptions, output: Output): Promise<KernelBenchResult> {
  const { size = {}, fill = {}, set = {}, constant = {}, invocations, operations, adapter } = options;
  if (options.workgroups !== undefined && invocations !== undefined) {
    throw new UsageError('--workgroups and --invocations say the same thing twice', { fix: 'give one of them' });
  }
  const { against, againstEntry, againstConstant = {}, againstWorkgroups } = options;
  if (against === undefined && (againstEntry ?? againstWorkgroups ?? options.againstConstant) !== undefined) {
    throw new UsageError('there is no second shader', { fix: 'name it by --against FILE' });
  }
  const ours = await readSide(file, options.entry, constant, options.workgroups);
  const constants = { ...constant, ...againstConstant };
  const workgroups = againstWorkgroups ?? options.workgroups;
  const inherited = Object.keys(constant).filter((name) => againstConstant[name] === undefined);
  const other = against === undefined ? undefined : await readSide(against, againstEntry, constants, workgroups);
  const job = {
    ours,
    ...(other && { against: { ...other, inherited } }),
    ...{ sizes: size, fills: fill, sets: set },
    ...(invocations !== undefined && { invocations }),
    ...(operations !== undefined && { operations }),
    ...(adapter !== undefined && { adapter }),
    ...{ repeat: options.repeat, seed: options.seed, tolerance: options.tolerance },
  };
  // Seconds at most, mostly: a live line tells that it goes on, and plain lines would only disturb.
  const live = process.stderr.isTTY && !output.quiet;
  const progress = new Progress({ label: 'kernel', total: 100, unit: '%', quiet: !live });
  try {
    return await benchKernel(job, {
      timeLimit: options.timeLimit,
      signal: interruptSignal(),
      onStep: (step, done) => progress.update(Math.round(100 * done), step),
    });
  } finally {
    if (live) progress.done('');
  }
}

async function readSide(
  file: string,
  entry: string | undefined,
  constants: Named,
  workgroups: readonly number[] | undefined,
): Promise<Side> {
  const text = new TextDecoder().decode(await readBytes(file));
  return { file, text, ...(entry !== undefined && { entry }), constants, ...(workgroups && { workgroups }) };
}

function toNamed(text: string, before: Named = {}): Named {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Expected name=value.');
  return { ...before, [text.slice(0, at).trim()]: text.slice(at + 1).trim() };
}

function toSizes(text: string, before: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  const [[name, value] = ['', '']] = Object.entries(toNamed(text));
  return { ...before, [name]: toCount(value) };
}

function toFills(text: string, before: Named = {}): Named {
  const [[, how] = ['', '']] = Object.entries(toNamed(text));
  if (!/^(zero|random|ramp)$/.test(how) && !Number.isFinite(Number(how))) {
    throw new InvalidArgumentError('Expected zero, random, ramp or a number.');
  }
  return toNamed(text, before);
}

function toGrid(text: string): number[] {
  const counts = text.split(',');
  if (counts.length > 3) throw new InvalidArgumentError('Expected one to three whole numbers, X[,Y[,Z]].');
  return counts.map((count) => toCount(count));
}

function toAmount(text: string): number {
  const value = toNumber(text);
  if (value < 0) throw new InvalidArgumentError('Expected a number from 0.');
  return value;
}

function toSeconds(text: string): number {
  const value = toNumber(text);
  // Timers of Node end at 2^31 milliseconds.
  if (!(value > 0 && value <= 1e6)) throw new InvalidArgumentError('Expected seconds, more than 0.');
  return value;
}
