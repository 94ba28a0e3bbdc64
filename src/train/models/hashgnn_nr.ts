import type { Model } from './model.js';

/** HashGNN_nr: without the ranking loss (paper, section 5.2.2). */
export const hashgnnNr: Model = {
  options: { rankingWeight: 0 },
};
