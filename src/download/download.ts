/** A data set of the catalogue in a folder: fetched, checked, unpacked and recorded. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestsOf, digestsOfFile, readSealedJson, writeSealedJson } from '../base/checksums.js';
import { InputError } from '../base/errors.js';
import { guarded, moveInPlace } from '../base/files.js';
import { lockFolder } from '../base/lock.js';
import { fileName, type PublishedFile, type PublishedSet, unpackedNames } from '../data/catalogue.js';
import { RequestError } from './addresses.js';
import { unpackMembers } from './archive.js';
import { fetchText, forgetPart, type Patience, removePart, transfer } from './transfer.js';

/** In the folder of a data set: where its files came from and what they were, for this and for later downloads. */
const RECORD = 'download.json';
const RECORD_FORMAT = 1;

export interface DownloadOptions {
  /** A folder on a web server that has the files under their own names, in the place of the publisher's addresses. */
  readonly from?: URL | undefined;
  /** SHA-256 by file name that the user wants, whatever the catalogue says. */
  readonly sha256?: ReadonlyMap<string, string>;
  readonly signal?: AbortSignal | undefined;
  readonly patience?: Patience | undefined;
  /** Called with a sentence on what is done, or does not go as it should. */
  readonly report?: (text: string) => void;
  /** Called with the bytes that have come of a file, and of how many, where that is known. */
  readonly progress?: (file: string, bytes: number, total: number | undefined) => void;
}

/** What a file was found to be. */
export interface DownloadedFile {
  readonly name: string;
  readonly address: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
  /** Whose statements of the checksum it agrees with; none where nobody has stated one. */
  readonly agreesWith: readonly string[];
  /** Whether it was fetched now; otherwise it was there. */
  readonly fetched: boolean;
}

export interface Download {
  readonly name: string;
  readonly folder: string;
  readonly files: readonly DownloadedFile[];
  /** SHA-256 of the files that came out of archives, by name. */
  readonly unpacked: Readonly<Record<string, string>>;
}

interface FileRecord {
  readonly address: string;
  readonly bytes: number;
  readonly sha256: string;
}

interface DownloadRecord {
  readonly format: typeof RECORD_FORMAT;
  readonly name: string;
  readonly page: string;
  readonly terms: string;
  readonly files: Record<string, FileRecord>;
  readonly unpacked: Record<string, string>;
}

/**
 * Whether all files of a set stand in a folder already, so that `downloadSet` will check them and fetch nothing.
 * @param folder may be missing
 */
export async function isThere(set: PublishedSet, folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => []);
  return set.files.every((file) => names.includes(fileName(file)));
}

/**
 * Brings a data set of the catalogue into a folder. What is there is checked and not fetched again; a file that does not
 * have its checksum never gets its name.
 *
 * Each file is held against what the user wants, else against the catalogue, the publisher's own checksum where there is
 * one, and what an earlier download into this folder recorded.
 *
 * @param folder made where it is missing; locked meanwhile
 * @throws RequestError when a file cannot be fetched; what has come of it stays, and the next call goes on with it
 * @throws InputError when a file has not its checksum, or an archive is damaged; HashgnnError when the disk is full, …
 * @throws InterruptedError after `signal`
 */
export async function downloadSet(set: PublishedSet, folder: string, options: DownloadOptions = {}): Promise<Download> {
  const lock = await lockFolder(folder);
  try {
    const record = await readRecord(set, folder);
    const files: DownloadedFile[] = [];
    for (const file of set.files) {
      const downloaded = await bring(file, folder, record.files[fileName(file)], options);
      files.push(downloaded);
      const { name, address, bytes, sha256 } = downloaded;
      record.files[name] = { address, bytes, sha256 };
      await writeSealedJson(join(folder, RECORD), record);
      if (await unpack(file, folder, record, downloaded.fetched, options))
        await writeSealedJson(join(folder, RECORD), record);
    }
    return { name: set.name, folder, files, unpacked: record.unpacked };
  } finally {
    await lock.release();
  }
}

async function readRecord(set: PublishedSet, folder: string): Promise<DownloadRecord> {
  const path = join(folder, RECORD);
  const { name, page, terms } = set;
  const empty = { format: RECORD_FORMAT, name, page, terms: terms.address, files: {}, unpacked: {} } as const;
  if (!(await stat(path).catch(() => undefined))) return empty;
  const found = (await readSealedJson(path)) as Partial<DownloadRecord>;
  if (found.format !== RECORD_FORMAT) {
    throw new InputError('a newer version of hashgnn has downloaded this', { where: path, fix: 'update hashgnn' });
  }
  if (found.name !== name) {
    throw new InputError(`another data set was downloaded into this folder: ${JSON.stringify(found.name)}`, {
      where: path,
      fix: 'name another folder with --out',
    });
  }
  return { ...empty, files: found.files ?? {}, unpacked: found.unpacked ?? {} };
}

/** One file of a set: fetched where it is missing, checked in any case. */
async function bring(
  file: PublishedFile,
  folder: string,
  earlier: FileRecord | undefined,
  options: DownloadOptions,
): Promise<DownloadedFile> {
  const name = fileName(file);
  const path = join(folder, name);
  const address = placed(file, options.from);
  const found = await stat(path).catch(() => undefined);
  if (found) {
    options.report?.(`${name} is there already: only checked`);
    const { sha256, agreesWith } = await check(file, path, name, earlier, undefined, options);
    return { name, address: earlier?.address ?? address, bytes: found.size, sha256, agreesWith, fetched: false };
  }
  const part = `${path}.part`;
  const { signal, patience, report } = options;
  report?.(`fetching ${address}`);
  await transfer(address, part, {
    ...{ signal, patience, report },
    progress: (bytes, total) => options.progress?.(name, bytes, total ?? file.bytes),
  });
  // What stands beside the file elsewhere is no word of the publisher's.
  const asked = options.from === undefined ? file.md5Address : undefined;
  const stated = asked && (await publishedMd5(asked, options));
  const { sha256, agreesWith } = await check(file, part, name, earlier, stated, options).catch(async (error) => {
    // The next try would go on with it, and fail again.
    if (error instanceof InputError) await removePart(part);
    throw error;
  });
  await guarded(path, 'cannot write the file', () => forgetPart(part));
  await moveInPlace(part, path);
  return { name, address, bytes: (await stat(path)).size, sha256, agreesWith, fetched: true };
}

/** Where a file is fetched from: the publisher's address, or the same name in a folder elsewhere. */
function placed(file: PublishedFile, from: URL | undefined): string {
  return from === undefined ? file.address : new URL(fileName(file), from.href.replace(/\/*$/, '/')).href;
}

/** The MD5 that the publisher states; undefined where it cannot be had, which is reported. */
async function publishedMd5(
  address: string,
  { signal, patience, report }: DownloadOptions,
): Promise<string | undefined> {
  try {
    const text = await fetchText(address, { signal, patience, report });
    const [digest] = /\b[0-9a-f]{32}\b/i.exec(text) ?? [];
    if (digest === undefined) report?.(`${address} holds no MD5: not compared with it`);
    return digest?.toLowerCase();
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    report?.(`the publisher's own checksum cannot be had, and is not compared with: ${error.message} (${address})`);
    return undefined;
  }
}

/** @throws InputError where a file has not the checksum that the first of those who state one says */
async function check(
  file: PublishedFile,
  path: string,
  name: string,
  earlier: FileRecord | undefined,
  stated: string | undefined,
  { sha256: wanted, signal }: DownloadOptions,
): Promise<{ sha256: string; agreesWith: string[] }> {
  const digests = await digestsOfFile(path, ['sha256', 'md5'], signal);
  const { sha256 } = digests;
  const pinned = wanted?.get(name);
  const { checksum } = file;
  const statements = [
    pinned && { algorithm: 'sha256' as const, digest: pinned, source: '--sha256' },
    !pinned && checksum,
    !pinned && stated && { algorithm: 'md5' as const, digest: stated, source: 'the publisher' },
    !pinned && earlier && { algorithm: 'sha256' as const, digest: earlier.sha256, source: `${RECORD} of earlier` },
  ].filter((one) => typeof one === 'object');
  const broken = statements.find(({ algorithm, digest }) => digests[algorithm] !== digest);
  if (!broken) return { sha256, agreesWith: statements.map(({ source }) => source) };
  const { algorithm, digest, source } = broken;
  const words = algorithm === 'sha256' ? 'SHA-256' : 'MD5';
  const changed =
    stated !== undefined && digests.md5 === stated
      ? '; but it has the one that the publisher states beside it, so the publisher has changed the file'
      : '';
  throw new InputError(
    `the checksum of ${name} does not hold: its ${words} is ${digests[algorithm]}, and ${digest} by ${source}${changed}`,
    {
      where: path,
      fix:
        `${path.endsWith('.part') ? 'download it again' : 'delete the file and download it again'}; ` +
        `if you trust what came, say --sha256 ${name}=${sha256}`,
    },
  );
}

/** Unpacks what is missing or changed of an archive's members, of a new one all; whether there was any such. */
async function unpack(
  file: PublishedFile,
  folder: string,
  record: DownloadRecord,
  anew: boolean,
  { signal, report }: DownloadOptions,
): Promise<boolean> {
  const names = unpackedNames(file);
  const missing = new Map<string, string>();
  for (const [index, member] of (file.members ?? []).entries()) {
    const name = names[index]!;
    const found = await stat(join(folder, name)).catch(() => undefined);
    const digest = found && (await digestsOf(folder, [name]))[name];
    if (anew || digest === undefined || digest !== record.unpacked[name]) missing.set(member, join(folder, name));
  }
  if (missing.size === 0) return false;
  report?.(`unpacking ${fileName(file)}`);
  await unpackMembers(join(folder, fileName(file)), missing, { signal });
  Object.assign(record.unpacked, await digestsOf(folder, names));
  return true;
}
