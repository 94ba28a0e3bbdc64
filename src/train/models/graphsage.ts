import type { Model } from './model.js';

/** GraphSage (Hamilton et al., NIPS 2017): the same encoder, continuous only, p = 1 throughout. */
export const graphsage: Model = {
  options: { guidanceStart: 1, guidanceBy: 0 },
};
