import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HashgnnError, InputError, InterruptedError } from '../base/errors.js';
import { appendText, makeFolder, readBytes, requireEmptyFolder, writeFileAtomic, writeJson } from '../base/files.js';
import { type Dataset, fingerprint } from '../data/index.js';
import type { Gpu } from '../gpu/index.js';
import { possibleVariants, type Variants } from '../layers/variants.js';
import { drawCurves } from './curves.js';
import type { MemoryPrediction } from './memory.js';
import { resolveOptions, type TrainOptions } from './options.js';
import { type RunResult, writeEmbeddings } from './run_folder.js';
import { decodeSafeTensors, encodeSafeTensors } from './safetensors.js';
import { type LossRecord, Trainer, type ValidationRecord } from './trainer.js';

/** What a run tells while it goes. */
export interface RunEvents {
  /** Before anything is allocated on the device. */
  onMemory?(predicted: MemoryPrediction): void;
  /** Before the first step, with the step to begin from. */
  onStart?(step: number): void;
  /** After each submission. */
  onStep?(step: number): void;
  onLoss?(record: LossRecord): void;
  onValidation?(record: ValidationRecord, best: boolean): void;
}

const FORMAT = 'hashgnn-checkpoint';

/**
 * Trains into a run folder: `config.json`, `metrics.jsonl`, `checkpoint.safetensors`, and at the end `codes/`,
 * `embeddings/`, `curves.svg` and `result.json` of the best parameters.
 *
 * @param settings `resume`: take up the checkpoint in the folder if there is one, with the variants of kernels that it was
 * begun with, since others round differently; `variants` of kernels, as `keptTuning` finds them, the likely ones for the
 * adapter unless told; `memory`: bytes on the device at most
 * @throws GpuOutOfMemoryError before anything is allocated, where the prediction tells that it would not fit
 * @throws InterruptedError after saving a checkpoint, when `signal` is aborted
 * @throws InputError where the folder holds something else, or a run of other data or options
 */
export async function trainToFolder(
  gpu: Gpu,
  dataset: Dataset,
  options: TrainOptions,
  folder: string,
  {
    resume = false,
    variants,
    memory,
    signal,
    events = {},
  }: {
    resume?: boolean;
    variants?: Variants;
    memory?: number | undefined;
    signal?: AbortSignal;
    events?: RunEvents;
  } = {},
): Promise<RunResult> {
  const started = performance.now();
  if (!resume) await requireEmptyFolder(folder);
  const data = { folder: resolve(dataset.folder), name: dataset.name, fingerprint: fingerprint(dataset) };
  const saved = resume ? await readCheckpoint(folder, options, data.fingerprint) : undefined;
  using trainer = await Trainer.create(gpu, dataset, options, {
    variants: begunWith(gpu, saved) ?? variants,
    ...{ memory, onMemory: events.onMemory },
  });
  await makeFolder(folder);
  await writeJson(join(folder, 'config.json'), { ...options, dataset: data });
  const metrics = join(folder, 'metrics.jsonl');
  let secondsBefore = 0;
  if (saved) {
    trainer.restore(saved.tensors, saved.step, saved.best);
    secondsBefore = saved.seconds;
  }
  await writeFileAtomic(metrics, await recordsUpTo(metrics, trainer.step));

  events.onStart?.(trainer.step);
  const begun = performance.now();
  const seconds = () => secondsBefore + (performance.now() - begun) / 1000;
  const record = async (entry: object) => {
    const line = JSON.stringify({ ...entry, seconds: Math.round(seconds() * 1000) / 1000 });
    await appendText(metrics, `${line}\n`);
  };
  const save = async () => {
    const metadata = {
      format: FORMAT,
      version: '1',
      step: String(trainer.step),
      seconds: String(seconds()),
      best: JSON.stringify(trainer.best ?? null),
      options: JSON.stringify(options),
      variants: JSON.stringify(trainer.variants),
      data: data.fingerprint,
    };
    const bytes = encodeSafeTensors({ tensors: await trainer.state(), metadata });
    await writeFileAtomic(join(folder, 'checkpoint.safetensors'), bytes);
  };

  const { steps, logEvery, evaluateEvery, checkpointEvery } = options;
  const next = (every: number) =>
    every === 0 ? steps : Math.min(steps, (Math.floor(trainer.step / every) + 1) * every);
  const due = (every: number) => trainer.step === steps || (every > 0 && trainer.step % every === 0);
  while (trainer.step < steps) {
    const end = Math.min(next(logEvery), next(evaluateEvery), next(checkpointEvery));
    await trainer.advance(end, signal, events.onStep);
    if (signal?.aborted && trainer.step < end) {
      await save();
      throw new InterruptedError(`interrupted at step ${trainer.step} of ${steps}; everything is saved`, {
        where: folder,
        fix: 'the same command with --resume goes on from there',
      });
    }
    if (due(logEvery)) {
      const losses = await trainer.losses(((trainer.step - 1) % logEvery) + 1);
      await record(losses);
      events.onLoss?.(losses);
    }
    if (due(evaluateEvery) && dataset.valid.length > 0) {
      const validation = await trainer.validate();
      await record(validation);
      events.onValidation?.(validation, trainer.best === validation);
    }
    if (due(checkpointEvery)) await save();
  }
  const trainingSeconds = seconds();

  trainer.takeBest();
  await writeEmbeddings(folder, await trainer.encode());
  const records = (await readFile(metrics, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as (LossRecord | ValidationRecord) & { readonly seconds: number });
  const best = trainer.best && records.find((entry) => 'validation' in entry && entry.step === trainer.best!.step);
  const { live, peak } = gpu.memory();
  const result: RunResult = {
    format: 'hashgnn-run',
    version: 1,
    dataset: data,
    steps,
    best: trainer.best ?? null,
    seconds: {
      training: trainingSeconds,
      toBest: best?.seconds ?? null,
      total: secondsBefore + (performance.now() - started) / 1000,
    },
    stepsPerSecond: steps / trainingSeconds,
    memory: { predicted: trainer.predicted, liveBytes: live, peakBytes: peak },
    adapter: gpu.name,
    variants: trainer.variants,
    versions: { node: process.version },
  };
  await writeFileAtomic(
    join(folder, 'curves.svg'),
    drawCurves(records, `${options.model} on ${dataset.name}, ${options.bits} bits, seed ${options.seed}`),
  );
  await writeJson(join(folder, 'result.json'), result);
  return result;
}

interface Saved {
  readonly tensors: ReturnType<typeof decodeSafeTensors>['tensors'];
  readonly step: number;
  readonly seconds: number;
  readonly best: ValidationRecord | undefined;
  /** Of kernels; checkpoints from before there were any do not name them. */
  readonly variants: Partial<Variants> | undefined;
}

/** The variants that a checkpoint was begun with, where this adapter can run them. */
function begunWith(gpu: Gpu, saved: Saved | undefined): Variants | undefined {
  const { dense, gather } = saved?.variants ?? {};
  const possible = possibleVariants(gpu);
  const usable = dense && gather && possible.dense.includes(dense) && possible.gather.includes(gather);
  return usable ? { dense, gather } : undefined;
}

/** The checkpoint of a run with this data and these options, or nothing where there is none yet. */
async function readCheckpoint(folder: string, options: TrainOptions, data: string): Promise<Saved | undefined> {
  const path = join(folder, 'checkpoint.safetensors');
  if (!(await stat(path).catch(() => undefined))) {
    // A run that was stopped before its first checkpoint has its configuration and nothing else to lose.
    const config = await stat(join(folder, 'config.json')).catch(() => undefined);
    if (!config) await requireEmptyFolder(folder);
    return undefined;
  }
  const { tensors, metadata } = decodeSafeTensors(await readBytes(path), path);
  if (metadata.format !== FORMAT || metadata.version !== '1') {
    throw new InputError('this is no checkpoint that this version can read', {
      where: path,
      fix: 'train into another folder',
    });
  }
  if (metadata.data !== data) {
    throw new InputError('the run was begun with another dataset or split', {
      where: path,
      fix: 'resume with the dataset named in config.json, or train into another folder',
    });
  }
  const { step, seconds, best, variants, options: before } = parseMetadata(metadata, path);
  const differing = (Object.keys(options) as (keyof TrainOptions)[]).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(options[name]),
  );
  if (differing.length > 0) {
    const differences = differing.map(
      (name) => `${name} ${JSON.stringify(before[name])} → ${JSON.stringify(options[name])}`,
    );
    throw new InputError(`the run was begun with other options: ${differences.join('; ')}`, {
      where: path,
      fix: 'resume with the same options, or train into another folder',
    });
  }
  return { tensors, step, seconds, best, variants };
}

/** What a checkpoint's metadata say. @throws InputError where they do not hang together */
function parseMetadata(metadata: Readonly<Record<string, string>>, where: string) {
  try {
    const [step, seconds] = [Number(metadata.step), Number(metadata.seconds)];
    if (!Number.isSafeInteger(step) || step < 0 || !Number.isFinite(seconds)) throw new Error('step or seconds');
    return {
      step,
      seconds,
      best: (JSON.parse(metadata.best!) as ValidationRecord | null) ?? undefined,
      variants: metadata.variants === undefined ? undefined : (JSON.parse(metadata.variants) as Partial<Variants>),
      options: resolveOptions(JSON.parse(metadata.options!) as Record<string, unknown>, where),
    };
  } catch (cause) {
    throw new InputError('the checkpoint is damaged: its metadata cannot be read', {
      where,
      fix: 'delete it and train again, or restore it',
      cause,
    });
  }
}

/** The records of `metrics.jsonl` up to a step: what was logged after the checkpoint will be logged again. */
async function recordsUpTo(path: string, step: number): Promise<string> {
  if (step === 0) return '';
  const text = await readFile(path, 'utf8').catch(() => {
    throw new HashgnnError('the run has a checkpoint but no metrics.jsonl', { where: path, fix: 'restore the file' });
  });
  const wanted = (line: string) => {
    try {
      return (JSON.parse(line) as { step: number }).step <= step;
    } catch {
      // A line that a crash cut short came after the checkpoint.
      return false;
    }
  };
  return text
    .split('\n')
    .filter(wanted)
    .map((line) => `${line}\n`)
    .join('');
}
