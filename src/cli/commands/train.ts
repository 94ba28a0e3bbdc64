/** `hashgnn train`: a dataset folder into a run folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../base/errors.js';
import { readJson } from '../../base/files.js';
import { readDataset } from '../../data/index.js';
import { Gpu } from '../../gpu/index.js';
import type { Metrics } from '../../search/index.js';
import {
  accepted,
  flagOf,
  MODELS,
  OPTIONS,
  type OptionName,
  type OptionSpec,
  PRESETS,
  parseOption,
  resolveOptions,
  type TrainOptions,
} from '../../train/options.js';
import { trainToFolder } from '../../train/run.js';
import type { RunResult } from '../../train/run_folder.js';
import { stretched } from '../../train/stretch.js';
import type { ValidationRecord } from '../../train/trainer.js';
import { interruptSignal } from '../interrupt.js';
import { describeMemory, describeUse } from '../memory.js';
import { toCount, toNumber } from '../numbers.js';
import { formatCount, formatSeconds, Output, type OutputOptions, outputOptions, table } from '../output.js';
import { trainingEvents } from '../training_events.js';
import { tuned } from './tune.js';

interface Options extends OutputOptions {
  readonly out: string;
  readonly config?: string;
  readonly model?: string;
  readonly preset?: string;
  readonly stretch?: number;
  readonly resume?: boolean;
  readonly adapter?: string;
  readonly retune?: boolean;
  readonly memory?: number;
}

/** Headings of the help. */
const TOPICS: Readonly<Record<OptionSpec['topic'], string>> = {
  model: 'Model (PAPER: Tan et al., WWW 2020; CODE: its published code):',
  losses: 'Losses:',
  guidance: 'Guidance:',
  optimiser: 'Batches and optimiser:',
  run: 'Run:',
};

export function register(program: Command): void {
  const command = program
    .command('train')
    .description('train HashGNN on a dataset folder and write a run folder')
    .argument('<dataset>', 'folder that hashgnn prepare wrote')
    .requiredOption('-o, --out <run>', 'folder to write; must not exist, or be empty, unless --resume')
    .option(
      '--resume',
      'go on from the checkpoint in the folder, with its options, to the same bytes as without a break',
    )
    .option('--config <file>', 'options as a JSON object; those on the command line win')
    .option('--model <name>', `system of the paper: ${Object.keys(MODELS).join(', ')} (default hashgnn)`)
    .option('--preset <name>', `set of options: ${Object.keys(PRESETS).join(', ')} (default default)`)
    .option(
      '--stretch <x>',
      "multiply the preset's numbers of steps: 2 trains twice as long with everything half as often; numbers given by name stay",
      toStretch,
    )
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it')
    .option('--retune', 'time the variants of kernels again, and forget what was kept (see hashgnn tune)')
    .option('--memory <MiB>', 'memory on the device that the training may take at most (default: any)', toCount);
  for (const [name, spec] of Object.entries(OPTIONS)) {
    const { default: value, about, kind } = spec as OptionSpec;
    const shown = Array.isArray(value) ? value.join(',') : String(value);
    const argument =
      kind === 'flag' ? '<true|false>' : kind === 'choice' ? '<name>' : kind === 'list' ? '<list>' : '<x>';
    const option = new Option(
      `--${flagOf(name)} ${argument}`,
      `${about}; ${accepted(spec as OptionSpec)} (default ${shown})`,
    );
    option.helpGroup(TOPICS[(spec as OptionSpec).topic]);
    command.addOption(option.argParser((text: string) => parseOption(name as OptionName, text)));
  }
  outputOptions(command).action(async (folder: string, options: Options) => {
    const output = new Output(options);
    const signal = interruptSignal();
    const resolved = await readOptions(options);
    const dataset = await readDataset(folder);
    using gpu = await Gpu.open({ adapter: options.adapter });
    output.say(`adapter: ${gpu.name}${gpu.adapter.software ? ', a software driver' : ''}`);
    output.say(
      `${dataset.name}: ${formatCount(dataset.userCount)} users, ${formatCount(dataset.itemCount)} items, ` +
        `${formatCount(dataset.train.length / 2)} training edges`,
    );
    output.say(describeOptions(resolved));
    const { variants } = await tuned(gpu, output, options.retune);
    const { events, end } = trainingEvents(resolved, options);
    try {
      const result = await trainToFolder(gpu, dataset, resolved, options.out, {
        resume: options.resume ?? false,
        variants,
        memory: options.memory && options.memory * 2 ** 20,
        signal,
        events: { ...events, onMemory: (predicted) => output.say(describeMemory(predicted)) },
      });
      end();
      output.result(result, describeResult(result, options.out));
    } finally {
      end();
    }
  });
}

/** Options of the command line, over those of `--config`, or of the run that is taken up again. */
async function readOptions(options: Options): Promise<TrainOptions> {
  const { model, preset } = options;
  const begun = join(options.out, 'config.json');
  const config = options.config ?? (options.resume && existsSync(begun) ? begun : undefined);
  const given: Record<string, unknown> = {};
  if (config !== undefined) {
    const value = await readJson(config);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new UsageError('the options are no JSON object', { where: config, fix: 'write { "bits": 64, … }' });
    }
    // The config.json of a run names its dataset too.
    const { dataset: _dataset, ...rest } = value as Record<string, unknown>;
    resolveOptions(rest, config);
    Object.assign(given, rest);
  }
  if (model !== undefined) given.model = model;
  if (preset !== undefined) given.preset = preset;
  const named = Object.fromEntries(
    (Object.keys(OPTIONS) as OptionName[])
      .map((name) => [name, (options as unknown as Record<string, unknown>)[name]])
      .filter(([, value]) => value !== undefined),
  );
  const resolved = resolveOptions({ ...given, ...named }, 'command line');
  const { stretch = 1 } = options;
  return stretch === 1 ? resolved : resolveOptions({ ...stretched(resolved, stretch), ...named }, 'command line');
}

function toStretch(text: string): number {
  const factor = toNumber(text);
  if (!(factor > 0 && factor <= 1000)) throw new InvalidArgumentError('Expected a number above 0, at most 1,000.');
  return factor;
}

/** The options that a reader wants to see before a long run. */
export function describeOptions(options: TrainOptions): string {
  const { model, preset, bits, inputWidth, widths, fanouts, propagations, hashLayer, seed } = options;
  const neighbours = fanouts === 'all' ? 'whole neighbourhoods' : `${fanouts.join(' and ')} neighbours`;
  const vectors = `vectors of ${hashLayer === 'none' ? bits : inputWidth}`;
  const encoder =
    options.encoder === 'sage'
      ? `widths ${[inputWidth, ...widths].join(', ')}, ${neighbours}`
      : propagations === 0
        ? vectors
        : `${vectors}, ${propagations} ${propagations === 1 ? 'layer' : 'layers'} of propagation`;
  const what = options.objective === 'multinomial' ? 'users' : 'edges';
  return (
    `${model}, preset ${preset}: ${bits} bits, ${encoder}, ` +
    `${formatCount(options.steps)} steps of ${formatCount(options.batchSize)} ${what}, seed ${seed}`
  );
}

function describeResult(result: RunResult, folder: string): string {
  return [
    ...(result.best ? [describeValidation(result.best)] : ['no validation edges: the last parameters were kept']),
    `trained in ${formatSeconds(result.seconds.training)} (${result.stepsPerSecond.toFixed(1)} steps/s)` +
      `${result.seconds.toBest === null ? '' : `, to the best validation in ${formatSeconds(result.seconds.toBest)}`}`,
    describeUse(result.memory),
    '',
    `next: hashgnn evaluate ${folder}`,
    `or first, for better codes: hashgnn refine ${folder} --out ${folder.replace(/\/+$/, '')}-refined`,
  ].join('\n');
}

function describeValidation({ step, validation }: ValidationRecord): string {
  const names = ['HR@50', 'HR@100', 'ndcg@50', 'ndcg@100'] as const;
  const row = (name: string, metrics: Metrics) => [name, ...names.map((metric) => metrics[metric]!.toFixed(4))];
  return table([
    [`validation, step ${formatCount(step)}`, ...names],
    row('Hamming', validation.hamming),
    row('hierarchical', validation.hierarchical),
    row('exact', validation.exact),
  ]);
}
