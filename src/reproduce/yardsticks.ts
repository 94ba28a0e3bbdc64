/** What every system should beat, on the same data by the same protocol: popularity, and PureSVD of the same width. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, readJson, writeJson } from '../base/files.js';
import { Csr, type Dataset, popularityScores } from '../data/index.js';
import type { Gpu } from '../gpu/index.js';
import { evaluate, evaluatePopularity, type Metrics } from '../search/index.js';
import { seenItems } from '../train/index.js';
import { pureSvd } from './pure_svd.js';
import { CUTOFFS, MASKINGS, type Masking } from './run_evaluation.js';

export interface Yardsticks {
  readonly popularity: Readonly<Record<Masking, Metrics>>;
  /** Exact search. */
  readonly pureSvd: Readonly<Record<Masking, Metrics>>;
}

/** Measured, or read where they were measured before on the same data. */
export async function keptYardsticks(gpu: Gpu, dataset: Dataset, width: number, folder: string): Promise<Yardsticks> {
  const file = join(folder, `${dataset.summary.fingerprint.slice(0, 8)}_${width}.json`);
  if (await stat(file).catch(() => undefined)) return (await readJson(file)) as Yardsticks;
  const { userCount, itemCount } = dataset;
  const factors = pureSvd(dataset, width);
  const test = Csr.fromEdges(dataset.test, userCount, itemCount);
  const seen = seenItems(dataset);
  const scores = popularityScores(dataset.train, itemCount);
  const found = async (masking: Masking) => {
    const masked = masking === 'masked';
    const { exact } = await evaluate(gpu, {
      ...{ userEmbeddings: factors.users, itemEmbeddings: factors.items, seen, test, masked, cutoffs: CUTOFFS },
      // Without codes: exact search alone.
      ...{ searches: ['exact'], bits: 8, userCodes: new Uint8Array(userCount), itemCodes: new Uint8Array(itemCount) },
    });
    return { pureSvd: exact!, popularity: evaluatePopularity(scores, masked ? seen : undefined, test, CUTOFFS) };
  };
  const results = { masked: await found('masked'), unmasked: await found('unmasked') };
  const of = (name: keyof Yardsticks) =>
    Object.fromEntries(MASKINGS.map((masking) => [masking, results[masking][name]])) as Record<Masking, Metrics>;
  const yardsticks = { popularity: of('popularity'), pureSvd: of('pureSvd') };
  await makeFolder(folder);
  await writeJson(file, yardsticks);
  return yardsticks;
}
