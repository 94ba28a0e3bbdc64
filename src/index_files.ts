/** Indexes as files on disk; their format is that of `search/index_format.ts`. Node only. */
import { readBytes, writeFileAtomic } from './base/files.js';
import type { Gpu } from './gpu/index.js';
import { HammingIndex, HierarchicalIndex } from './search/index.js';
import { decodeIndex, encodeIndex, type IndexContents } from './search/index_format.js';

/**
 * Writes an index to one file, whole or not at all; what was there before is replaced. Items that were removed from the
 * index are left out.
 * @throws HashgnnError when the disk is full, the folder missing or closed to us, …
 */
export async function saveIndex(path: string, index: HammingIndex | HierarchicalIndex): Promise<void> {
  await writeFileAtomic(path, await encodeIndex(index.contents()));
}

/**
 * The index that a file holds, on a device.
 * @throws InputError where the file is missing, no index, of a newer version, altered or cut off; GpuOutOfMemoryError
 * where the device has no room for it
 */
export async function openIndex(gpu: Gpu, path: string): Promise<HammingIndex | HierarchicalIndex> {
  return indexOf(gpu, await readIndex(path));
}

/** What an index file holds, checked. @throws InputError as `openIndex` */
export async function readIndex(path: string): Promise<IndexContents> {
  return decodeIndex(await readBytes(path), path);
}

/** An index of the kind that the contents are of. */
export function indexOf(gpu: Gpu, contents: IndexContents): Promise<HammingIndex | HierarchicalIndex> {
  return contents.embeddings ? HierarchicalIndex.fromContents(gpu, contents) : HammingIndex.fromContents(gpu, contents);
}
