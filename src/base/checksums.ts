/** Checksums of files, and JSON that carries its own. Node only. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { InputError, InterruptedError } from './errors.js';
import { guarded, readJson, writeJson } from './files.js';

/** SHA-256 of a text, in hexadecimal. */
export function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Digests of a file, in hexadecimal, in one reading.
 * @throws as `readBytes`, InterruptedError after `signal`
 */
export async function digestsOfFile<T extends 'sha256' | 'md5'>(
  path: string,
  algorithms: readonly T[],
  signal?: AbortSignal,
): Promise<Record<T, string>> {
  const hashes = algorithms.map((algorithm) => [algorithm, createHash(algorithm)] as const);
  await guarded(path, 'cannot read the file', async () => {
    for await (const piece of createReadStream(path)) {
      if (signal?.aborted) throw new InterruptedError('interrupted while a checksum was found');
      for (const [, hash] of hashes) hash.update(piece as Uint8Array);
    }
  });
  return Object.fromEntries(hashes.map(([algorithm, hash]) => [algorithm, hash.digest('hex')])) as Record<T, string>;
}

/** SHA-256 of a file, in hexadecimal. @throws as `readBytes` */
async function digestOf(path: string): Promise<string> {
  return (await digestsOfFile(path, ['sha256'])).sha256;
}

/**
 * Writes an object as `writeJson` does, with a last member `sha256`: the SHA-256 of the others as JSON without spaces, so
 * that a changed value is found when it is read, and the file may be laid out anew.
 */
export async function writeSealedJson(path: string, value: object): Promise<void> {
  // As it will be read: without what JSON has no word for.
  const plain = JSON.parse(JSON.stringify({ ...value, sha256: undefined })) as object;
  await writeJson(path, { ...plain, sha256: digestOfText(JSON.stringify(plain)) });
}

/**
 * What `writeSealedJson` has written, without the seal.
 * @throws InputError naming the file when it is missing, is no JSON object, or was changed
 */
export async function readSealedJson(path: string): Promise<Record<string, unknown>> {
  const found = await readJson(path);
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    throw new InputError('this is no JSON object', { where: path, fix: 'restore the file, or write it again' });
  }
  const { sha256, ...value } = found as Record<string, unknown>;
  if (sha256 !== digestOfText(JSON.stringify(value))) {
    const what = sha256 === undefined ? 'it has none' : 'a value was changed';
    throw new InputError(`the checksum in the file does not hold: ${what}`, {
      where: path,
      fix: 'restore the file, or write it again',
    });
  }
  return value;
}

/**
 * @param digests SHA-256 of files by their names in `folder`
 * @throws InputError naming the first file that has another one
 */
export async function requireDigests(
  folder: string,
  digests: Readonly<Record<string, string>>,
  fix: string,
): Promise<void> {
  for (const [name, digest] of Object.entries(digests)) {
    const path = join(folder, name);
    if ((await digestOf(path)) !== digest) {
      throw new InputError('the file was changed or is damaged: its checksum does not hold', { where: path, fix });
    }
  }
}

/** SHA-256 of files in a folder by their names. @throws as `readBytes` */
export async function digestsOf(folder: string, names: readonly string[]): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const name of names) digests[name] = await digestOf(join(folder, name));
  return digests;
}
