import type { Model } from './model.js';

/**
 * Hash_gumb: every bit a two-way Gumbel softmax (Jang et al., ICLR 2017) whose temperature 1 / β falls from 1 (paper,
 * sections 5.2.2 and 5.2.3).
 */
export const hashGumbel: Model = {
  options: { relaxation: 'concrete' },
};
