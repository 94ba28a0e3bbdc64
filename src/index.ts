/**
 * hashgnn as a library: open a device, read data, train, search.
 *
 * The rooms may also be used by themselves: `Gpu` and its kernels without anything about recommenders, and the indexes
 * without any training.
 */
export { HashgnnError, InputError, InterruptedError, UsageError } from './base/errors.js';
export * from './data/index.js';
export { type Download, type DownloadOptions, downloadSet } from './download/index.js';
export * from './gpu/index.js';
export { openIndex, saveIndex } from './index_files.js';
export {
  EXHIBITS,
  PROFILES,
  pureSvd,
  type ReproduceEvents,
  type ReproduceRequest,
  type Results,
  reproduce,
} from './reproduce/index.js';
export * from './search/index.js';
export { decodeIndex, encodeIndex, type IndexContents } from './search/index_format.js';
export * from './train/index.js';
