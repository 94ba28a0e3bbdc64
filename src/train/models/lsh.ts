import type { Model } from './model.js';

/** LSH (Charikar, STOC 2002): random hyperplanes on the output of GraphSage (paper, section 5.2.2). */
export const lsh: Model = {
  options: { guidanceStart: 1, guidanceBy: 0, codes: 'hyperplanes' },
};
