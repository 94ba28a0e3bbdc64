export { CATALOGUE, type PublishedSet, publishedSet, usualFolder } from './catalogue.js';
export { type Dataset, type DatasetSummary, fingerprint, readDataset } from './dataset.js';
export {
  type GeneratedInteractions,
  type GenerateOptions,
  generateInteractions,
  parseShape,
  type Shape,
  shapes,
  type UserInteractions,
} from './generate.js';
export { buildGraph, Csr, popularityScores } from './graph.js';
export { type Files, type PrepareOptions, prepareDataset } from './prepare.js';
export { type SplitKind, splitKinds } from './split.js';
export {
  type DatasetStatistics,
  datasetStatistics,
  type SideStatistics,
  type TrainingClass,
} from './statistics.js';
export type { TimeHistogram } from './times.js';
export { toText, twinsText, type WriteGeneratedOptions, writeGenerated } from './write_generated.js';
