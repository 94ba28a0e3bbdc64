/** What the steps of a preparation share. */
import type { Engine } from './engine.js';
import type { PrepareOptions } from './prepare_options.js';

/** One run of `prepareDataset`. */
export interface Preparation {
  readonly engine: Engine;
  readonly options: PrepareOptions;
  /** The folder that becomes the dataset's once it is whole. */
  readonly temporary: string;
  /** A folder in it for what is of no use afterwards; made when needed. */
  readonly spill: string;
  /** Names what is done from now on, for `progress`. */
  stage(name: string): void;
}
