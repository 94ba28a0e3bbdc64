import type { Model } from './model.js';

/** Hash_ste: the plain straight-through estimator, p = 0 from the start (paper, section 5.2.2). */
export const hashSte: Model = {
  options: { guidanceStart: 0 },
};
