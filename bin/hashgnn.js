#!/usr/bin/env node
// The `hashgnn` command.
//
// GPU drivers and Dawn write warnings straight to file descriptor 2, where Node cannot stop them ("Warning:
// maxDynamicUniformBuffersPerPipelineLayout artificially reduced …" each time an adapter is found; there is no setting
// against it), and a crashing driver takes the process with it. So this process runs the command in a child: the
// child's descriptor 2 is a pipe to here, from which known chatter is dropped and everything else passed on; for people
// the child has the real standard error as descriptor 3, so that a terminal stays a terminal; and if the child dies in
// native code, somebody is left to say so in a sentence. The price is the start of one more Node, about 40 ms.
//
// HASHGNN_DEBUG=1 runs everything in one process and hides nothing; so does Windows, whose drivers are quiet.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import tty from 'node:tty';
import { fileURLToPath } from 'node:url';
import { withoutChatter } from './chatter.js';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const MAIN = path.join(ROOT, 'dist', 'src', 'cli', 'main.js');
/** Tells the child that it is the child. */
const INNER = 'HASHGNN_INNER';
/** Where the child finds the real standard error. */
const PEOPLE = 3;

if (!isSetUp()) {
  process.stderr.write('hashgnn is not set up yet: run `npm start` (or `npm run setup`) in the clone once\n');
  process.exitCode = 1;
} else if (process.env[INNER]) {
  delete process.env[INNER];
  Object.defineProperty(process, 'stderr', { value: openForPeople(PEOPLE), configurable: true });
  // Whoever killed the outer process outright meant the work.
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
  await runHere();
} else if (process.env.HASHGNN_DEBUG || process.platform === 'win32') {
  await runHere();
} else {
  process.exitCode = await runInChild();
}

/**
 * Asks the C library of Linux (glibc) to take large blocks from a heap of huge pages and to keep them: where a page fault
 * is dear, as on many virtual machines, fresh arrays of megabytes otherwise cost more than what is done with them. Other
 * systems do not know the variable.
 */
function hugePages() {
  const tunables =
    'glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=4294967296';
  return process.platform === 'linux' && !process.env.GLIBC_TUNABLES ? { GLIBC_TUNABLES: tunables } : {};
}

/** Whether the sources are compiled and the packages installed: here in a clone, further up where this is a package. */
function isSetUp() {
  try {
    return fs.existsSync(MAIN) && import.meta.resolve('commander') !== '';
  } catch {
    return false;
  }
}

async function runHere() {
  const { runProgram } = await import(MAIN);
  await runProgram(process.argv.slice(2));
}

/**
 * A stream to a descriptor: a terminal, or else one that has written when `write` returns, so that no word is lost at
 * the end.
 * @param {number} descriptor
 */
function openForPeople(descriptor) {
  if (tty.isatty(descriptor)) return new tty.WriteStream(descriptor);
  const wait = new Int32Array(new SharedArrayBuffer(4));
  return new Writable({
    decodeStrings: true,
    write(chunk, _encoding, done) {
      for (let at = 0; at < chunk.length; ) {
        try {
          at += fs.writeSync(descriptor, chunk, at);
        } catch (error) {
          const code = /** @type {NodeJS.ErrnoException} */ (error).code;
          // Nobody listens any more.
          if (code !== 'EAGAIN') break;
          Atomics.wait(wait, 0, 0, 5);
        }
      }
      done();
    },
  });
}

/** @returns {Promise<number>} exit status */
async function runInChild() {
  const runtime = process.env.XDG_RUNTIME_DIR ? undefined : fs.mkdtempSync(path.join(os.tmpdir(), 'hashgnn-'));
  const args = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...hugePages(), [INNER]: '1', ...(runtime && { XDG_RUNTIME_DIR: runtime }) },
    stdio: ['inherit', 'inherit', 'pipe', 2, 'ipc'],
  });
  for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  const passRest = withoutChatter(/** @type {import('node:stream').Readable} */ (child.stdio[2]), (line) =>
    process.stderr.write(line),
  );
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...outcome) => resolve(outcome));
  });
  passRest();
  if (runtime) fs.rmSync(runtime, { recursive: true, force: true });
  return code ?? explainDeath(signal);
}

/**
 * @param {NodeJS.Signals} signal
 * @returns {number} exit status
 */
function explainDeath(signal) {
  if (signal === 'SIGINT' || signal === 'SIGTERM' || signal === 'SIGHUP') {
    return signal === 'SIGINT' ? 130 : 128 + os.constants.signals[signal];
  }
  const [message, fix] =
    signal === 'SIGKILL'
      ? [
          'the system ended hashgnn (SIGKILL), most likely for want of memory',
          'use a smaller batch size or a machine with more memory',
        ]
      : [`the GPU driver or the GPU add-on crashed (${signal})`, 'run `hashgnn doctor`; another driver may do better'];
  process.stderr.write(`hashgnn: ${message}\n  to mend it: ${fix}\n`);
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ error: { message, fix } })}\n`);
  return 1;
}
