/**
 * Files on disk: written whole or not at all, read with errors that name them. Node only.
 */
import { randomBytes } from 'node:crypto';
import { appendFile, type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { HashgnnError, InputError } from './errors.js';
import {
  bytesOf,
  checkShape,
  decodeNpy,
  type NpyArray,
  type NpyArrays,
  type NpyExpected,
  type NpyType,
  npyHeader,
} from './npy.js';
import { isAlive } from './processes.js';

/** What can be written to a file: one piece, or pieces that come one after another. */
export type Content = Uint8Array | string | Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

/** What a failing system call means for the person who asked for the file, by its code. */
const meanings: Record<string, readonly [what: string, fix: string]> = {
  ENOENT: ['there is no such file or folder', 'check the path'],
  EACCES: ['permission denied', 'change the permissions, or name another path'],
  EPERM: ['the operation is not permitted', 'change the permissions, or name another path'],
  EROFS: ['the file system is read-only', 'name a path on a file system that can be written'],
  ENOSPC: ['no space is left on the disk', 'free some space, or name a path on another disk'],
  EDQUOT: ['the disk quota is used up', 'free some space, or name a path on another disk'],
  EFBIG: ['the file is too large for this file system', 'name a path on another file system'],
  EISDIR: ['this is a folder, not a file', 'name a file'],
  ENOTDIR: ['a part of the path is a file, not a folder', 'check the path'],
  EEXIST: ['it exists already', 'name another path, or remove it'],
  ENOTEMPTY: ['the folder is not empty', 'name another path, or remove it'],
  ENAMETOOLONG: ['the name is too long', 'choose a shorter name'],
  ELOOP: ['the path leads round in links', 'check the path'],
  EMFILE: ['too many files are open', 'raise the limit of open files (ulimit -n)'],
  ENFILE: ['too many files are open', 'close other programs'],
  EIO: ['the device reported an input/output error', 'check the disk'],
  EBUSY: ['it is in use', 'close the program that uses it'],
};
const ofTheInput = new Set(['ENOENT', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

/**
 * A failed system call as an error for people; errors that are not one come back unchanged.
 *
 * @param doing what failed, as "cannot read the file" or "cannot write the file"
 */
export function toFileError(error: unknown, path: string, doing: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const meaning = error instanceof HashgnnError || typeof code !== 'string' ? undefined : meanings[code];
  if (!meaning) return error;
  const [what, fix] = meaning;
  const Type = ofTheInput.has(code!) ? InputError : HashgnnError;
  return new Type(`${doing}: ${what}`, { where: path, fix, cause: error });
}

export async function guarded<T>(path: string, doing: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw toFileError(error, path, doing);
  }
}

/** Node reads and writes less than 2 GiB at once. */
const AT_ONCE = 2 ** 30;

/** Writes a whole piece where the handle stands: `write` may take less than it is given. */
export async function writeAll(handle: FileHandle, piece: Uint8Array | string): Promise<void> {
  let rest: Uint8Array = typeof piece === 'string' ? Buffer.from(piece) : piece;
  while (rest.length > 0) rest = rest.subarray((await handle.write(rest.subarray(0, AT_ONCE))).bytesWritten);
}

/** Makes a rename durable where the system lets a folder be opened for it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (!handle) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
}

/** Where a lock stands in its folder. */
export const LOCK = '.lock';

/** Files that `writeFileAtomic` had begun when its process died. */
export const ASIDE = /^\..+\.\d+-[0-9a-f]{8}\.tmp$/;

export function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/**
 * Writes a file so that its name only ever stands for the whole content: aside in the same folder, flushed to the disk,
 * then renamed. On failure what was there before stays and nothing else is left.
 *
 * @param previous a name to leave what was there before under, once the new content is safe; there is never a moment without
 * one of the two
 * @throws HashgnnError when the disk is full, the folder missing or closed to us, …
 */
export async function writeFileAtomic(path: string, content: Content, previous?: string): Promise<void> {
  await guarded(path, 'cannot write the file', async () => {
    const aside = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
    let handle: FileHandle | undefined;
    try {
      handle = await open(aside, 'wx');
      if (typeof content === 'string' || content instanceof Uint8Array) await writeAll(handle, content);
      else for await (const piece of content) await writeAll(handle, piece);
      await handle.sync();
      await handle.close();
      handle = undefined;
      if (previous !== undefined) await rename(path, previous).catch(unlessMissing);
      await rename(aside, path);
    } catch (error) {
      await handle?.close().catch(() => undefined);
      await unlink(aside).catch(() => undefined);
      throw error;
    }
    await syncFolder(dirname(path));
  });
}

/**
 * @throws InputError when something other than an empty folder stands at `path`; what a process that died has left of a
 * lock or of half a file counts as nothing
 */
export async function requireEmptyFolder(path: string): Promise<void> {
  await guarded(path, 'cannot use the output folder', async () => {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!found) return;
    const fix = 'name another folder, or remove this one';
    if (!found.isDirectory()) throw new InputError('the output folder is a file', { where: path, fix });
    const entries = (await readdir(path)).filter((name) => !name.startsWith(LOCK) && !ASIDE.test(name));
    if (entries.length === 0) return;
    const some = entries.sort().slice(0, 3).join(', ');
    const more = entries.length > 3 ? `, … (${entries.length} entries)` : '';
    throw new InputError(`the output folder exists and is not empty: it holds ${some}${more}`, { where: path, fix });
  });
}

/** Folders that this process is filling now. */
const filling = new Set<string>();

async function removeStale(parent: string, prefix: string): Promise<void> {
  for (const entry of await readdir(parent)) {
    const pid = entry.startsWith(prefix) ? entry.slice(prefix.length) : '';
    if (!/^\d+$/.test(pid)) continue;
    // With our own id it is of an earlier process: this one fills a folder only once at a time.
    const stale = Number(pid) === process.pid || !(await isAlive(Number(pid)));
    if (stale) await rm(join(parent, entry), { recursive: true, force: true });
  }
}

/**
 * Creates a folder that appears with all of its content or not at all: `fill` writes into `.<name>.partial-<pid>` beside
 * it, which is renamed at the end and removed when `fill` fails. What processes that died have left is removed first.
 *
 * @param path the folder to create: must not exist, or be empty; missing parents are created
 * @throws InputError when it exists and is not empty, HashgnnError when the disk is full, …, and whatever `fill` throws
 */
export async function createFolderAtomically<T>(path: string, fill: (temporary: string) => Promise<T>): Promise<T> {
  const target = resolve(path);
  const parent = dirname(target);
  const prefix = `.${basename(target)}.partial-`;
  const temporary = join(parent, `${prefix}${process.pid}`);
  await requireEmptyFolder(path);
  if (filling.has(temporary)) {
    throw new HashgnnError('the output folder is being written already', { where: path, fix: 'name another folder' });
  }
  return guarded(path, 'cannot create the output folder', async () => {
    filling.add(temporary);
    try {
      const firstNew = await makeMissing(parent);
      try {
        await removeStale(parent, prefix);
        await mkdir(temporary);
        const result = await fill(temporary);
        await syncFolder(temporary);
        // Not every system renames over an empty folder.
        await rmdir(target).catch(unlessMissing);
        await rename(temporary, target);
        await syncFolder(parent);
        return result;
      } catch (error) {
        await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
        await removeEmptyParents(parent, firstNew);
        throw error;
      }
    } finally {
      filling.delete(temporary);
    }
  });
}

/** Takes back the parents that were made for a folder that then failed; any that someone has filled since stays. */
async function removeEmptyParents(parent: string, firstNew: string | undefined): Promise<void> {
  if (firstNew === undefined) return;
  for (let folder = parent; folder.startsWith(firstNew); folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

/**
 * A whole file.
 * @param atOnce a file that is larger is read in pieces of this many bytes
 * @throws InputError naming the file when it is missing or a folder; HashgnnError when it cannot be read
 */
export async function readBytes(path: string, atOnce: number = AT_ONCE): Promise<Uint8Array> {
  return guarded(path, 'cannot read the file', async () => {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      return size <= atOnce ? await handle.readFile() : await readPieces(handle, path, size, atOnce);
    } finally {
      await handle.close();
    }
  });
}

async function readPieces(handle: FileHandle, path: string, size: number, atOnce: number): Promise<Uint8Array> {
  const bytes = allocate(path, size);
  for (let place = 0; place < size; ) {
    const { bytesRead } = await handle.read(bytes, place, Math.min(atOnce, size - place), place);
    if (bytesRead === 0) {
      throw new InputError(`the file became shorter while it was read: it ends after ${place} of ${size} bytes`, {
        where: path,
        fix: 'try again when nothing else writes it',
      });
    }
    place += bytesRead;
  }
  return bytes;
}

function allocate(path: string, size: number): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch (cause) {
    const fix = 'use a smaller file, or a machine with more memory';
    throw new HashgnnError(`there is no memory for the ${size} bytes of the file`, { where: path, fix, cause });
  }
}

/** Gives a file that stands aside on the same disk its final name, once its content is on the disk. */
export async function moveInPlace(aside: string, path: string): Promise<void> {
  await guarded(path, 'cannot write the file', async () => {
    const handle = await open(aside, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, path);
    await syncFolder(dirname(path));
  });
}

/** @throws InputError when something stands at `path` already */
export async function requireNoFile(path: string): Promise<void> {
  if (await stat(path).catch(() => undefined)) {
    throw new InputError('the output file exists already', { where: path, fix: 'name another file, or remove it' });
  }
}

/** @throws InputError naming the file when it is missing or is not the expected array */
export async function readNpy<T extends NpyType>(
  path: string,
  expected: Omit<NpyExpected<T>, 'where'>,
): Promise<{ data: NpyArrays[T]; shape: number[] }> {
  return decodeNpy(await readBytes(path), { ...expected, where: path });
}

/** Writes an array of the given shape, C order, as `.npy`, whole or not at all. */
export async function writeNpy(path: string, array: NpyArray, shape: readonly number[]): Promise<void> {
  checkShape(array, shape);
  const dtype = array instanceof Uint8Array ? 'uint8' : array instanceof Int32Array ? 'int32' : 'float32';
  await writeFileAtomic(path, [npyHeader(dtype, shape), bytesOf(array)]);
}

/** @throws InputError naming the file when it is missing or is not JSON */
export async function readJson(path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(path));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`this is not JSON: ${(error as Error).message}`, {
      where: path,
      fix: 'mend the file, or write it again',
      cause: error,
    });
  }
}

/** Writes a value as indented JSON with a final line end, whole or not at all. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Makes a folder and its parents where they are missing. @throws HashgnnError when it cannot be made */
export async function makeFolder(path: string): Promise<void> {
  await guarded(path, 'cannot create the folder', () => makeMissing(resolve(path)));
}

/**
 * Makes a folder and its parents where they are missing, and gives back the first that was. Step by step: Node's own
 * `recursive` never ends where a parent exists and nothing can be made in it, as in `/proc`.
 */
export async function makeMissing(path: string): Promise<string | undefined> {
  if (await stat(path).catch(() => undefined)) {
    // It says so where that is a file.
    await readdir(path);
    return undefined;
  }
  const first = await makeMissing(dirname(path));
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    // Another process was quicker.
    if (error.code !== 'EEXIST') throw error;
  });
  return first ?? path;
}

/** Adds text to the end of a file, on the disk before it returns. @throws HashgnnError when the disk is full, … */
export async function appendText(path: string, text: string): Promise<void> {
  await guarded(path, 'cannot write the file', () => appendFile(path, text, { flush: true }));
}
