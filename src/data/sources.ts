/** What is prepared: files of interactions and queries, each as a table of the engine. */
import { createWriteStream } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { InputError, InterruptedError } from '../base/errors.js';
import type { DatasetSummary } from './dataset.js';
import { type Engine, literal } from './engine.js';
import { detectInteractions, type InteractionLayout } from './format.js';
import {
  type EngineSource,
  inspectEngineSource,
  parquetSource,
  querySource,
  type ReadOptions,
  type ReadResult,
  readEngineSource,
  readInteractions,
} from './interactions.js';
import type { Input, PrepareOptions, Role } from './prepare_options.js';
import { inspectText } from './text.js';

export type Source = DatasetSummary['sources'][number];

/** What reading works on. */
export interface SourcesContext {
  readonly engine: Engine;
  readonly options: PrepareOptions;
  /** Where standard input is kept until it is read. */
  readonly spill: string;
  stage(name: string): void;
}

/** Reads the inputs, one after another, and notes what was found in them. */
export class Sources {
  /** What was read, in order. */
  readonly read: Source[] = [];
  /** Rows that could not be read, with the first messages about them. */
  readonly bad = { count: 0, first: [] as string[] };
  /** The first layout of each role, with the file that has it: further files must agree. */
  private readonly layouts = new Map<Role, { layout: InteractionLayout; name: string }>();
  private everyTime = true;

  constructor(private readonly context: SourcesContext) {}

  /** Whether every interaction that was read has a time. */
  get knowsTime(): boolean {
    return this.everyTime;
  }

  /**
   * Reads what the inputs stand for into tables source_<number> (user, item, rating, time, behaviour).
   * @returns the inputs, patterns replaced by the files that they stand for
   */
  async readAll(given: readonly Input[]): Promise<readonly Input[]> {
    const inputs = await this.expandPatterns(given);
    for (const [index, input] of inputs.entries()) await this.readSource(index, input);
    return inputs;
  }

  /** Patterns as the files that they stand for; a file that has such a name itself is meant first. */
  private async expandPatterns(given: readonly Input[]): Promise<Input[]> {
    const inputs: Input[] = [];
    for (const input of given) {
      const { path, query } = input;
      if (query || !/[*?[]/.test(path) || (await stat(path).catch(() => undefined))) {
        inputs.push(input);
        continue;
      }
      const files = await this.context.engine.rows<{ file: string }>(
        `SELECT file FROM glob(${literal(path)}) ORDER BY file`,
      );
      if (files.length === 0) {
        throw new InputError('no file has a name like this', { where: path, fix: 'check the pattern' });
      }
      inputs.push(...files.map(({ file }) => ({ ...input, path: file })));
    }
    return inputs;
  }

  /** A file or the query as a table (user, item, rating, time, behaviour). */
  private async readSource(index: number, input: Input): Promise<void> {
    const { engine, options } = this.context;
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
    this.context.stage(`reading ${name}`);
    // Published test lists name users with nothing to test.
    const emptyLists = role === 'test' || role === 'valid';
    const result = await readInteractions(engine, text, layout, `source_${index}`, {
      ...this.readOptions(),
      emptyLists,
    });
    const { compression, encoding } = text;
    this.read.push({
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
    const { engine, options } = this.context;
    if (source.what === 'parquet' && options.format !== undefined && options.format !== 'parquet') {
      throw new InputError(`this is a Parquet file, not ${options.format}`, { where: path, fix: 'leave --format out' });
    }
    const layout = await inspectEngineSource(engine, source, options);
    options.report?.(`${source.name}: ${layout.description}`);
    this.requireColumns(source.name, layout);
    this.context.stage(`reading ${source.name}`);
    const result = await readEngineSource(engine, source, layout, `source_${index}`, this.readOptions());
    this.read.push({
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
    const { skipBadRows, behaviours } = this.context.options;
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
    const { spill, options } = this.context;
    await mkdir(spill, { recursive: true });
    const path = join(spill, 'standard-input');
    const { signal } = options;
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
    this.everyTime &&= layout.time !== undefined;
    const { minRating, behaviours } = this.context.options;
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

  /** The option that needs times, if one does. */
  private timeOption(): string | undefined {
    const { from, until, repeats, split } = this.context.options;
    if (from !== undefined) return '--from';
    if (until !== undefined) return '--until';
    if (repeats !== undefined) return '--repeats';
    return split === 'by-time' || split === 'leave-last-out' ? `--split ${split}` : undefined;
  }
}

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
