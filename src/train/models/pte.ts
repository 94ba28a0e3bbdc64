import type { Model } from './model.js';

/**
 * PTE (Tang et al., KDD 2015) on the one bipartite graph there is: edges drawn from the graph, negatives from
 * degree^0.75 whatever edges they have, the logistic loss on inner products alone, without a factor on them. So they
 * estimate log P(item | user) less 0.75 · log degree, and rankings by them lack popularity (`docs/results`).
 */
export const pte: Model = {
  options: {
    encoder: 'lightgcn',
    propagations: 0,
    hashLayer: 'none',
    guidanceStart: 1,
    guidanceBy: 0,
    objective: 'pairs',
    embeddingWeight: 0,
    distillation: 0,
    negativeSampling: 'degree',
    rankingWeight: 0,
    scale: 1,
    learnScale: false,
  },
};
