/**
 * One file from an address, over connections that break: resumed where it stopped, and tried again with pauses. No other
 * file of the library uses the network.
 */
import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HashgnnError, InterruptedError } from '../base/errors.js';
import { guarded, readJson, writeAll, writeJson } from '../base/files.js';
import { formatBytes, formatSeconds } from '../base/text.js';
import { insecure, RequestError, refusal, toRequestError } from './addresses.js';

/** How long a transfer bears with a server. */
export interface Patience {
  /** Milliseconds without a byte after which a connection counts as dead. */
  readonly silence: number;
  /** Pauses in milliseconds, one for each further try that brings nothing; after the last the transfer fails. */
  readonly pauses: readonly number[];
}

const PATIENCE: Patience = { silence: 60_000, pauses: [1000, 2000, 4000, 8000, 16_000] };

/** A server may ask for a longer pause, but not for any. */
const LONGEST_PAUSE = 60_000;

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** Unless told, a minute of silence, and five further tries within half a minute. */
  readonly patience?: Patience | undefined;
  /** Called with a sentence on what does not go as it should. */
  readonly report?: ((text: string) => void) | undefined;
  /** Called with the bytes that are there, and of how many, where the server tells. */
  readonly progress?: ((bytes: number, total: number | undefined) => void) | undefined;
}

/**
 * Stands beside a part: what the server said of the file when the part was begun. Without a validator nobody could tell
 * whether the rest would be of the same file.
 */
interface PartState {
  readonly address: string;
  /** An entity tag that is not weak, or the time of the last change. */
  readonly validator: string;
  readonly total: number | null;
}

const stateOf = (part: string) => `${part}.json`;

/** Removes a part and what is known of it. */
export async function removePart(part: string): Promise<void> {
  await rm(part, { force: true });
  await forgetPart(part);
}

/** Removes what is known of a part, once it is whole. */
export async function forgetPart(part: string): Promise<void> {
  await rm(stateOf(part), { force: true });
}

/**
 * Brings the content of an address into the file `part`, going on with what is there of it. When it fails, what has come
 * stays, and a later call goes on with it; a file that has changed meanwhile is begun anew.
 *
 * @throws RequestError when the server cannot be reached, refuses, or is silent, and further tries did not help
 * @throws HashgnnError when the disk is full or cannot be written
 * @throws InterruptedError after `signal`
 */
export async function transfer(address: string, part: string, options: TransferOptions = {}): Promise<void> {
  await guarded(part, 'cannot write the file', () =>
    retried(options, async (gained) => {
      const known = await readPart(address, part);
      if (known && known.bytes === known.total) return;
      if (!known) await removePart(part);
      const from = known?.bytes ?? 0;
      const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-`, 'if-range': known!.validator } : {};
      await receive(address, headers, options, (response, pieces) =>
        store(response, pieces, { ...options, address, part, from, gained }),
      );
    }),
  );
}

/**
 * A small text, such as a checksum that stands beside a file.
 * @throws as `transfer`, and RequestError where it is longer than 64 KiB
 */
export async function fetchText(address: string, options: TransferOptions = {}): Promise<string> {
  return retried(options, () =>
    receive(address, {}, options, async (_, pieces) => {
      const read: Uint8Array[] = [];
      let bytes = 0;
      for await (const piece of pieces) {
        read.push(piece);
        bytes += piece.length;
        if (bytes > 65_536) {
          throw new RequestError('the file is too long for a checksum', 'never', { where: address });
        }
      }
      return Buffer.concat(read).toString('utf8');
    }),
  );
}

/** Tries again as long as it may help; a try that gained something makes good for those before it. */
async function retried<T>(
  { signal, patience = PATIENCE, report }: TransferOptions,
  action: (gained: () => void) => Promise<T>,
): Promise<T> {
  let failures = 0;
  let begun = false;
  for (;;) {
    try {
      return await action(() => {
        begun = true;
        failures = 0;
      });
    } catch (error) {
      const again =
        error instanceof RequestError && (error.again === 'always' || (error.again === 'once begun' && begun));
      const pause = patience.pauses[failures++];
      if (!again || pause === undefined) throw error;
      const wait = Math.min(LONGEST_PAUSE, Math.max(pause, 1000 * error.after));
      report?.(`${error.message}; trying again in ${formatSeconds(wait / 1000)}`);
      await sleep(wait, undefined, signal && { signal }).catch(() => {
        throw interrupted();
      });
    }
  }
}

function interrupted(): InterruptedError {
  return new InterruptedError('interrupted: what has come is kept, and the same command goes on with it');
}

/**
 * Asks once and hands over the answer, an ordinary one (2xx) or that there is no such range (416), with the pieces of its
 * body; a silent server, a broken connection and any other answer end in a RequestError.
 */
async function receive<T>(
  address: string,
  headers: Readonly<Record<string, string>>,
  { signal, patience = PATIENCE }: TransferOptions,
  use: (response: Response, pieces: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const either = AbortSignal.any([ending.signal, ...(signal ? [signal] : [])]);
  let silent = false;
  /** Waits for the server, but not for ever, and says in our words how it failed. */
  const heard = async <A>(answer: () => Promise<A>): Promise<A> => {
    const timer = setTimeout(() => {
      silent = true;
      ending.abort();
    }, patience.silence);
    try {
      return await answer();
    } catch (error) {
      if (signal?.aborted) throw interrupted();
      if (!silent) throw toRequestError(error, address);
      throw new RequestError(`the server was silent for ${formatSeconds(patience.silence / 1000)}`, 'always', {
        where: address,
        fix: 'run the command again later: it goes on with what has come',
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  };
  async function* piecesOf(response: Response): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    while (reader) {
      const { done, value } = await heard(() => reader.read());
      if (done) return;
      yield value;
    }
  }
  try {
    // Packed for the way, a file would have another length than the one that is told, and no place to go on from.
    const asked = { 'user-agent': 'hashgnn', 'accept-encoding': 'identity', ...headers };
    const response = await heard(() => fetch(address, { headers: asked, signal: either }));
    if (!response.ok && response.status !== 416) throw refusal(response, address);
    if (/^https:/.test(address) && !/^https:/.test(response.url)) throw insecure(response, address);
    return await use(response, piecesOf(response));
  } finally {
    // Whatever has not been read of the body is not wanted: the connection is free again.
    ending.abort();
  }
}

interface Storing extends TransferOptions {
  readonly address: string;
  readonly part: string;
  /** Bytes that are there and were not asked for. */
  readonly from: number;
  /** Called when further bytes are on the disk. */
  readonly gained: () => void;
}

/** Writes the body of an answer into the part, behind what is there if the server goes on from there. */
async function store(
  response: Response,
  pieces: AsyncIterable<Uint8Array>,
  { address, part, from, gained, report, progress }: Storing,
): Promise<void> {
  const { headers, status } = response;
  const [, first, whole] = /^bytes (\d+)-\d+\/(\d+)?/.exec(headers.get('content-range') ?? '') ?? [];
  const goesOn = status === 206 && Number(first) === from;
  if (status === 416 || (status === 206 && !goesOn)) {
    await removePart(part);
    const fix = 'run the command again: it begins anew';
    throw new RequestError('the server has not the rest that was asked for', 'always', { where: address, fix });
  }
  if (from > 0 && !goesOn) report?.('the file has changed, or the server cannot go on in the middle: begun anew');
  const packed = !['identity', null].includes(headers.get('content-encoding'));
  const told = packed ? null : headers.get('content-length');
  let bytes = goesOn ? from : 0;
  // A server may give less of the rest than it was asked for.
  const total = goesOn && whole ? Number(whole) : told === null ? undefined : bytes + Number(told);
  await requireRoom(part, (total ?? 0) - bytes);
  const handle = await open(part, goesOn ? 'a' : 'w');
  try {
    // After what was there before is gone: a part is never described by what is said of another file.
    if (!goesOn) await writePart(part, address, headers, packed, total);
    progress?.(bytes, total);
    for await (const piece of pieces) {
      await writeAll(handle, piece);
      bytes += piece.length;
      gained();
      progress?.(bytes, total);
    }
  } finally {
    await handle.close();
  }
  if (total !== undefined && bytes !== total) {
    throw new RequestError(`the connection broke off after ${bytes} of ${total} bytes`, 'always', {
      where: address,
      fix: 'run the command again: it goes on with what has come',
    });
  }
}

/** @throws HashgnnError where so many bytes do not fit on the disk beside the file */
async function requireRoom(path: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  const free = bavail * bsize;
  if (bytes <= free) return;
  throw new HashgnnError(`${formatBytes(bytes)} are to come, and the disk has ${formatBytes(free)} free`, {
    where: dirname(path),
    fix: 'free some space, or name a folder on another disk with --out',
  });
}

async function writePart(
  part: string,
  address: string,
  headers: Headers,
  packed: boolean,
  total: number | undefined,
): Promise<void> {
  const tag = headers.get('etag');
  const validator = tag !== null && !tag.startsWith('W/') ? tag : headers.get('last-modified');
  if (packed || validator === null) return forgetPart(part);
  await writeJson(stateOf(part), { address, validator, total: total ?? null } satisfies PartState);
}

/** What is there of a file and can be gone on with; undefined where that cannot be known. */
async function readPart(address: string, part: string): Promise<(PartState & { readonly bytes: number }) | undefined> {
  const found = await stat(part).catch(() => undefined);
  // Of one that was cut short by a crash nothing is known.
  const state = (await readJson(stateOf(part)).catch(() => undefined)) as Partial<PartState> | undefined;
  const { validator, total = null } = state ?? {};
  if (!found?.isFile() || typeof validator !== 'string' || state?.address !== address) return undefined;
  return { address, validator, total, bytes: found.size };
}
