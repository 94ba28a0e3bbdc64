import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestsOf, readSealedJson, requireDigests, writeSealedJson } from '../base/checksums.js';
import { InputError } from '../base/errors.js';
import { makeFolder, readJson, readNpy, writeNpy } from '../base/files.js';
import { type Dataset, fingerprint } from '../data/index.js';
import type { Variants } from '../layers/variants.js';
import type { Evaluation, Metrics } from '../search/index.js';
import type { MemoryPrediction } from './memory.js';
import { resolveOptions, type TrainOptions } from './options.js';
import type { ValidationRecord } from './trainer.js';

/** Embeddings and codes of all nodes, on the host. */
export interface Embeddings {
  /** K: width of an embedding and bits of a code. */
  readonly bits: number;
  /** z, [users, bits] */
  readonly users: Float32Array;
  /** z, [items, bits] */
  readonly items: Float32Array;
  /** [users, bits / 8]: bit j of a code is bit (j mod 8) of byte (j div 8), 1 where z ≥ 0. */
  readonly userCodes: Uint8Array;
  /** [items, bits / 8] */
  readonly itemCodes: Uint8Array;
}

/** A dataset as a run remembers it. */
export interface DatasetReference {
  readonly folder: string;
  readonly name: string;
  readonly fingerprint: string;
}

/** Metrics on the test edges, by search, and those of the popularity baseline. */
export interface TestMetrics extends Required<Evaluation> {
  readonly popularity: Metrics;
  readonly masked: boolean;
  readonly candidates: number;
}

export const RUN_FORMAT = 'hashgnn-run';
/** 2: with checksums of itself and of the other files. */
export const RUN_VERSION = 2;

/** What `result.json` vouches for. */
const RESULT_FILES = [
  'config.json',
  'metrics.jsonl',
  'codes/users.npy',
  'codes/items.npy',
  'embeddings/users.npy',
  'embeddings/items.npy',
];

/** The content of `result.json`. */
export interface RunResult {
  readonly format: typeof RUN_FORMAT;
  readonly version: typeof RUN_VERSION;
  readonly dataset: DatasetReference;
  readonly steps: number;
  /** The validation whose parameters, or refined codes, were kept; null without validation edges, when the last ones were. */
  readonly best: ValidationRecord | null;
  /** `toBest`: of training and validating until the best validation was known, null where there was none. */
  readonly seconds: { readonly training: number; readonly toBest: number | null; readonly total: number };
  readonly stepsPerSecond: number;
  /** On the device: what was predicted, what lived at the end, and the most that ever did. */
  readonly memory: {
    readonly predicted: MemoryPrediction;
    readonly liveBytes: number;
    readonly peakBytes: number;
  };
  readonly adapter: string;
  /** The kernels in use where there are several for the same work. */
  readonly variants: Variants;
  readonly versions: Readonly<Record<string, string>>;
  /** SHA-256 of the run's files by their names, those that its results are read from. */
  readonly files: Readonly<Record<string, string>>;
  /** Written by `refine`: its codes are not those of the training. */
  readonly refinement?: RefinementResult;
  /** Written by `evaluate`. */
  readonly test?: TestMetrics;
}

/** How the codes of a run were refined after its training. */
export interface RefinementResult {
  /** The folder of the run that was refined. */
  readonly of: string;
  /** The factor on inner products of embeddings. */
  readonly temperature: number;
  /** Rounds done, and the one whose codes are kept: by validation the best, the last one without. */
  readonly rounds: number;
  readonly kept: number;
  readonly seconds: number;
  readonly adapter: string;
}

/** A finished run: its options, its codes and its embeddings. */
export interface Run extends Embeddings {
  readonly folder: string;
  readonly options: TrainOptions;
  readonly dataset: DatasetReference;
  readonly result: RunResult;
}

/** Writes `codes/` and `embeddings/` of a run folder. */
export async function writeEmbeddings(folder: string, embeddings: Embeddings): Promise<void> {
  const { bits, users, items, userCodes, itemCodes } = embeddings;
  await makeFolder(join(folder, 'codes'));
  await makeFolder(join(folder, 'embeddings'));
  for (const [name, values, codes] of [
    ['users', users, userCodes],
    ['items', items, itemCodes],
  ] as const) {
    const count = values.length / bits;
    await writeNpy(join(folder, 'codes', `${name}.npy`), codes, [count, bits / 8]);
    await writeNpy(join(folder, 'embeddings', `${name}.npy`), values, [count, bits]);
  }
}

/** Writes `result.json`, after all other files. */
export async function writeResult(folder: string, result: Omit<RunResult, 'files'>): Promise<RunResult> {
  const whole: RunResult = { ...result, files: await digestsOf(folder, RESULT_FILES) };
  await writeSealedJson(join(folder, 'result.json'), whole);
  return whole;
}

/**
 * The `result.json` of a finished run, without its arrays.
 * @throws InputError where the run is not finished, the file was changed, or another version wrote it
 */
export async function readResult(folder: string): Promise<RunResult> {
  const path = join(folder, 'result.json');
  if (!(await stat(path).catch(() => undefined))) {
    throw new InputError('the run is not finished: it has no result.json', {
      where: folder,
      fix: 'finish it with hashgnn train … --resume',
    });
  }
  // Another version may seal it otherwise.
  const { format, version } = ((await readJson(path)) ?? {}) as Record<string, unknown>;
  if (format !== RUN_FORMAT || version !== RUN_VERSION) {
    const newer = format === RUN_FORMAT && typeof version === 'number' && version > RUN_VERSION;
    throw new InputError(
      newer ? 'a newer version of hashgnn has written this result' : 'this is no result of this version of hashgnn',
      { where: path, fix: newer ? 'use that version, or train again' : 'restore the file, or train again' },
    );
  }
  return (await readSealedJson(path)) as unknown as RunResult;
}

/**
 * Reads a finished run.
 * @throws InputError where the folder is no run, the run is not finished, or one of its files is damaged or was changed
 */
export async function readRun(folder: string): Promise<Run> {
  const configPath = join(folder, 'config.json');
  if (!(await stat(configPath).catch(() => undefined))) {
    throw new InputError('this is no run folder: it has no config.json', {
      where: folder,
      fix: 'name the folder that hashgnn train wrote',
    });
  }
  const result = await readResult(folder);
  const { dataset, ...options } = (await readJson(configPath)) as Record<string, unknown>;
  const resolved = resolveOptions(options, configPath);
  const { bits } = resolved;
  const read = async (name: 'users' | 'items') => {
    const embeddings = await readNpy(join(folder, 'embeddings', `${name}.npy`), {
      dtype: 'float32',
      shape: [null, bits],
    });
    const count = embeddings.shape[0]!;
    const codes = await readNpy(join(folder, 'codes', `${name}.npy`), { dtype: 'uint8', shape: [count, bits / 8] });
    return { embeddings: embeddings.data, codes: codes.data };
  };
  const users = await read('users');
  const items = await read('items');
  await requireDigests(folder, result.files, 'restore the file, or train again');
  return {
    folder,
    options: resolved,
    dataset: dataset as DatasetReference,
    bits,
    users: users.embeddings,
    items: items.embeddings,
    userCodes: users.codes,
    itemCodes: items.codes,
    result,
  };
}

/** @throws InputError where the dataset is not the one that the run was trained on */
export function requireSameData(run: Run, dataset: Dataset): void {
  if (fingerprint(dataset) !== run.dataset.fingerprint) {
    throw new InputError('the run was trained on another dataset or split', {
      where: `${run.folder} and ${dataset.folder}`,
      fix: 'name the dataset that it was trained on, or train again',
    });
  }
  const { bits } = run;
  for (const [name, values, count] of [
    ['users', run.users, dataset.userCount],
    ['items', run.items, dataset.itemCount],
  ] as const) {
    if (values.length !== count * bits) {
      throw new InputError(`the run has ${values.length / bits} embeddings for ${count} ${name}`, {
        where: join(run.folder, 'embeddings', `${name}.npy`),
        fix: 'restore the file, or train again',
      });
    }
  }
}

/** Adds the test metrics to `result.json`. */
export async function writeTestMetrics(run: Run, test: TestMetrics): Promise<void> {
  await writeSealedJson(join(run.folder, 'result.json'), { ...run.result, test });
}
