/**
 * From files of raw interactions to a dataset folder: read, filter, number, split, check, write.
 *
 * Users are numbered in the order of their ids, items likewise: by value where all ids are integers (of up to 38 digits;
 * equal values, as 7 and 007, by code point), otherwise by Unicode code point. So indices, and with them the split, do
 * not depend on the order of rows.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestsOf, writeSealedJson } from '../base/checksums.js';
import { InputError, InterruptedError, UsageError } from '../base/errors.js';
import { createFolderAtomically, requireEmptyFolder, writeFileAtomic } from '../base/files.js';
import { bytesOf } from '../base/npy.js';
import { beginFingerprint, DATASET_FORMAT, DATASET_VERSION, type DatasetSummary } from './dataset.js';
import { fromCounts, histogramOf, summarise } from './degrees.js';
import { EdgeWriter, findSharedPairInFiles, readEdges } from './edge_file.js';
import { Engine, literal } from './engine.js';
import { type Counts, countPairs, Filter } from './filter.js';
import { detectInteractions, detectTitles, type InteractionLayout } from './format.js';
import {
  type EngineSource,
  inspectEngineSource,
  parquetSource,
  querySource,
  type ReadOptions,
  type ReadResult,
  readEngineSource,
  readInteractions,
  readTitles,
  secondsOf,
} from './interactions.js';
import { checkOptions, type Input, leastMemory, type PrepareOptions, type Role } from './prepare_options.js';
import { Part, type SplitPlan, Splitter } from './split.js';
import { inspectText } from './text.js';
import { TimeCounts } from './times.js';

export type { Files, PrepareOptions } from './prepare_options.js';

type Source = DatasetSummary['sources'][number];

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
    try {
      return await new Preparation(engine, options, inputs, temporary, basename(resolve(folder))).run();
    } finally {
      engine.close();
      await rm(spill, { recursive: true, force: true });
    }
  });
}

/** One run of `prepareDataset`, step by step. */
class Preparation {
  private readonly sources: Source[] = [];
  /** The first layout of each role, with the file that has it: further files must agree. */
  private readonly layouts = new Map<Role, { layout: InteractionLayout; name: string }>();
  private readonly bad = { count: 0, first: [] as string[] };
  /** Seconds since 1970 of the moments among the options. */
  private readonly moments: { from?: number; until?: number; testFrom?: number } = {};
  /** Whether every interaction that was read has a time. */
  private knowsTime = true;

  constructor(
    private readonly engine: Engine,
    private readonly options: PrepareOptions,
    private inputs: readonly Input[],
    private readonly temporary: string,
    private readonly folderName: string,
  ) {}

  async run(): Promise<DatasetSummary> {
    const { engine, options, temporary } = this;
    await this.readMoments();
    this.inputs = await this.expandPatterns();
    for (const [index, input] of this.inputs.entries()) await this.readSource(index, input);
    // From here on no table has an order of its own.
    await engine.run('SET preserve_insertion_order = false');
    const { inputs, moments, knowsTime, where } = this;
    const stage = (name: string) => this.stage(name);
    const filter = new Filter({ engine, options, inputs, moments, knowsTime, where, stage });
    const rowsRead = this.sources.reduce((sum, source) => sum + source.rows, 0);
    const filters = { ...(await filter.rows(rowsRead)), badRows: this.bad };
    const before = await countPairs(engine);
    const rounds = await filter.degrees();
    const { users, items, interactions } = await this.number();
    const degreeFilter = {
      rounds,
      users: before.users - users,
      items: before.items - items,
      interactions: before.interactions - interactions,
    };

    const seed = options.seed ?? 1;
    const drawsTest = this.inputs[0]!.role === 'all';
    const drawsValid = drawsTest || options.valid === undefined;
    const kind = options.split ?? 'by-user';
    const hasRatio = drawsTest && (kind === 'by-user' || kind === 'overall');
    const testRatio = hasRatio ? (options.testRatio ?? 0.3) : 0;
    const validRatio = drawsValid ? (options.validRatio ?? 0.1) : 0;
    const { testFrom } = this.moments;
    const plan = {
      kind,
      seed,
      testRatio,
      validRatio,
      total: interactions,
      ...(testFrom !== undefined && { testFrom }),
    };
    const { counts, degrees, times, usersWithTest, usersWithoutTrain, itemsWithoutTrain } = await this.writeParts(
      plan,
      items,
    );
    await this.checkParts(counts, drawsTest && (!hasRatio || testRatio > 0));
    this.stage('checking');
    const paths = parts.map((part) => join(temporary, `${part}.npy`));
    const shared = await findSharedPairInFiles(paths);
    // A defect of ours, not of the input: a plain error.
    if (shared) throw new Error(`user ${shared.user} and item ${shared.item} stand in two parts of the split`);
    const hash = beginFingerprint(
      users,
      items,
      parts.map((part) => counts[part]),
    );
    for (const path of paths) for await (const edges of readEdges(path)) hash.update(bytesOf(edges));

    this.stage('writing ids');
    const titledItems = options.items === undefined ? null : await this.writeTitles(options.items);
    await writeFileAtomic(join(temporary, 'users.txt'), engine.lines('SELECT id FROM users ORDER BY final'));
    await writeFileAtomic(join(temporary, 'items.txt'), engine.lines('SELECT id FROM items ORDER BY final'));

    const summary: DatasetSummary = {
      format: DATASET_FORMAT,
      version: DATASET_VERSION,
      name: options.name ?? this.folderName,
      statistics: {
        users,
        items,
        interactions,
        density: interactions / (users * items),
        userDegree: summarise(degrees.users),
        itemDegree: summarise(degrees.items),
        times,
      },
      sources: this.sources,
      filters: { ...filters, degreeFilter },
      split: {
        kind: drawsTest ? kind : drawsValid ? 'given-valid-drawn' : 'given',
        seed,
        testFrom: options.testFrom ?? null,
        testRatio: hasRatio ? testRatio : null,
        validRatio: drawsValid ? validRatio : null,
        ...counts,
        usersWithTest,
        usersWithoutTrain,
        itemsWithoutTrain,
        sharedPairs: 0,
      },
      titledItems,
      fingerprint: hash.digest('hex'),
      files: await digestsOf(temporary, ['users.txt', 'items.txt', ...(titledItems === null ? [] : ['titles.txt'])]),
    };
    await writeSealedJson(join(temporary, 'dataset.json'), summary);
    return summary;
  }

  /** The option that needs times, if one does. */
  private timeOption(): string | undefined {
    const { from, until, repeats, split } = this.options;
    if (from !== undefined) return '--from';
    if (until !== undefined) return '--until';
    if (repeats !== undefined) return '--repeats';
    return split === 'by-time' || split === 'leave-last-out' ? `--split ${split}` : undefined;
  }

  /** Names what is done from now on, for `progress`. */
  private stage(name: string): void {
    const { progress } = this.options;
    if (progress) this.engine.watch = (percent) => progress(name, percent, 100, '%');
  }

  private async readMoments(): Promise<void> {
    for (const name of ['from', 'until', 'testFrom'] as const) {
      const text = this.options[name];
      if (text === undefined) continue;
      const [{ seconds }] = (await this.engine.rows<{ seconds: number | null }>(
        `SELECT ${secondsOf('moment')} AS seconds FROM (SELECT ${literal(text)} AS moment)`,
      )) as [{ seconds: number | null }];
      if (seconds === null) {
        const option = name === 'testFrom' ? 'test-from' : name;
        throw new UsageError(
          `--${option} is ${JSON.stringify(text)}; expected a date such as 2019-03-31, or Unix time`,
        );
      }
      this.moments[name] = seconds;
    }
    const { from, until } = this.moments;
    if (from !== undefined && until !== undefined && from >= until) {
      throw new UsageError('--from is not before --until');
    }
  }

  /** Patterns as the files that they stand for; a file that has such a name itself is meant first. */
  private async expandPatterns(): Promise<Input[]> {
    const inputs: Input[] = [];
    for (const input of this.inputs) {
      const { path, query } = input;
      if (query || !/[*?[]/.test(path) || (await stat(path).catch(() => undefined))) {
        inputs.push(input);
        continue;
      }
      const files = await this.engine.rows<{ file: string }>(`SELECT file FROM glob(${literal(path)}) ORDER BY file`);
      if (files.length === 0) {
        throw new InputError('no file has a name like this', { where: path, fix: 'check the pattern' });
      }
      inputs.push(...files.map(({ file }) => ({ ...input, path: file })));
    }
    return inputs;
  }

  /** A file or the query as a table (user, item, rating, time, behaviour). */
  private async readSource(index: number, input: Input): Promise<void> {
    const { engine, options } = this;
    const { role } = input;
    if (input.query) return this.readEngine(index, role, querySource(input.path), input.path, 0);
    const standard = input.path === '-';
    const name = standard ? 'standard input' : input.path;
    const path = standard ? await this.saveStandardInput() : input.path;
    const bytes = await parquetBytes(path);
    if (bytes !== undefined) return this.readEngine(index, role, parquetSource(path, name), name, bytes);
    const text = await inspectText(path, {
      signal: options.signal,
      name,
      progress: (done, total) => options.progress?.(`looking at ${name}`, done / 2 ** 20, total / 2 ** 20, 'MiB'),
    });
    const layout = this.agreeing(role, name, detectInteractions(text, options), options);
    const packed = text.compression === 'none' ? '' : `, ${text.compression}`;
    options.report?.(`${name}: ${layout.description}${packed}`);
    this.requireColumns(name, layout);
    this.stage(`reading ${name}`);
    // Published test lists name users with nothing to test.
    const emptyLists = role === 'test' || role === 'valid';
    const result = await readInteractions(engine, text, layout, `source_${index}`, {
      ...this.readOptions(),
      emptyLists,
    });
    const { compression, encoding } = text;
    this.sources.push({
      part: role,
      path: name,
      bytes: text.bytes,
      compression,
      encoding,
      layout: layout.description,
      rows: result.rows,
    });
    this.note(name, result);
  }

  private async readEngine(
    index: number,
    role: Role,
    source: EngineSource,
    path: string,
    bytes: number,
  ): Promise<void> {
    const { engine, options } = this;
    if (source.what === 'parquet' && options.format !== undefined && options.format !== 'parquet') {
      throw new InputError(`this is a Parquet file, not ${options.format}`, { where: path, fix: 'leave --format out' });
    }
    const layout = await inspectEngineSource(engine, source, options);
    options.report?.(`${source.name}: ${layout.description}`);
    this.requireColumns(source.name, layout);
    this.stage(`reading ${source.name}`);
    const result = await readEngineSource(engine, source, layout, `source_${index}`, this.readOptions());
    this.sources.push({
      part: role,
      path,
      bytes,
      compression: 'none',
      encoding: source.what,
      layout: layout.description,
      rows: result.rows,
    });
    this.note(source.name, result);
  }

  private readOptions(): ReadOptions {
    const { skipBadRows, behaviours } = this.options;
    return { skipBadRows: skipBadRows ?? false, keepBehaviour: behaviours !== undefined };
  }

  private note(name: string, { rows, badRows, firstBad }: ReadResult): void {
    if (rows === 0 && badRows > 0) {
      throw new InputError(`none of ${badRows} rows can be read; the first: ${firstBad[0]}`, {
        where: name,
        fix: 'correct the rows, or say what the file is (--format, --user-column, …)',
      });
    }
    this.bad.count += badRows;
    this.bad.first.push(...firstBad.slice(0, 5 - this.bad.first.length));
  }

  private async saveStandardInput(): Promise<string> {
    const spill = join(this.temporary, 'spill');
    await mkdir(spill, { recursive: true });
    const path = join(spill, 'standard-input');
    const { signal } = this.options;
    try {
      await pipeline(process.stdin, createWriteStream(path), ...(signal ? [{ signal }] : []));
    } catch (error) {
      if (signal?.aborted) throw new InterruptedError('interrupted: nothing was written');
      throw error;
    }
    return path;
  }

  /** The files of a part have the same columns; one without a header goes on after one that has it. */
  private agreeing(role: Role, name: string, layout: InteractionLayout, options: PrepareOptions): InteractionLayout {
    const first = this.layouts.get(role);
    if (!first) {
      this.layouts.set(role, { layout, name });
      return layout;
    }
    const { layout: other } = first;
    const fix = 'give the files the same columns, or prepare them one by one';
    if (layout.format !== other.format && !(other.names && !layout.names && layout.delimiter === other.delimiter)) {
      throw new InputError(`this is ${layout.format}, and ${first.name} is ${other.format}`, { where: name, fix });
    }
    if (layout.format === 'lightgcn' || layout.format === 'jsonl') return layout;
    if (layout.width !== other.width) {
      throw new InputError(`${layout.width} columns, and ${first.name} has ${other.width}`, { where: name, fix });
    }
    if (layout.names && other.names && layout.names.join('\n') !== other.names.join('\n')) {
      throw new InputError(
        `the header is ${JSON.stringify(layout.names.join(layout.delimiter))}, and that of ${first.name} is ` +
          JSON.stringify(other.names.join(other.delimiter)),
        { where: `${name}, line 1`, fix },
      );
    }
    if (layout.names && !other.names && options.header !== true) {
      throw new InputError(`there is a header, and ${first.name} has none`, { where: `${name}, line 1`, fix });
    }
    if (!layout.names && other.names) {
      const { names: _names, ...columns } = other;
      return {
        ...columns,
        header: false,
        description: `${other.description.replace('with a header', 'header as before')}`,
      };
    }
    return layout;
  }

  /** What the options ask for must be in the file. Notes whether it has times. */
  private requireColumns(
    where: string,
    layout: { readonly rating?: number; readonly time?: number; readonly behaviour?: number },
  ): void {
    this.knowsTime &&= layout.time !== undefined;
    const { minRating, behaviours } = this.options;
    if (minRating !== undefined && layout.rating === undefined) {
      throw new InputError('a minimum rating is asked for, and the file has no rating column', {
        where,
        fix: 'leave --min-rating out, name a file with ratings, or say --rating-column',
      });
    }
    const timeOption = this.timeOption();
    if (timeOption !== undefined && layout.time === undefined) {
      throw new InputError(`${timeOption} is asked for, and the file has no time column`, {
        where,
        fix: 'leave it out, name a file with times, or say --time-column',
      });
    }
    if (behaviours !== undefined && layout.behaviour === undefined) {
      throw new InputError('behaviours are asked for, and the file has no behaviour column', {
        where,
        fix: 'leave --behaviours out, name a file with behaviours, or say --behaviour-column',
      });
    }
  }

  private get where(): string {
    return this.inputs.map(({ path, query }) => (query ? 'the query' : path)).join(', ');
  }

  private async number(): Promise<Counts> {
    const { engine } = this;
    this.stage('numbering');
    for (const [side, table] of [
      ['user', 'users'],
      ['item', 'items'],
    ]) {
      await engine.run(`CREATE TABLE ${table} AS
        SELECT id, number, (row_number() OVER (ORDER BY number) - 1)::INTEGER AS final
        FROM ${table}_numbered WHERE number IN (SELECT ${side} FROM pairs)`);
      await engine.run(`DROP TABLE ${table}_numbered`);
    }
    return countPairs(this.engine, '');
  }

  /** Splits the pairs user by user and writes the parts; what it counts on the way takes five bytes an item. */
  private async writeParts(plan: SplitPlan & { readonly total: number }, items: number) {
    const { engine, options, temporary } = this;
    const splitter = new Splitter(plan);
    const writers: EdgeWriter[] = [];
    const itemDegrees = new Uint32Array(items);
    const itemTrains = new Uint8Array(items);
    const userDegrees = new Map<number, number>();
    let usersWithTest = 0;
    let usersWithoutTrain = 0;
    // Of the user that is read: items, parts and times so far.
    let current = -1;
    let degree = 0;
    let itemsOf = new Int32Array(1024);
    let partsOf = new Uint8Array(1024);
    let timesOf = new Float64Array(this.knowsTime ? 1024 : 0);
    const times = await this.timeCounts();
    const endUser = () => {
      if (degree === 0) return;
      const assigned = partsOf.subarray(0, degree);
      splitter.split(current, assigned, timesOf.subarray(0, degree));
      const found = [0, 0, 0];
      for (let place = 0; place < degree; place++) {
        const item = itemsOf[place]!;
        const part = assigned[place]!;
        writers[part]!.add(current, item);
        found[part]!++;
        itemDegrees[item]!++;
        if (part === Part.train) itemTrains[item] = 1;
        times?.add(part, timesOf[place]!);
      }
      if (found[Part.test]! > 0) usersWithTest++;
      if (found[Part.train] === 0) usersWithoutTrain++;
      userDegrees.set(degree, (userDegrees.get(degree) ?? 0) + 1);
      degree = 0;
    };
    this.stage('sorting');
    try {
      for (const part of parts) writers.push(await EdgeWriter.create(join(temporary, `${part}.npy`)));
      const pieces = engine.numbers(`SELECT u.final, i.final, p.part::INTEGER${this.knowsTime ? ', p.time' : ''}
        FROM pairs p JOIN users u ON p.user = u.number JOIN items i ON p.item = i.number ORDER BY u.final, i.final`);
      let done = 0;
      for await (const [user, item, part, time] of pieces) {
        // Sorted: from here on the loop itself tells how far it is.
        engine.watch = undefined;
        for (let row = 0; row < user!.length; row++) {
          if (user![row] !== current) {
            endUser();
            current = user![row]!;
          }
          if (degree === itemsOf.length) {
            itemsOf = grown(itemsOf, new Int32Array(2 * degree));
            partsOf = grown(partsOf, new Uint8Array(2 * degree));
            if (time) timesOf = grown(timesOf, new Float64Array(2 * degree));
          }
          itemsOf[degree] = item![row]!;
          partsOf[degree] = part![row]!;
          if (time) timesOf[degree] = time[row]!;
          degree++;
        }
        done += user!.length;
        options.progress?.('splitting', done, plan.total, 'interactions');
        for (const writer of writers) await writer.flush();
      }
      endUser();
      for (const writer of writers) await writer.finish();
    } catch (error) {
      for (const writer of writers) await writer.abandon();
      throw error;
    }
    await engine.run('DROP TABLE pairs');
    const [train, valid, test] = writers.map(({ count }) => count) as [number, number, number];
    return {
      counts: { train, valid, test },
      degrees: { users: fromCounts(userDegrees), items: histogramOf(itemDegrees) },
      usersWithTest,
      usersWithoutTrain,
      times: times?.histogram() ?? null,
      itemsWithoutTrain: itemTrains.reduce((sum, trains) => sum + (1 - trains), 0),
    };
  }

  private async timeCounts(): Promise<TimeCounts | undefined> {
    if (!this.knowsTime) return undefined;
    const [{ first, last }] = (await this.engine.rows<{ first: number; last: number }>(
      'SELECT min(time) AS first, max(time) AS last FROM pairs',
    )) as [{ first: number; last: number }];
    return new TimeCounts(first, last);
  }

  private async checkParts(counts: Record<'train' | 'valid' | 'test', number>, wantsTest: boolean): Promise<void> {
    const { where } = this;
    const { split, testFrom, valid } = this.options;
    const fromFiles = this.inputs[0]!.role !== 'all';
    if (counts.train === 0) {
      throw new InputError('no interactions are left to train on', {
        where,
        fix: split === 'by-time' ? `name a later --test-from than ${testFrom}` : 'relax the filters',
      });
    }
    if (counts.test === 0 && (fromFiles || wantsTest)) {
      if (split === 'by-time') {
        throw new InputError(`the test part is empty: no pair is at or after ${testFrom}`, {
          where,
          fix: 'name an earlier --test-from',
        });
      }
      throw new InputError(
        fromFiles
          ? 'the test part is empty: each of its pairs is in another part or filtered out'
          : 'the test part is empty: no user has enough interactions to test one',
        {
          where,
          fix: fromFiles ? 'name another --test file' : 'use more interactions, or --test-ratio 0 to test nothing',
        },
      );
    }
    if (counts.valid === 0 && valid !== undefined) {
      throw new InputError('the validation part is empty: each of its pairs is in the training part or filtered out', {
        where,
        fix: 'leave --valid out: validation is then drawn from the training interactions',
      });
    }
  }

  private async writeTitles(path: string): Promise<number> {
    const { engine, options, temporary } = this;
    const text = await inspectText(path, { signal: options.signal, latin1: true });
    const layout = detectTitles(text);
    const separator = layout.delimiter === '\t' ? 'tabs' : JSON.stringify(layout.delimiter);
    const described = `titles, columns separated by ${separator}, ${layout.header ? 'with a' : 'no'} header`;
    options.report?.(`${path}: ${described}${text.encoding === 'latin-1' ? ', Latin-1' : ''}`);
    await readTitles(engine, text, layout, 'titles');
    const { rows, known } = await engine.counts<'rows' | 'known'>(`SELECT (SELECT count(*) FROM titles) AS rows,
      (SELECT count(*) FROM items JOIN titles USING (id) WHERE title <> '') AS known`);
    if (known === 0) {
      throw new InputError('no item of the interactions has a title here: the ids do not meet', {
        where: path,
        fix: 'name the file that belongs to the interactions: item id and title a line',
      });
    }
    const { bytes, compression, encoding } = text;
    this.sources.push({ part: 'titles', path, bytes, compression, encoding, layout: described, rows });
    await writeFileAtomic(
      join(temporary, 'titles.txt'),
      engine.lines(`SELECT coalesce(title, '') FROM items LEFT JOIN titles USING (id) ORDER BY final`),
    );
    return known;
  }
}

const parts = ['train', 'valid', 'test'] as const;

/** The size of a file that begins as Parquet does; undefined for any other, and where there is none. */
async function parquetBytes(path: string): Promise<number | undefined> {
  const handle = await open(path).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const first = Buffer.alloc(4);
    const { bytesRead } = await handle.read(first, 0, 4, 0).catch(() => ({ bytesRead: 0 }));
    return bytesRead === 4 && first.toString('latin1') === 'PAR1' ? (await handle.stat()).size : undefined;
  } finally {
    await handle.close();
  }
}

function grown<T extends Int32Array | Uint8Array | Float64Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}
