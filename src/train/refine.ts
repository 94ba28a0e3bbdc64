import { copyFile, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError } from '../base/errors.js';
import { guarded, makeFolder, requireEmptyFolder, writeFileAtomic } from '../base/files.js';
import { lockFolder } from '../base/lock.js';
import { Csr, type Dataset } from '../data/index.js';
import type { Gpu } from '../gpu/index.js';
import { type EvaluationInput, evaluate, type Metrics } from '../search/index.js';
import { codeUse } from './collapse.js';
import { CodeRefinement, type RefinementRound } from './refinement.js';
import { type Run, type RunResult, requireSameData, writeEmbeddings, writeResult } from './run_folder.js';
import { selectionOf, type ValidationRecord } from './trainer.js';

/** How a run's codes are refined. */
export interface RefineSettings {
  /** Rounds at most; `DEFAULT_ROUNDS` unless told. */
  readonly rounds?: number | undefined;
  /** The factor on inner products of embeddings; the one that suits the validation items best unless told. */
  readonly temperature?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly events?: RefineEvents | undefined;
}

/** What a refinement tells while it goes. */
export interface RefineEvents {
  /** Before the first round: the factor on inner products of embeddings, and what validation says of the codes as they are. */
  onStart?(temperature: number, hamming: Metrics | undefined): void;
  /** Within round number `round`, counted from 1, with the number of users that are done in it. */
  onUsers?(round: number, users: number): void;
  onRound?(record: RefineRecord, best: boolean): void;
}

/** A round, as `metrics.jsonl` has it. */
export interface RefineRecord extends RefinementRound {
  /** Counted from 1. */
  readonly round: number;
  /** By Hamming distance on validation items, training items masked; none without validation items. */
  readonly hamming?: Metrics;
}

/** Most of what there is to gain comes in the first six. */
export const DEFAULT_ROUNDS = 12;
/** A round that lowers the cross-entropy by less than this share of it is the last. */
const LEAST_GAIN = 2e-4;

/**
 * Refines the codes of a finished run so that they rank as its embeddings do (see `CodeRefinement`), into another run
 * folder: the same options and embeddings, the codes of the round that validation finds best by HR@50 by Hamming distance,
 * those of the run among them, and a `result.json` that says so. Items trained on count neither as targets nor as rivals.
 *
 * @throws InputError where the dataset is not the run's, or has no validation items and no `temperature` is given, or the
 * folder is not empty; InterruptedError with nothing written where `signal` is aborted; GpuError
 */
export async function refineRun(
  gpu: Gpu,
  run: Run,
  dataset: Dataset,
  folder: string,
  { rounds = DEFAULT_ROUNDS, temperature: given, signal, events = {} }: RefineSettings = {},
): Promise<RunResult> {
  const started = performance.now();
  requireSameData(run, dataset);
  await requireEmptyFolder(folder);
  const { userCount, itemCount } = dataset;
  const own = Csr.fromEdges(dataset.train, userCount, itemCount);
  const valid = Csr.fromEdges(dataset.valid, userCount, itemCount);
  if (valid.entryCount === 0 && given === undefined) {
    throw new InputError('there are no validation items to find the factor on inner products of embeddings by', {
      where: dataset.folder,
      fix: 'give it (--temperature), or prepare the dataset with a validation part',
    });
  }
  const { bits, users: userEmbeddings, items: itemEmbeddings } = run;
  using refinement = await CodeRefinement.create(gpu, {
    ...{ bits, userCodes: run.userCodes, itemCodes: run.itemCodes, userEmbeddings, itemEmbeddings, own },
  });
  let temperature = given;
  if (temperature === undefined) temperature = await refinement.fitTemperature(valid, signal);
  else refinement.temperature = temperature;

  const embeddings = { bits, userEmbeddings, itemEmbeddings };
  const shared = { ...embeddings, seen: own, test: valid, candidates: run.options.candidates, signal };
  type Codes = Pick<Run, 'userCodes' | 'itemCodes'>;
  const hammingOf = async (codes: Codes): Promise<Metrics | undefined> => {
    if (valid.entryCount === 0) return undefined;
    return (await evaluate(gpu, { ...shared, ...codes, searches: ['hamming'] })).hamming;
  };
  let kept: { round: number; codes: Codes; hamming: Metrics | undefined } = {
    ...{ round: 0, codes: run, hamming: await hammingOf(run) },
  };
  events.onStart?.(temperature, kept.hamming);
  const records: RefineRecord[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const done = await refinement.round(signal, (users) => events.onUsers?.(round, users));
    const codes = await refinement.codes();
    const hamming = await hammingOf(codes);
    const record: RefineRecord = { round, ...done, ...(hamming && { hamming }) };
    const best = !hamming || hamming['HR@50']! > kept.hamming!['HR@50']!;
    if (best) kept = { round, codes, hamming };
    events.onRound?.(record, best);
    const before = records.at(-1)?.crossEntropy ?? Number.POSITIVE_INFINITY;
    records.push(record);
    if (before - done.crossEntropy < LEAST_GAIN * before || done.userFlips + done.itemFlips === 0) break;
  }

  const refined = { bits, users: userEmbeddings, items: itemEmbeddings, ...pick(kept.codes) };
  const best = valid.entryCount > 0 ? await validated(gpu, run, { ...shared, ...pick(kept.codes) }) : null;
  const seconds = (performance.now() - started) / 1000;
  const { test: _ofOtherCodes, files: _ofOtherFiles, ...result } = run.result;
  return writeRun(run, folder, refined, records, {
    ...{ ...result, best },
    refinement: {
      ...{ of: resolve(run.folder), temperature, rounds: records.length, kept: kept.round, seconds },
      adapter: gpu.name,
    },
  });
}

const pick = ({ userCodes, itemCodes }: Pick<Run, 'userCodes' | 'itemCodes'>) => ({ userCodes, itemCodes });

/** The validation of a run with refined codes. */
async function validated(gpu: Gpu, run: Run, input: EvaluationInput): Promise<ValidationRecord> {
  const validation = await evaluate(gpu, input);
  return {
    ...{ step: run.result.best?.step ?? run.result.steps, validation, selection: selectionOf(validation, run.options) },
    codes: {
      users: codeUse(input.userCodes as Uint8Array, run.bits),
      items: codeUse(input.itemCodes as Uint8Array, run.bits),
    },
  };
}

/** Writes a run folder; `result.json`, without which it is no run, last. */
async function writeRun(
  run: Run,
  folder: string,
  refined: Parameters<typeof writeEmbeddings>[1],
  records: readonly RefineRecord[],
  result: Omit<RunResult, 'files'>,
): Promise<RunResult> {
  // Nobody may have written there in the meantime.
  await requireEmptyFolder(folder);
  await makeFolder(folder);
  const lock = await lockFolder(folder);
  try {
    await writeEmbeddings(folder, refined);
    const trained = await readFile(join(run.folder, 'metrics.jsonl'), 'utf8');
    const lines = records.map((record) => `${JSON.stringify({ refinement: record })}\n`);
    await writeFileAtomic(join(folder, 'metrics.jsonl'), trained + lines.join(''));
    for (const name of ['curves.svg', 'config.json']) {
      const path = join(run.folder, name);
      await guarded(path, 'copied', () => copyFile(path, join(folder, name)));
    }
    return await writeResult(folder, result);
  } finally {
    await lock.release();
  }
}
