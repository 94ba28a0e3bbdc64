export { MEMORY_GROUPS, type MemoryGroup } from './device_training.js';
export { evaluateRun, seenItems } from './evaluate.js';
export { type MemoryPrediction, predictMemory, requireFits, type TrainingSizes } from './memory.js';
export {
  flagOf,
  MODELS,
  type ModelName,
  OPTIONS,
  type OptionName,
  PRESETS,
  type PresetName,
  parseOption,
  resolveOptions,
  type TrainOptions,
} from './options.js';
export { type Recommendation, recommend } from './recommend.js';
export { type RefineEvents, type RefineRecord, type RefineSettings, refineRun } from './refine.js';
export {
  CodeRefinement,
  type RefinementInput,
  type RefinementRound,
  type RefinementSettings,
} from './refinement.js';
export { type RunEvents, trainToFolder } from './run.js';
export {
  type Embeddings,
  type RefinementResult,
  type Run,
  type RunResult,
  readResult,
  readRun,
  type TestMetrics,
} from './run_folder.js';
export { stretched } from './stretch.js';
export { type LossRecord, Trainer, type ValidationRecord } from './trainer.js';
export { type KeptTuning, keptTuning, tuningFile } from './tuning.js';
