/** The peer: a Python process with FAISS that is told line by line what to do, so that it and we run in turn. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { HashgnnError, InterruptedError } from '../../src/base/errors.js';
import { readNpy, writeNpy } from '../../src/base/files.js';
import type { Arrays, Side } from './arrays.js';
import type { Found } from './compare.js';
import type { Row } from './rows.js';

const SCRIPT = 'faiss_search.py';
/** What the peer may say of its own end. */
const LAST_WORDS = 2000;

/** What is known of a peer. */
export interface PeerVersions {
  readonly faiss: string;
  readonly numpy: string;
  readonly python: string;
  readonly threads: number;
}

/** How a peer does a row: the fastest of the ways that it has. */
export interface PeerWay {
  readonly threads: number;
  readonly [setting: string]: number | boolean | string;
}

/** The interpreters to try, in this order. */
function interpreters(): string[] {
  const named = process.env.HASHGNN_PYTHON;
  return [...new Set([...(named ? [named] : []), 'python3', '/usr/bin/python3'])];
}

/**
 * The first interpreter that can import FAISS.
 * @throws HashgnnError where none can
 */
export async function findInterpreter(candidates: readonly string[] = interpreters()): Promise<string> {
  const tried: string[] = [];
  for (const python of candidates) {
    const problem = await new Promise<string | undefined>((resolve) => {
      const child = spawn(python, ['-c', 'import faiss, numpy'], { stdio: ['ignore', 'ignore', 'pipe'] });
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
  throw new HashgnnError('no Python here can import FAISS', {
    where: tried.join('; '),
    fix: 'install it (Debian and Ubuntu: apt-get install python3-faiss), name a Python that has it in HASHGNN_PYTHON, or time ours alone with --no-peer',
  });
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';

/** The peer's script, upwards of this file, which runs both as source and from dist/. */
function scriptFile(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'bench', 'peers', SCRIPT);
    if (existsSync(file)) return file;
  }
  throw new HashgnnError(`bench/peers/${SCRIPT} is missing`, { where: here, fix: 'install hashgnn again' });
}

/** A running peer. Arrays pass through files in a temporary folder that is removed with it. */
export class Peer {
  #folder: string;
  #waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;
  #words = '';
  #ended: Error | undefined;
  #versions!: PeerVersions;
  #row: Row | undefined;
  #name = '';
  readonly #lines: Interface;

  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, Readable>,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#folder = mkdtempSync(join(tmpdir(), 'hashgnn-bench-'));
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
          where: lastLine(this.#words) || SCRIPT,
          fix: ending === 'SIGKILL' ? 'use a machine with more memory, or fewer rows (--rows)' : 'run it by itself',
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
   * @throws HashgnnError where no Python has FAISS
   */
  static async start(signal?: AbortSignal): Promise<Peer> {
    const python = await findInterpreter();
    const child = spawn(python, [scriptFile()], { stdio: ['pipe', 'pipe', 'pipe'] });
    const peer = new Peer(child, signal);
    try {
      if (signal?.aborted) peer.#interrupt();
      peer.#versions = (await peer.#ask('about')) as unknown as PeerVersions;
      return peer;
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  get versions(): PeerVersions {
    return this.#versions;
  }

  /** What runs the present row: "faiss.IndexBinaryFlat". */
  get name(): string {
    return this.#name;
  }

  /** Gives the peer a row's arrays. */
  async load(row: Row, arrays: Arrays): Promise<void> {
    const files: Record<string, string> = {};
    const write = async (name: string, array: Uint8Array | Float32Array, rows: number) => {
      files[name] = join(this.#folder, `${name}.npy`);
      await writeNpy(files[name], array, [rows, array.length / rows]);
    };
    const sides: [name: string, plural: string, side: Side, rows: number][] = [
      ['database', 'database', arrays.database, row.database],
      ['query', 'queries', arrays.queries, row.queries],
    ];
    for (const [name, main, side, rows] of sides) {
      await write(main, row.peer === 'continuous' ? side.embeddings! : side.codes, rows);
      if (row.peer === 'hierarchical') await write(`${name}_embeddings`, side.embeddings!, rows);
    }
    const { peer: search, k, candidates } = row;
    this.#name = (await this.#ask('load', { search, k, candidates, ...files })).name as string;
    this.#row = row;
    for (const file of Object.values(files)) await rm(file);
  }

  /** Lets the peer find the fastest way to do the row, and keep it. */
  async warm(): Promise<{ seconds: number; way: PeerWay }> {
    return (await this.#ask('warm')) as { seconds: number; way: PeerWay };
  }

  /** One search. @returns its seconds by the peer's own clock, results in its memory */
  async run(): Promise<number> {
    return (await this.#ask('run')).seconds as number;
  }

  /** What the last search found. */
  async results(): Promise<Found> {
    const row = this.#row!;
    const shape = [row.queries, row.k];
    const file = (name: string) => join(this.#folder, `${name}.npy`);
    await this.#ask('save', { ids: file('ids'), values: file('values'), cuts: file('cuts') });
    const ids = (await readNpy(file('ids'), { dtype: 'int32', shape })).data;
    const dtype = row.peer === 'hamming' ? 'int32' : 'float32';
    const values = (await readNpy(file('values'), { dtype, shape })).data;
    if (row.peer !== 'hierarchical') return { ids, values };
    return { ids, values, cuts: (await readNpy(file('cuts'), { dtype: 'int32', shape: [row.queries] })).data };
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
    rmSync(this.#folder, { recursive: true, force: true });
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

  async #ask(command: string, details: object = {}): Promise<Record<string, unknown>> {
    const answered = new Promise<string>((resolve, reject) => {
      if (this.#ended) reject(this.#ended);
      else this.#waiting = { resolve, reject };
    });
    this.child.stdin.write(`${JSON.stringify({ command, ...details })}\n`);
    const answer = JSON.parse(await answered) as Record<string, unknown>;
    if (answer.error !== undefined) {
      throw new HashgnnError(`the peer failed: ${answer.error}`, {
        where: `bench/peers/${SCRIPT}, ${command}${this.#row ? `, after row ${this.#row.name}` : ''}`,
      });
    }
    return answer;
  }
}
