// Running other programs: quietly, with the output kept for the case of failure, or in the foreground with everything
// passed on. Used by the other scripts; needs nothing but Node.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { withoutChatter } from '../bin/chatter.js';

/**
 * @typedef {{ code: number, signal: NodeJS.Signals | null, stdout: string, stderr: string, missing: boolean }} Outcome
 * `code` is what a shell would report: 128 + number when a signal ended it, 127 when the program does not exist.
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
/** @type {Set<() => void>} */
const cleanups = new Set();

/** Passes a signal on to what runs, tidies up and ends with the status that a shell reports for it. */
function onSignal(/** @type {NodeJS.Signals} */ signal) {
  for (const child of running) child.kill(signal);
  for (const cleanup of cleanups) cleanup();
  process.exit(128 + constants.signals[signal]);
}

/**
 * Calls `cleanup` if a signal ends the process before `work` does, and after `work` in every case.
 * @template T
 * @param {() => void} cleanup
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withCleanup(cleanup, work) {
  cleanups.add(cleanup);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await work();
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    cleanups.delete(cleanup);
    cleanup();
  }
}

/**
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
const status = (code, signal) => code ?? (signal ? 128 + constants.signals[signal] : 1);

/**
 * Runs a program without input and keeps what it prints.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeout?: number, shell?: boolean }} [options]
 * @returns {Promise<Outcome>}
 */
export function runQuietly(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    running.add(child);
    child.on('error', (error) => {
      running.delete(child);
      resolve({ code: 127, signal: null, stdout, stderr: stderr || error.message, missing: true });
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code: status(code, signal), signal, stdout, stderr, missing: false });
    });
  });
}

/**
 * Runs a program in the foreground: same terminal, signals passed on, and its exit status as the result.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, drivers?: boolean }} [options] `drivers`: it loads GPU drivers, whose
 * chatter on standard error is left out
 * @returns {Promise<number>}
 */
export function runInForeground(command, args, { drivers = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['inherit', 'inherit', drivers ? 'pipe' : 'inherit'] });
    const passRest = withoutChatter(child.stderr, (line) => process.stderr.write(line));
    const pass = (/** @type {NodeJS.Signals} */ signal) => void child.kill(signal);
    process.on('SIGINT', pass).on('SIGTERM', pass).on('SIGHUP', pass);
    const stop = () => process.off('SIGINT', pass).off('SIGTERM', pass).off('SIGHUP', pass);
    child.on('error', (error) => {
      stop();
      reject(error);
    });
    child.on('close', (code, signal) => {
      stop();
      passRest();
      resolve(status(code, signal));
    });
  });
}

/** @param {string} text */
const indented = (text) =>
  text
    .split('\n')
    .filter((line) => line.trim())
    .map((line) => `    ${line}`);

/**
 * The last lines of what a program printed, for the person who has to mend it.
 * @param {string} text
 * @param {number} [count]
 */
export const lastLines = (text, count = 15) => indented(text).slice(-count).join('\n');

/**
 * The first lines: npm gives its reason first and a reminder of its options last.
 * @param {string} text
 * @param {number} [count]
 */
export const firstLines = (text, count = 15) => indented(text).slice(0, count).join('\n');
