/**
 * From files of raw interactions to a dataset folder: read, filter, number, split, check, write.
 *
 * Users are numbered in the order of their ids, items likewise: by value where all ids are integers (of up to 38 digits;
 * equal values, as 7 and 007, by code point), otherwise by Unicode code point. So indices, and with them the split, do
 * not depend on the order of rows.
 */
import { rm } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { digestsOf, writeSealedJson } from '../base/checksums.js';
import { createFolderAtomically, requireEmptyFolder } from '../base/files.js';
import { DATASET_FORMAT, DATASET_VERSION, type DatasetSummary } from './dataset.js';
import { summarise } from './degrees.js';
import { Engine } from './engine.js';
import { type Counts, countPairs, Filter } from './filter.js';
import { numberIds, writeIds } from './ids.js';
import { type Moments, readMoments } from './moments.js';
import { type PartCounts, verifyParts, writeParts } from './parts.js';
import type { Preparation } from './preparation.js';
import { checkOptions, type Input, leastMemory, type PrepareOptions } from './prepare_options.js';
import { Sources } from './sources.js';
import { checkParts, decideSplit, describeSplit } from './split_decision.js';
import { writeTitles } from './titles.js';

export type { Files, PrepareOptions } from './prepare_options.js';

/** The engine's buffers: this share of the process's memory; Node and the engine hold something beside them. */
const engineShare = 0.6;

/**
 * Reads interactions, filters, numbers and splits them, and writes a dataset folder, whole or not at all.
 *
 * The steps, in this order: other behaviours, ratings below `minRating` and other dates out; users sampled; repeated pairs
 * merged; pairs that two given parts share kept in the first of training, validation, test; minimum degrees (distinct
 * interactions over all parts) to the fixed point; ids numbered; split (see `SplitKind`), or as given; leak check.
 *
 * @param folder must not exist, or be empty
 * @throws UsageError for options that make no sense
 * @throws InputError with file and line for input that cannot be read; when a filter leaves nothing, or `minRating` leaves
 *   a user without items and `minUserDegree` does not say that such users go; when a part of the split is left empty
 * @throws InterruptedError after `signal`; nothing is left behind
 */
export async function prepareDataset(options: PrepareOptions, folder: string): Promise<DatasetSummary> {
  const inputs = checkOptions(options);
  await requireEmptyFolder(folder);
  return createFolderAtomically(folder, async (temporary) => {
    const spill = join(temporary, 'spill');
    const memory = options.memory ?? Math.max(leastMemory, Math.min(4 * 2 ** 30, 0.75 * totalmem()));
    const engine = await Engine.open(spill, { signal: options.signal, memory: engineShare * memory });
    const { progress } = options;
    const stage = (name: string) => {
      if (progress) engine.watch = (percent) => progress(name, percent, 100, '%');
    };
    try {
      return await prepareWith({ engine, options, temporary, spill, stage }, inputs, basename(resolve(folder)));
    } finally {
      engine.close();
      await rm(spill, { recursive: true, force: true });
    }
  });
}

/** One run of `prepareDataset`, step by step. */
async function prepareWith(
  preparation: Preparation,
  given: readonly Input[],
  folderName: string,
): Promise<DatasetSummary> {
  const { engine, options, temporary } = preparation;
  const moments = await readMoments(engine, options);
  const sources = await Sources.read(preparation, given);
  // From here on no table has an order of its own.
  await engine.run('SET preserve_insertion_order = false');
  const { filters, counts } = await filterAndNumber(preparation, sources, moments);
  const split = decideSplit(options, sources.inputs, moments, counts.interactions);
  const parts = await writeParts(preparation, split.plan, counts, sources.knowsTime);
  checkParts(parts.counts, split, options, sources.where);
  const fingerprint = await verifyParts(preparation, counts, parts.counts);

  preparation.stage('writing ids');
  const titles = options.items === undefined ? undefined : await writeTitles(preparation, options.items);
  await writeIds(preparation);

  const summary: DatasetSummary = {
    format: DATASET_FORMAT,
    version: DATASET_VERSION,
    name: options.name ?? folderName,
    statistics: describeStatistics(counts, parts),
    sources: titles ? [...sources.list, titles.source] : sources.list,
    filters,
    split: describeSplit(split, parts, options.testFrom),
    titledItems: titles?.known ?? null,
    fingerprint,
    files: await digestsOf(temporary, ['users.txt', 'items.txt', ...(titles ? ['titles.txt'] : [])]),
  };
  await writeSealedJson(join(temporary, 'dataset.json'), summary);
  return summary;
}

/** All that leaves interactions out; returns what it left out, and what is there now, numbered. */
async function filterAndNumber(
  preparation: Preparation,
  { inputs, list, bad, knowsTime, where }: Sources,
  moments: Moments,
): Promise<{ filters: DatasetSummary['filters']; counts: Counts }> {
  const filter = new Filter({ ...preparation, inputs, moments, knowsTime, where });
  const rowsRead = list.reduce((sum, source) => sum + source.rows, 0);
  const rowFilters = await filter.rows(rowsRead);
  const before = await countPairs(preparation.engine);
  const rounds = await filter.degrees();
  const counts = await numberIds(preparation);
  const degreeFilter = {
    rounds,
    users: before.users - counts.users,
    items: before.items - counts.items,
    interactions: before.interactions - counts.interactions,
  };
  return { filters: { ...rowFilters, badRows: bad, degreeFilter }, counts };
}

function describeStatistics(
  { users, items, interactions }: Counts,
  { degrees, times }: PartCounts,
): DatasetSummary['statistics'] {
  return {
    users,
    items,
    interactions,
    density: interactions / (users * items),
    userDegree: summarise(degrees.users),
    itemDegree: summarise(degrees.items),
    times,
  };
}
