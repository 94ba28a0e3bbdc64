import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { InputError } from '../../src/base/errors.js';
import { readDataset } from '../../src/data/dataset.js';
import { prepareDataset } from '../../src/data/prepare.js';
import { bytesOfDamaged, damagedFile } from './damage.js';

/**
 * Prepares damaged files. Each ends as an `InputError` that leaves nothing behind, or as a dataset that reads back, of which
 * no id is blank or holds what no sample and no damage can have put there.
 *
 * @returns how many were refused and how many read
 */
export async function fuzzPrepare(runs: number, seed: number): Promise<{ refused: number; read: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'hashgnn-fuzz-'));
  const file = join(folder, 'in');
  const out = join(folder, 'out');
  const counts = { refused: 0, read: 0 };
  try {
    await fc.assert(
      fc.asyncProperty(damagedFile, async (damaged) => {
        await writeFile(file, bytesOfDamaged(damaged));
        const options = { file, testRatio: 0, skipBadRows: damaged.skipBadRows };
        const error = await prepareDataset(options, out).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (error !== undefined) {
          if (!(error instanceof InputError)) throw error;
          if (!error.details.where || !error.details.fix) throw new Error(`no place or no remedy: ${error.message}`);
          if ((await readdir(folder)).join() !== 'in') throw new Error('something is left behind');
          counts.refused++;
          return;
        }
        const { userIds, itemIds, summary } = await readDataset(out);
        const blank = [...userIds, ...itemIds].find((id) => id.trim() === '');
        if (blank !== undefined) throw new Error('a blank id was read');
        if (!damaged.skipBadRows && summary.filters.badRows.count > 0) throw new Error('bad rows went in silence');
        await rm(out, { recursive: true });
        counts.read++;
      }),
      { numRuns: runs, seed, endOnFailure: true },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return counts;
}
