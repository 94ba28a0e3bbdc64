import type { Command } from 'commander';
import { register as bench } from './bench.js';
import { register as demo } from './demo.js';
import { register as doctor } from './doctor.js';
import { register as download } from './download.js';
import { register as evaluate } from './evaluate.js';
import { register as generate } from './generate.js';
import { register as inspect } from './inspect.js';
import { register as prepare } from './prepare.js';
import { register as presets } from './presets.js';
import { register as recommend } from './recommend.js';
import { register as refine } from './refine.js';
import { register as reproduce } from './reproduce.js';
import { register as search } from './search.js';
import { register as train } from './train.js';
import { register as tune } from './tune.js';

/** Adds one command, with its options and its action, to the program. */
export type Register = (program: Command) => void;

/** Every command of `hashgnn`, in the order in which `hashgnn --help` lists them. */
export const commands: readonly Register[] = [
  download,
  prepare,
  inspect,
  train,
  presets,
  refine,
  evaluate,
  recommend,
  search,
  reproduce,
  demo,
  generate,
  bench,
  tune,
  doctor,
];
