/**
 * The file of an index, as pure bytes. All numbers are little-endian:
 *
 * | bytes | what |
 * |---|---|
 * | 8 | `HASHGNN` and a zero byte |
 * | 4 | version of the format, u32: 1 |
 * | 4 | length of the header, u32 |
 * | … | header, JSON: `{ kind, bits, count, width?, sections: [{ name, offset, bytes, dtype }] }`, offsets from the file's beginning |
 * | … | the sections, each from a multiple of 64: `codes` u32 [count, ceil(bits / 32)], `ids` i32 [count] ascending and, where the kind is `hierarchical`, `embeddings` f32 [count, width]; zeros between them and to the next multiple of 64 |
 * | 32 | checksum: SHA-256 of the SHA-256 digests, in order, of every 16 MiB (the last piece shorter) of all that precedes it |
 *
 * The checksum goes by pieces because Web Crypto digests no more than 2 GiB at once.
 */
import { isObject } from '../base/checks.js';
import { InputError } from '../base/errors.js';
import { findNotFinite } from '../base/npy.js';
import { MAX_BITS, wordsOf } from './codes.js';

/** What an index file holds. Items that were removed from the index are not in it. */
export interface IndexContents {
  readonly bits: number;
  /** [count, ceil(bits / 32)] words, rows in ascending order of id. */
  readonly codes: Uint32Array;
  /** [count], ascending. */
  readonly ids: Int32Array;
  /** [count, width], for hierarchical search only. */
  readonly embeddings?: Float32Array;
  readonly width?: number;
}

const MAGIC = new TextEncoder().encode('HASHGNN\0');
const VERSION = 1;
/** Magic, version and length of the header. */
const PREFIX = MAGIC.length + 8;
const ALIGNMENT = 64;
const CHECKSUM = 32;
const PIECE = 2 ** 24;
/** Three sections need a few hundred bytes. */
const MAX_HEADER = 2 ** 16;

/** As everywhere in this room (`requireId`). */
const LARGEST_ID = 2 ** 31 - 2;

const ARRAYS = { codes: Uint32Array, ids: Int32Array, embeddings: Float32Array } as const;
const DTYPES = { codes: 'u32', ids: 'i32', embeddings: 'f32' } as const;
type SectionName = keyof typeof ARRAYS;
type Fail = (what: string) => InputError;

/** What the header says of the index; how long each section must be follows from it. */
interface Sizes {
  readonly bits: number;
  readonly count: number;
  readonly width: number | undefined;
}

/** Bytes of each section. All elements have four. */
function sectionBytes({ bits, count, width }: Sizes): [SectionName, number][] {
  const sections: [SectionName, number][] = [
    ['codes', count * wordsOf(bits) * 4],
    ['ids', count * 4],
  ];
  if (width !== undefined) sections.push(['embeddings', count * width * 4]);
  return sections;
}

const aligned = (place: number): number => Math.ceil(place / ALIGNMENT) * ALIGNMENT;

/**
 * An index as the pieces of its file, in order. Arrays are taken as they are, without a copy.
 * @throws InputError where the contents contradict themselves
 */
export async function encodeIndex(contents: IndexContents): Promise<Uint8Array[]> {
  const { bits, ids, embeddings, width } = contents;
  const fail: Fail = (what) => new InputError(`this is no index: ${what}`, { where: 'index contents' });
  if ((embeddings === undefined) !== (width === undefined)) throw fail('embeddings and their width come together');
  const sizes: Sizes = { bits, count: ids.length, width };
  requireSizes(sizes, fail);
  for (const [name, bytes] of sectionBytes(sizes)) {
    const found = contents[name]!.byteLength;
    if (found !== bytes) throw fail(`${name} take ${found} bytes where ${bytes} are needed`);
  }
  requireValues(contents, fail);

  const kind = width === undefined ? 'hamming' : 'hierarchical';
  /** The sections from `start` on, and the header that lists them. */
  const headerAt = (start: number): { text: Uint8Array; sections: Section[] } => {
    let place = start;
    const sections = sectionBytes(sizes).map(([name, bytes]) => {
      const section = { name, offset: place, bytes };
      place = aligned(place + bytes);
      return section;
    });
    const listed = sections.map((section) => ({ ...section, dtype: DTYPES[section.name] }));
    const header = { kind, bits, count: ids.length, ...(width !== undefined && { width }), sections: listed };
    return { text: new TextEncoder().encode(JSON.stringify(header)), sections };
  };
  // Offsets stand in the header, whose length they depend on: it is at most as long as with the largest of them.
  const start = aligned(PREFIX + headerAt(Number.MAX_SAFE_INTEGER).text.length);
  const { text, sections } = headerAt(start);
  const head = new Uint8Array(start);
  head.set(MAGIC);
  head.set(text, PREFIX);
  const view = new DataView(head.buffer);
  view.setUint32(MAGIC.length, VERSION, true);
  view.setUint32(MAGIC.length + 4, text.length, true);
  const parts = [head];
  for (const { name, bytes } of sections) {
    const array = contents[name]!;
    parts.push(new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, bytes));
    const padding = aligned(bytes) - bytes;
    if (padding > 0) parts.push(new Uint8Array(padding));
  }
  return [...parts, await checksum(parts)];
}

/**
 * The index that a file holds. Nothing is allocated from what the file claims: sizes, places and the checksum are
 * checked first. The arrays are views of `bytes` where its alignment allows, else copies.
 * @param where the file, for errors
 * @throws InputError where this is no index file, one of a newer version, or one that was altered or cut off
 */
export async function decodeIndex(bytes: Uint8Array, where: string): Promise<IndexContents> {
  const damaged: Fail = (what) =>
    new InputError(`the index file is damaged: ${what}`, {
      where,
      fix: 'save the index again, or restore the file from a copy',
    });
  if (MAGIC.some((byte, index) => index < bytes.length && bytes[index] !== byte) || bytes.length === 0) {
    const found = bytes.length === 0 ? 'it is empty' : 'it does not begin as one does';
    throw new InputError(`this is no index file: ${found}`, { where, fix: 'name a file that an index was saved to' });
  }
  if (bytes.length < PREFIX + CHECKSUM) throw damaged('it is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(MAGIC.length, true);
  if (version > VERSION) {
    throw new InputError(`a newer version of hashgnn made this index file: format ${version}, known up to ${VERSION}`, {
      where,
      fix: 'upgrade hashgnn, or build the index again',
    });
  }
  if (version !== VERSION) throw damaged(`there is no version ${version} of the format`);
  const end = bytes.length - CHECKSUM;
  const found = await checksum([bytes.subarray(0, end)]);
  if (found.some((byte, index) => byte !== bytes[end + index])) {
    throw damaged('it was altered or cut off, its checksum does not agree');
  }

  const headerEnd = PREFIX + view.getUint32(MAGIC.length + 4, true);
  if (headerEnd > end || headerEnd > PREFIX + MAX_HEADER) throw damaged('its header is longer than it can be');
  const { sizes, sections } = readHeader(bytes.subarray(PREFIX, headerEnd), damaged);
  requirePlaces(sections, headerEnd, end, damaged);
  const { bits, width } = sizes;
  const array = <N extends SectionName>(name: N): InstanceType<(typeof ARRAYS)[N]> => {
    const { offset, bytes: length } = sections.find((section) => section.name === name)!;
    const section = bytes.subarray(offset, offset + length);
    // Not `slice`, which in Node's own kind of Uint8Array makes no copy.
    const { buffer, byteOffset } = section.byteOffset % 4 === 0 ? section : new Uint8Array(section);
    return new ARRAYS[name](buffer as ArrayBuffer, byteOffset, length / 4) as InstanceType<(typeof ARRAYS)[N]>;
  };
  const contents: IndexContents = {
    bits,
    codes: array('codes'),
    ids: array('ids'),
    ...(width !== undefined && { embeddings: array('embeddings'), width }),
  };
  requireValues(contents, damaged);
  return contents;
}

interface Section {
  readonly name: SectionName;
  readonly offset: number;
  readonly bytes: number;
}

/** @throws InputError unless the header describes an index and the sections that it needs */
function readHeader(bytes: Uint8Array, fail: Fail): { sizes: Sizes; sections: Section[] } {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw fail('its header is no JSON');
  }
  if (!isObject(header)) throw fail('its header is no object');
  const { kind, bits, count, width, sections } = header;
  if (kind !== 'hamming' && kind !== 'hierarchical') throw fail('its header names no kind of index that there is');
  if ((kind === 'hierarchical') !== (width !== undefined))
    throw fail(`a ${kind} index ${width === undefined ? 'needs a' : 'has no'} width`);
  const sizes = { bits, count, width };
  requireSizes(sizes, fail);
  const needed = sectionBytes(sizes);
  if (!Array.isArray(sections) || sections.length !== needed.length) throw fail('its header lists other sections');
  return {
    sizes,
    sections: needed.map(([name, length]) => {
      const section: unknown = sections.find((entry) => isObject(entry) && entry.name === name);
      if (!isObject(section)) throw fail(`its header does not list ${name}`);
      if (section.dtype !== DTYPES[name]) throw fail(`${name} are not of type ${DTYPES[name]}`);
      if (section.bytes !== length) throw fail(`${name} do not take the ${length} bytes that they need`);
      const { offset } = section;
      if (!isWhole(offset) || offset % ALIGNMENT !== 0) throw fail(`${name} begin at no place that they can have`);
      return { name, offset, bytes: length };
    }),
  };
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** @throws InputError unless there can be an index of these sizes */
function requireSizes(sizes: Record<keyof Sizes, unknown>, fail: Fail): asserts sizes is Sizes {
  const { bits, count, width } = sizes;
  if (!isWhole(bits) || bits < 8 || bits > MAX_BITS || bits % 8 !== 0) throw fail('codes cannot have that many bits');
  if (!isWhole(count) || count > LARGEST_ID + 1) throw fail('it cannot have that many items');
  if (width === undefined) return;
  if (!isWhole(width) || width < 1 || !Number.isSafeInteger(count * width * 4))
    throw fail('embeddings cannot be that wide');
}

/** @throws InputError unless the sections lie apart from each other between the header and the checksum */
function requirePlaces(sections: readonly Section[], from: number, to: number, fail: Fail): void {
  let end = from;
  for (const { name, offset, bytes } of [...sections].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (offset < end) throw fail(`${name} overlap what precedes them`);
    end = offset + bytes;
  }
  if (aligned(end) !== to) throw fail(`its sections need ${aligned(end) + CHECKSUM} bytes, it has ${to + CHECKSUM}`);
}

/** @throws InputError where ids are not ascending from 0, codes have bits beyond their width or an embedding is no number */
function requireValues({ bits, codes, ids, embeddings, width }: IndexContents, fail: Fail): void {
  let last = -1;
  for (let row = 0; row < ids.length; row += 1) {
    if (ids[row]! <= last) throw fail(`id ${ids[row]} in row ${row} is not larger than ${last}`);
    last = ids[row]!;
  }
  if (last > LARGEST_ID) throw fail(`there is no id ${last}`);
  const words = wordsOf(bits);
  const spare = bits % 32;
  for (let at = words - 1; spare > 0 && at < codes.length; at += words) {
    if (codes[at]! >>> spare !== 0) throw fail(`the code in row ${(at + 1) / words - 1} has bits beyond its ${bits}`);
  }
  const broken = embeddings ? findNotFinite(embeddings) : -1;
  if (broken >= 0) {
    const place = `row ${Math.floor(broken / width!)}, column ${broken % width!}`;
    throw fail(`the embedding in ${place} is ${embeddings![broken]}`);
  }
}

/** The checksum of bytes that come in parts; see the format. */
async function checksum(parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const digests = new Uint8Array(Math.ceil(total / PIECE) * CHECKSUM);
  const piece = new Uint8Array(Math.min(PIECE, total));
  let filled = 0;
  let done = 0;
  const digest = async (bytes: Uint8Array) =>
    new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  const close = async () => {
    digests.set(await digest(piece.subarray(0, filled)), done);
    done += CHECKSUM;
    filled = 0;
  };
  for (const part of parts) {
    for (let place = 0; place < part.length; ) {
      const taken = part.subarray(place, place + PIECE - filled);
      piece.set(taken, filled);
      filled += taken.length;
      place += taken.length;
      if (filled === PIECE) await close();
    }
  }
  if (filled > 0) await close();
  return digest(digests);
}
