/**
 * A first look at a text file before the engine reads it: compression, encoding, damage, lines. The engine reads a
 * truncated gzip file, control bytes and empty lines without a word; here each is found with its line.
 */
import { isUtf8 } from 'node:buffer';
import { createReadStream, type ReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { Decompress, ZstdErrorCode } from 'fzstd';
import { InputError, InterruptedError } from '../base/errors.js';
import { toFileError } from '../base/files.js';

export type Compression = 'none' | 'gzip' | 'zstd';

/** What is known of a text file after reading it once. */
export interface TextFile {
  readonly path: string;
  /** As errors name it. */
  readonly name: string;
  /** Size on disk. */
  readonly bytes: number;
  readonly compression: Compression;
  readonly encoding: 'utf-8' | 'latin-1';
  /** Lines that hold something. */
  readonly filledLines: number;
  /** Numbers (from 1) of the empty lines, ascending: the engine skips them, so row numbers are not line numbers. */
  readonly emptyLines: readonly number[];
  /** Bytes of the longest line. */
  readonly longestLine: number;
  /** The first filled lines, each cut at `headLineLength` characters. */
  readonly head: readonly { readonly number: number; readonly text: string }[];
}

/** More empty lines than this are no data, and would take memory. */
const maxEmptyLines = 1_000_000;
const headLines = 100;
const headLineLength = 20_000;
const signatures: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];

const zstd = [0x28, 0xb5, 0x2f, 0xfd];

/** The line of the n-th filled line (from 1). */
export function lineOfRow(text: TextFile, row: number): number {
  let line = row;
  for (const empty of text.emptyLines) {
    if (empty > line) break;
    line++;
  }
  return line;
}

/** How a place in a file is named in errors. */
export function atLine(path: string, line: number): string {
  return `${path}, line ${line}`;
}

/** A found text as errors quote it: short and on one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/** The bytes of a file, decompressed. @param progress called with the bytes of the file that are read so far */
async function* contentOf(
  path: string,
  compression: Compression,
  progress?: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  for await (const piece of unpacked(file, compression)) {
    progress?.(file.bytesRead);
    yield piece;
  }
}

async function* unpacked(file: ReadStream, compression: Compression): AsyncGenerator<Buffer> {
  if (compression === 'none') {
    yield* file;
    return;
  }
  if (compression === 'zstd') {
    yield* unpackedZstd(file);
    return;
  }
  const gunzip = createGunzip({ chunkSize: 1 << 20 });
  file.on('error', (error) => gunzip.destroy(error));
  try {
    yield* file.pipe(gunzip);
  } finally {
    file.destroy();
  }
}

async function* unpackedZstd(file: ReadStream): AsyncGenerator<Buffer> {
  const pieces: Buffer[] = [];
  const unpack = new Decompress((piece) => pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length)));
  for await (const packed of file) {
    unpack.push(packed);
    yield* pieces.splice(0);
  }
  unpack.push(new Uint8Array(0), true);
  yield* pieces;
}

/** Whether an error comes from the zstd decoder: its codes are small numbers. */
function compressionError(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' && code <= ZstdErrorCode.UnexpectedEOF;
}

/** The first bytes of a file tell its compression, whatever its name says. */
async function compressionOf(path: string, name: string, size: number): Promise<Compression> {
  const handle = await open(path);
  try {
    const first = Buffer.alloc(8);
    const { bytesRead } = await handle.read(first, 0, 8, 0);
    if (bytesRead >= 2 && first[0] === 0x1f && first[1] === 0x8b) return 'gzip';
    if (zstd.every((byte, index) => first[index] === byte)) return 'zstd';
    checkSignature(first.subarray(0, bytesRead), name);
  } finally {
    await handle.close();
  }
  if (size === 0) {
    throw new InputError('the file is empty', { where: name, fix: 'name a file with one interaction a line' });
  }
  return 'none';
}

function checkSignature(first: Uint8Array, path: string): void {
  const expected = 'expected text, or text compressed with gzip or zstd';
  for (const [name, bytes] of signatures) {
    if (bytes.every((byte, index) => first[index] === byte)) {
      throw new InputError(`this is a ${name} file; ${expected}`, {
        where: path,
        fix: `unpack it first (${name} is not read), or compress it with gzip instead`,
      });
    }
  }
  if ((first[0] === 0xff && first[1] === 0xfe) || (first[0] === 0xfe && first[1] === 0xff)) {
    throw new InputError('the file is UTF-16 text; expected UTF-8', {
      where: path,
      fix: 'convert it: iconv -f UTF-16 -t UTF-8',
    });
  }
}

export interface InspectOptions {
  readonly latin1?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** What errors call the file. */
  readonly name?: string;
  /** Called with the bytes read so far, of how many, now and then. */
  readonly progress?: (bytes: number, total: number) => void;
}

/**
 * Reads a file once and says what it is.
 *
 * @param options.latin1 whether a file that is not UTF-8 is taken as Latin-1 instead of refused
 * @throws InputError, with the line where there is one: missing, a folder, empty, binary, not UTF-8, truncated or damaged
 *   gzip, a carriage return inside a line
 */
export async function inspectText(path: string, options: InspectOptions = {}): Promise<TextFile> {
  const name = options.name ?? path;
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new InputError('this is a folder, not a file', { where: name, fix: 'name a file in it' });
    }
    const compression = await compressionOf(path, name, found.size);
    return await scan(path, name, found.size, compression, options);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'Z_BUF_ERROR') {
      throw new InputError('the gzip file is truncated: it ends before its content does', {
        where: name,
        fix: 'copy or download it again',
        cause: error,
      });
    }
    if (typeof code === 'string' && code.startsWith('Z_')) {
      throw new InputError(`the gzip file is damaged: ${(error as Error).message}`, {
        where: name,
        fix: 'copy or download it again',
        cause: error,
      });
    }
    if (compressionError(error)) {
      throw new InputError(
        (error as { code?: unknown }).code === ZstdErrorCode.UnexpectedEOF
          ? 'the zstd file is truncated: it ends before its content does'
          : `the zstd file is damaged: ${(error as Error).message}`,
        { where: name, fix: 'copy or download it again', cause: error },
      );
    }
    throw toFileError(error, name, 'cannot read the file');
  }
}

async function scan(
  path: string,
  name: string,
  size: number,
  compression: Compression,
  options: InspectOptions,
): Promise<TextFile> {
  const emptyLines: number[] = [];
  const head: { number: number; text: string }[] = [];
  let encoding: TextFile['encoding'] = 'utf-8';
  let filledLines = 0;
  let longestLine = 0;
  // Of the line that is being read: its number, its bytes so far, and whether the last of them is a carriage return.
  let line = 1;
  let length = 0;
  let returned = false;
  let headBytes: number[] = [];
  let total = 0;
  /** The end of the last piece, from its last line end on: a character may be cut in two between pieces. */
  let carry: Buffer[] = [];
  /** The line on which the block to be checked for UTF-8 begins. */
  let blockLine = 1;

  const endLine = () => {
    const content = returned ? length - 1 : length;
    if (content === 0) {
      if (emptyLines.push(line) > maxEmptyLines) {
        throw new InputError('more than a million empty lines', { where: name, fix: 'remove them' });
      }
    } else {
      filledLines++;
      if (content > longestLine) longestLine = content;
      if (head.length < headLines) head.push({ number: line, text: decodeHead(headBytes) });
    }
    headBytes = [];
    length = 0;
    returned = false;
    line++;
  };
  const checkEncoding = (block: Buffer, endsAt: number) => {
    if (encoding === 'utf-8' && !isUtf8(block)) {
      if (!options.latin1) throw notUtf8(name, block, blockLine);
      encoding = 'latin-1';
    }
    blockLine = endsAt;
  };
  const returnInside = () =>
    new InputError('a carriage return inside a line; expected lines that end with a line feed', {
      where: atLine(name, line),
      fix: 'convert the line ends of the file',
    });

  for await (const piece of contentOf(
    path,
    compression,
    options.progress && ((read) => options.progress!(read, size)),
  )) {
    if (options.signal?.aborted) throw new InterruptedError('interrupted: nothing was written');
    let start = 0;
    if (total === 0) {
      checkSignature(piece, name);
      if (piece[0] === 0xef && piece[1] === 0xbb && piece[2] === 0xbf) start = 3;
    }
    total += piece.length;
    for (let at = start; at < piece.length; at++) {
      const byte = piece[at]!;
      if (byte === 0x0a) {
        endLine();
        continue;
      }
      if (returned) throw returnInside();
      length++;
      if (byte === 0x0d) returned = true;
      else if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) {
        throw new InputError(
          `the file is binary: it holds the byte 0x${byte.toString(16).padStart(2, '0')}; expected text`,
          { where: atLine(name, line), fix: 'name a text file (or a gzipped one) with one interaction a line' },
        );
      } else if (head.length < headLines && length <= headLineLength) headBytes.push(byte);
    }
    const last = piece.lastIndexOf(0x0a);
    if (last < 0) carry.push(piece);
    else {
      checkEncoding(Buffer.concat([...carry, piece.subarray(0, last + 1)]), line);
      carry = [piece.subarray(last + 1)];
    }
  }
  checkEncoding(Buffer.concat(carry), line);
  if (length > 0) {
    if (returned) throw returnInside();
    endLine();
  }
  if (filledLines === 0) {
    throw new InputError(total === 0 ? 'the file is empty' : 'the file holds nothing but empty lines', {
      where: name,
      fix: 'name a file with one interaction a line',
    });
  }
  return { path, name, bytes: size, compression, encoding, filledLines, emptyLines, longestLine, head };
}

function decodeHead(bytes: readonly number[]): string {
  const buffer = Buffer.from(bytes);
  return isUtf8(buffer) || bytes.length >= headLineLength ? buffer.toString('utf8') : buffer.toString('latin1');
}

function notUtf8(path: string, block: Buffer, firstLine: number): InputError {
  let line = firstLine;
  for (let start = 0; start < block.length; line++) {
    const next = block.indexOf(0x0a, start);
    const end = next < 0 ? block.length : next + 1;
    if (!isUtf8(block.subarray(start, end))) break;
    start = end;
  }
  return new InputError('the line is not UTF-8 text', {
    where: atLine(path, line),
    fix: 'convert the file: iconv -f LATIN1 -t UTF-8; or it is no text file at all',
  });
}

/** The n-th line of a file (from 1), for an error that quotes it. Reads up to that line. */
export async function readLine(text: TextFile, number: number): Promise<string> {
  let line = 1;
  const parts: Buffer[] = [];
  for await (const piece of contentOf(text.path, text.compression)) {
    let start = 0;
    for (;;) {
      const next = piece.indexOf(0x0a, start);
      const end = next < 0 ? piece.length : next;
      if (line === number) parts.push(piece.subarray(start, end));
      if (next < 0) break;
      line++;
      start = next + 1;
      if (line > number) return finish(parts);
    }
  }
  return finish(parts);
}

function finish(parts: Buffer[]): string {
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/^\ufeff|\r$/g, '');
}
