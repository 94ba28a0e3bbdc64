/** `hashgnn presets`: what the named sets of options hold. */
import { Argument, type Command, Option } from 'commander';
import {
  flagOf,
  MODELS,
  type ModelName,
  OPTIONS,
  type OptionName,
  PRESETS,
  type PresetName,
  parseOption,
  resolveOptions,
  type TrainOptions,
} from '../../train/index.js';
import { Output, type OutputOptions, outputOptions, table } from '../output.js';

interface Options extends OutputOptions {
  readonly model: ModelName;
  readonly bits?: unknown;
}

const NAMES = Object.keys(PRESETS) as PresetName[];
const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

export function register(program: Command): void {
  const command = program
    .command('presets')
    .description('show what the presets of train hold: where they differ, or every option of one')
    .addArgument(new Argument('[name]', 'preset whose options are all shown').choices(NAMES))
    .addOption(
      new Option('--model <name>', 'system of the paper, which sets options of its own')
        .choices(Object.keys(MODELS))
        .default('hashgnn'),
    )
    .addOption(
      new Option('--bits <K>', 'bits of a code (default 32)').argParser((text: string) => parseOption('bits', text)),
    );
  outputOptions(command).action((name: PresetName | undefined, options: Options) => {
    const output = new Output(options);
    const { model, bits } = options;
    const resolved = (preset: PresetName) =>
      resolveOptions({ model, preset, ...(bits === undefined ? {} : { bits }) }, 'command line');
    if (name) output.result(resolved(name), describePreset(name, resolved(name)));
    else {
      const all = Object.fromEntries(NAMES.map((preset) => [preset, resolved(preset)])) as ByPreset;
      output.result(all, describeAll(all));
    }
  });
}

type ByPreset = Readonly<Record<PresetName, TrainOptions>>;

const shown = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value));

/** The options in which a preset differs from the defaults, a column each. */
function describeAll(all: ByPreset): string {
  const rows = OPTION_NAMES.map((option) => [`--${flagOf(option)}`, ...NAMES.map((name) => shown(all[name][option]))]);
  const differing = rows.filter(([, ...values]) => new Set(values).size > 1);
  // What is as in the default is left blank, so that what a preset is stands out.
  const sparse = differing.map(([option, first, ...others]) => [
    option,
    first,
    ...others.map((value) => (value === first ? '' : value)),
  ]);
  return [
    ...NAMES.map((name) => `${name.padEnd(Math.max(...NAMES.map(({ length }) => length)))}  ${PRESETS[name].about}`),
    '',
    table([['option', ...NAMES], ...sparse], { align: ['left', ...NAMES.map(() => 'right' as const)] }),
    '',
    'Blank: as in default. hashgnn presets <name> has every option.',
  ].join('\n');
}

/** Every option of a preset. */
function describePreset(name: PresetName, options: TrainOptions): string {
  const rows = OPTION_NAMES.map((option) => {
    const [own, usual] = [shown(options[option]), shown(OPTIONS[option].default)];
    return [`--${flagOf(option)}`, own, own === usual ? '' : usual];
  });
  return [
    `${name}: ${PRESETS[name].about}`,
    '',
    table([['option', 'value', 'instead of'], ...rows], { align: ['left', 'right', 'right'] }),
    '',
    'hashgnn train --help says what each means; with --json this is a file for hashgnn train --config.',
  ].join('\n');
}
