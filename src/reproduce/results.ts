/** The content of `results.json`: everything that the report shows. */
import type { DatasetSummary } from '../data/index.js';
import type { SearchName } from '../search/index.js';
import type { Comparison } from './comparisons.js';
import type { Ordering } from './orderings.js';
import type { DataName } from './paper.js';
import { keyOf, type Recipe } from './plan.js';
import type { Profile, Role } from './profiles.js';
import type { Masking, RunEvaluation } from './run_evaluation.js';
import { type Spread, spreadOf } from './statistics.js';
import type { Yardsticks } from './yardsticks.js';

export interface DataResult {
  readonly name: DataName;
  /** Whether the interactions are made up. */
  readonly generated: boolean;
  /** How it was split, in words. */
  readonly split: string;
  readonly statistics: DatasetSummary['statistics'];
  readonly fingerprint: string;
}

/** One training, finished and evaluated. */
export interface RunResult extends Recipe {
  readonly id: string;
  readonly preset: string;
  readonly seed: number;
  readonly steps: number;
  readonly bits: number;
  /** On which it was trained. */
  readonly adapter: string;
  /** Of the parameters that were kept: the step, and its validation HR@50 by which it was chosen; null of the last ones. */
  readonly best: { readonly step: number; readonly selection: number } | null;
  readonly candidates: number;
  readonly users: number;
  readonly metrics: RunEvaluation['metrics'];
  readonly health: RunEvaluation['health'];
  /** Bytes on the device: predicted and real, at most. */
  readonly memory: { readonly predicted: number; readonly peak: number };
  /** Where a figure draws it. */
  readonly curve?: Curve;
  /** Where it was included from; undefined where it is in the folder of this report. */
  readonly from?: Origin;
}

/** The results that a run was included from. */
export interface Origin {
  /** As they were named. */
  readonly results: string;
  /** Whether every option is that of here: its id says so. Else another version made it, whose presets may have set some otherwise. */
  readonly sameOptions: boolean;
}

/** How a training went, as columns. */
export interface Curve {
  readonly losses: Readonly<Record<'step' | 'loss' | 'auc' | 'guidance', readonly number[]>>;
  /** Validation HR@50. */
  readonly validations: Readonly<Record<'step' | SearchName, readonly number[]>>;
}

/** What clocks say: different each time. */
export interface Times {
  readonly date: string;
  /** Seconds by run. */
  readonly runs: Readonly<
    Record<
      string,
      {
        readonly training: number;
        readonly toBest: number | null;
        readonly searches: RunEvaluation['seconds'];
      }
    >
  >;
}

/** Something that is not in the results, and why. */
export interface Missing {
  readonly what: string;
  readonly fix?: string;
}

export interface Results {
  readonly format: 'hashgnn-reproduction';
  readonly version: 1;
  readonly profile: Profile & { readonly name: string };
  readonly exhibits: readonly string[];
  /** On which the evaluations were made; each run has that of its training. */
  readonly adapter: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly data: readonly DataResult[];
  readonly missing: readonly Missing[];
  /** Runs that failed, and why. */
  readonly failed: readonly { readonly id: string; readonly why: string }[];
  /** Runs that are still to be done. */
  readonly unfinished: readonly string[];
  readonly runs: readonly RunResult[];
  readonly yardsticks: readonly (Yardsticks & { readonly data: DataName; readonly width: number })[];
  readonly comparisons: readonly Comparison[];
  readonly orderings: readonly Ordering[];
  readonly times: Times;
}

/** The results before anything is concluded from them. */
export type Measured = Omit<Results, 'comparisons' | 'orderings'>;

/** Where a figure of a table stands. */
export interface Place {
  readonly masking: Masking;
  readonly search: SearchName;
  /** As in `Metrics`. */
  readonly metric: string;
}

/** The runs of a recipe, by ascending seed. */
export function runsLike({ runs }: Pick<Measured, 'runs'>, recipe: Recipe): RunResult[] {
  const key = keyOf(recipe);
  return runs.filter((run) => keyOf(run) === key);
}

/** A metric over the seeds of a recipe; undefined where there is no run. */
export function figureOf(
  results: Pick<Measured, 'runs'>,
  recipe: Recipe,
  { masking, search, metric }: Place,
): Spread | undefined {
  const values = runsLike(results, recipe).map(({ metrics }) => metrics[masking][search][metric]!);
  return values.length > 0 ? spreadOf(values) : undefined;
}

/** The runs of the first seed, the only one of Figures 5 and 7: values of an option are compared on the same random numbers. */
export const ofFirstSeed = <T extends Pick<Measured, 'runs' | 'profile'>>(results: T): T => ({
  ...results,
  runs: results.runs.filter(({ seed }) => seed === results.profile.seeds[0]),
});

/** The yardsticks of a data set at a width, where they were measured. */
export function yardsticksOf(results: Pick<Measured, 'yardsticks'>, data: DataName, width: number) {
  return results.yardsticks.find((one) => one.data === data && one.width === width);
}

/** A system as the tables have it: with nothing changed. */
export const plain = (data: DataName, model: Recipe['model'], role: Role): Recipe => ({
  data,
  model,
  role,
  changes: {},
});
