/** The peer of search: FAISS. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readNpy, writeNpy } from '../../src/base/files.js';
import { PeerProcess, type PeerScript } from '../peer.js';
import type { Arrays, Side } from './arrays.js';
import type { Found } from './compare.js';
import type { Row } from './rows.js';

export const FAISS: PeerScript = {
  file: 'faiss_search.py',
  modules: ['faiss', 'numpy'],
  needs: 'FAISS',
  debian: 'python3-faiss',
};

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

/** FAISS in its process. */
export class Peer {
  readonly #process: PeerProcess;
  #row: Row | undefined;
  #name = '';

  private constructor(
    process: PeerProcess,
    readonly versions: PeerVersions,
  ) {
    this.#process = process;
  }

  /**
   * @param signal ends the peer at once, and whatever it is asked then is rejected with InterruptedError
   * @throws HashgnnError where no Python has FAISS
   */
  static async start(signal?: AbortSignal): Promise<Peer> {
    const process = await PeerProcess.start(FAISS, signal);
    try {
      return new Peer(process, (await process.ask('about')) as unknown as PeerVersions);
    } catch (error) {
      await process.close();
      throw error;
    }
  }

  /** What runs the present row: "faiss.IndexBinaryFlat". */
  get name(): string {
    return this.#name;
  }

  /** Gives the peer a row's arrays. */
  async load(row: Row, arrays: Arrays): Promise<void> {
    const files: Record<string, string> = {};
    const write = async (name: string, array: Uint8Array | Float32Array, rows: number) => {
      files[name] = join(this.#process.folder, `${name}.npy`);
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
    const file = (name: string) => join(this.#process.folder, `${name}.npy`);
    await this.#ask('save', { ids: file('ids'), values: file('values'), cuts: file('cuts') });
    const ids = (await readNpy(file('ids'), { dtype: 'int32', shape })).data;
    const dtype = row.peer === 'hamming' ? 'int32' : 'float32';
    const values = (await readNpy(file('values'), { dtype, shape })).data;
    if (row.peer !== 'hierarchical') return { ids, values };
    return { ids, values, cuts: (await readNpy(file('cuts'), { dtype: 'int32', shape: [row.queries] })).data };
  }

  /** Ends the peer. */
  async close(): Promise<void> {
    await this.#process.close();
  }

  #ask(command: string, details: object = {}): Promise<Record<string, unknown>> {
    return this.#process.ask(command, details, this.#row ? `, after row ${this.#row.name}` : '');
  }
}
