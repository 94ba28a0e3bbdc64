export { type Codes, MAX_BITS, packCodes, unpackCodes, wordsOf } from './codes.js';
export { MISSING_PRODUCT } from './embeddings.js';
export { type Evaluation, type EvaluationInput, evaluate, type SearchName } from './evaluate.js';
export { HammingIndex, type HammingResult } from './hamming.js';
export {
  DEFAULT_CANDIDATES,
  HierarchicalIndex,
  type HierarchicalOptions,
  type HierarchicalQueries,
} from './hierarchical.js';
export { InnerProductIndex, type ProductResult } from './inner_product.js';
export type { Exclusions, Lists } from './lists.js';
export { CUTOFFS, evaluatePopularity, evaluateRanking, type Metrics, metricsOfHits } from './metrics.js';
export type { SearchOptions } from './stream.js';
export { topkVariant, type Variant } from './variant.js';
