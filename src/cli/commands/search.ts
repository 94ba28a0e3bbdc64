/** `hashgnn search`: the nearest codes of queries, from arrays or an index file; needs no training. */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { HashgnnError, InputError, UsageError } from '../../base/errors.js';
import { createFolderAtomically, readNpy, requireEmptyFolder, requireNoFile, writeNpy } from '../../base/files.js';
import { median } from '../../base/median.js';
import { Gpu } from '../../gpu/index.js';
import { indexOf, readIndex, saveIndex } from '../../index_files.js';
import {
  DEFAULT_CANDIDATES,
  type Exclusions,
  HammingIndex,
  HierarchicalIndex,
  idBitmap,
  MAX_BITS,
  type SearchOptions,
} from '../../search/index.js';
import { toCount, toNumber, toWhole } from '../numbers.js';
import {
  formatBytes,
  formatCount,
  formatSeconds,
  Output,
  type OutputOptions,
  outputOptions,
  table,
} from '../output.js';

interface Options extends OutputOptions {
  readonly codes?: string;
  readonly index?: string;
  readonly queries: string;
  readonly k?: number;
  readonly radius?: number;
  readonly ids?: string;
  readonly embeddings?: string;
  readonly queryEmbeddings?: string;
  readonly candidates?: number;
  readonly exclude?: string;
  readonly allow?: string;
  readonly deny?: string;
  readonly memory?: number;
  readonly repeat: number;
  readonly saveIndex?: string;
  readonly adapter?: string;
  readonly out: string;
}

/** The object of `--json`. */
export interface SearchReport {
  /** Items in the database. */
  readonly database: number;
  readonly queries: number;
  readonly bits: number;
  /** Floats of an embedding and codes that were re-ranked by them, in hierarchical search. */
  readonly width?: number;
  readonly candidates?: number;
  readonly k?: number;
  readonly radius?: number;
  /** Results within the radius, of all queries together. */
  readonly total?: number;
  readonly adapter: string;
  /** Medians over `--repeat`. */
  readonly seconds: {
    /** From files to arrays in memory. */
    readonly load: number;
    /** From arrays in memory to the database on the device. */
    readonly build: number;
    /** From queries in memory to results in memory, the database on the device. */
    readonly search: number;
  };
}

const HELP = `
Arrays are .npy files: codes and queries uint8 [n, bits / 8], bit j of a code in bit j mod 8 of byte j div 8 (NumPy's
packbits with bitorder="little"); embeddings float32 [n, width]; ids int32 [n].

Into --out go, best first and equal ones in order of id:
  with -k         ids.npy int32 [queries, k], distances.npy int32 [queries, k]; missing places have id -1
                  (with embeddings distances.npy is float32 and holds inner products)
  with --radius   ids.npy and distances.npy int32 [total], offsets.npy int32 [queries + 1]: query q has the places from
                  offsets[q] to offsets[q + 1] - 1

Times are those of reading the files (load), of bringing the database to the device (build), and from queries in memory
to results in memory (search). With --repeat above 1 each is a median, and one search that is not timed comes before
them, since the first one also compiles kernels.
`;

export function register(program: Command): void {
  const command = program
    .command('search')
    .description('find the nearest codes of queries, exactly, in any codes or in an index file')
    .requiredOption('--queries <file>', 'codes to search for')
    .requiredOption('-o, --out <folder>', 'folder to write; must not exist, or be empty')
    .option('--codes <file>', 'codes to search in')
    .option('--index <file>', 'index file to search in, instead of --codes')
    .option('-k, --k <n>', 'results a query', toCount)
    .option('--radius <bits>', 'instead of -k: all results that differ in at most so many bits', toWhole)
    .option('--ids <file>', 'ids of the codes, distinct (their row numbers unless given)')
    .option('--embeddings <file>', 'embeddings of the codes: the best by code are re-ranked by inner product')
    .option('--query-embeddings <file>', 'embeddings of the queries, with --embeddings or an index that has them')
    .option(
      '--candidates <m>',
      `codes that embeddings re-rank (default: ${DEFAULT_CANDIDATES}, or k where that is more)`,
      toCount,
    )
    .option('--exclude <file>', "int32 [n, 2]: pairs of query row and id to leave out, as a dataset's train.npy")
    .option('--allow <file>', 'ids: find no others')
    .option('--deny <file>', 'ids to leave out for all queries')
    .option('--memory <MiB>', 'memory on the device that a batch of queries may take (default: 256)', toNumber)
    .option('--repeat <n>', 'how many times to load, build and search', toCount, 1)
    .option('--save-index <file>', 'write the index to a file, for --index')
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it')
    .addHelpText('after', HELP);
  outputOptions(command).action(async (options: Options) => {
    const output = new Output(options);
    const { out, repeat, k } = options;
    requireCombination(options);
    await requireEmptyFolder(out);
    if (options.saveIndex !== undefined) await requireNoFile(options.saveIndex);
    const load = await timed(repeat, () => readInputs(options));
    const inputs = load.value;
    if (k !== undefined) requireRoom(inputs.queryCount, k);
    using gpu = await Gpu.open({ adapter: options.adapter });
    output.say(`adapter: ${gpu.name}${gpu.adapter.software ? ', a software driver' : ''}`);
    let index: Index | undefined;
    try {
      const build = await timed(repeat, async () => {
        index?.destroy();
        index = undefined;
        index = await inputs.build(gpu);
        await gpu.finish();
        return index;
      });
      if (options.saveIndex !== undefined) await saveIndex(options.saveIndex, build.value);
      const run = () => search(build.value, inputs, options);
      if (repeat > 1) await run();
      const { value: found, seconds } = await timed(repeat, run);
      await createFolderAtomically(out, (folder) => writeFound(folder, found, inputs.queryCount, k));
      const report: SearchReport = {
        database: build.value.count,
        queries: inputs.queryCount,
        bits: inputs.bits,
        ...found.kind,
        adapter: gpu.name,
        seconds: { load: load.seconds, build: build.seconds, search: seconds },
      };
      output.result(report, describeReport(report, out));
    } finally {
      index?.destroy();
    }
  });
}

/** @throws UsageError where options are missing or contradict each other */
function requireCombination(options: Options): void {
  const { codes, index, k, radius, embeddings, queryEmbeddings, memory } = options;
  const refuse = (message: string, fix: string): never => {
    throw new UsageError(message, { fix });
  };
  if ((codes === undefined) === (index === undefined)) {
    const found = codes === undefined ? 'there is nothing to search in' : '--codes and --index are both given';
    refuse(found, 'give --codes or --index, one of the two');
  }
  if ((k === undefined) === (radius === undefined)) {
    const found = k === undefined ? 'it is not said how many results are wanted' : '-k and --radius are both given';
    refuse(found, 'give -k or --radius, one of the two');
  }
  for (const name of ['ids', 'embeddings'] as const) {
    if (index !== undefined && options[name] !== undefined) {
      refuse(`--${name} cannot be used with --index`, `leave out --${name}: an index file holds its own`);
    }
  }
  if (codes !== undefined && (embeddings === undefined) !== (queryEmbeddings === undefined)) {
    const missing = embeddings === undefined ? '--embeddings' : '--query-embeddings';
    refuse(`${missing} is missing`, 'give --embeddings and --query-embeddings together, or neither');
  }
  if (queryEmbeddings === undefined && options.candidates !== undefined) {
    refuse('--candidates needs embeddings', 'give --query-embeddings too, or leave out --candidates');
  }
  if (queryEmbeddings !== undefined && radius !== undefined) {
    refuse('--radius cannot be used with embeddings', 'give -k, or leave out the embeddings');
  }
  for (const [name, value] of [
    ['-k', k],
    ['--candidates', options.candidates],
    ['--radius', radius],
  ] as const) {
    if (value !== undefined && value >= 2 ** 31) refuse(`${name} is ${value}`, 'give less than 2,147,483,648');
  }
  if (memory !== undefined && !(memory > 0)) refuse(`--memory is ${memory}`, 'give a number above 0');
}

type Index = HammingIndex | HierarchicalIndex;

/** What is searched for and in what, read and checked. */
interface Inputs {
  readonly bits: number;
  /** [queryCount, bits / 8] */
  readonly queries: Uint8Array;
  readonly queryCount: number;
  readonly queryEmbeddings?: Float32Array;
  readonly filters: Pick<SearchOptions, 'exclude' | 'allow' | 'deny'>;
  build(gpu: Gpu): Promise<Index>;
}

/** @throws InputError naming the file, and the row where there is one, of whatever is not as it should be */
async function readInputs(options: Options): Promise<Inputs> {
  const database = await readDatabase(options);
  const { bits, width, limit } = database;
  const queries = await readCodes(options.queries);
  if (queries.bits !== bits) {
    throw new InputError(`the queries have ${queries.bits} bits and the codes to search in ${bits}`, {
      where: options.queries,
      fix: 'give queries that were made like the codes',
    });
  }
  const { queryEmbeddings, exclude, allow, deny } = options;
  if ((width === undefined) !== (queryEmbeddings === undefined)) {
    throw new UsageError(width === undefined ? 'the index has no embeddings' : 'the index has embeddings', {
      where: options.index,
      fix: width === undefined ? 'leave out --query-embeddings' : 'give --query-embeddings too',
    });
  }
  return {
    bits,
    queries: queries.data,
    queryCount: queries.count,
    ...(queryEmbeddings !== undefined && {
      queryEmbeddings: (await readEmbeddings(queryEmbeddings, queries.count, width!)).data,
    }),
    filters: {
      ...(exclude !== undefined && { exclude: await readExclusions(exclude, queries.count, limit) }),
      ...(allow !== undefined && { allow: idBitmap(await readIds(allow, null, limit)) }),
      ...(deny !== undefined && { deny: idBitmap(await readIds(deny, null, limit)) }),
    },
    build: database.build,
  };
}

interface Database {
  readonly bits: number;
  /** Floats of an embedding, where there are any. */
  readonly width?: number | undefined;
  /** Ids are below it. Where the caller chose them any id may come up, of an item that was removed, say. */
  readonly limit: number;
  build(gpu: Gpu): Promise<Index>;
}

/** Ids go to 2³¹ − 2. */
const ANY_ID = 2 ** 31 - 1;

async function readDatabase(options: Options): Promise<Database> {
  if (options.index !== undefined) {
    const contents = await readIndex(options.index);
    return { ...contents, limit: ANY_ID, build: (gpu) => indexOf(gpu, contents) };
  }
  const { data: codes, count, bits } = await readCodes(options.codes!);
  const ids = options.ids === undefined ? undefined : await readIds(options.ids, count);
  const items = { codes, count, bits, ...(ids && { ids }) };
  const limit = ids ? ANY_ID : count;
  if (options.embeddings === undefined) return { bits, limit, build: (gpu) => HammingIndex.create(gpu, items) };
  const { data: embeddings, width } = await readEmbeddings(options.embeddings, count, null);
  return { bits, width, limit, build: (gpu) => HierarchicalIndex.create(gpu, { ...items, embeddings, width }) };
}

async function readCodes(path: string): Promise<{ data: Uint8Array; count: number; bits: number }> {
  const { data, shape } = await readNpy(path, { dtype: 'uint8', shape: [null, null] });
  const [count, bytes] = shape as [number, number];
  if (bytes < 1 || bytes > MAX_BITS / 8) {
    throw new InputError(`a code cannot have ${8 * bytes} bits`, {
      where: path,
      fix: `give 1 to ${MAX_BITS / 8} bytes a code`,
    });
  }
  return { data, count, bits: 8 * bytes };
}

async function readEmbeddings(
  path: string,
  count: number,
  width: number | null,
): Promise<{ data: Float32Array; width: number }> {
  const { data, shape } = await readNpy(path, { dtype: 'float32', shape: [count, width], finite: true });
  if (shape[1] === 0)
    throw new InputError('embeddings cannot be 0 wide', { where: path, fix: 'give at least 1 column' });
  return { data, width: shape[1]! };
}

/** @param limit every id is below it */
async function readIds(path: string, count: number | null, limit = ANY_ID): Promise<Int32Array> {
  const { data } = await readNpy(path, { dtype: 'int32', shape: [count] });
  for (let row = 0; row < data.length; row += 1) requireId(data[row]!, limit, path, row);
  return data;
}

function requireId(id: number, limit: number, path: string, row: number): void {
  if (id >= 0 && id < limit) return;
  const range =
    limit === ANY_ID ? `ids are whole numbers from 0 to ${ANY_ID - 1}` : `ids are row numbers of the ${limit} codes`;
  throw new InputError(`there is no id ${id}`, { where: `${path}, row ${row}`, fix: `mend the row: ${range}` });
}

/** Pairs (query row, id) in any order as a list of ids for each query. */
async function readExclusions(path: string, queries: number, limit: number): Promise<Exclusions> {
  const { data: pairs } = await readNpy(path, { dtype: 'int32', shape: [null, 2] });
  const offsets = new Uint32Array(queries + 1);
  for (let at = 0; at < pairs.length; at += 2) {
    const query = pairs[at]!;
    if (query < 0 || query >= queries) {
      throw new InputError(`there is no query ${query}`, {
        where: `${path}, row ${at / 2}`,
        fix: `mend the row: its first number is a row of the ${queries} queries`,
      });
    }
    requireId(pairs[at + 1]!, limit, path, at / 2);
    offsets[query + 1]! += 1;
  }
  for (let query = 0; query < queries; query += 1) offsets[query + 1]! += offsets[query]!;
  const ids = new Int32Array(pairs.length / 2);
  const next = offsets.slice(0, queries);
  for (let at = 0; at < pairs.length; at += 2) {
    const query = pairs[at]!;
    ids[next[query]!] = pairs[at + 1]!;
    next[query]! += 1;
  }
  for (let query = 0; query < queries; query += 1) ids.subarray(offsets[query], offsets[query + 1]).sort();
  return { offsets, ids };
}

/** @throws HashgnnError where the results would not fit this machine's memory */
function requireRoom(queries: number, k: number): void {
  const bytes = queries * k * 8;
  const room = totalmem();
  if (bytes <= room) return;
  throw new HashgnnError(`the results would take ${formatBytes(bytes)}, this machine has ${formatBytes(room)}`, {
    where: `${formatCount(queries)} queries, ${formatCount(k)} results each`,
    fix: 'ask for fewer results, or search for fewer queries at a time',
  });
}

/** Results as they are written. */
interface Found {
  readonly ids: Int32Array;
  readonly distances: Int32Array | Float32Array;
  /** Where each query's results begin, [queries + 1], after a search within a radius. */
  readonly offsets?: Int32Array;
  /** What was asked, and how much was found where that varies. */
  readonly kind: Pick<SearchReport, 'k' | 'radius' | 'total' | 'width' | 'candidates'>;
}

async function search(index: Index, inputs: Inputs, { k = 0, radius, ...options }: Options): Promise<Found> {
  const { queries, queryEmbeddings: embeddings, filters } = inputs;
  const general = { ...filters, ...(options.memory !== undefined && { memory: options.memory * 2 ** 20 }) };
  if (index instanceof HierarchicalIndex) {
    const { candidates = Math.max(DEFAULT_CANDIDATES, k) } = options;
    const found = await index.search({ codes: queries, embeddings: embeddings! }, k, { ...general, candidates });
    return { ids: found.ids, distances: found.products, kind: { k, candidates, width: index.width } };
  }
  if (radius === undefined) {
    const { ids, distances } = await index.search(queries, k, general);
    return { ids, distances, kind: { k } };
  }
  const { offsets, ids, distances } = await index.rangeSearch(queries, radius, general);
  const total = ids.length;
  if (total >= 2 ** 31) {
    throw new HashgnnError(`${formatCount(total)} results are more than offsets.npy can count`, {
      where: `--radius ${radius}`,
      fix: 'use a smaller radius, or search for fewer queries at a time',
    });
  }
  return { ids, distances, offsets: Int32Array.from(offsets), kind: { radius, total } };
}

async function writeFound(folder: string, found: Found, queries: number, k: number | undefined): Promise<void> {
  const { ids, distances, offsets } = found;
  const shape = k === undefined ? [ids.length] : [queries, k];
  await writeNpy(join(folder, 'ids.npy'), ids, shape);
  await writeNpy(join(folder, 'distances.npy'), distances, shape);
  if (offsets) await writeNpy(join(folder, 'offsets.npy'), offsets, [queries + 1]);
}

/** Runs an action some times: what it gave last, and the median of its seconds. */
async function timed<T>(times: number, action: () => Promise<T>): Promise<{ value: T; seconds: number }> {
  const once = async () => {
    const start = performance.now();
    const value = await action();
    return { value, seconds: (performance.now() - start) / 1000 };
  };
  let last = await once();
  const all = [last.seconds];
  while (all.length < times) {
    last = await once();
    all.push(last.seconds);
  }
  return { value: last.value, seconds: median(all) };
}

function describeReport(report: SearchReport, folder: string): string {
  const { database, queries, bits, seconds } = report;
  const rate = (count: number) => formatCount(Number((count / seconds.search).toPrecision(3)));
  const names = report.radius === undefined ? ['ids', 'distances'] : ['ids', 'distances', 'offsets'];
  return [
    table([
      [
        'codes',
        'queries',
        'bits',
        report.radius === undefined ? 'k' : 'results',
        ...(report.candidates ? ['candidates'] : []),
      ],
      [database, queries, bits, report.k ?? report.total!, ...(report.candidates ? [report.candidates] : [])].map(
        formatCount,
      ),
    ]),
    '',
    table([
      ['load', 'build', 'search', 'queries/s', 'pairs/s'],
      [...[seconds.load, seconds.build, seconds.search].map(formatSeconds), rate(queries), rate(queries * database)],
    ]),
    '',
    `written: ${names.map((name) => join(folder, `${name}.npy`)).join(', ')}`,
  ].join('\n');
}
