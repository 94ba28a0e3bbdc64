import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateInteractions, prepareDataset, writeGenerated } from '../../src/data/index.js';

/** The command line as users start it, compiled. */
const HASHGNN = join(import.meta.dirname, '..', '..', 'bin', 'hashgnn.js');

const OPTIONS = [
  ...['--steps', '240', '--batch-size', '64', '--bits', '16', '--input-width', '16', '--widths', '16,12'],
  ...['--fanouts', '4,3', '--evaluate-every', '60', '--log-every', '8', '--checkpoint-every', '6'],
  ...['--candidates', '60', '--feature-updates', 'deferred', '--quiet'],
];

export interface Kills {
  /** Processes that were ended by signal 9. */
  readonly killed: number;
  /** Processes that came to an end by themselves before the signal, other than by finishing the run. */
  readonly failed: readonly string[];
  /** Whether the results are those of a run that nothing has disturbed, byte for byte. */
  readonly same: boolean;
}

/**
 * Trains a small model, killing the process again and again at random moments and taking it up with `--resume`, until it
 * was killed `kills` times; then lets it finish.
 */
export async function trainWithKills(kills: number, seed: number): Promise<Kills> {
  const root = await mkdtemp(join(tmpdir(), 'hashgnn-kills-'));
  try {
    const file = join(root, 'a.tsv');
    await writeGenerated(generateInteractions({ users: 150, items: 100, interactions: 3000, seed: 2 }), file);
    const data = join(root, 'data');
    await prepareDataset({ file }, data);
    const train = (run: string) => ['train', data, '--out', join(root, run), '--resume', ...OPTIONS];
    const begun = performance.now();
    const whole = await ended(train('whole'));
    if (whole.status !== 0) throw new Error(whole.err);
    const milliseconds = performance.now() - begun;

    let state = seed;
    const draw = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    const failed: string[] = [];
    let [killed, run] = [0, 0];
    let finished: string | undefined;
    while (killed < kills && failed.length < 3) {
      // A run that has finished before it was killed often enough: another one.
      const name = `parts-${run}`;
      const { status, signal, err } = await ended(train(name), draw() * 1.1 * milliseconds);
      if (signal === 'SIGKILL') killed += 1;
      else if (status === 0) {
        finished = name;
        run += 1;
        if (!(await sameResults(join(root, 'whole'), join(root, name)))) return { killed, failed, same: false };
      } else failed.push(err);
    }
    const last = await ended(train(`parts-${run}`));
    if (last.status !== 0) failed.push(last.err);
    const name = last.status === 0 ? `parts-${run}` : finished;
    return { killed, failed, same: name !== undefined && (await sameResults(join(root, 'whole'), join(root, name))) };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function sameResults(one: string, other: string): Promise<boolean> {
  const names = ['codes/users', 'codes/items', 'embeddings/users', 'embeddings/items'].map((name) => `${name}.npy`);
  const equal = names.map(async (name) => (await readFile(join(one, name))).equals(await readFile(join(other, name))));
  return (await Promise.all(equal)).every(Boolean);
}

/** Runs the command, and kills it and what it has started after some milliseconds. */
function ended(
  args: readonly string[],
  killAfter?: number,
): Promise<{ status: number | null; signal: NodeJS.Signals | null; err: string }> {
  return new Promise((resolve, reject) => {
    // A group of its own: the launcher starts another process for the work.
    const child = spawn(process.execPath, [HASHGNN, ...args], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    let err = '';
    child.stderr.on('data', (piece) => {
      err += String(piece);
    });
    const timer =
      killAfter === undefined ? undefined : setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), killAfter);
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, err });
    });
  });
}
