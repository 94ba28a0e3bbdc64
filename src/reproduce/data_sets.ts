/** Where the data sets come from: prepared folders, raw files that are prepared here, or generated interactions. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { quoted } from '../base/text.js';
import {
  type Dataset,
  type Files,
  generateInteractions,
  type PrepareOptions,
  type PublishedSet,
  prepareDataset,
  publishedSet,
  readDataset,
  usualFolder,
  writeGenerated,
} from '../data/index.js';
import { DATA, type DataName } from './paper.js';

/** Folders below `--data` that may hold a set. */
const FOLDERS: Readonly<Record<Exclude<DataName, 'alibaba'>, readonly string[]>> = {
  'ml-1m': ['ml-1m', 'movielens', 'movielens-1m'],
  gowalla: ['gowalla'],
  pinterest: ['pinterest', 'pinterest-20', 'pinterest-37501'],
};

/** Raw files that are looked for in such a folder, beside those that are fetched by name. */
const RAW_FILES = ['interactions.tsv', 'interactions.txt', 'interactions.csv', 'ratings.dat', 'ratings.csv'].flatMap(
  (name) => [name, `${name}.gz`],
);

/** A data set as the reports speak of it. */
export interface FoundData {
  readonly name: DataName;
  readonly dataset: Dataset;
  /** Whether the interactions are made up. */
  readonly generated: boolean;
  /** How its parts were split, in words. */
  readonly split: string;
}

export interface DataSettings {
  /** The folder of `--data`; undefined where only generated data is wanted. */
  readonly folder: string | undefined;
  /** Where data sets are prepared. */
  readonly out: string;
  readonly alibabaSize: number;
  readonly signal?: AbortSignal | undefined;
  readonly report: (text: string) => void;
}

/** The paper's split (section 5.1), and always the same one: seeds are of trainings. */
const SPLIT = { testRatio: 0.3, validRatio: 0.1, seed: 1 } as const satisfies PrepareOptions;
/** The same for generated interactions, which are of January 2019. */
const LAST_DAY = {
  split: 'by-time',
  testFrom: '2019-01-30',
  validRatio: 0.1,
  seed: 1,
} as const satisfies PrepareOptions;

/**
 * A data set of the paper; where it is not there, what is missing and where to get it.
 * @throws InputError where it is there and cannot be read
 */
export async function findData(
  name: DataName,
  settings: DataSettings,
): Promise<FoundData | { readonly lacking: string; readonly fix: string }> {
  if (name === 'alibaba') return generatedData(settings);
  const folders = FOLDERS[name];
  const published = publishedSet(name)!;
  const raw = [...RAW_FILES.map((file) => [file]), published.prepare.files];
  if (settings.folder !== undefined) {
    for (const folder of folders.map((one) => join(settings.folder!, one))) {
      if (await exists(join(folder, 'dataset.json'))) return found(name, await readDataset(folder), false);
      for (const files of raw.map((names) => names.map((one) => join(folder, one)))) {
        const there = await Promise.all(files.map(exists));
        if (there.every(Boolean)) return found(name, await prepared(name, files, settings), false);
      }
    }
  }
  const where = settings.folder === undefined ? 'no --data' : `no folder ${folders.join(' or ')} in ${settings.folder}`;
  return { lacking: `${DATA[name].title}: ${where}`, fix: howToGet(published, settings.folder) };
}

/** The command that fetches a set to where it is looked for. */
function howToGet(set: PublishedSet, folder: string | undefined): string {
  const [out, then] =
    folder === undefined
      ? ['', `, and name --data ${dirname(usualFolder(set))}`]
      : [` --out ${quoted(join(folder, set.name))}`, ''];
  return `get it with \`hashgnn download ${set.name}${out}\` (from ${set.page})${then}`;
}

/** Generated interactions of the shape of Alibaba's log, which is private; the last day tests, as in the paper. */
async function generatedData(settings: DataSettings): Promise<FoundData> {
  const { users, items, interactions } = DATA.alibaba;
  const share = (count: number) => Math.max(20, Math.round(count * settings.alibabaSize));
  const name = `alibaba-${settings.alibabaSize}`;
  const file = join(settings.out, `${name}.csv.gz`);
  if (!(await exists(file))) {
    const size = { users: share(users), items: share(items), interactions: share(interactions) };
    settings.report(`${name}: generating ${size.interactions} interactions`);
    await mkdir(settings.out, { recursive: true });
    await writeGenerated(generateInteractions({ ...size, seed: 1 }), file, { signal: settings.signal });
  }
  return found('alibaba', await prepared(name, file, settings, LAST_DAY), true);
}

function found(name: DataName, dataset: Dataset, generated: boolean): FoundData {
  const { kind, testRatio, testFrom, seed } = dataset.summary.split;
  const split =
    kind === 'by-user'
      ? `${Math.round(100 * testRatio!)} % of each user’s interactions test, seed ${seed}`
      : kind === 'by-time'
        ? `from ${testFrom} on interactions test`
        : 'as given';
  return { name, dataset, generated, split };
}

/** The set of a raw file, prepared below `out` if that was not done before. */
async function prepared(
  name: string,
  file: Files,
  { out, signal, report }: DataSettings,
  split: PrepareOptions = SPLIT,
): Promise<Dataset> {
  const folder = join(out, name);
  if (!(await exists(join(folder, 'dataset.json')))) {
    report(`${name}: preparing ${[file].flat().join(', ')}`);
    await prepareDataset({ file, name, ...split, ...(signal && { signal }) }, folder);
  }
  return readDataset(folder);
}

const exists = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
