import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { digestOfText } from '../base/checksums.js';
import { HashgnnError, InputError, InterruptedError } from '../base/errors.js';
import { appendText, readJson, requireEmptyFolder, writeFileAtomic, writeJson } from '../base/files.js';
import { type FolderLock, lockFolder } from '../base/lock.js';
import { type Dataset, fingerprint } from '../data/index.js';
import { type Gpu, GpuLostError } from '../gpu/index.js';
import { possibleVariants, type Variants } from '../layers/variants.js';
import { CHECKPOINT, type Checkpoint, loadCheckpoint, PREVIOUS_CHECKPOINT, saveCheckpoint } from './checkpoint.js';
import { describeCollapse } from './collapse.js';
import { drawCurves } from './curves.js';
import type { MemoryPrediction } from './memory.js';
import type { TrainOptions } from './options.js';
import { RUN_FORMAT, RUN_VERSION, type RunResult, writeEmbeddings, writeResult } from './run_folder.js';
import { type LossRecord, Trainer, type ValidationRecord } from './trainer.js';

/** What a run tells while it goes. */
export interface RunEvents {
  /** Before anything is allocated on the device. */
  onMemory?(predicted: MemoryPrediction): void;
  /** The newest checkpoint cannot be read, and the one before it is taken. */
  onDamaged?(error: InputError): void;
  /** The device was lost for the first time: training goes on from the last checkpoint, on another one. */
  onLost?(error: GpuLostError): void;
  /** Before the first step, with the step to begin from; again after a loss. */
  onStart?(step: number): void;
  /** After each submission. */
  onStep?(step: number): void;
  onLoss?(record: LossRecord): void;
  onValidation?(record: ValidationRecord, best: boolean): void;
  /** After a validation whose codes have collapsed, with what is wrong with them in words. */
  onCollapse?(message: string, step: number): void;
}

/** How a run goes, beside its options. */
export interface RunSettings {
  readonly resume?: boolean | undefined;
  readonly variants?: Variants | undefined;
  readonly memory?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly events?: RunEvents | undefined;
  /** Of the folder, where the caller has it; it is the caller's to release. */
  readonly lock?: FolderLock | undefined;
}

/**
 * Trains into a run folder: `config.json`, `metrics.jsonl`, `checkpoint.safetensors`, and at the end `codes/`,
 * `embeddings/`, `curves.svg` and `result.json` of the best parameters.
 *
 * @param settings `resume`: take up the checkpoint in the folder if there is one, with the variants of kernels that it was
 * begun with, since others round differently; `variants` of kernels, as `keptTuning` finds them, the likely ones for the
 * adapter unless told; `memory`: bytes on the device at most
 * @throws GpuOutOfMemoryError before anything is allocated, where the prediction tells that it would not fit
 * A lost device is replaced once, and training goes on from the last checkpoint to the same bytes.
 * @throws GpuLostError where the device is lost again
 * @throws InterruptedError after saving a checkpoint, when `signal` is aborted
 * @throws InputError where the folder holds something else or a run of other data or options, another process is writing
 * into it, or no checkpoint in it can be read
 */
export async function trainToFolder(
  gpu: Gpu,
  dataset: Dataset,
  options: TrainOptions,
  folder: string,
  { resume = false, variants, memory, signal, events, lock }: RunSettings = {},
): Promise<RunResult> {
  if (!resume || !(await isRun(folder))) await requireEmptyFolder(folder);
  else await requireTrained(folder);
  const own = lock ? undefined : await lockFolder(folder);
  const settings = { variants, memory, signal, events };
  try {
    try {
      return await trainHere(await gpu.living(), dataset, options, folder, { resume, ...settings });
    } catch (error) {
      if (!(error instanceof GpuLostError)) throw error;
      events?.onLost?.(error);
      return await trainHere(await gpu.living(), dataset, options, folder, { resume: true, ...settings });
    }
  } finally {
    await own?.release();
  }
}

/** In a folder that is this run's own. */
async function trainHere(
  gpu: Gpu,
  dataset: Dataset,
  options: TrainOptions,
  folder: string,
  { resume, variants, memory, signal, events = {} }: RunSettings,
): Promise<RunResult> {
  const started = performance.now();
  const data = { folder: resolve(dataset.folder), name: dataset.name, fingerprint: fingerprint(dataset) };
  const saved = resume ? await loadCheckpoint(folder, events.onDamaged) : undefined;
  if (saved) requireSame(saved, options, data.fingerprint, folder);
  gpu.resetPeak();
  using trainer = await Trainer.create(gpu, dataset, options, {
    variants: begunWith(gpu, saved) ?? variants,
    ...{ memory, onMemory: events.onMemory },
  });
  await writeJson(join(folder, 'config.json'), { ...options, dataset: data });
  const metrics = join(folder, 'metrics.jsonl');
  let secondsBefore = 0;
  if (saved) {
    trainer.restore(saved.tensors, saved.step, saved.best);
    secondsBefore = saved.seconds;
  }
  const recordsBefore = await recordsUpTo(metrics, saved);
  await writeFileAtomic(metrics, recordsBefore);

  events.onStart?.(trainer.step);
  const begun = performance.now();
  const seconds = () => secondsBefore + (performance.now() - begun) / 1000;
  const record = async (entry: object) => {
    const line = JSON.stringify({ ...entry, seconds: Math.round(seconds() * 1000) / 1000 });
    await appendText(metrics, `${line}\n`);
  };
  const save = async () => {
    const { step, best, variants } = trainer;
    const logged = digestOfText(await readFile(metrics, 'utf8'));
    const state = { step, best, variants, options, seconds: seconds(), data: data.fingerprint, metrics: logged };
    await saveCheckpoint(folder, { ...state, tensors: await trainer.state() });
  };

  const { steps, logEvery, evaluateEvery, checkpointEvery } = options;
  const next = (every: number) =>
    every === 0 ? steps : Math.min(steps, (Math.floor(trainer.step / every) + 1) * every);
  const due = (every: number) => trainer.step === steps || (every > 0 && trainer.step % every === 0);
  const stop = async (): Promise<never> => {
    await save();
    throw new InterruptedError(`interrupted at step ${trainer.step} of ${steps}; everything is saved`, {
      where: folder,
      fix: 'the same command with --resume goes on from there',
    });
  };
  const validate = async () => {
    const validation = await trainer.validate(signal).catch((error: unknown) => {
      if (error instanceof InterruptedError) return undefined;
      throw error;
    });
    // It is made up for when the run is taken up again.
    if (!validation) return stop();
    await record(validation);
    events.onValidation?.(validation, trainer.best === validation);
    const counts = { users: dataset.userCount, items: dataset.itemCount };
    const collapse = describeCollapse(validation.codes, counts, options.bits);
    if (collapse) events.onCollapse?.(collapse, trainer.step);
  };
  const validates = () => trainer.step > 0 && due(evaluateEvery) && dataset.valid.length > 0;
  if (validates() && !hasValidation(recordsBefore, trainer.step)) await validate();
  while (trainer.step < steps) {
    const end = Math.min(next(logEvery), next(evaluateEvery), next(checkpointEvery));
    await trainer.advance(end, signal, events.onStep);
    if (signal?.aborted && trainer.step < end) await stop();
    if (due(logEvery)) {
      const losses = await trainer.losses(((trainer.step - 1) % logEvery) + 1);
      await record(losses);
      events.onLoss?.(losses);
    }
    if (validates()) await validate();
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
  const result: Omit<RunResult, 'files'> = {
    format: RUN_FORMAT,
    version: RUN_VERSION,
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
  return writeResult(folder, result);
}

/** Whether the records hold the validation of a step: not, where it was interrupted. */
function hasValidation(records: string, step: number): boolean {
  const lines = records.split('\n').filter(Boolean);
  return lines.some((line) => {
    const record = JSON.parse(line) as { step: number };
    return 'validation' in record && record.step === step;
  });
}

/** The variants that a checkpoint was begun with, where this adapter can run them. */
function begunWith(gpu: Gpu, saved: Checkpoint | undefined): Variants | undefined {
  if (!saved) return undefined;
  const { dense, gather } = saved.variants;
  const possible = possibleVariants(gpu);
  return possible.dense.includes(dense) && possible.gather.includes(gather) ? saved.variants : undefined;
}

/** @throws InputError where the codes of a finished run were refined, which training again would undo */
async function requireTrained(folder: string): Promise<void> {
  // A result that cannot be read is the training's to write again.
  const result = await readJson(join(folder, 'result.json')).catch(() => undefined);
  const { refinement } = (result ?? {}) as Partial<RunResult>;
  if (!refinement) return;
  throw new InputError('the codes of this run were refined after its training, which would undo that', {
    where: folder,
    fix: `resume the run that was refined, ${refinement.of}`,
  });
}

/** Whether there is anything of a run in a folder: a run that was stopped early has its configuration alone. */
async function isRun(folder: string): Promise<boolean> {
  const names = ['config.json', CHECKPOINT, PREVIOUS_CHECKPOINT];
  const found = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
  return found.some(Boolean);
}

/** @throws InputError where a checkpoint is of other data or options */
function requireSame(saved: Checkpoint, options: TrainOptions, data: string, where: string): void {
  if (saved.data !== data) {
    throw new InputError('the run was begun with another dataset or split', {
      where,
      fix: 'resume with the dataset named in config.json, or train into another folder',
    });
  }
  const differing = (Object.keys(options) as (keyof TrainOptions)[]).filter(
    (name) => JSON.stringify(saved.options[name]) !== JSON.stringify(options[name]),
  );
  if (differing.length > 0) {
    const differences = differing.map(
      (name) => `${name} ${JSON.stringify(saved.options[name])} → ${JSON.stringify(options[name])}`,
    );
    throw new InputError(`the run was begun with other options: ${differences.join('; ')}`, {
      where,
      fix: 'resume with the same options, or train into another folder',
    });
  }
}

/**
 * The records of `metrics.jsonl` up to a checkpoint: what was logged after it will be logged again.
 * @throws InputError where they are not those that were logged
 */
export async function recordsUpTo(path: string, saved: Checkpoint | undefined): Promise<string> {
  if (!saved || saved.step === 0) return '';
  const { step } = saved;
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
  const records = text
    .split('\n')
    .filter(wanted)
    .map((line) => `${line}\n`)
    .join('');
  if (digestOfText(records) !== saved.metrics) {
    throw new InputError(`the records up to step ${step} are not those that were logged`, {
      where: path,
      fix: 'restore the file, or train into another folder',
    });
  }
  return records;
}
