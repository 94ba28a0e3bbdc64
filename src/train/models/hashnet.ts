import type { Model } from './model.js';

/**
 * HashNet (Cao et al., ICCV 2017) on graphs: ĥ = tanh(βa) of what the hash layer sums up, β = 1 at first and growing
 * exponentially after 200 iterations (paper, section 5.2.3); signs after training.
 */
export const hashnet: Model = {
  options: { relaxation: 'continuation' },
};
