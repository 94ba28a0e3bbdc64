import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { requireEmptyFolder } from '../../src/base/files.js';
import { lockFolder, lockFolderInTurn } from '../../src/base/lock.js';
import {
  CHECKPOINT,
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  PREVIOUS_CHECKPOINT,
  saveCheckpoint,
} from '../../src/train/checkpoint.js';
import { resolveOptions } from '../../src/train/options.js';
import { decodeSafeTensors, encodeSafeTensors } from '../../src/train/safetensors.js';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-checkpoint-'));
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

const at = (step: number): Checkpoint => ({
  ...{ step, seconds: 1.5, best: undefined, data: 'fingerprint', metrics: 'digest' },
  options: resolveOptions({ steps: 30 }),
  variants: { dense: 'tiles', gather: 'lanes' },
  tensors: new Map([
    ['a', { shape: [2, 3], data: new Float32Array([1, -2, 3.5, 0, -0, 1e-38]) }],
    ['b', { shape: [0], data: new Float32Array(0) }],
    ['c', { shape: [3], data: new Uint32Array([1, 0xffffffff, step]) }],
  ]),
});

const folderOf = async (name: string) => {
  const folder = join(root, name);
  await mkdir(folder);
  return folder;
};

describe('a checkpoint', () => {
  test('comes back as it was, and is a plain .safetensors file', () => {
    const bytes = encodeCheckpoint(at(7));
    expect(decodeCheckpoint(bytes, 'file')).toEqual(at(7));
    const { tensors, metadata } = decodeSafeTensors(bytes, 'file');
    expect([...tensors]).toEqual([...at(7).tensors]);
    expect(metadata).toMatchObject({ format: 'hashgnn-checkpoint', version: '2', step: '7' });
    expect(metadata.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is refused with any single byte changed, wherever', () => {
    const bytes = encodeCheckpoint(at(7));
    for (let place = 0; place < bytes.length; place += 1) {
      const copy = bytes.slice();
      copy[place]! ^= 1 << (place % 8);
      expect(() => decodeCheckpoint(copy, 'the file'), `byte ${place}`).toThrow(InputError);
    }
  });

  test('of another version is named as such', () => {
    const { tensors, metadata } = decodeSafeTensors(encodeCheckpoint(at(7)), 'file');
    const other = (version: string) => encodeSafeTensors({ tensors, metadata: { ...metadata, version } });
    expect(() => decodeCheckpoint(other('3'), 'file')).toThrow(
      'a newer version of hashgnn has written this checkpoint',
    );
    expect(() => decodeCheckpoint(other('1'), 'file')).toThrow('an older version');
    const foreign = encodeSafeTensors({ tensors, metadata: {} });
    expect(() => decodeCheckpoint(foreign, 'file')).toThrow('does not say that it is one');
  });
});

describe('the checkpoints of a folder', () => {
  test('are the newest and the one before; where the newest is damaged or gone the other is taken', async () => {
    const folder = await folderOf('two');
    expect(await loadCheckpoint(folder)).toBeUndefined();
    await saveCheckpoint(folder, at(1));
    expect(await readdir(folder)).toEqual([CHECKPOINT]);
    await saveCheckpoint(folder, at(2));
    await saveCheckpoint(folder, at(3));
    expect((await readdir(folder)).sort()).toEqual([PREVIOUS_CHECKPOINT, CHECKPOINT].sort());
    const notes: string[] = [];
    const load = () => loadCheckpoint(folder, (error) => notes.push(error.message));
    expect((await load())!.step).toBe(3);

    const bytes = await readFile(join(folder, CHECKPOINT));
    await writeFile(join(folder, CHECKPOINT), bytes.subarray(0, bytes.length - 5));
    expect((await load())!.step).toBe(2);
    expect(notes).toEqual([expect.stringContaining('damaged')]);
    await rm(join(folder, CHECKPOINT));
    expect((await load())!.step).toBe(2);
    expect(notes).toHaveLength(1);

    await writeFile(join(folder, CHECKPOINT), bytes.subarray(0, 100));
    await writeFile(join(folder, PREVIOUS_CHECKPOINT), '');
    await expect(load()).rejects.toThrow(/damaged: it ends within its header/);
    await expect(load()).rejects.toMatchObject({ details: { where: join(folder, CHECKPOINT) } });
  });

  test('of a newer version are not passed over', async () => {
    const folder = await folderOf('newer');
    await saveCheckpoint(folder, at(1));
    await saveCheckpoint(folder, at(2));
    const { tensors, metadata } = decodeSafeTensors(encodeCheckpoint(at(3)), 'file');
    await writeFile(join(folder, CHECKPOINT), encodeSafeTensors({ tensors, metadata: { ...metadata, version: '9' } }));
    await expect(loadCheckpoint(folder)).rejects.toThrow(/newer version/);
  });
});

describe('a folder', () => {
  test('whose lock is just being written is waited for', async () => {
    const folder = await folderOf('being-written');
    await writeFile(join(folder, '.lock'), '');
    const locked = lockFolder(folder);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const owner = { pid: process.pid, host: 'another-machine', start: '1' };
    await writeFile(join(folder, '.lock'), JSON.stringify(owner));
    await expect(locked).rejects.toThrow('on another-machine is writing into this folder');
  });

  test('left by a dead process goes to one of many that want it', async () => {
    const folder = await folderOf('wanted');
    for (let round = 0; round < 20; round += 1) {
      await writeFile(join(folder, '.lock'), JSON.stringify({ pid: process.pid, host: hostname(), start: '1' }));
      const all = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
      const taken = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(taken).toHaveLength(1);
      await taken[0]!.release();
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test('that is a link to nothing is an error', async () => {
    const link = join(await folderOf('links'), 'link');
    await symlink(join(root, 'nowhere', 'at-all'), link);
    await expect(lockFolder(link)).rejects.toThrow('cannot take the folder');
  });

  test('can be waited for, as long as one likes', async () => {
    const folder = await folderOf('in-turn');
    const first = await lockFolder(folder);
    const controller = new AbortController();
    const { signal } = controller;
    await expect(lockFolderInTurn(folder, { signal, onWait: () => controller.abort() })).rejects.toThrow('abort');

    let second: Promise<{ release(): Promise<void> }> | undefined;
    const owner = await new Promise((onWait) => {
      second = lockFolderInTurn(folder, { onWait });
    });
    expect(owner).toMatchObject({ pid: process.pid, host: hostname() });
    await first.release();
    const { release } = await second!;
    await expect(lockFolder(folder)).rejects.toThrow('is writing into this folder');
    await release();
    expect(await readdir(folder)).toEqual([]);
  });

  test('belongs to one process at a time, and a dead process holds nothing', async () => {
    const folder = join(root, 'locked', 'deep');
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(`process ${process.pid} on ${hostname()} is writing`);
    await lock.release();
    // Made by the lock, and nothing was put into it.
    expect(existsSync(folder)).toBe(false);

    await mkdir(folder, { recursive: true });
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.on('exit', resolve));
    const dead = { pid: child.pid, host: hostname(), start: '1' };
    // The number of a living process, which began at another time.
    const another = { ...dead, pid: process.pid };
    for (const left of [JSON.stringify(dead), JSON.stringify(another), '{"pid":', '', '{"pid":1}']) {
      await writeFile(join(folder, '.lock'), left);
      await utimes(join(folder, '.lock'), 1e9, 1e9);
      await (await lockFolder(folder)).release();
    }
    // Half a file that the dead process was writing goes, other files stay.
    await writeFile(join(folder, '.config.json.123-0a1b2c3d.tmp'), '{');
    await requireEmptyFolder(folder);
    await writeFile(join(folder, 'mine.tmp'), '');
    await (await lockFolder(folder)).release();
    expect(await readdir(folder)).toEqual(['mine.tmp']);
    await expect(requireEmptyFolder(folder)).rejects.toThrow('it holds mine.tmp');
    await writeFile(join(folder, '.lock'), JSON.stringify({ ...dead, host: 'another-machine' }));
    await expect(lockFolder(folder)).rejects.toThrow('on another-machine is writing into this folder');
    expect(existsSync(folder)).toBe(true);
  });
});

describe('a .safetensors file', () => {
  const tensors = new Map([
    ['a', { shape: [2, 3], data: new Float32Array([1, -2, 3.5, 0, -0, 1e-38]) }],
    ['b', { shape: [0], data: new Float32Array(0) }],
    ['c', { shape: [2], data: new Uint32Array([1, 0xffffffff]) }],
  ]);
  const bytes = encodeSafeTensors({ tensors, metadata: { step: '7', text: 'ü "quoted"' } });

  test('comes back as it was', () => {
    const read = decodeSafeTensors(bytes, 'file');
    expect(read.metadata).toEqual({ step: '7', text: 'ü "quoted"' });
    expect([...read.tensors]).toEqual([...tensors]);
  });

  test('damaged anywhere in the header or cut short is refused with the name of the file', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => decodeSafeTensors(bytes.subarray(0, length), 'file'), `cut to ${length}`).toThrow(/damaged/);
    }
    const huge = bytes.slice();
    huge.fill(0xff, 0, 8);
    expect(() => decodeSafeTensors(huge, 'file')).toThrow(/damaged/);
  });
});
