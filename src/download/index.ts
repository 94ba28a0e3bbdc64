export { type Download, type DownloadOptions, downloadSet, isThere } from './download.js';
