/** Members of zip archives, unpacked one by one and checked. */
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { HashgnnError, InputError, InterruptedError } from '../base/errors.js';
import { guarded, writeFileAtomic } from '../base/files.js';
import { formatBytes } from '../base/text.js';

/** No member of a data set in the catalogue has more than a third of this. */
const LARGEST = 2 ** 30;

export interface UnpackOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes that a member may have at most: an archive can hold a thousand times its size. Unless told 1 GiB. */
  readonly largest?: number;
}

/**
 * Unpacks members of a zip archive, each whole or not at all. Only members that are named are written, and only to the
 * paths that are given, so no name in the archive decides where anything goes; an archive with a name that would lead out
 * of its folder is refused all the same.
 *
 * @param members paths to write, by the members' names in the archive
 * @throws InputError where the archive is damaged or unsafe, lacks a member, or has one that is too large, a link, or not
 *   what its checksum says; HashgnnError where the disk is full, …; InterruptedError after `signal`
 */
export async function unpackMembers(
  archive: string,
  members: ReadonlyMap<string, string>,
  options: UnpackOptions = {},
): Promise<void> {
  const bad = (message: string, cause?: unknown) =>
    new InputError(message, { where: archive, fix: 'delete the file and download it again', cause });
  /** The words of the library and of zlib for a file that is not what it should be. */
  const readable = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await guarded(archive, 'cannot read the file', action);
    } catch (error) {
      if (error instanceof HashgnnError || !(error instanceof Error)) throw error;
      throw bad(`the zip archive is damaged or unsafe: ${error.message}`, error);
    }
  };
  await readable(async () => {
    const zip = await openPromise(archive, { autoClose: false, strictFileNames: true });
    try {
      const found = new Map<string, Entry>();
      for await (const entry of zip.eachEntry()) {
        if (!members.has(entry.fileName)) continue;
        if (found.has(entry.fileName)) throw bad(`the zip archive has two members ${entry.fileName}`);
        found.set(entry.fileName, entry);
      }
      for (const [name, path] of members) {
        const entry = found.get(name);
        if (!entry) throw bad(`the zip archive has no member ${name}`);
        const { largest = LARGEST } = options;
        if (entry.uncompressedSize > largest) {
          const size = formatBytes(entry.uncompressedSize);
          throw bad(`the member ${name} would have ${size}, and ${formatBytes(largest)} at most are unpacked`);
        }
        if (!isFile(entry)) throw bad(`the member ${name} is a link or a folder, and no file`);
        if (!entry.canDecodeFileData())
          throw bad(`the member ${name} is encrypted, or packed in a way that is not read`);
        await writeFileAtomic(path, contentOf(zip, entry, options.signal));
      }
    } finally {
      zip.close();
    }
  });
}

/** Archives of Unix have the kind of each member beside its permissions; others have none, and know no links. */
function isFile({ fileName, versionMadeBy, externalFileAttributes }: Entry): boolean {
  const kind = versionMadeBy >>> 8 === 3 ? (externalFileAttributes >>> 28) & 0xf : 0;
  return !fileName.endsWith('/') && (kind === 0 || kind === 8);
}

async function* contentOf(zip: ZipFile, entry: Entry, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  let sum = 0;
  // The library itself ends a member that has another length than the archive says.
  for await (const piece of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>) {
    if (signal?.aborted) throw new InterruptedError('interrupted: the same command unpacks the rest');
    sum = crc32(piece, sum);
    yield piece;
  }
  if (sum !== entry.crc32) throw new Error(`the checksum of the member ${entry.fileName} does not hold`);
}
