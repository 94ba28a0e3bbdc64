/** `hashgnn demo`: the main job from interactions to recommendations, on generated data; what `npm start` runs. */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { makeFolder, requireEmptyFolder, writeFileAtomic } from '../../base/files.js';
import { generateInteractions, prepareDataset, readDataset, writeGenerated } from '../../data/index.js';
import { Gpu } from '../../gpu/index.js';
import { evaluateRun } from '../../train/evaluate.js';
import { resolveOptions } from '../../train/options.js';
import { recommend } from '../../train/recommend.js';
import { trainToFolder } from '../../train/run.js';
import { readRun, type TestMetrics, writeTestMetrics } from '../../train/run_folder.js';
import { describeDataset } from '../dataset_text.js';
import { interruptSignal } from '../interrupt.js';
import { formatCount, formatSeconds, Output, type OutputOptions, outputOptions, table } from '../output.js';
import { trainingEvents } from '../training_events.js';
import { describeMetrics } from './evaluate.js';
import { describeRecommendations } from './recommend.js';
import { describeOptions } from './train.js';
import { tuned } from './tune.js';

/** Large enough that structure shows, small enough that a CPU trains on it in a minute or two. */
const DATA = { users: 2000, items: 1200, interactions: 80_000, seed: 1 };

/** The defaults, shortened for data of this size. */
const TRAINING = {
  steps: 500,
  batchSize: 1024,
  learningRate: 0.01,
  guidanceFrom: 300,
  guidanceEvery: 15,
  evaluateEvery: 100,
  logEvery: 10,
  candidates: 200,
};

/** Marks a folder that this command may replace. */
const MARK = 'made-by-hashgnn-demo';

interface Options extends OutputOptions {
  readonly out: string;
  readonly adapter?: string;
}

export function register(program: Command): void {
  const command = program
    .command('demo')
    .description('run the main job on generated data: prepare, train, evaluate, recommend')
    .option('-o, --out <folder>', 'folder to write; an earlier demo in it is replaced', 'demo')
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it');
  outputOptions(command).action(async (options: Options) => {
    const output = new Output(options);
    const signal = interruptSignal();
    const { out } = options;
    await clearFolder(out);

    using gpu = await Gpu.open({ adapter: options.adapter });
    output.say(`adapter: ${gpu.name}${gpu.adapter.software ? ', a software driver: a GPU is many times faster' : ''}`);

    heading(output, 'Interactions with planted interests');
    const file = join(out, 'interactions.tsv');
    await writeGenerated(generateInteractions(DATA), file, { signal });
    const dataset = join(out, 'dataset');
    output.say(describeDataset(await prepareDataset({ file, name: 'generated', signal }, dataset)));

    heading(output, 'Training');
    const data = await readDataset(dataset);
    const training = resolveOptions(TRAINING);
    output.say(describeOptions(training));
    const runFolder = join(out, 'run');
    const { variants } = await tuned(gpu, output);
    const { events, end } = trainingEvents(training, options);
    try {
      await trainToFolder(gpu, data, training, runFolder, { variants, signal, events });
    } finally {
      end();
    }

    heading(output, 'Search, on the test interactions');
    const run = await readRun(runFolder);
    const metrics = await evaluateRun(gpu, run, data);
    await writeTestMetrics(run, metrics);
    output.say(describeMetrics(metrics));
    output.say('');
    output.say(describeTimings(metrics, data.itemCount));

    const user = data.userIds[0]!;
    heading(output, `Recommendations for user ${user}`);
    const items = await recommend(gpu, run, data, { user, k: 5 });
    output.result(
      { metrics, user, items, folder: out },
      `${describeRecommendations(items)}\n\n${describeNext(out, user)}`,
    );
  });
}

function heading(output: Output, text: string): void {
  output.say(`\n${text}\n${'═'.repeat(text.length)}`);
}

function describeTimings({ seconds, users }: TestMetrics, items: number): string {
  return table([
    ['search', `${formatCount(users)} users × ${formatCount(items)} items`, 'a user'],
    ...Object.entries(seconds).map(([name, time]) => [name, formatSeconds(time), formatSeconds(time / users)]),
  ]);
}

function describeNext(folder: string, user: string): string {
  return [
    'Next, with these data:',
    `  npx hashgnn recommend ${folder}/run --user ${user} -k 20`,
    `  npx hashgnn evaluate ${folder}/run --json`,
    `  npx hashgnn refine ${folder}/run --out ${folder}/refined    # better codes for the same embeddings`,
    'and with your own (MovieLens, tab- or comma-separated text, adjacency lists; plain or gzipped):',
    '  npx hashgnn prepare ratings.dat --out data/mine',
    '  npx hashgnn train data/mine --out runs/mine',
    '  npx hashgnn evaluate runs/mine',
  ].join('\n');
}

/** Makes the folder anew if it is missing, empty or an earlier demo. @throws InputError if it holds something else */
async function clearFolder(folder: string): Promise<void> {
  const mark = join(folder, MARK);
  if (await stat(mark).catch(() => undefined)) await rm(folder, { recursive: true });
  await requireEmptyFolder(folder);
  await makeFolder(folder);
  await writeFileAtomic(mark, 'This folder is replaced by the next hashgnn demo.\n');
}
