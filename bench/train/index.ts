/** `hashgnn bench train` and `hashgnn bench step`: the training step beside PyTorch's, and by kernel. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InterruptedError } from '../../src/base/errors.js';
import { type Dataset, readDataset } from '../../src/data/index.js';
import { type Gpu, type KernelTime, profile } from '../../src/gpu/index.js';
import { resolveOptions, Trainer } from '../../src/train/index.js';
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

export interface TrainBenchOptions {
  /** Dataset folder. */
  readonly folder: string;
  readonly rounds: number;
  readonly seed: number;
  /** False: ours alone. */
  readonly peer?: boolean | undefined;
  /** Everything with few steps, to see that it works. */
  readonly quick?: boolean | undefined;
  readonly versions?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of the rounds done and of all. */
  readonly onRound?: (done: number, rounds: number) => void;
}

export interface TrainBenchResult {
  readonly adapter: string;
  readonly driver: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly peer: TorchVersions | null;
  readonly seed: number;
  readonly quick: boolean;
  readonly dataset: { readonly name: string; readonly nodes: number; readonly edges: number };
  /** A step: by wall clock with everything that it needs. */
  readonly ours: Milliseconds;
  readonly port: Milliseconds | null;
  readonly best: Milliseconds | null;
  /** All nodes over whole neighbourhoods, embeddings and codes in host memory. */
  readonly encode: { readonly ours: Milliseconds; readonly peer: Milliseconds | null };
  /** The peer's milliseconds by ours. */
  readonly ratios: { readonly port: number; readonly best: number; readonly encode: number } | null;
  readonly stepsPerSecond: number;
  /** Edges of batches. */
  readonly edgesPerSecond: number;
  /** Live bytes on the device at most. */
  readonly peakBytes: number;
}

/**
 * The step of ours and of PyTorch in turn, the same model on the same edges.
 * @throws InputError where the dataset is none; HashgnnError where no Python has PyTorch; InterruptedError
 */
export async function benchTrain(gpu: Gpu, options: TrainBenchOptions): Promise<TrainBenchResult> {
  const { folder, quick = false, signal, onRound = () => {} } = options;
  const dataset = await readDataset(folder);
  const rounds = quick ? 2 : options.rounds;
  const stepsOf = (of: keyof typeof STEPS, which: typeof STEPS | typeof WARM) => (quick ? 2 : which[of]);
  const peer = options.peer === false ? undefined : await TorchPeer.start(signal);
  try {
    await peer?.load(folder, BATCH, NEGATIVES);
    using trainer = await trainerOf(gpu, dataset, options.seed, 2 ** 13);
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
    const mine = millisecondsOf(times.ours);
    const encode = millisecondsOf(encodes.ours);
    const theirs = (way: Way) => (peer ? millisecondsOf(times[way]) : null);
    const [port, best] = [theirs('port'), theirs('best')];
    const peerEncode = peer ? millisecondsOf(encodes.peer) : null;
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
      stepsPerSecond: 1000 / mine.ms,
      edgesPerSecond: (1000 * BATCH) / mine.ms,
      peakBytes: gpu.memory().peak,
    };
  } finally {
    await peer?.close();
  }
}

/** The time of one kernel in a step, all its dispatches together. */
export interface StepRow {
  readonly kernel: string;
  /** What it is recorded for, where it is recorded more than once. */
  readonly label: string;
  readonly milliseconds: number;
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
  options: Pick<TrainBenchOptions, 'folder' | 'seed' | 'versions'> & { readonly repeat: number },
): Promise<StepBenchResult> {
  const dataset = await readDataset(options.folder);
  using trainer = await trainerOf(gpu, dataset, options.seed, 2 ** 12);
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
  const rows = new Map<string, Pick<KernelTime, 'kernel' | 'label' | 'milliseconds' | 'range'>>();
  for (const { kernel, label, milliseconds, range } of times) {
    const key = `${kernel} ${label}`;
    const before = rows.get(key) ?? { milliseconds: 0, range: 0 };
    rows.set(key, { kernel, label, milliseconds: before.milliseconds + milliseconds, range: before.range + range });
  }
  return [...rows.values()]
    .sort((a, b) => b.milliseconds - a.milliseconds)
    .map(({ range, ...row }) => ({
      ...row,
      spread: range / Math.max(row.milliseconds, 1000 * LEAST_SECONDS),
      share: row.milliseconds / all,
    }));
}

/** The model that is measured: what PyTorch's has, widths and fan-outs as they are by default. */
function trainerOf(gpu: Gpu, dataset: Dataset, seed: number, steps: number): Promise<Trainer> {
  const model = { batchSize: BATCH, negatives: NEGATIVES, aggregation: 'joint' } as const;
  return Trainer.create(gpu, dataset, resolveOptions({ ...model, seed, steps, logEvery: STEPS.ours }));
}

function sizesOf({ name, userCount, itemCount, train }: Dataset): TrainBenchResult['dataset'] {
  return { name, nodes: userCount + itemCount, edges: train.length / 2 };
}

function millisecondsOf(all: readonly number[]): Milliseconds {
  const { seconds, spread }: Timing = timingOf(all);
  return { ms: seconds, spread };
}
