/**
 * Edges in `.npy` files that are too many to hold: written user by user, read back in pieces. Node only.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../base/errors.js';
import { bytesOf, npyHeader } from '../base/npy.js';
import { compareEdges, findSharedPair } from './split.js';

/** The header has this length for any number of edges. */
const headerBytes = npyHeader('int32', [0, 2]).length;
/** Integers that are held before they are written. */
const buffered = 1 << 17;

/** Writes flat pairs (user, item) as int32 `.npy` [E × 2]. */
export class EdgeWriter {
  /** Edges so far. */
  count = 0;
  private buffer = new Int32Array(2 * buffered);
  private used = 0;

  private constructor(private readonly handle: FileHandle) {}

  static async create(path: string): Promise<EdgeWriter> {
    const handle = await open(path, 'wx');
    await writeFully(handle, new Uint8Array(headerBytes));
    return new EdgeWriter(handle);
  }

  add(user: number, item: number): void {
    if (this.used === this.buffer.length) {
      const larger = new Int32Array(2 * this.used);
      larger.set(this.buffer);
      this.buffer = larger;
    }
    this.buffer[this.used++] = user;
    this.buffer[this.used++] = item;
    this.count++;
  }

  /** Writes what waits, once it is much. */
  async flush(least: number = buffered): Promise<void> {
    if (this.used < least) return;
    await writeFully(this.handle, bytesOf(this.buffer.subarray(0, this.used)));
    this.used = 0;
  }

  /** Writes the rest and the header, and closes the file. */
  async finish(): Promise<void> {
    await this.flush(1);
    await this.handle.write(npyHeader('int32', [this.count, 2]), 0, headerBytes, 0);
    await this.handle.sync();
    await this.handle.close();
  }

  /** Closes the file as it is; after `finish` it does nothing. */
  async abandon(): Promise<void> {
    await this.handle.close().catch(() => undefined);
  }
}

async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray((await handle.write(rest)).bytesWritten);
}

/** The elements of a file that an `EdgeWriter` wrote, in pieces of whole edges. */
export async function* readEdges(path: string, atOnce: number = 1 << 20): AsyncGenerator<Int32Array> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    for (let place = headerBytes; place < size; ) {
      const bytes = new Uint8Array(Math.min(8 * atOnce, size - place));
      for (let got = 0; got < bytes.length; ) {
        const { bytesRead } = await handle.read(bytes, got, bytes.length - got, place + got);
        if (bytesRead === 0) throw new InputError('the file became shorter while it was read', { where: path });
        got += bytesRead;
      }
      place += bytes.length;
      yield new Int32Array(bytes.buffer, 0, bytes.length / 4);
    }
  } finally {
    await handle.close();
  }
}

/**
 * `findSharedPair` over files, a piece of each in memory; also checks that the edges of each are in order.
 *
 * @throws Error when edges of a file are not in ascending order: a defect of what wrote them
 */
export async function findSharedPairInFiles(
  paths: readonly string[],
  atOnce?: number,
): Promise<{ user: number; item: number } | undefined> {
  const sources = paths.map((path) => ({
    pieces: readEdges(path, atOnce),
    rest: new Int32Array() as Int32Array,
    ended: false,
  }));
  try {
    for (;;) {
      for (const source of sources) {
        if (source.rest.length > 0 || source.ended) continue;
        const { value, done } = await source.pieces.next();
        if (done) source.ended = true;
        else source.rest = value;
        for (let at = 2; at < source.rest.length; at += 2) {
          if (compareEdges(source.rest, at - 2, source.rest, at) >= 0) throw new Error('edges are not in order');
        }
      }
      const open = sources.filter(({ rest }) => rest.length > 0);
      if (open.length === 0) return undefined;
      // All up to the least of the last edges can be compared; the piece that ends there is used up.
      const { rest: first } = open.reduce((a, b) =>
        compareEdges(a.rest, a.rest.length - 2, b.rest, b.rest.length - 2) <= 0 ? a : b,
      );
      const parts = open.map(({ rest }) => rest.subarray(0, placeAfter(rest, first, first.length - 2)));
      const shared = findSharedPair(...parts);
      if (shared) return shared;
      open.forEach((source, index) => {
        source.rest = source.rest.subarray(parts[index]!.length);
      });
    }
  } finally {
    // A reader that is not at its end still holds its file.
    for (const { pieces } of sources) await pieces.return(undefined);
  }
}

/** The place of the first edge that comes after the edge at `at` of `other`. */
function placeAfter(edges: Int32Array, other: Int32Array, at: number): number {
  let low = 0;
  let high = edges.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareEdges(edges, 2 * middle, other, at) <= 0) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}
