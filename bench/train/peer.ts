/** The peer of training: PyTorch. */
import { join, resolve } from 'node:path';
import { HashgnnError } from '../../src/base/errors.js';
import { PeerProcess, type PeerScript } from '../peer.js';

export const TORCH: PeerScript = {
  file: 'torch_train.py',
  modules: ['torch', 'numpy'],
  needs: 'PyTorch',
  debian: 'python3-torch libopenblas0-pthread',
};

/** How the peer writes the step: as the paper has it, or the best that can be made of it. */
export type Way = 'port' | 'best';

export interface TorchVersions {
  readonly torch: string;
  readonly numpy: string;
  readonly python: string;
  readonly threads: number;
  /** What multiplies its matrices. */
  readonly blas: string;
}

/** PyTorch in its process. */
export class TorchPeer {
  readonly #process: PeerProcess;

  private constructor(
    process: PeerProcess,
    readonly versions: TorchVersions,
  ) {
    this.#process = process;
  }

  /**
   * @param signal ends the peer at once, and whatever it is asked then is rejected with InterruptedError
   * @throws HashgnnError where no Python has PyTorch, or where its matrix library is the plain one: a race that it cannot
   * win would say nothing
   */
  static async start(signal?: AbortSignal): Promise<TorchPeer> {
    const process = await PeerProcess.start(TORCH, signal);
    try {
      const versions = (await process.ask('about')) as unknown as TorchVersions;
      if (versions.blas === 'reference') {
        throw new HashgnnError('PyTorch multiplies matrices with the plain BLAS, four times slower than it could', {
          where: 'the peer',
          fix: 'install a fast one (Debian and Ubuntu: apt-get install libopenblas0-pthread), or use --no-peer',
        });
      }
      return new TorchPeer(process, versions);
    } catch (error) {
      await process.close();
      throw error;
    }
  }

  /** Gives it the training edges of a dataset folder. */
  async load(folder: string, batch: number, negatives: number): Promise<void> {
    await this.#process.ask('load', { train: resolve(join(folder, 'train.npy')), batch, negatives });
  }

  /** Milliseconds of each of the next steps. */
  async run(way: Way, steps: number): Promise<number[]> {
    return (await this.#process.ask('run', { way, steps })).milliseconds as number[];
  }

  /** Milliseconds to encode all nodes. */
  async encode(times: number): Promise<number[]> {
    return (await this.#process.ask('encode', { times })).milliseconds as number[];
  }

  async close(): Promise<void> {
    await this.#process.close();
  }
}
