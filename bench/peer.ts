/** A peer: a Python process that is told line by line what to do, so that it and we run in turn. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { HashgnnError, InterruptedError } from '../src/base/errors.js';

/** A program of `bench/peers/`. */
export interface PeerScript {
  readonly file: string;
  /** Modules that it imports. */
  readonly modules: readonly string[];
  /** What it needs most, for people, and Debian's package of it. */
  readonly needs: string;
  readonly debian: string;
}

/** What the peer may say of its own end. */
const LAST_WORDS = 2000;

/** The interpreters to try, in this order. */
function interpreters(): string[] {
  const named = process.env.HASHGNN_PYTHON;
  return [...new Set([...(named ? [named] : []), 'python3', '/usr/bin/python3'])];
}

/**
 * The first interpreter that can import what a script needs.
 * @throws HashgnnError where none can
 */
export async function findInterpreter(
  { modules, needs, debian }: PeerScript,
  candidates: readonly string[] = interpreters(),
): Promise<string> {
  const tried: string[] = [];
  for (const python of candidates) {
    const problem = await new Promise<string | undefined>((resolve) => {
      const child = spawn(python, ['-c', `import ${modules.join(', ')}`], { stdio: ['ignore', 'ignore', 'pipe'] });
      let words = '';
      child.stderr.on('data', (chunk) => {
        words += chunk;
      });
      child.on('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'ENOENT' ? 'it is not there' : error.message),
      );
      child.on('close', (code) => resolve(code === 0 ? undefined : lastLine(words) || `it ends with ${code}`));
    });
    if (problem === undefined) return python;
    tried.push(`${python}: ${problem}`);
  }
  throw new HashgnnError(`no Python here can import ${needs}`, {
    where: tried.join('; '),
    fix: `install it (Debian and Ubuntu: apt-get install ${debian}), name a Python that has it in HASHGNN_PYTHON, or time ours alone with --no-peer`,
  });
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';

/** A script's file, upwards of this one, which runs both as source and from dist/. */
function scriptFile(name: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'bench', 'peers', name);
    if (existsSync(file)) return file;
  }
  throw new HashgnnError(`bench/peers/${name} is missing`, { where: here, fix: 'install hashgnn again' });
}

/** A running script. Arrays pass through files in a temporary folder that is removed with it. */
export class PeerProcess {
  readonly folder: string;
  #waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;
  #words = '';
  #ended: Error | undefined;
  readonly #lines: Interface;

  private constructor(
    private readonly script: PeerScript,
    private readonly child: ChildProcessByStdio<Writable, Readable, Readable>,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.folder = mkdtempSync(join(tmpdir(), 'hashgnn-bench-'));
    process.on('exit', this.#leave);
    signal?.addEventListener('abort', this.#interrupt);
    child.stderr.on('data', (chunk) => {
      this.#words = `${this.#words}${chunk}`.slice(-LAST_WORDS);
    });
    // A peer that has gone is told of by 'close'.
    child.stdin.on('error', () => {});
    child.on('error', (error) => this.#end(new HashgnnError(`the peer cannot be run: ${error.message}`)));
    child.on('close', (code, ending) =>
      this.#end(
        new HashgnnError(`the peer has ended (${ending ?? `status ${code}`})`, {
          where: lastLine(this.#words) || script.file,
          fix: ending === 'SIGKILL' ? 'use a machine with more memory, or smaller work' : 'run it by itself',
        }),
      ),
    );
    this.#lines = createInterface({ input: child.stdout });
    this.#lines.on('line', (line) => {
      this.#waiting?.resolve(line);
      this.#waiting = undefined;
    });
  }

  /**
   * @param signal ends the peer at once, and whatever it is asked then is rejected with InterruptedError
   * @throws HashgnnError where no Python has what the script needs
   */
  static async start(script: PeerScript, signal?: AbortSignal): Promise<PeerProcess> {
    const python = await findInterpreter(script);
    const child = spawn(python, [scriptFile(script.file)], { stdio: ['pipe', 'pipe', 'pipe'] });
    const peer = new PeerProcess(script, child, signal);
    if (signal?.aborted) peer.#interrupt();
    return peer;
  }

  /** Sends a command and gives the answer. @param context of the command, for errors */
  async ask(command: string, details: object = {}, context = ''): Promise<Record<string, unknown>> {
    const answered = new Promise<string>((resolve, reject) => {
      if (this.#ended) reject(this.#ended);
      else this.#waiting = { resolve, reject };
    });
    this.child.stdin.write(`${JSON.stringify({ command, ...details })}\n`);
    const answer = JSON.parse(await answered) as Record<string, unknown>;
    if (answer.error !== undefined) {
      throw new HashgnnError(`the peer failed: ${answer.error}`, {
        where: `bench/peers/${this.script.file}, ${command}${context}`,
      });
    }
    return answer;
  }

  /** Ends the peer and removes its folder. */
  async close(): Promise<void> {
    process.off('exit', this.#leave);
    this.signal?.removeEventListener('abort', this.#interrupt);
    this.#leave();
    if (this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null) {
      await new Promise((resolve) => this.child.once('close', resolve));
    }
    this.#lines.close();
  }

  /** All that can be done without waiting, for a process that ends. */
  readonly #leave = (): void => {
    this.child.kill();
    rmSync(this.folder, { recursive: true, force: true });
  };

  readonly #interrupt = (): void => {
    this.child.kill();
    this.#end(new InterruptedError('the bench was stopped'));
  };

  #end(error: Error): void {
    this.#ended ??= error;
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }
}
