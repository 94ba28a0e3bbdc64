import type { Model } from './model.js';

/**
 * BiNE (Gao et al., SIGIR 2018): vectors that explain the edges and, as skip-grams with vectors of their own for contexts,
 * the nodes of either side that random walks over the graph find near each other; trained jointly.
 */
export const bine: Model = {
  options: {
    encoder: 'lightgcn',
    propagations: 0,
    hashLayer: 'none',
    guidanceStart: 1,
    guidanceBy: 0,
    objective: 'pairs',
    embeddingWeight: 0,
    distillation: 0,
    implicitWeight: 0.1,
    rankingWeight: 0,
    scale: 1,
    learnScale: false,
  },
};
