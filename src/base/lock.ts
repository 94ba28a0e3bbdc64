/** Folders that one process at a time writes into. Node only. */
import { lstat, mkdir, readdir, readFile, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from './errors.js';
import { ASIDE, guarded, LOCK, makeMissing, unlessMissing } from './files.js';
import { isAlive, startOf } from './processes.js';

/** What takes a moment and has lasted so long, was begun by a process that died: writing a lock that exists, removing one. */
const LOCK_WRITTEN_MS = 2000;

const LOCK_LOOK_MS = 50;

/** Between two looks at a folder that another process works in. */
const LOCK_WAIT_MS = 500;

/** A folder that only this process writes into, until it is released. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Takes a folder for this process alone, making it where it is missing. The lock of a process that died is taken over, and
 * its half-written files are removed; a folder that was made and is still empty when it is released goes again.
 * @throws InputError while another process has it, HashgnnError where it cannot be made or written
 */
export async function lockFolder(path: string): Promise<FolderLock> {
  const taken = await tryLockFolder(path);
  if ('release' in taken) return taken;
  throw new InputError(`process ${taken.pid} on ${taken.host} is writing into this folder`, {
    where: path,
    fix: `wait for it or name another folder; if that process is gone, delete ${LOCK} in it`,
  });
}

/**
 * As `lockFolder`, but waits while another process has the folder.
 * @param onWait told once, before it is waited, who has it
 * @throws AbortError when `signal` is aborted meanwhile
 */
export async function lockFolderInTurn(
  path: string,
  { signal, onWait }: { signal?: AbortSignal | undefined; onWait?: (owner: LockOwner) => void } = {},
): Promise<FolderLock> {
  for (let told = false; ; told = true) {
    const taken = await tryLockFolder(path);
    if ('release' in taken) return taken;
    if (!told) onWait?.(taken);
    await sleep(LOCK_WAIT_MS, undefined, { signal });
  }
}

/** As `lockFolder`, but gives who has the folder instead of failing. */
export async function tryLockFolder(path: string): Promise<FolderLock | LockOwner> {
  return guarded(path, 'cannot take the folder', async () => {
    let made = false;
    const file = join(path, LOCK);
    const { pid } = process;
    const own = `${JSON.stringify({ pid, host: hostname(), start: await startOf(pid) })}\n`;
    for (;;) {
      made = (await makeMissing(resolve(path))) !== undefined || made;
      try {
        await writeFile(file, own, { flag: 'wx' });
        break;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Another process made the folder, and released and removed it in this moment; a link to nothing stays one.
        const leadsNowhere = (await lstat(path).catch(() => undefined))?.isSymbolicLink() ?? false;
        if (code === 'ENOENT' && !leadsNowhere) continue;
        if (code !== 'EEXIST') {
          // Made, but the disk had no room for what it says.
          await unlink(file).catch(() => undefined);
          if (made) await rmdir(path).catch(() => undefined);
          throw error;
        }
        const found = await readFile(file, 'utf8').catch(unlessMissing);
        // Released in this moment.
        if (found === undefined) continue;
        const owner = lockOwner(found);
        if (owner && !(await isGone(owner))) return owner;
        if (owner || (await ageOf(file)) > LOCK_WRITTEN_MS) await removeLock(file, found);
        else await sleep(LOCK_LOOK_MS);
      }
    }
    // Nobody else can be writing them now.
    for (const name of await readdir(path)) if (ASIDE.test(name)) await unlink(join(path, name)).catch(unlessMissing);
    const release = async () => {
      await unlink(file).catch(unlessMissing);
      if (made) await rmdir(path).catch(() => undefined);
    };
    return { release };
  });
}

/** The process that has a folder. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** See `startOf`. */
  readonly start: string;
}

/** Whether a process has ended; of one on another machine that cannot be known. */
async function isGone({ pid, host, start }: LockOwner): Promise<boolean> {
  if (host !== hostname()) return false;
  return !(await isAlive(pid)) || (await startOf(pid)) !== start;
}

/** Who holds a lock; undefined where it does not say, being written now or having been cut short by a crash. */
function lockOwner(text: string): LockOwner | undefined {
  try {
    const { pid, host, start } = JSON.parse(text) as Partial<LockOwner>;
    const whole = Number.isSafeInteger(pid) && typeof host === 'string' && typeof start === 'string';
    return whole ? { pid: pid!, host, start } : undefined;
  } catch {
    return undefined;
  }
}

async function ageOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => undefined);
  return found ? Date.now() - found.mtimeMs : 0;
}

/** Removes a lock that a dead process has left, and no other: only one process at a time looks again and removes. */
async function removeLock(file: string, left: string): Promise<void> {
  const turn = `${file}-removal`;
  try {
    await mkdir(turn);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Its owner died in these few system calls.
    if ((await ageOf(turn)) > LOCK_WRITTEN_MS) await rmdir(turn).catch(unlessMissing);
    else await sleep(LOCK_LOOK_MS);
    return;
  }
  try {
    if ((await readFile(file, 'utf8').catch(() => undefined)) === left) await unlink(file).catch(unlessMissing);
  } finally {
    await rmdir(turn).catch(unlessMissing);
  }
}
