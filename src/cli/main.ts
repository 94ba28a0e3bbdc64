import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { HashgnnError } from '../base/errors.js';
import { commands, type Register } from './commands/index.js';
import { noteArguments } from './invocation.js';
import { Reported } from './reported.js';

export { interruptSignal } from './interrupt.js';

/** Exit statuses of every command. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Where a run writes: results for programs to `stdout`, words for people to `stderr`. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** The version in package.json, found upwards of this file, which runs both as source and from dist/. */
export function packageVersion(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (manifest.name === 'hashgnn') return manifest.version ?? 'unknown';
    } catch {
      // Not in this folder.
    }
    if (folder === dirname(folder)) return 'unknown';
  }
}

/** The whole command line. Nothing in it ends the process: wrong usage is thrown as a `CommanderError`. */
export function createProgram(registered: readonly Register[] = commands, streams: Streams = process): Command {
  const program = new Command('hashgnn')
    .description('Train graph-hashing recommenders (HashGNN, WWW 2020) on the GPU and search their codes.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      // Errors are printed once, by `main`.
      writeErr: (text) => streams.stderr.write(text),
      outputError: () => {},
    });
  for (const register of registered) register(program);
  return program;
}

/** The command that the arguments name, for the hint after an error of usage. */
function namedCommand(program: Command, args: readonly string[]): string {
  const name = args.find((argument) => !argument.startsWith('-'));
  return program.commands.some((command) => command.name() === name) ? `hashgnn ${name}` : 'hashgnn';
}

/**
 * Runs one command line and says on `stderr` what went wrong, in three parts and without a stack; with `--json` among
 * the arguments an error is also one object on `stdout`, `{ "error": { "message", "where", "fix" } }`.
 *
 * @param args arguments without the program's name
 * @returns the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted
 */
export async function main(
  args: readonly string[],
  registered: readonly Register[] = commands,
  streams: Streams = process,
): Promise<number> {
  const fail = (status: number, text: string, error: { message: string; where?: string; fix?: string }): number => {
    streams.stderr.write(`${text}\n`);
    const end = args.indexOf('--');
    const json = (end < 0 ? args : args.slice(0, end)).includes('--json');
    if (json) streams.stdout.write(`${JSON.stringify({ error })}\n`);
    return status;
  };

  const program = createProgram(registered, streams);
  noteArguments(program, args);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof Reported) return error.exitCode;
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      const fix = `run \`${namedCommand(program, args)} --help\``;
      // Without a command commander has just printed the help.
      if (error.code === 'commander.help') return EXIT.usage;
      const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
      return fail(EXIT.usage, `hashgnn: ${message}\n  to mend it: ${fix}`, { message, fix });
    }
    if (error instanceof HashgnnError) {
      const { where, fix } = error.details;
      return fail(error.exitCode, `hashgnn: ${error.describe()}`, { message: error.message, where, fix });
    }
    const { text, message } = describeDefect(error);
    return fail(EXIT.failed, text, { message });
  }
}

/** What to say of an error that nobody foresaw; the stack only where HASHGNN_DEBUG is set. */
function describeDefect(error: unknown): { text: string; message: string } {
  const message = `this is a defect in hashgnn: ${error instanceof Error ? error.message : String(error)}`;
  const stack = error instanceof Error ? error.stack : undefined;
  const hint = '  to mend it: report it, with what HASHGNN_DEBUG=1 prints';
  return { message, text: `hashgnn: ${message}\n${process.env.HASHGNN_DEBUG && stack ? stack : hint}` };
}

/** How long something forgotten (a device, a timer) may keep a finished process alive. */
const LINGER_MS = 2000;

/** `main` as a process: its exit status, quiet when the reader of standard output goes away. */
export async function runProgram(args: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.failed);
  });
  process.stderr.on('error', () => {});
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${describeDefect(error).text}\n`);
    process.exit(EXIT.failed);
  });
  process.exitCode = await main(args);
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
