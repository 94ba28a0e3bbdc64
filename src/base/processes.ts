/** Whether other processes still run. Node only. */
import { readFile } from 'node:fs/promises';

/** Whether a process runs; a dead one that nobody has waited for does not, though it can still be signalled. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !/^[ZX]/.test((await processStatus(pid)) ?? '');
}

/** State and start of a process, where the system tells (Linux): no other process has the same number and start. */
async function processStatus(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name before may hold anything, parentheses too.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields && `${fields[0]} ${fields[19]}`;
}

/** When a process began, in the system's own count; empty where it does not tell. */
export async function startOf(pid: number): Promise<string> {
  return (await processStatus(pid))?.split(' ')[1] ?? '';
}
