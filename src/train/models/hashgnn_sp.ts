import type { Model } from './model.js';

/**
 * HashGNN_sp: representation and hash function apart (paper, section 5.2.2). Up to `guidanceFrom` it is GraphSage; from then
 * on only the hash layer learns, straight through its signs, on features that stay as they are. It goes on from the
 * projection that GraphSage learnt.
 */
export const hashgnnSp: Model = {
  options: { hashOnly: true, guidanceStart: 1, guidanceBy: 1, guidanceEvery: 1 },
};
