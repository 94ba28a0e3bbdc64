/** The inputs as files: what patterns stand for, standard input, and which file is Parquet. */
import { createWriteStream } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { InputError, InterruptedError } from '../base/errors.js';
import { type Engine, literal } from './engine.js';
import type { Preparation } from './preparation.js';
import type { Input } from './prepare_options.js';

/** Patterns as the files that they stand for; a file that has such a name itself is meant first. */
export async function expandPatterns(engine: Engine, given: readonly Input[]): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const input of given) {
    const { path, query } = input;
    if (query || !/[*?[]/.test(path) || (await stat(path).catch(() => undefined))) {
      inputs.push(input);
      continue;
    }
    const files = await engine.rows<{ file: string }>(`SELECT file FROM glob(${literal(path)}) ORDER BY file`);
    if (files.length === 0) {
      throw new InputError('no file has a name like this', { where: path, fix: 'check the pattern' });
    }
    inputs.push(...files.map(({ file }) => ({ ...input, path: file })));
  }
  return inputs;
}

/** Saves standard input in the spill folder, since it is read more than once; returns where. */
export async function saveStandardInput({ options, spill }: Preparation): Promise<string> {
  await mkdir(spill, { recursive: true });
  const path = join(spill, 'standard-input');
  const { signal } = options;
  try {
    await pipeline(process.stdin, createWriteStream(path), ...(signal ? [{ signal }] : []));
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError('interrupted: nothing was written');
    throw error;
  }
  return path;
}

/** The size of a file that begins as Parquet does; undefined for any other, and where there is none. */
export async function parquetBytes(path: string): Promise<number | undefined> {
  const handle = await open(path).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const first = Buffer.alloc(4);
    const { bytesRead } = await handle.read(first, 0, 4, 0).catch(() => ({ bytesRead: 0 }));
    return bytesRead === 4 && first.toString('latin1') === 'PAR1' ? (await handle.stat()).size : undefined;
  } finally {
    await handle.close();
  }
}
