export { type Codes, MAX_BITS, packCodes, unpackCodes, wordsOf } from './codes.js';
export { MISSING_PRODUCT } from './embeddings.js';
export { type Evaluation, type EvaluationInput, evaluate, type SearchName } from './evaluate.js';
export { type IdBitmap, idBitmap } from './filter.js';
export {
  HammingIndex,
  type HammingItems,
  type HammingResult,
  type IndexOptions,
  type RangeResult,
} from './hamming.js';
export {
  DEFAULT_CANDIDATES,
  HierarchicalIndex,
  type HierarchicalItems,
  type HierarchicalOptions,
  type HierarchicalQueries,
} from './hierarchical.js';
export { InnerProductIndex, type ProductOptions, type ProductResult } from './inner_product.js';
export type { Exclusions, Lists } from './lists.js';
export { CUTOFFS, evaluatePopularity, evaluateRanking, type Metrics, metricsOfHits, recallsOfHits } from './metrics.js';
export { type Design, topkVariant } from './plan.js';
export type { SearchOptions } from './stream.js';
export { BusyError } from './turns.js';
