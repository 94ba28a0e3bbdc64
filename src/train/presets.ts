import type { OptionName } from './options.js';

/** What is searched beside the codes, and how it teaches them, where users have many interactions. */
const TAUGHT = { embeddings: 'vectors', embeddingWeight: 0.5, embeddingScale: 0.25, distillation: 0.5 } as const;

/** The best found, with codes alone in the loss. */
const MULTINOMIAL = {
  encoder: 'lightgcn',
  propagations: 2,
  inputWidth: 0,
  firstFeatures: 'svd',
  featureDeviation: 1,
  initialisation: 'identity',
  objective: 'multinomial',
  scale: 0.25,
  batchSize: 1024,
  learningRate: 0.02,
  decay: 'cosine',
  decayTo: 0.05,
  guidanceFrom: 0,
} as const;

/** A named set of options. */
export interface Preset {
  /** What it is for, in a line. */
  readonly about: string;
  /** What it sets over the defaults. */
  readonly options: Readonly<Partial<Record<OptionName, unknown>>>;
}

/** Every preset; docs/presets.md says of each value where it comes from. */
export const PRESETS = {
  default: { about: 'trains HashGNN well in minutes', options: {} },
  paper: {
    about: 'the authors’ protocol as closely as text and published code allow and training succeeds',
    options: {
      steps: 4600,
      batchSize: 1024,
      learningRate: 0.002,
      guidanceFrom: 3200,
      guidanceEvery: 75,
      sharpnessEvery: 80,
      evaluateEvery: 200,
      select: 'hierarchical',
    },
  },
  text: {
    about: 'the values that the paper’s text states, taken literally; for the record, for it does not train',
    options: {
      steps: 5000,
      fanouts: 'all',
      aggregation: 'joint',
      weights: 'shared',
      initialisation: 'normal',
      featureDeviation: 0.02,
      scale: 1,
      learnScale: false,
      reduction: 'sum',
      guidanceFrom: 0,
      guidanceEvery: 250,
      batchSize: 256,
      learningRate: 0.001,
    },
  },
  best: {
    about: 'the best found with validation data, where users have many interactions',
    options: {
      ...MULTINOMIAL,
      ...TAUGHT,
      // What MovieLens-1M bears: the factors of more directions are worse, and wider codes began with the noise of all.
      firstRank: 48,
      steps: 200,
      guidanceEvery: 8,
      sharpnessFrom: 20,
      sharpnessEvery: 3,
      evaluateEvery: 20,
      logEvery: 10,
    },
  },
  sparse: {
    about: 'the best found where users have few, some dozens: codes alone are trained, for twice as long',
    options: {
      ...MULTINOMIAL,
      steps: 400,
      guidanceEvery: 16,
      sharpnessFrom: 40,
      sharpnessEvery: 6,
      evaluateEvery: 40,
      logEvery: 20,
    },
  },
} satisfies Record<string, Preset>;
export type PresetName = keyof typeof PRESETS;
