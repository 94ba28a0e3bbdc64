import type { Model } from './model.js';

/** HashGNN (paper, sections 3 and 4): all of it. */
export const hashgnn: Model = {
  options: {},
};
