/** Times a compute shader of anyone's, in a process of its own that a time limit ends. */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HashgnnError, InputError, InterruptedError, UsageError } from '../../src/base/errors.js';
import type { Job, KernelBenchResult, Message } from './job.js';

export type { Job, KernelBenchResult, Side } from './job.js';

export interface Watch {
  /** Seconds that one submission, or compiling, may take. */
  readonly timeLimit: number;
  readonly signal?: AbortSignal;
  /** Told what is being done and the share of the measuring that is done. */
  onStep?(step: string, done: number): void;
}

/**
 * @throws UsageError, InputError or HashgnnError where the job does not fit the shader or the device, where both sides do
 * not write the same, where the time limit is passed, and where the driver ends the process; InterruptedError
 */
export function benchKernel(job: Job, { timeLimit, signal, onStep }: Watch): Promise<KernelBenchResult> {
  return new Promise((resolve, reject) => {
    // What drivers print is of no interest unless they die, and then the shader is the cause.
    const child = fork(childFile(), [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    let step = 'starting';
    let timer: NodeJS.Timeout | undefined;
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      child.kill('SIGKILL');
      act();
    };
    const stop = () => settle(() => reject(new InterruptedError('stopped while a kernel was measured')));
    const late = () => settle(() => reject(lateError(step, timeLimit)));
    child.on('message', (message: Message) => {
      clearTimeout(timer);
      if ('result' in message) settle(() => resolve(message.result));
      else if ('error' in message) settle(() => reject(revive(message.error)));
      else {
        step = message.step;
        if (message.limited) timer = setTimeout(late, timeLimit * 1000);
        onStep?.(message.step, message.done);
      }
    });
    child.on('error', (error) => settle(() => reject(error)));
    child.on('exit', (code, ending) => {
      settle(() =>
        reject(
          new HashgnnError(`the GPU driver ended its process (${ending ?? `status ${code}`}) while ${step}`, {
            where: job.ours.file,
            fix: 'the shader may access what is not there or need more memory than there is; or try another driver',
          }),
        ),
      );
    });
    if (signal?.aborted) stop();
    else {
      signal?.addEventListener('abort', stop);
      child.send(job);
    }
  });
}

function lateError(step: string, timeLimit: number): HashgnnError {
  const compiling = step === 'compiling';
  const what = compiling ? 'the driver did not compile the shader' : 'the shader did not end';
  return new HashgnnError(`${what} within ${timeLimit} s`, {
    where: step,
    fix:
      `${compiling ? 'make it simpler' : 'look for a loop without end'}, ` +
      'or allow more seconds for each step by --time-limit SECONDS',
  });
}

/** The error of the other process, of the same kind as far as the exit status goes. */
function revive({ kind, message, where, fix }: Extract<Message, { error: unknown }>['error']): Error {
  if (kind === 'defect') return new Error(message);
  const details = { ...(where !== undefined && { where }), ...(fix !== undefined && { fix }) };
  if (kind === 'UsageError') return new UsageError(message, details);
  return kind === 'InputError' ? new InputError(message, details) : new HashgnnError(message, details);
}

/** The compiled process: beside this file, or below dist/ where the sources run. */
function childFile(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const root = dirname(dirname(here));
  const file = [join(here, 'child.js'), join(root, 'dist', 'bench', 'kernel', 'child.js')].find(existsSync);
  if (!file) throw new HashgnnError('hashgnn is not built', { where: here, fix: 'run `npm run setup` in the clone' });
  return file;
}
