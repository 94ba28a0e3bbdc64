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

/**
 * Named sets of options.
 * - `default` trains well in minutes.
 * - `paper`: the authors' protocol as closely as text and published code allow and training succeeds: guidance waits until
 *   GraphSage has nearly converged, and the factor on inner products is learnt.
 * - `text`: the values that the paper's text states, taken literally.
 * - `best`: the best found with validation data: vectors propagated as in LightGCN, from PureSVD turned towards its signs,
 *   by the multinomial likelihood, of codes and of embeddings. Embeddings are what the hash layer is given, so that they need
 *   not be half code themselves, and their probabilities are half of the codes' targets.
 * - `sparse`: the same where users have few interactions, as on Gowalla and Pinterest (27 and 34 each, MovieLens-1M: 166): the
 *   codes alone are trained, for twice as long, and the embeddings are what their signs are of. Vectors of their own, which
 *   nothing bounds, learn few interactions by heart.
 */
export const PRESETS = {
  default: {},
  paper: {
    steps: 4600,
    batchSize: 1024,
    learningRate: 0.002,
    guidanceFrom: 3200,
    guidanceEvery: 75,
    sharpnessEvery: 80,
    evaluateEvery: 200,
    select: 'hierarchical',
  },
  text: {
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
  best: {
    ...MULTINOMIAL,
    ...TAUGHT,
    steps: 200,
    guidanceEvery: 8,
    sharpnessFrom: 20,
    sharpnessEvery: 3,
    evaluateEvery: 20,
    logEvery: 10,
  },
  sparse: {
    ...MULTINOMIAL,
    steps: 400,
    guidanceEvery: 16,
    sharpnessFrom: 40,
    sharpnessEvery: 6,
    evaluateEvery: 40,
    logEvery: 20,
  },
} satisfies Record<string, Partial<Record<OptionName, unknown>>>;
export type PresetName = keyof typeof PRESETS;
