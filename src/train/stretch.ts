import { resolveOptions, type TrainOptions } from './options.js';

/** Options that count steps; one that is 0 stays so. */
const STEP_COUNTS: readonly string[] = [
  'steps',
  'guidanceFrom',
  'guidanceEvery',
  'sharpnessFrom',
  'sharpnessEvery',
  'warmup',
  'evaluateEvery',
  'logEvery',
  'checkpointEvery',
] satisfies (keyof TrainOptions)[];

/** A validation takes as long as several steps: a shortened training has no more of them than this. */
const MOST_VALIDATIONS = 15;

/**
 * The options of a training whose course is the same in more or fewer steps, with fewer validations where it would have many.
 * @param factor what all numbers of steps are multiplied by
 */
export function stretched(options: TrainOptions, factor: number): TrainOptions {
  if (factor === 1) return options;
  const other: Record<string, unknown> = { ...options };
  for (const name of STEP_COUNTS) {
    const value = other[name];
    if (typeof value === 'number' && value > 0) other[name] = Math.max(1, Math.round(value * factor));
  }
  const { steps, evaluateEvery } = other as Pick<TrainOptions, 'steps' | 'evaluateEvery'>;
  if (factor < 1 && evaluateEvery > 0) {
    other.evaluateEvery = Math.max(evaluateEvery, Math.ceil(steps / MOST_VALIDATIONS));
  }
  return resolveOptions(other);
}
