/**
 * The embedded database engine (DuckDB) that reads, filters and sorts interactions: an instance in memory that spills to
 * a folder of ours when memory runs short.
 */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api';
import { HashgnnError, InputError, InterruptedError } from '../base/errors.js';

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Seventy megabytes: loaded where interactions are prepared, not by every command. */
async function loadModule(): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api');
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new HashgnnError(`the database engine could not be loaded: ${reason}`, {
      fix: 'run npm ci, on Linux, macOS or Windows with an x64 or arm64 processor; datasets that are prepared can be used without',
      cause: error,
    });
  }
}

/** A database in memory. Whoever opens it closes it. */
export class Engine {
  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /**
   * @param spillFolder where intermediate tables go when memory runs short; made when needed
   * @param options.signal interrupts the query that runs
   * @param options.memory bytes that the engine may hold before it spills
   */
  static async open(
    spillFolder: string,
    options: { readonly signal?: AbortSignal | undefined; readonly memory: number },
  ): Promise<Engine> {
    const { signal } = options;
    const { DuckDBInstance } = await loadModule();
    const instance = await DuckDBInstance.create(':memory:', {
      temp_directory: spillFolder,
      memory_limit: `${Math.floor(options.memory / 2 ** 20)}MiB`,
      // Nothing is fetched from the network behind the user's back.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    const engine = new Engine(instance, connection, signal);
    await connection.run(
      "SET TimeZone = 'UTC'; SET enable_progress_bar = true; SET enable_progress_bar_print = false;",
    );
    signal?.addEventListener('abort', engine.interrupt);
    return engine;
  }

  private readonly interrupt = (): void => this.connection.interrupt();

  close(): void {
    this.signal?.removeEventListener('abort', this.interrupt);
    this.connection.closeSync();
    this.instance.closeSync();
  }

  /** Called with the share done in percent, now and then, while a statement runs. */
  watch: ((percent: number) => void) | undefined;

  /**
   * Runs a statement.
   * @param where the file that it reads, for errors
   */
  async run(sql: string, where?: string): Promise<void> {
    await this.guarded(() => this.connection.run(sql), where);
  }

  /** All rows of a small result. Counts come as bigint where the engine's type is 64 bits wide. */
  async rows<T>(sql: string): Promise<T[]> {
    return this.guarded(async () => (await this.connection.runAndReadAll(sql)).getRowObjects() as T[]);
  }

  /** The numbers of a result with one row, by column. */
  async counts<K extends string>(sql: string): Promise<Record<K, number>> {
    const [row] = await this.rows<Record<K, unknown>>(sql);
    return Object.fromEntries(Object.entries(row!).map(([key, value]) => [key, Number(value)])) as Record<K, number>;
  }

  /** A large result piece by piece. */
  async *chunks(sql: string): AsyncGenerator<DuckDBDataChunk> {
    const result = await this.guarded(() => this.connection.stream(sql));
    for (;;) {
      const chunk = await this.guarded(() => result.fetchChunk());
      if (!chunk || chunk.rowCount === 0) return;
      yield chunk;
    }
  }

  /** A large result of INTEGER and DOUBLE columns: one array a column, valid until the next piece. */
  async *numbers(sql: string): AsyncGenerator<(Int32Array | Float64Array)[]> {
    for await (const chunk of this.chunks(sql)) {
      const columns: (Int32Array | Float64Array)[] = [];
      for (let index = 0; index < chunk.columnCount; index++) {
        const { items } = chunk.getColumnVector(index) as unknown as { items: unknown };
        // A vector of the engine lends its memory.
        const lent = items instanceof Int32Array || items instanceof Float64Array;
        const column = lent ? items : Float64Array.from(chunk.getColumnValues(index) as number[]);
        columns.push(column.subarray(0, chunk.rowCount));
      }
      yield columns;
    }
  }

  /** A large result of one text column as lines. */
  async *lines(sql: string): AsyncGenerator<string> {
    for await (const chunk of this.chunks(sql)) yield `${chunk.getColumnValues(0).join('\n')}\n`;
  }

  private async guarded<T>(action: () => Promise<T>, where?: string): Promise<T> {
    this.throwIfInterrupted();
    const { watch } = this;
    const timer = watch && setInterval(() => watch(Math.max(0, this.connection.progress.percentage)), 500);
    try {
      return await action();
    } catch (error) {
      this.throwIfInterrupted();
      throw toEngineError(error, where);
    } finally {
      clearInterval(timer);
    }
  }

  private throwIfInterrupted(): void {
    if (this.signal?.aborted) throw new InterruptedError('interrupted: nothing was written');
  }
}

/** Failures of the engine that a user can mend; the rest are defects and stay as they are. */
function toEngineError(error: unknown, where?: string): unknown {
  const message = error instanceof Error ? error.message : String(error);
  if (/No space left|disk space|max_temp_directory_size/i.test(message)) {
    return new HashgnnError('no space is left on the disk for intermediate results', {
      fix: 'free some space, or write the dataset to another disk',
      cause: error,
    });
  }
  if (/^Out of Memory/i.test(message)) {
    return new HashgnnError('not enough memory for this data', {
      fix: 'give it more with --memory, or use a machine with more memory',
      cause: error,
    });
  }
  // Node's gunzip, which has read the file before, knows optional fields of the header that the engine does not.
  if (/GZIP|ZSTD/i.test(message)) {
    return new InputError('the compressed file has a header that cannot be read', {
      where: where ?? 'the input',
      fix: 'unpack it and compress it again',
      cause: error,
    });
  }
  // Whatever else the engine refuses of a file that passed its first look.
  if (where !== undefined && /^(IO|Invalid Input) Error/.test(message)) {
    return new InputError(`the file cannot be read: ${message.split('\n')[0]}`, {
      where,
      fix: 'copy or write it again',
      cause: error,
    });
  }
  return error;
}
