/** Runs that were made elsewhere, as their `results.json` has them: in another folder, on another machine, a version ago. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { above, amount, type Check, check, each, fields, list, optional, orNull, text } from '../base/checks.js';
import { InputError } from '../base/errors.js';
import { readJson } from '../base/files.js';
import { type Comparison, comparedRuns } from './comparisons.js';
import { keyOf, type PlannedRun } from './plan.js';
import { presetOf } from './profiles.js';
import type { Origin, Results, RunResult, Times } from './results.js';
import { CUTOFFS, keptRecalls, MASKINGS, type Recalls, SEARCHES } from './run_evaluation.js';

/** A finished run, wherever it was made. */
export interface FinishedRun {
  readonly result: RunResult;
  readonly times: Times['runs'][string];
  /** Where they were kept: a `results.json` alone is without them. */
  readonly recalls?: Recalls;
}

interface Source {
  /** As the caller named it. */
  readonly path: string;
  readonly folder: string;
  readonly results: Results;
}

/** The runs of some reproductions that were made elsewhere. */
export class IncludedRuns {
  private constructor(private readonly sources: readonly Source[]) {}

  /**
   * @param paths `results.json` of `hashgnn reproduce`, or folders with one; with the runs beside it, users are compared too
   * @throws InputError where one is no such file, or lacks something
   */
  static async read(paths: readonly string[]): Promise<IncludedRuns> {
    return new IncludedRuns(await Promise.all(paths.map(readSource)));
  }

  /**
   * The first run of the same recipe, seed, length and data; before it the first with a curve, where one is drawn.
   * @param fingerprint of the data set here
   */
  async find(run: PlannedRun, fingerprint: string): Promise<FinishedRun | undefined> {
    const all = this.sources.flatMap((source) => {
      const sameData = source.results.data.some((data) => data.name === run.data && data.fingerprint === fingerprint);
      const result = sameData && source.results.runs.find((one) => isSame(one, run));
      return result ? [{ source, result }] : [];
    });
    const found = (run.curve && all.find(({ result }) => result.curve)) || all[0];
    if (!found) return undefined;
    const { source, result } = found;
    const kept = join(source.folder, 'runs', result.id);
    const recalls = (await isFile(join(kept, 'recalls.npy'))) && (await keptRecalls(kept));
    const { curve, ...rest } = result;
    return {
      result: { ...rest, ...(run.curve && curve && { curve }), from: originOf(source, result, run) },
      times: source.results.times.runs[result.id]!,
      ...(recalls && { recalls }),
    };
  }

  /** What they found of users, as far as the runs that are taken are those that they speak of. */
  comparisons(taken: readonly RunResult[]): Comparison[] {
    return this.sources.flatMap(({ results }) =>
      results.comparisons.filter((one) => {
        const spoken = comparedRuns(results.runs, one);
        return spoken.length > 0 && spoken.every((run) => taken.some((own) => hasFiguresOf(own, run, one)));
      }),
    );
  }
}

/** What it was itself included from stays named. */
const originOf = ({ path }: Source, { from, id }: RunResult, run: PlannedRun): Origin => ({
  results: from?.results ?? path,
  sameOptions: id === run.id,
});

const isFile = async (path: string) => (await stat(path).catch(() => undefined))?.isFile() ?? false;

function isSame(one: RunResult, run: PlannedRun): boolean {
  return (
    keyOf(one) === keyOf(run) &&
    one.preset === presetOf(run.data, run.role) &&
    one.seed === run.seed &&
    one.steps === run.options.steps &&
    one.bits === run.options.bits
  );
}

/** Whether it is the same training with the same outcome where a comparison looks. */
function hasFiguresOf(own: RunResult, other: RunResult, { masking, search }: Comparison): boolean {
  const [ours, theirs] = [own, other].map(({ metrics }) => metrics[masking][search]['HR@50']);
  return keyOf(own) === keyOf(other) && own.seed === other.seed && ours === theirs;
}

// ---------------------------------------------------------------------------------------------------------- checking

const number = check('a number', Number.isFinite);
const worst = fields({ mean: number, worst: number });
const health = fields({
  ...{ imbalance: worst, correlation: worst },
  ...{ distinct: amount, count: amount, colliding: amount, largest: amount },
});
const bySearch = (inner: Check) =>
  fields(
    Object.fromEntries(
      MASKINGS.map((masking) => [masking, fields(Object.fromEntries(SEARCHES.map((search) => [search, inner])))]),
    ),
  );
const METRICS = [
  ...CUTOFFS.map((n) => `HR@${n}`),
  ...['ndcg', 'ndcg_retrieved'].flatMap((name) => [50, 100].map((n) => `${name}@${n}`)),
];
const column = list(number);
const columns = (names: readonly string[]) => fields(Object.fromEntries(names.map((name) => [name, column])));

/** All that is ever read of it. */
const RESULTS = fields({
  data: list(fields({ name: text, fingerprint: text })),
  runs: list(
    fields({
      ...{ id: text, data: text, model: text, role: text, preset: text, changes: each(() => undefined), seed: amount },
      ...{ steps: above, bits: above, adapter: text, best: orNull(fields({ step: amount, selection: number })) },
      ...{ candidates: above, users: above, from: optional(fields({ results: text })) },
      metrics: bySearch(fields(Object.fromEntries(METRICS.map((name) => [name, amount])))),
      health: fields({ users: health, items: health }),
      memory: fields({ predicted: amount, peak: amount }),
      curve: optional(
        fields({
          losses: columns(['step', 'loss', 'auc', 'guidance']),
          validations: columns(['step', ...SEARCHES]),
        }),
      ),
    }),
  ),
  comparisons: list(
    fields({
      ...{ data: text, role: text, masking: text, search: text, other: text, users: above, seeds: above },
      ...{ difference: number, halfWidth: amount, differing: amount, p: amount, corrected: amount },
    }),
  ),
  times: fields({
    runs: each(fields({ training: amount, toBest: orNull(amount), searches: bySearch(amount) })),
  }),
});

async function readSource(path: string): Promise<Source> {
  const found = await stat(path).catch(() => undefined);
  const file = found?.isDirectory() ? join(path, 'results.json') : path;
  const value = ((await readJson(file)) ?? {}) as Record<string, unknown>;
  const fix = 'name a results.json that `hashgnn reproduce` of this version wrote, or the folder that it is in';
  if (value.format !== 'hashgnn-reproduction' || value.version !== 1) {
    throw new InputError('these are no results of hashgnn reproduce, or those of another version', {
      ...{ where: file, fix },
    });
  }
  const wrong = RESULTS(value, '') ?? unmatched(value as unknown as Results);
  if (wrong !== undefined) {
    throw new InputError(`these results cannot be included: ${wrong}`, { where: file, fix });
  }
  return {
    path: basename(path) === 'results.json' ? dirname(path) : path,
    folder: dirname(file),
    results: value as never,
  };
}

/** The first run without times. */
function unmatched({ runs, times }: Results): string | undefined {
  const run = runs.find(({ id }) => !Object.hasOwn(times.runs, id));
  return run && `times.runs.${run.id} is missing`;
}
