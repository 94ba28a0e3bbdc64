import { Csr, type Dataset, popularityScores } from '../data/index.js';
import type { Gpu } from '../gpu/index.js';
import { CUTOFFS, type EvaluationInput, evaluate, evaluatePopularity } from '../search/index.js';
import { type Run, requireSameData, type TestMetrics } from './run_folder.js';

/**
 * A run's metrics on the test edges (DESIGN's protocol): users with a test item are asked; candidates are all items,
 * less the user's training and validation items where masked.
 */
export async function evaluateRun(
  gpu: Gpu,
  run: Run,
  dataset: Dataset,
  {
    masked = true,
    candidates = run.options.candidates,
    cutoffs = CUTOFFS,
    onHits,
  }: Pick<EvaluationInput, 'masked' | 'candidates' | 'cutoffs' | 'onHits'> = {},
): Promise<TestMetrics> {
  requireSameData(run, dataset);
  const { userCount, itemCount } = dataset;
  const seen = seenItems(dataset);
  const test = Csr.fromEdges(dataset.test, userCount, itemCount);
  const result = await evaluate(gpu, {
    bits: run.bits,
    userCodes: run.userCodes,
    itemCodes: run.itemCodes,
    userEmbeddings: run.users,
    itemEmbeddings: run.items,
    seen,
    test,
    ...{ candidates, masked, cutoffs },
    ...(onHits && { onHits }),
  });
  const scores = popularityScores(dataset.train, itemCount);
  const popularity = evaluatePopularity(scores, masked ? seen : undefined, test, cutoffs);
  return { ...result, popularity, masked, candidates };
}

/** Training and validation items of every user. */
export function seenItems({ train, valid, userCount, itemCount }: Dataset): Csr {
  const both = new Int32Array(train.length + valid.length);
  both.set(train);
  both.set(valid, train.length);
  return Csr.fromEdges(both, userCount, itemCount);
}
