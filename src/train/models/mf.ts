import type { Model } from './model.js';

/**
 * MF: matrix factorisation, a vector a node, trained by the losses that all systems here share on inner products; no graph
 * layer, no hash layer, codes from the signs.
 */
export const mf: Model = {
  options: { encoder: 'lightgcn', propagations: 0, hashLayer: 'none', guidanceStart: 1, guidanceBy: 0 },
};
