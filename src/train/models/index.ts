import { bine } from './bine.js';
import { graphsage } from './graphsage.js';
import { hashGumbel } from './hash_gumbel.js';
import { hashSte } from './hash_ste.js';
import { hashgnn } from './hashgnn.js';
import { hashgnnNr } from './hashgnn_nr.js';
import { hashgnnSp } from './hashgnn_sp.js';
import { hashnet } from './hashnet.js';
import { lsh } from './lsh.js';
import { mf } from './mf.js';
import type { Model } from './model.js';
import { pte } from './pte.js';

/** The systems of the paper's tables, by the name that `--model` knows. */
export const MODELS = {
  hashgnn,
  'hashgnn-nr': hashgnnNr,
  'hash-ste': hashSte,
  'hashgnn-sp': hashgnnSp,
  hashnet,
  'hash-gumbel': hashGumbel,
  lsh,
  graphsage,
  mf,
  pte,
  bine,
} satisfies Record<string, Model>;
export type ModelName = keyof typeof MODELS;
