/** Reads the inputs, one after the other, into tables of the engine, and keeps an account of them. */
import { InputError } from '../base/errors.js';
import type { DatasetSummary } from './dataset.js';
import { detectInteractions, type InteractionLayout } from './format.js';
import { expandPatterns, parquetBytes, saveStandardInput } from './inputs.js';
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
import type { Preparation } from './preparation.js';
import type { Input, Role } from './prepare_options.js';
import { inspectText } from './text.js';

export type Source = DatasetSummary['sources'][number];

/** What there is to read, read: input n is the table source_n (user, item, rating, time, behaviour). */
export class Sources {
  /** Each input as it was read. */
  readonly list: Source[] = [];
  readonly bad = { count: 0, first: [] as string[] };
  /** Whether every interaction that was read has a time. */
  knowsTime = true;
  /** The first layout of each role, with the file that has it: further files must agree. */
  private readonly layouts = new Map<Role, { layout: InteractionLayout; name: string }>();

  private constructor(
    private readonly preparation: Preparation,
    readonly inputs: readonly Input[],
  ) {}

  /**
   * @param given patterns among them
   * @throws InputError with file and line for what cannot be read, or lacks what the options ask for
   */
  static async read(preparation: Preparation, given: readonly Input[]): Promise<Sources> {
    const sources = new Sources(preparation, await expandPatterns(preparation.engine, given));
    for (const [index, input] of sources.inputs.entries()) await sources.readSource(index, input);
    return sources;
  }

  /** The inputs, for errors. */
  get where(): string {
    return this.inputs.map(({ path, query }) => (query ? 'the query' : path)).join(', ');
  }

  /** A file or the query as a table (user, item, rating, time, behaviour). */
  private async readSource(index: number, input: Input): Promise<void> {
    const { engine, options } = this.preparation;
    const { role } = input;
    if (input.query) return this.readEngine(index, role, querySource(input.path), input.path, 0);
    const standard = input.path === '-';
    const name = standard ? 'standard input' : input.path;
    const path = standard ? await saveStandardInput(this.preparation) : input.path;
    const parquet = await parquetBytes(path);
    if (parquet !== undefined) return this.readEngine(index, role, parquetSource(path, name), name, parquet);
    const text = await inspectText(path, {
      signal: options.signal,
      name,
      progress: (done, total) => options.progress?.(`looking at ${name}`, done / 2 ** 20, total / 2 ** 20, 'MiB'),
    });
    const layout = this.agreeing(role, name, detectInteractions(text, options));
    const packed = text.compression === 'none' ? '' : `, ${text.compression}`;
    options.report?.(`${name}: ${layout.description}${packed}`);
    this.requireColumns(name, layout);
    this.preparation.stage(`reading ${name}`);
    // Published test lists name users with nothing to test.
    const emptyLists = role === 'test' || role === 'valid';
    const result = await readInteractions(engine, text, layout, `source_${index}`, {
      ...this.readOptions(),
      emptyLists,
    });
    const { bytes, compression, encoding } = text;
    this.note(name, { part: role, path: name, bytes, compression, encoding, layout: layout.description }, result);
  }

  private async readEngine(
    index: number,
    role: Role,
    source: EngineSource,
    path: string,
    bytes: number,
  ): Promise<void> {
    const { engine, options } = this.preparation;
    if (source.what === 'parquet' && options.format !== undefined && options.format !== 'parquet') {
      throw new InputError(`this is a Parquet file, not ${options.format}`, { where: path, fix: 'leave --format out' });
    }
    const layout = await inspectEngineSource(engine, source, options);
    options.report?.(`${source.name}: ${layout.description}`);
    this.requireColumns(source.name, layout);
    this.preparation.stage(`reading ${source.name}`);
    const result = await readEngineSource(engine, source, layout, `source_${index}`, this.readOptions());
    const read = { part: role, path, bytes, compression: 'none', encoding: source.what } as const;
    this.note(source.name, { ...read, layout: layout.description }, result);
  }

  private readOptions(): ReadOptions {
    const { skipBadRows, behaviours } = this.preparation.options;
    return { skipBadRows: skipBadRows ?? false, keepBehaviour: behaviours !== undefined };
  }

  /** Takes down what was read, and the first rows that could not be. */
  private note(name: string, source: Omit<Source, 'rows'>, { rows, badRows, firstBad }: ReadResult): void {
    if (rows === 0 && badRows > 0) {
      throw new InputError(`none of ${badRows} rows can be read; the first: ${firstBad[0]}`, {
        where: name,
        fix: 'correct the rows, or say what the file is (--format, --user-column, …)',
      });
    }
    this.list.push({ ...source, rows });
    this.bad.count += badRows;
    this.bad.first.push(...firstBad.slice(0, 5 - this.bad.first.length));
  }

  /** The files of a part have the same columns; one without a header goes on after one that has it. */
  private agreeing(role: Role, name: string, layout: InteractionLayout): InteractionLayout {
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
    if (layout.names && !other.names && this.preparation.options.header !== true) {
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
    const { minRating, behaviours } = this.preparation.options;
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
    const { from, until, repeats, split } = this.preparation.options;
    if (from !== undefined) return '--from';
    if (until !== undefined) return '--until';
    if (repeats !== undefined) return '--repeats';
    return split === 'by-time' || split === 'leave-last-out' ? `--split ${split}` : undefined;
  }
}
