export { type Download, type DownloadedFile, type DownloadOptions, downloadSet, isThere } from './download.js';
