/** A run on the test edges: measured once, kept beside the run and read from there ever after. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson, readNpy, writeJson, writeNpy } from '../base/files.js';
import type { Dataset } from '../data/index.js';
import type { Gpu } from '../gpu/index.js';
import { type Metrics, recallsOfHits, type SearchName } from '../search/index.js';
import { evaluateRun, readRun } from '../train/index.js';
import { type CodeHealth, codeHealth } from './code_health.js';

export const SEARCHES = ['hamming', 'hierarchical', 'exact'] as const satisfies readonly SearchName[];

/** Whether items seen in training are no candidates, as the paper's text has it, or are, as in the authors' code. */
export const MASKINGS = ['masked', 'unmasked'] as const;
export type Masking = (typeof MASKINGS)[number];

/** The cut-offs of Figure 3, among them those of the tables. */
export const CUTOFFS = Array.from({ length: 10 }, (_, at) => 10 * (at + 1));

/** The cut-off at which systems are compared user by user. */
export const COMPARED_AT = 50;

type BySearch<T> = Readonly<Record<Masking, Readonly<Record<SearchName, T>>>>;

/** The content of `evaluation.json` in a run's folder. */
export interface RunEvaluation {
  readonly format: 'hashgnn-evaluation';
  readonly version: 1;
  readonly candidates: number;
  /** Users with a test item. */
  readonly users: number;
  readonly metrics: BySearch<Metrics>;
  /** Of each search for all these users. */
  readonly seconds: BySearch<number>;
  readonly health: { readonly users: CodeHealth; readonly items: CodeHealth };
}

/** HR@50 of each user with a test item. */
export type Recalls = BySearch<Float32Array>;

const pathsOf = (folder: string) => [join(folder, 'evaluation.json'), join(folder, 'recalls.npy')] as const;

/** The evaluation of a run if it is finished and evaluated. */
export async function keptEvaluation(folder: string): Promise<RunEvaluation | undefined> {
  const [file, recalls] = pathsOf(folder);
  if (!(await stat(file).catch(() => undefined)) || !(await stat(recalls).catch(() => undefined))) return undefined;
  const evaluation = (await readJson(file)) as RunEvaluation;
  return evaluation?.format === 'hashgnn-evaluation' && evaluation.version === 1 ? evaluation : undefined;
}

export async function keptRecalls(folder: string): Promise<Recalls> {
  const [, path] = pathsOf(folder);
  const { data, shape } = await readNpy(path, { dtype: 'float32', shape: [MASKINGS.length * SEARCHES.length, null] });
  const users = shape[1]!;
  return bySearch((masking, search) => {
    const row = MASKINGS.indexOf(masking) * SEARCHES.length + SEARCHES.indexOf(search);
    return data.subarray(row * users, (row + 1) * users);
  });
}

/** Evaluates a finished run and keeps the outcome in its folder. */
export async function evaluateAndKeep(gpu: Gpu, folder: string, dataset: Dataset): Promise<RunEvaluation> {
  const run = await readRun(folder);
  const recalls: Float32Array[] = [];
  const results = { masked: await evaluated(true), unmasked: await evaluated(false) };
  async function evaluated(masked: boolean) {
    const onHits = (search: SearchName, hits: Uint32Array, testCounts: Uint32Array) => {
      const row = (masked ? 0 : SEARCHES.length) + SEARCHES.indexOf(search);
      recalls[row] = recallsOfHits(hits, testCounts, COMPARED_AT);
    };
    return evaluateRun(gpu, run, dataset, { masked, cutoffs: CUTOFFS, onHits });
  }
  const { candidates, users } = results.masked;
  const evaluation: RunEvaluation = {
    ...{ format: 'hashgnn-evaluation', version: 1, candidates, users },
    metrics: bySearch((masking, search) => results[masking][search]),
    seconds: bySearch((masking, search) => results[masking].seconds[search]!),
    health: { users: codeHealth(run.userCodes, run.bits), items: codeHealth(run.itemCodes, run.bits) },
  };
  const all = new Float32Array(recalls.length * users);
  for (const [row, values] of recalls.entries()) all.set(values, row * users);
  const [file, path] = pathsOf(folder);
  await writeNpy(path, all, [recalls.length, users]);
  await writeJson(file, evaluation);
  return evaluation;
}

/** A value for each search, masked and unmasked. */
export function bySearch<T>(value: (masking: Masking, search: SearchName) => T): BySearch<T> {
  const entries = (masking: Masking) => SEARCHES.map((search) => [search, value(masking, search)] as const);
  return Object.fromEntries(
    MASKINGS.map((masking) => [masking, Object.fromEntries(entries(masking))]),
  ) as unknown as BySearch<T>;
}
