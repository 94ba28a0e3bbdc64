import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HashgnnError, InputError } from '../../src/base/errors.js';
import {
  createFolderAtomically,
  readBytes,
  readJson,
  readNpy,
  requireEmptyFolder,
  requireNoFile,
  toFileError,
  writeFileAtomic,
  writeJson,
  writeNpy,
} from '../../src/base/files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hashgnn-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The id of a process that has just ended. */
function deadProcess(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

describe('writeFileAtomic', () => {
  it('writes one piece or many and leaves nothing else', async () => {
    await writeFileAtomic(join(folder, 'a'), 'héllo');
    await writeFileAtomic(join(folder, 'a'), [Uint8Array.of(65), 'b', 'c']);
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('Abc');
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('keeps what was there when the content fails half-way', async () => {
    await writeFileAtomic(join(folder, 'a'), 'old');
    const failing = function* () {
      yield 'new';
      throw new Error('half-way');
    };
    await expect(writeFileAtomic(join(folder, 'a'), failing())).rejects.toThrow('half-way');
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('names the file when its folder is missing', async () => {
    const path = join(folder, 'no', 'a');
    await expect(writeFileAtomic(path, '')).rejects.toMatchObject({ details: { where: path } });
    await expect(writeFileAtomic(path, '')).rejects.toBeInstanceOf(InputError);
  });

  it.runIf(existsSync('/dev/full'))('says that the disk is full and how to mend it', async () => {
    const { open } = await import('node:fs/promises');
    const handle = await open('/dev/full', 'w');
    const error = await handle.write('x').catch((error: unknown) => error);
    await handle.close();
    const explained = toFileError(error, '/data/train.npy', 'cannot write the file') as HashgnnError;
    expect(explained).toBeInstanceOf(HashgnnError);
    expect(explained.describe()).toMatch(/no space is left on the disk\n.*train\.npy\n.*free some space/s);
  });

  it.each(['EACCES', 'EROFS', 'EDQUOT', 'EMFILE'])('explains %s', (code) => {
    const error = Object.assign(new Error(code), { code });
    const explained = toFileError(error, 'x', 'cannot write the file') as HashgnnError;
    expect(explained).toBeInstanceOf(HashgnnError);
    expect(explained.details.fix).toBeTruthy();
  });
});

describe('createFolderAtomically', () => {
  it('shows the folder only when it is full, makes parents, and gives back what fill gives', async () => {
    const out = join(folder, 'deep', 'out');
    const result = await createFolderAtomically(out, async (temporary) => {
      expect(existsSync(out)).toBe(false);
      await writeFile(join(temporary, 'a'), '1');
      return 7;
    });
    expect(result).toBe(7);
    expect(await readdir(join(folder, 'deep'))).toEqual(['out']);
    expect(await readdir(out)).toEqual(['a']);
  });

  it('fills an empty folder that exists', async () => {
    await mkdir(join(folder, 'out'));
    await createFolderAtomically(join(folder, 'out'), (temporary) => writeFile(join(temporary, 'a'), '1'));
    expect(await readdir(join(folder, 'out'))).toEqual(['a']);
  });

  it('leaves nothing, no parents either, when fill fails', async () => {
    const out = join(folder, 'deep', 'deeper', 'out');
    const fill = async (temporary: string) => {
      await writeFile(join(temporary, 'a'), '1');
      throw new InputError('no good');
    };
    await expect(createFolderAtomically(out, fill)).rejects.toThrow('no good');
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a folder that is not empty, or a file, and does not call fill', async () => {
    await writeFile(join(folder, 'a'), 'kept');
    const fill = () => Promise.reject(new Error('called'));
    await expect(createFolderAtomically(folder, fill)).rejects.toThrow(/not empty: it holds a/);
    await expect(createFolderAtomically(join(folder, 'a'), fill)).rejects.toThrow(/is a file/);
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('kept');
    await expect(requireEmptyFolder(join(folder, 'new'))).resolves.toBeUndefined();
  });

  it('removes what dead processes have left and nothing of the living', async () => {
    await mkdir(join(folder, `.out.partial-${deadProcess()}`));
    await mkdir(join(folder, `.out.partial-${process.pid}`));
    await mkdir(join(folder, `.out.partial-${process.ppid}`));
    await mkdir(join(folder, `.other.partial-${deadProcess()}`));
    const others = (await readdir(folder)).filter((name) => name.startsWith('.other'));
    await createFolderAtomically(join(folder, 'out'), async () => {});
    expect((await readdir(folder)).sort()).toEqual([...others, `.out.partial-${process.ppid}`, 'out'].sort());
  });
});

describe('reading', () => {
  it('names a missing file, a folder, and what is not JSON', async () => {
    const path = join(folder, 'a.json');
    await expect(readJson(path)).rejects.toMatchObject({ name: 'InputError', details: { where: path } });
    await expect(readBytes(folder)).rejects.toThrow(/folder, not a file/);
    await writeFile(path, '{"a": ');
    await expect(readJson(path)).rejects.toMatchObject({ name: 'InputError', details: { where: path } });
    await writeJson(path, { a: [1] });
    expect(await readJson(path)).toEqual({ a: [1] });
  });

  it('reads a large file in pieces', async () => {
    const path = join(folder, 'large');
    const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);
    await writeFile(path, bytes);
    for (const atOnce of [1, 333, 500, 999, 1000]) expect(new Uint8Array(await readBytes(path, atOnce))).toEqual(bytes);
  });

  it('refuses a file where a new one is to be', async () => {
    const path = join(folder, 'a');
    await expect(requireNoFile(path)).resolves.toBeUndefined();
    await writeFile(path, '');
    await expect(requireNoFile(path)).rejects.toMatchObject({
      message: expect.stringMatching(/exists already/),
      details: { where: path },
    });
  });

  it('reads back arrays', async () => {
    const path = join(folder, 'a.npy');
    await writeNpy(path, Int32Array.of(1, 2, 3, 4), [2, 2]);
    expect(await readNpy(path, { dtype: 'int32', shape: [null, 2] })).toEqual({
      data: Int32Array.of(1, 2, 3, 4),
      shape: [2, 2],
    });
    await expect(readNpy(path, { dtype: 'float32' })).rejects.toMatchObject({ details: { where: path } });
  });
});
