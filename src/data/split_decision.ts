/** How interactions are split by the options and the files that are given; whether that left something in each part. */
import { InputError } from '../base/errors.js';
import type { DatasetSummary } from './dataset.js';
import type { Moments } from './moments.js';
import type { PartCounts } from './parts.js';
import type { Input, PrepareOptions } from './prepare_options.js';
import type { SplitPlan } from './split.js';

export interface SplitDecision {
  readonly plan: SplitPlan;
  /** Whether the part is drawn here: files may give it. */
  readonly drawsTest: boolean;
  readonly drawsValid: boolean;
  /** Whether a share of the interactions tests. */
  readonly hasRatio: boolean;
}

export function decideSplit(
  options: PrepareOptions,
  inputs: readonly Input[],
  { testFrom }: Moments,
  total: number,
): SplitDecision {
  const seed = options.seed ?? 1;
  const drawsTest = inputs[0]!.role === 'all';
  const drawsValid = drawsTest || options.valid === undefined;
  const kind = options.split ?? 'by-user';
  const hasRatio = drawsTest && (kind === 'by-user' || kind === 'overall');
  const testRatio = hasRatio ? (options.testRatio ?? 0.3) : 0;
  const validRatio = drawsValid ? (options.validRatio ?? 0.1) : 0;
  const plan = { kind, seed, testRatio, validRatio, total, ...(testFrom !== undefined && { testFrom }) };
  return { plan, drawsTest, drawsValid, hasRatio };
}

/** @throws InputError for a part that is empty and should not be. @param where the inputs */
export function checkParts(
  counts: PartCounts['counts'],
  { plan, drawsTest, hasRatio }: SplitDecision,
  { split, testFrom, valid }: PrepareOptions,
  where: string,
): void {
  const fromFiles = !drawsTest;
  if (counts.train === 0) {
    throw new InputError('no interactions are left to train on', {
      where,
      fix: split === 'by-time' ? `name a later --test-from than ${testFrom}` : 'relax the filters',
    });
  }
  if (counts.test === 0 && (!hasRatio || plan.testRatio > 0)) {
    if (split === 'by-time') {
      throw new InputError(`the test part is empty: no pair is at or after ${testFrom}`, {
        where,
        fix: 'name an earlier --test-from',
      });
    }
    throw new InputError(
      fromFiles
        ? 'the test part is empty: each of its pairs is in another part or filtered out'
        : 'the test part is empty: no user has enough interactions to test one',
      {
        where,
        fix: fromFiles ? 'name another --test file' : 'use more interactions, or --test-ratio 0 to test nothing',
      },
    );
  }
  if (counts.valid === 0 && valid !== undefined) {
    throw new InputError('the validation part is empty: each of its pairs is in the training part or filtered out', {
      where,
      fix: 'leave --valid out: validation is then drawn from the training interactions',
    });
  }
}

/** The split in the words of `dataset.json`. @param testFrom as the user wrote it */
export function describeSplit(
  { plan, drawsTest, drawsValid, hasRatio }: SplitDecision,
  { counts, usersWithTest, usersWithoutTrain, itemsWithoutTrain }: PartCounts,
  testFrom: string | undefined,
): DatasetSummary['split'] {
  const { kind, seed, testRatio, validRatio } = plan;
  return {
    kind: drawsTest ? kind : drawsValid ? 'given-valid-drawn' : 'given',
    seed,
    testFrom: testFrom ?? null,
    testRatio: hasRatio ? testRatio : null,
    validRatio: drawsValid ? validRatio : null,
    ...counts,
    usersWithTest,
    usersWithoutTrain,
    itemsWithoutTrain,
    sharedPairs: 0,
  };
}
