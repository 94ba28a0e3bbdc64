/** Generated interactions as a file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { InterruptedError } from '../base/errors.js';
import { moveInPlace, toFileError, writeFileAtomic } from '../base/files.js';
import { Engine, literal } from './engine.js';
import type { GeneratedInteractions } from './generate.js';

export interface WriteGeneratedOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the interactions made so far. */
  readonly report?: (done: number) => void;
}

/** What the engine may hold while it makes Parquet of text. */
const ENGINE_MEMORY = 2 ** 29;
/** Packs about twice as fast as the usual level 6, into a few percent more. */
const GZIP_LEVEL = 4;

/**
 * Writes interactions as the file's name asks: `.parquet`, `.csv`, else tab-separated; text that ends in `.gz` is gzipped.
 * The columns are user, item and time: in seconds since 1970 in text, a timestamp in Parquet.
 *
 * Parquet is made by the engine from text that stands beside it for the time: rows appended to the engine would all have
 * to be in a table of its own first.
 *
 * @throws HashgnnError when it cannot be written, InterruptedError after `signal`; nothing is left of it then
 */
export async function writeGenerated(
  generated: GeneratedInteractions,
  path: string,
  { signal, report }: WriteGeneratedOptions = {},
): Promise<void> {
  const pieces = function* (delimiter: string) {
    for (const piece of toText(generated, { delimiter, report })) {
      if (signal?.aborted) throw new InterruptedError('interrupted: nothing was written');
      yield piece;
    }
  };
  const text = () => pieces(/\.csv(\.gz)?$/.test(path) ? ',' : '\t');
  if (path.endsWith('.gz')) {
    const packed = createGzip({ level: GZIP_LEVEL });
    // What ends one of the two ends the other; the writer's error is the one to tell, and it comes when it has cleared up.
    const packing = pipeline(text, packed).catch(() => undefined);
    try {
      await writeFileAtomic(path, packed);
    } finally {
      packed.destroy();
      await packing;
    }
  } else if (!path.endsWith('.parquet')) await writeFileAtomic(path, text());
  else await writeParquet(pieces(','), path, signal);
}

async function writeParquet(text: Iterable<Buffer>, path: string, signal: AbortSignal | undefined): Promise<void> {
  const aside = await mkdtemp(join(dirname(path), `.${basename(path)}-`)).catch((error: unknown) => {
    throw toFileError(error, path, 'cannot write the file');
  });
  try {
    const csv = join(aside, 'interactions.csv');
    const made = join(aside, 'interactions.parquet');
    await writeFileAtomic(csv, text);
    const engine = await Engine.open(join(aside, 'spill'), { signal, memory: ENGINE_MEMORY });
    try {
      const columns = `columns = {'user': 'VARCHAR', 'item': 'VARCHAR', 'time': 'BIGINT'}, auto_detect = false`;
      const rows = `read_csv(${literal(csv)}, delim = ',', header = true, quote = '', escape = '', ${columns})`;
      await engine.run(`COPY (SELECT "user", item, make_timestamp("time" * 1000000) AS "time" FROM ${rows})
        TO ${literal(made)} (FORMAT parquet, COMPRESSION zstd)`);
    } finally {
      engine.close();
    }
    await moveInPlace(made, path);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

const ZERO = 48;
const LINE_END = 10;

export interface TextOptions {
  /** Between columns. Default a tab. */
  readonly delimiter?: string;
  /** Bytes of a piece, about. The whole is the same for any. */
  readonly size?: number;
  readonly report?: ((done: number) => void) | undefined;
}

/** Interactions as lines of user, item and time with a header, in pieces. */
export function* toText(generated: GeneratedInteractions, options: TextOptions = {}): Generator<Buffer> {
  const { delimiter = '\t', size = 2 ** 20, report } = options;
  yield Buffer.from(`${['user', 'item', 'time'].join(delimiter)}\n`);
  const between = delimiter.charCodeAt(0);
  const digits = String(generated.itemCount).length;
  // A user's id, an item's, ten digits of time and what stands between.
  const longest = generated.userId(0).length + digits + 14;
  let piece = Buffer.allocUnsafe(size + longest);
  let end = 0;
  let done = 0;
  for (const { user, count, items, times } of generated.users()) {
    const start = Buffer.from(`${generated.userId(user)}${delimiter}i`);
    for (let at = 0; at < count; at++) {
      for (let index = 0; index < start.length; index++) piece[end++] = start[index]!;
      end = writeDigits(piece, end, items[at]! + 1, digits);
      piece[end++] = between;
      end = writeDigits(piece, end, times[at]!, 10);
      piece[end++] = LINE_END;
      done++;
      if (end < size) continue;
      yield piece.subarray(0, end);
      report?.(done);
      piece = Buffer.allocUnsafe(size + longest);
      end = 0;
    }
  }
  yield piece.subarray(0, end);
  report?.(done);
}

/** Writes a number below 2^32 with leading zeros. @returns the place after it */
function writeDigits(bytes: Buffer, from: number, value: number, digits: number): number {
  let rest = value;
  for (let place = from + digits - 1; place >= from; place--) {
    const next = Math.floor(rest / 10);
    bytes[place] = ZERO + (rest - 10 * next);
    rest = next;
  }
  return from + digits;
}

/** The planted nearest neighbours as tab-separated lines with a header: user or item, the id of one, the id of the other. */
export function* twinsText(generated: GeneratedInteractions): Generator<string> {
  yield 'kind\tid\ttwin\n';
  for (const [side, kind, id] of [
    ['users', 'user', generated.userId],
    ['items', 'item', generated.itemId],
  ] as const) {
    for (const [one, other] of generated.twins(side)) yield `${kind}\t${id(one)}\t${id(other)}\n`;
  }
}
