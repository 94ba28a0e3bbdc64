/** `hashgnn tune`: which of several kernels for the same work this adapter does best with. */
import type { Command } from 'commander';
import { Gpu } from '../../gpu/index.js';
import { type KeptTuning, keptTuning } from '../../train/index.js';
import { formatSeconds, Output, type OutputOptions, outputOptions, table } from '../output.js';

interface Options extends OutputOptions {
  readonly again?: boolean;
  readonly adapter?: string;
}

/** What the kinds of variants are for. */
const KINDS = {
  dense: 'products of dense layers',
  gather: 'sums of rows from anywhere',
} as const satisfies Record<keyof KeptTuning['variants'], string>;

export function register(program: Command): void {
  const command = program
    .command('tune')
    .description('show which variants of kernels this adapter does best with; train measures them once and keeps them')
    .option('--again', 'forget what was kept for this adapter and driver, and measure again')
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it');
  outputOptions(command).action(async (options: Options) => {
    const output = new Output(options);
    using gpu = await Gpu.open({ adapter: options.adapter });
    const tuning = await keptTuning(gpu, { again: options.again ?? false });
    output.result({ adapter: gpu.name, ...tuning }, `${gpu.name}\n\n${describeTuning(tuning)}`);
  });
}

/** The variants to train with, measured where that was never done, and said in a line. */
export async function tuned(gpu: Gpu, output: Output, again = false): Promise<KeptTuning> {
  const tuning = await keptTuning(gpu, { again });
  const { dense, gather } = tuning.variants;
  const how = tuning.source === 'measured' ? 'measured now' : `measured on ${tuning.date.slice(0, 10)}`;
  output.say(`kernels: dense products by ${dense}, sums of rows by ${gather} (${how}; hashgnn tune shows the times)`);
  if (tuning.notKept !== undefined) output.warn(`the choice of kernels could not be kept: ${tuning.notKept}`);
  return tuning;
}

function describeTuning(tuning: KeptTuning): string {
  const rows = Object.entries(KINDS).flatMap(([kind, what]) => {
    const { variants, measured } = tuning;
    const chosen = variants[kind as keyof typeof KINDS];
    return measured[kind as keyof typeof KINDS].map(({ variant, milliseconds }, index) => [
      index === 0 ? what : '',
      variant,
      formatSeconds(milliseconds / 1000),
      variant === chosen ? 'in use' : '',
    ]);
  });
  const { source, date, file, notKept } = tuning;
  return [
    table([['kernels for', 'variant', 'time', ''], ...rows], { align: ['left', 'left', 'right', 'left'] }),
    '',
    source === 'file' ? `measured on ${date}, kept in ${file}; hashgnn tune --again measures anew` : 'measured now',
    ...(source === 'measured' ? [notKept === undefined ? `kept in ${file}` : `not kept: ${notKept}`] : []),
  ].join('\n');
}
