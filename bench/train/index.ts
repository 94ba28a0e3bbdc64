/** `hashgnn bench train` and `hashgnn bench step`: the training step beside PyTorch's, and by kernel. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, InterruptedError } from '../../src/base/errors.js';
import { type Dataset, readDataset } from '../../src/data/index.js';
import { type Gpu, type KernelTime, profile } from '../../src/gpu/index.js';
import type { Variants } from '../../src/layers/variants.js';
import { type RunResult, resolveOptions, Trainer, type ValidationRecord } from '../../src/train/index.js';
import { LEAST_SECONDS, type Timing, timed, timingOf } from '../timing.js';
import { TorchPeer, type TorchVersions, type Way } from './peer.js';

/** Edges of a batch, negatives of each edge; what the peer is given too. */
const BATCH = 256;
const NEGATIVES = 5;
/** Steps of a round: of ours and of each way of the peer. */
const STEPS = { ours: 50, port: 4, best: 20 } as const;
/** Steps before the first round. */
const WARM = { ours: 20, port: 1, best: 3 } as const;
/** What ran last may still ask for work in a loop for some milliseconds. */
const SETTLE_MS = 100;

/** Milliseconds, median. */
export interface Milliseconds {
  readonly ms: number;
  /** (slowest − fastest) / median, of the rounds. */
  readonly spread: number;
}

/** A training step, by wall clock with everything that it needs. */
export interface StepTime extends Milliseconds {
  readonly stepsPerSecond: number;
  /** Edges of batches. */
  readonly edgesPerSecond: number;
}

/** A whole training with the default options, and when its best validation came. */
export interface ToBest {
  readonly step: number;
  /** Validation HR@50 there, by search, and the figure that was compared: the mean of Hamming and hierarchical. */
  readonly hr: { readonly hamming: number; readonly hierarchical: number; readonly exact: number };
  readonly selection: number;
  /** Until the best validation was known: of steps, and of validations. */
  readonly seconds: { readonly training: number; readonly validating: number };
  /** All that were trained, validated after every `evaluateEvery` of them. */
  readonly steps: number;
  readonly evaluateEvery: number;
  /** Of all steps and of all validations. */
  readonly total: { readonly training: number; readonly validating: number };
}

export interface TrainBenchOptions {
  /** Dataset folder. */
  readonly folder: string;
  readonly rounds: number;
  readonly seed: number;
  /** False: ours alone. */
  readonly peer?: boolean | undefined;
  /** Everything with few steps, to see that it works. */
  readonly quick?: boolean | undefined;
  /** Also a whole training with the default options, up to its best validation. */
  readonly toBest?: boolean | undefined;
  /** Of kernels; the likely ones for the adapter unless told. */
  readonly variants?: Variants | undefined;
  readonly versions?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of the rounds done and of all. */
  readonly onRound?: (done: number, rounds: number) => void;
  /** Told of the steps of the whole training. */
  readonly onStep?: (done: number, steps: number) => void;
}

export interface TrainBenchResult {
  readonly adapter: string;
  readonly driver: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly peer: TorchVersions | null;
  readonly seed: number;
  readonly quick: boolean;
  readonly dataset: { readonly name: string; readonly nodes: number; readonly edges: number };
  readonly ours: StepTime;
  readonly port: StepTime | null;
  readonly best: StepTime | null;
  /** All nodes over whole neighbourhoods, embeddings and codes in host memory. */
  readonly encode: { readonly ours: Milliseconds; readonly peer: Milliseconds | null };
  /** The peer's milliseconds by ours. */
  readonly ratios: { readonly port: number; readonly best: number; readonly encode: number } | null;
  /** Distinct nodes that the last step computed: those of the batch, then those of each layer below. */
  readonly distinctNodes: readonly number[];
  /** Of ours on the device, steps and encodings. */
  readonly memory: RunResult['memory'];
  readonly toBest: ToBest | null;
  /** The kernels of ours, where there are several for the same work. */
  readonly variants: Variants;
}

/**
 * The step of ours and of PyTorch in turn, the same model on the same edges, and where it is asked for a whole training.
 * @throws InputError where the dataset is none, or has no validation edges for `toBest`; HashgnnError where no Python has
 * PyTorch; InterruptedError
 */
export async function benchTrain(gpu: Gpu, options: TrainBenchOptions): Promise<TrainBenchResult> {
  const dataset = await readDataset(options.folder);
  if (options.toBest && dataset.valid.length === 0) {
    throw new InputError('there is no best validation: the dataset has no validation edges', {
      where: options.folder,
      fix: 'prepare it with a validation split, or leave out --to-best',
    });
  }
  const raced = await race(gpu, dataset, options);
  return { ...raced, toBest: options.toBest ? await trainToBest(gpu, dataset, options) : null };
}

async function race(gpu: Gpu, dataset: Dataset, options: TrainBenchOptions): Promise<Omit<TrainBenchResult, 'toBest'>> {
  const { folder, quick = false, signal, onRound = () => {} } = options;
  const rounds = quick ? 2 : options.rounds;
  const stepsOf = (of: keyof typeof STEPS, which: typeof STEPS | typeof WARM) => (quick ? 2 : which[of]);
  const peer = options.peer === false ? undefined : await TorchPeer.start(signal);
  try {
    await peer?.load(folder, BATCH, NEGATIVES);
    gpu.resetPeak();
    using trainer = await trainerOf(gpu, dataset, options, 2 ** 13);
    const times = { ours: [] as number[], port: [] as number[], best: [] as number[] };
    const encodes = { ours: [] as number[], peer: [] as number[] };
    const ours = async (steps: number) => {
      const { seconds } = await timed(() => trainer.advance(trainer.step + steps, signal));
      return (1000 * seconds) / steps;
    };
    await ours(stepsOf('ours', WARM));
    await trainer.encode();
    for (const way of ['port', 'best'] as const) await peer?.run(way, stepsOf(way, WARM));
    await peer?.encode(1);
    for (let round = 0; round < rounds; round += 1) {
      onRound(round, rounds);
      if (signal?.aborted) throw new InterruptedError('the bench was stopped');
      await sleep(quick ? 0 : SETTLE_MS);
      times.ours.push(await ours(stepsOf('ours', STEPS)));
      encodes.ours.push(1000 * (await timed(() => trainer.encode())).seconds);
      if (!peer) continue;
      await sleep(quick ? 0 : SETTLE_MS);
      for (const way of ['port', 'best'] as const) times[way].push(...(await peer.run(way, stepsOf(way, STEPS))));
      encodes.peer.push(...(await peer.encode(1)));
    }
    onRound(rounds, rounds);
    if (signal?.aborted) throw new InterruptedError('the bench was stopped');
    // A diverged training has measured something else.
    await trainer.losses(stepsOf('ours', STEPS));
    const sets = await Promise.all(trainer.training.pass.nodeSets.map(({ rows }) => rows.read()));
    const distinctNodes = sets.map(([count]) => count!);
    const mine = stepTimeOf(times.ours);
    const encode = millisecondsOf(encodes.ours);
    const theirs = (way: Way) => (peer ? stepTimeOf(times[way]) : null);
    const [port, best] = [theirs('port'), theirs('best')];
    const peerEncode = peer ? millisecondsOf(encodes.peer) : null;
    const { live, peak } = gpu.memory();
    return {
      adapter: gpu.adapter.device || gpu.name,
      driver: gpu.adapter.description,
      versions: options.versions ?? {},
      peer: peer?.versions ?? null,
      seed: options.seed,
      quick,
      dataset: sizesOf(dataset),
      ours: mine,
      port,
      best,
      encode: { ours: encode, peer: peerEncode },
      ratios:
        port && best && peerEncode
          ? { port: port.ms / mine.ms, best: best.ms / mine.ms, encode: peerEncode.ms / encode.ms }
          : null,
      distinctNodes,
      variants: trainer.variants,
      memory: { predicted: trainer.predicted, liveBytes: live, peakBytes: peak },
    };
  } finally {
    await peer?.close();
  }
}

/** Trains as `hashgnn train` does with its default options; the clock of validations is apart. */
async function trainToBest(
  gpu: Gpu,
  dataset: Dataset,
  { seed, variants, quick = false, signal, onStep = () => {} }: TrainBenchOptions,
): Promise<ToBest> {
  const settings = resolveOptions({ seed, ...(quick && { steps: 4, evaluateEvery: 2, batchSize: BATCH }) });
  const { steps, evaluateEvery } = settings;
  using trainer = await Trainer.create(gpu, dataset, settings, { variants });
  const total = { training: 0, validating: 0 };
  let best: { record: ValidationRecord; seconds: typeof total } | undefined;
  onStep(0, steps);
  while (trainer.step < steps) {
    const end = Math.min(steps, trainer.step + evaluateEvery);
    total.training += (await timed(() => trainer.advance(end, signal, (step) => onStep(step, steps)))).seconds;
    if (signal?.aborted) throw new InterruptedError('the bench was stopped');
    const { result: record, seconds } = await timed(() => trainer.validate());
    total.validating += seconds;
    if (trainer.best === record) best = { record, seconds: { ...total } };
  }
  const { record, seconds } = best!;
  const hr = (search: 'hamming' | 'hierarchical' | 'exact') => record.validation[search]['HR@50']!;
  return {
    step: record.step,
    hr: { hamming: hr('hamming'), hierarchical: hr('hierarchical'), exact: hr('exact') },
    selection: record.selection,
    seconds,
    steps,
    evaluateEvery,
    total,
  };
}

/** The time of one kernel in a step, all its dispatches together. */
export interface StepRow {
  readonly kernel: string;
  /** What it is recorded for, where it is recorded more than once. */
  readonly label: string;
  readonly milliseconds: number;
  /** Milliseconds of the longest piece of work that the driver is given at once. */
  readonly longest: number;
  /** (slowest − fastest) / median; of several dispatches together the sum of their ranges by the sum of their medians. */
  readonly spread: number;
  /** Of the sum of all dispatches. */
  readonly share: number;
}

export interface StepBenchResult {
  readonly adapter: string;
  readonly driver: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly dataset: TrainBenchResult['dataset'];
  /** The sum of all dispatches, each timed by itself. */
  readonly milliseconds: number;
  readonly rows: readonly StepRow[];
}

/** Where the time of a training step goes, dispatch by dispatch, the slowest first. */
export async function benchStep(
  gpu: Gpu,
  options: Pick<TrainBenchOptions, 'folder' | 'seed' | 'variants' | 'versions'> & {
    readonly repeat: number;
    /** Options of the training, in place of those that PyTorch is raced with. */
    readonly given?: Readonly<Record<string, unknown>> | undefined;
  },
): Promise<StepBenchResult> {
  const dataset = await readDataset(options.folder);
  using trainer = await trainerOf(gpu, dataset, options, 2 ** 12);
  await trainer.advance(WARM.ours);
  const times = await profile(gpu, trainer.training.program, options.repeat);
  const milliseconds = times.reduce((sum, time) => sum + time.milliseconds, 0);
  return {
    adapter: gpu.adapter.device || gpu.name,
    driver: gpu.adapter.description,
    versions: options.versions ?? {},
    seed: options.seed,
    dataset: sizesOf(dataset),
    milliseconds,
    rows: rowsOf(times, milliseconds),
  };
}

/** Dispatches of one label together, the slowest first. */
function rowsOf(times: readonly KernelTime[], all: number): StepRow[] {
  const rows = new Map<string, Pick<KernelTime, 'kernel' | 'label' | 'milliseconds' | 'longest' | 'range'>>();
  for (const { kernel, label, milliseconds, longest, range } of times) {
    const key = `${kernel} ${label}`;
    const before = rows.get(key) ?? { milliseconds: 0, longest: 0, range: 0 };
    rows.set(key, {
      ...{ kernel, label, milliseconds: before.milliseconds + milliseconds, range: before.range + range },
      longest: Math.max(before.longest, longest),
    });
  }
  return [...rows.values()]
    .sort((a, b) => b.milliseconds - a.milliseconds)
    .map(({ range, ...row }) => ({
      ...row,
      spread: range / Math.max(row.milliseconds, 1000 * LEAST_SECONDS),
      share: row.milliseconds / all,
    }));
}

/** The model that is measured: unless told what PyTorch's has, widths and fan-outs as they are by default. */
function trainerOf(
  gpu: Gpu,
  dataset: Dataset,
  {
    seed,
    variants,
    given = { batchSize: BATCH, negatives: NEGATIVES, aggregation: 'joint', weights: 'shared' },
  }: Pick<TrainBenchOptions, 'seed' | 'variants'> & { readonly given?: Readonly<Record<string, unknown>> | undefined },
  steps: number,
): Promise<Trainer> {
  return Trainer.create(gpu, dataset, resolveOptions({ ...given, seed, steps, logEvery: STEPS.ours }), { variants });
}

function sizesOf({ name, userCount, itemCount, train }: Dataset): TrainBenchResult['dataset'] {
  return { name, nodes: userCount + itemCount, edges: train.length / 2 };
}

function stepTimeOf(all: readonly number[]): StepTime {
  const time = millisecondsOf(all);
  const stepsPerSecond = 1000 / time.ms;
  return { ...time, stepsPerSecond, edgesPerSecond: BATCH * stepsPerSecond };
}

function millisecondsOf(all: readonly number[]): Milliseconds {
  const { seconds, spread }: Timing = timingOf(all);
  return { ms: seconds, spread };
}
