/** `hashgnn reproduce`: the paper's tables and figures from a folder of data sets. */
import { join } from 'node:path';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../base/errors.js';
import { Gpu } from '../../gpu/index.js';
import {
  EXHIBITS,
  type PlannedRun,
  PRESET_OF,
  PROFILES,
  type ProfileName,
  type ReproduceEvents,
  type Results,
  type Role,
  reproduce,
  SYSTEM_NAMES,
  shortenedBy,
} from '../../reproduce/index.js';
import { interruptSignal } from '../interrupt.js';
import { toNumber } from '../numbers.js';
import { formatSeconds, Output, type OutputOptions, outputOptions } from '../output.js';
import { Reported } from '../reported.js';
import { trainingEvents } from '../training_events.js';

interface Options extends OutputOptions {
  readonly data?: string;
  readonly out: string;
  readonly profile: ProfileName;
  readonly seeds?: readonly number[];
  readonly models?: readonly string[];
  readonly presets?: readonly Role[];
  readonly alibabaSize?: number;
  readonly shorten?: number;
  readonly include?: readonly string[];
  readonly reportOnly?: boolean;
  readonly adapter?: string;
}

const NAMES = EXHIBITS.map(({ name }) => name);
const about = (name: ProfileName) => `${name}: ${PROFILES[name].about}`;

export function register(program: Command): void {
  const command = program
    .command('reproduce')
    .description('run the systems of the paper and write its tables and figures, ours beside the paper’s, as a page')
    .addArgument(
      new Argument('[what]', 'a table or figure, «text» for the text taken literally, or all')
        .choices([...NAMES, 'all'])
        .default('all'),
    )
    .option('--data <folder>', 'folder with a data set a sub-folder: as hashgnn prepare writes it, or raw')
    .requiredOption('-o, --out <folder>', 'folder for runs and report; what is finished there is not done again')
    .addOption(
      new Option(
        '--profile <name>',
        Object.keys(PROFILES)
          .map((name) => about(name as ProfileName))
          .join('; '),
      )
        .choices(Object.keys(PROFILES))
        .default('quick'),
    )
    .option('--seeds <list>', "seeds of the trainings, with commas between (default: the profile's)", toSeeds)
    .option('--models <list>', `only these systems: ${SYSTEM_NAMES.join(', ')}`, toModels)
    .option(
      '--presets <list>',
      `only trainings by these presets: ${Object.values(PRESET_OF).join(', ')}; best is sparse on data with few interactions a user`,
      toRoles,
    )
    .option('--alibaba-size <x>', "generated data in the place of Alibaba's: this share of its size", toShare)
    .option('--shorten <x>', 'multiply all numbers of steps by this, beside what the profile does', toShare)
    .option(
      '--include <path>',
      'results.json of another --out, or its folder, of this machine or another: runs that it has are not done here; may be given several times',
      (path: string, before: readonly string[] = []) => [...before, path],
    )
    .option('--report-only', 'train nothing: write the report of what is finished')
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it');
  outputOptions(command).action(async (what: string, options: Options) => {
    const output = new Output(options);
    const signal = interruptSignal();
    const {
      data,
      out,
      profile: profileName,
      seeds,
      models,
      presets,
      alibabaSize,
      shorten,
      include,
      reportOnly,
    } = options;
    const profile = {
      ...shortenedBy(PROFILES[profileName], shorten ?? 1),
      ...(seeds && { seeds }),
      ...(alibabaSize !== undefined && { alibabaSize }),
    };
    const exhibits = EXHIBITS.filter(({ name }) => what === 'all' || what === name);
    using gpu = await Gpu.open({ adapter: options.adapter });
    output.say(`adapter: ${gpu.name}${gpu.adapter.software ? ', a software driver' : ''}`);
    const results = await reproduce(
      gpu,
      { exhibits, profile, profileName, models, roles: presets, data, out, include, reportOnly, signal },
      eventsOf(output, options),
    );
    output.result(results, describeResults(results, out));
    // Everything else is done; but what failed is not there.
    if (results.failed.length > 0) throw new Reported(1);
  });
}

function eventsOf(output: Output, options: OutputOptions): ReproduceEvents {
  return {
    onWords: (text) => output.say(text),
    onMissing: ({ what, fix }) => output.say(`left out: ${what}${fix ? `; ${fix}` : ''}`),
    onPlan: ({ runs, finished }) =>
      output.say(`${runs} runs${finished > 0 ? `, ${finished} of them finished before` : ''}`),
    onFailed: ({ id }, error) => output.warn(`${id} failed: ${error.describe()}`),
    onRun(run, { number, runs, left }) {
      const { events, end } = trainingEvents(run.options, {
        ...options,
        label: `${number}/${runs} ${nameOf(run)}`,
        validations: false,
        more: (step) => {
          const seconds = left(step);
          return seconds === undefined ? '' : `all runs in ${formatSeconds(seconds)}`;
        },
      });
      return { events, end };
    },
  };
}

function nameOf({ data, model, options, changes, seed }: PlannedRun): string {
  const changed = Object.entries(changes).map(([name, value]) => `${name} ${String(value)}`);
  return [`${model} on ${data}`, options.preset, ...changed, `seed ${seed}`].join(', ');
}

function describeResults(results: Results, out: string): string {
  const { runs, failed, orderings } = results;
  const holding = orderings.filter(({ holds }) => holds).length;
  return [
    `${runs.length} runs${failed.length > 0 ? `, ${failed.length} failed` : ''}`,
    ...(orderings.length > 0 ? [`${holding} of ${orderings.length} claims of the paper hold`] : []),
    `report: ${join(out, 'report.html')}, a page for any browser; results.json, csv/ and figures/ beside it`,
  ].join('\n');
}

function toSeeds(text: string): number[] {
  const seeds = text.split(',').map(Number);
  if (text.trim() === '' || !seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new InvalidArgumentError('Expected whole numbers from 0 with commas between, such as 0,1,2.');
  }
  return [...new Set(seeds)];
}

function toModels(text: string): string[] {
  return toNames(text, SYSTEM_NAMES, { what: 'the paper has no system', where: '--models' });
}

function toRoles(text: string): Role[] {
  const names = toNames(text, Object.values(PRESET_OF), { what: 'no table has the preset', where: '--presets' });
  return (Object.keys(PRESET_OF) as Role[]).filter((role) => names.includes(PRESET_OF[role]));
}

/** A list with commas between of which every one must be known. */
function toNames(text: string, known: readonly string[], { what, where }: { what: string; where: string }): string[] {
  const names = text.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`${what} ${JSON.stringify(unknown)}`, { where, fix: `use some of ${known.join(', ')}` });
  }
  return names;
}

function toShare(text: string): number {
  const share = toNumber(text);
  if (!(share > 0 && share <= 1)) throw new InvalidArgumentError('Expected a number above 0, at most 1.');
  return share;
}
