import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { packCodes } from '../../src/search/codes.js';
import { decodeIndex, encodeIndex, type IndexContents } from '../../src/search/index_format.js';
import { codesOf, embeddingsOf, mix } from './support.js';

const where = 'items.index';

interface Shape {
  readonly count: number;
  readonly bits: number;
  readonly width?: number | undefined;
  readonly seed: number;
}

function contentsOf({ count, bits, width, seed }: Shape): IndexContents {
  let last = -1;
  const ids = Int32Array.from({ length: count }, (_, row) => {
    last += 1 + (mix(row, seed) % 3);
    return last;
  });
  const codes = packCodes(codesOf(count, bits, 2 ** 31, seed), bits);
  return { bits, codes, ids, ...(width !== undefined && { embeddings: embeddingsOf(count, width, seed), width }) };
}

/** The file of an index, at an address that is a multiple of 64 and a few bytes more. */
async function fileOf(contents: IndexContents, shift = 0): Promise<Uint8Array<ArrayBuffer>> {
  const parts = await encodeIndex(contents);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(new ArrayBuffer(length + shift), shift);
  let place = 0;
  for (const part of parts) {
    bytes.set(part, place);
    place += part.length;
  }
  return bytes;
}

/** The checksum as the format's description has it, by another implementation of SHA-256. */
function checksum(bytes: Uint8Array): Uint8Array {
  const sha = (part: Uint8Array) => createHash('sha256').update(part).digest();
  const pieces = [];
  for (let place = 0; place < bytes.length; place += 2 ** 24) pieces.push(sha(bytes.subarray(place, place + 2 ** 24)));
  return sha(Buffer.concat(pieces));
}

/** Writes the right checksum at the end. */
function sealed(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  bytes.set(checksum(bytes.subarray(0, -32)), bytes.length - 32);
  return bytes;
}

/** A header of any kind before the sections of a file, with the right lengths and checksum. */
function withHeader(bytes: Uint8Array<ArrayBuffer>, change: (header: Header) => unknown): Uint8Array<ArrayBuffer> {
  const { header, view } = headerOf(bytes);
  const changed = change(header);
  const text = new TextEncoder().encode(typeof changed === 'string' ? changed : JSON.stringify(changed));
  const room = header.sections[0]!.offset - 16;
  if (text.length > room) throw new Error('the header of the test has no room');
  bytes.fill(0, 16, 16 + room).set(text, 16);
  view.setUint32(12, text.length, true);
  return sealed(bytes);
}

interface Header {
  kind: string;
  bits: number;
  count: number;
  width?: number;
  sections: { name: string; dtype: string; offset: number; bytes: number }[];
}

function headerOf(bytes: Uint8Array): { header: Header; view: DataView } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + view.getUint32(12, true)))) as Header;
  return { header, view };
}

/** Changes what a header says of one section. */
const withSection = (at: number, change: Partial<Header['sections'][number]>) => (header: Header) => ({
  ...header,
  sections: header.sections.map((section, index) => (index === at ? { ...section, ...change } : section)),
});

const shape: fc.Arbitrary<Shape> = fc.record({
  count: fc.oneof(fc.constantFrom(0, 1), fc.nat(300)),
  bits: fc.integer({ min: 1, max: 128 }).map((bytes) => bytes * 8),
  width: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 40 })),
  seed: fc.nat(),
});

test('what was encoded is decoded, wherever the bytes lie', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.nat(9), async (s, shift) => {
      const contents = contentsOf(s);
      const bytes = await fileOf(contents, shift);
      expect(await decodeIndex(bytes, where)).toEqual(contents);
      expect(await decodeIndex(Buffer.from(bytes.buffer, bytes.byteOffset), where)).toEqual(contents);
      const { header } = headerOf(bytes);
      expect(header).toMatchObject({
        kind: s.width === undefined ? 'hamming' : 'hierarchical',
        bits: s.bits,
        count: s.count,
      });
      for (const { offset } of header.sections) expect(offset % 64).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('the checksum is the one that is described, over several pieces too', async () => {
  const few = await fileOf(contentsOf({ count: 9, bits: 40, width: 3, seed: 1 }));
  expect(few.subarray(-32)).toEqual(new Uint8Array(checksum(few.subarray(0, -32))));
  const count = 5 * 2 ** 20;
  const many = await fileOf({
    bits: 32,
    codes: new Uint32Array(count).fill(0x01020304),
    ids: Int32Array.from({ length: count }, (_, row) => row),
  });
  expect(many.length).toBeGreaterThan(2 * 2 ** 24);
  expect(many.subarray(-32)).toEqual(new Uint8Array(checksum(many.subarray(0, -32))));
  expect((await decodeIndex(many, where)).ids[count - 1]).toBe(count - 1);
  many[2 ** 24 + 5]! ^= 1;
  await expect(decodeIndex(many, where)).rejects.toThrow(/altered/);
});

test('aligned arrays are views of the bytes and others are copies', async () => {
  const contents = contentsOf({ count: 20, bits: 64, width: 5, seed: 2 });
  const bytes = await fileOf(contents);
  const found = await decodeIndex(bytes, where);
  for (const array of [found.codes, found.ids, found.embeddings!]) expect(array.buffer).toBe(bytes.buffer);
  const shifted = await fileOf(contents, 2);
  expect((await decodeIndex(shifted, where)).codes.buffer).not.toBe(shifted.buffer);
});

test.each<[string, IndexContents, RegExp]>([
  [
    'codes of another number',
    { ...contentsOf({ count: 3, bits: 32, seed: 1 }), ids: Int32Array.of(1, 2) },
    /codes take/,
  ],
  [
    'embeddings without a width',
    { ...contentsOf({ count: 1, bits: 8, seed: 1 }), embeddings: new Float32Array(2) },
    /together/,
  ],
  ['a width without embeddings', { ...contentsOf({ count: 1, bits: 8, seed: 1 }), width: 2 }, /together/],
  ['ids that descend', { ...contentsOf({ count: 2, bits: 8, seed: 1 }), ids: Int32Array.of(2, 1) }, /id 1 in row 1/],
  ['an impossible width of codes', { ...contentsOf({ count: 0, bits: 8, seed: 1 }), bits: 12 }, /bits/],
])('%s are not encoded', async (_, contents, message) => {
  await expect(encodeIndex(contents)).rejects.toThrow(message);
  await expect(encodeIndex(contents)).rejects.toBeInstanceOf(InputError);
});

/** Either the same contents or an input error that names the file. */
async function sameOrRefused(bytes: Uint8Array, contents: IndexContents): Promise<boolean> {
  const found = await decodeIndex(bytes, where).catch((error: unknown) => error);
  if (!(found instanceof Error)) {
    expect(found).toEqual(contents);
    return false;
  }
  expect(found).toBeInstanceOf(InputError);
  expect((found as InputError).details).toMatchObject({ where, fix: expect.stringMatching(/./) });
  return true;
}

describe('damage', () => {
  const contents = contentsOf({ count: 23, bits: 40, width: 3, seed: 5 });

  test('a file cut off anywhere, or longer than it was, is refused', async () => {
    const bytes = await fileOf(contents);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(await sameOrRefused(bytes.subarray(0, length), contents), `${length} bytes`).toBe(true);
    }
    for (const more of [1, 32, 64]) {
      const longer = new Uint8Array(bytes.length + more);
      longer.set(bytes);
      expect(await sameOrRefused(longer, contents)).toBe(true);
    }
    await expect(decodeIndex(new Uint8Array(0), where)).rejects.toThrow(/no index file: it is empty/);
    await expect(decodeIndex(bytes.subarray(0, 5), where)).rejects.toThrow(/cut off/);
    await expect(decodeIndex(bytes.subarray(0, -1), where)).rejects.toThrow(/cut off/);
  });

  test('any bytes altered, inserted, taken out or exchanged: refused, unless the bytes are the same again', async () => {
    const bytes = await fileOf(contents);
    const place = fc.nat(bytes.length - 1);
    const mutation = fc.oneof(
      fc.record({ kind: fc.constant('bit' as const), at: place, value: fc.nat(7) }),
      fc.record({ kind: fc.constant('byte' as const), at: place, value: fc.nat(255) }),
      fc.record({
        kind: fc.constant('splice' as const),
        at: place,
        remove: fc.nat(80),
        insert: fc.uint8Array({ maxLength: 80 }),
      }),
      fc.record({ kind: fc.constant('copy' as const), at: place, from: place, length: fc.nat(200) }),
    );
    await fc.assert(
      fc.asyncProperty(mutation, async (m) => {
        let altered = bytes.slice();
        if (m.kind === 'bit') altered[m.at]! ^= 1 << m.value;
        else if (m.kind === 'byte') altered[m.at] = m.value;
        else if (m.kind === 'copy') altered.copyWithin(m.at, m.from, m.from + m.length);
        else altered = Uint8Array.of(...bytes.subarray(0, m.at), ...m.insert, ...bytes.subarray(m.at + m.remove));
        const same = altered.length === bytes.length && altered.every((byte, index) => byte === bytes[index]);
        expect(await sameOrRefused(altered, contents)).toBe(!same);
      }),
      { numRuns: 2000 },
    );
  });

  test('behind a right checksum, any other header is refused or says what another file of an index would', async () => {
    const bytes = await fileOf(contents);
    const end = headerOf(bytes).header.sections[0]!.offset;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(end - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        async (changes) => {
          const altered = bytes.slice();
          for (const [at, value] of changes) altered[at] = value;
          // A digit of the width may be another one that the codes fit as well.
          const { bits } = contents;
          const found = await decodeIndex(sealed(altered), where).catch((error: unknown) => error);
          if (found instanceof Error) expect(found).toBeInstanceOf(InputError);
          else expect({ ...(found as IndexContents), bits }).toEqual(contents);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('another kind of file, an older and a newer version', async () => {
    const other = new TextEncoder().encode('{"not": "an index"} and more words than a prefix and a checksum take');
    await expect(decodeIndex(other, where)).rejects.toThrow(/no index file/);
    const bytes = await fileOf(contents);
    const { view } = headerOf(bytes);
    view.setUint32(8, 2, true);
    await expect(decodeIndex(bytes, where)).rejects.toMatchObject({
      message: expect.stringMatching(/newer version.*format 2/),
      details: { where, fix: expect.stringMatching(/upgrade/) },
    });
    view.setUint32(8, 0, true);
    await expect(decodeIndex(bytes, where)).rejects.toThrow(/no version 0/);
  });

  test.each<[string, (header: Header) => unknown, RegExp]>([
    ['no JSON', () => '{"kind": ', /no JSON/],
    ['no object', () => 'null', /no object/],
    ['an unknown kind', (header) => ({ ...header, kind: 'approximate' }), /kind/],
    ['no width', ({ width: _, ...header }) => header, /width/],
    ['a width that is not needed', (header) => ({ ...header, kind: 'hamming' }), /width/],
    ['bits that are no width of codes', (header) => ({ ...header, bits: 44 }), /bits/],
    ['a huge number of bits', (header) => ({ ...header, bits: 8e9 }), /bits/],
    ['a huge count', (header) => ({ ...header, count: 2 ** 40 }), /items/],
    ['a count that the bytes do not have', (header) => ({ ...header, count: 2 ** 30 }), /bytes/],
    ['a negative count', (header) => ({ ...header, count: -1 }), /items/],
    ['a count as text', (header) => ({ ...header, count: '23' }), /items/],
    ['a huge width', (header) => ({ ...header, width: 2 ** 52 }), /wide/],
    ['a width of 0', (header) => ({ ...header, width: 0 }), /wide/],
    ['no sections', (header) => ({ ...header, sections: [] }), /sections/],
    ['sections that are no list', (header) => ({ ...header, sections: 3 }), /sections/],
    [
      'a section twice',
      (header) => ({ ...header, sections: [0, 0, 1].map((at) => header.sections[at]) }),
      /list embeddings/,
    ],
    ['another type', withSection(0, { dtype: 'f32' }), /codes are not of type u32/],
    ['an offset beyond the file', withSection(2, { offset: 2 ** 40 }), /need \d+ bytes, it has \d+/],
    ['a negative offset', withSection(1, { offset: -64 }), /ids begin at no place/],
    ['an offset that is not aligned', withSection(1, { offset: 1028 }), /ids begin at no place/],
    ['a section over the header', withSection(0, { offset: 0 }), /codes overlap/],
    ['a negative length', withSection(0, { bytes: -4 }), /codes do not take/],
    [
      'sections that overlap',
      (header) => withSection(1, { offset: header.sections[0]!.offset })(header),
      /codes overlap/,
    ],
  ])('a header with %s is refused, though the checksum is right', async (_, change, message) => {
    const bytes = await fileOf(contents);
    const lie = withHeader(bytes, change);
    expect(await sameOrRefused(lie, contents)).toBe(true);
    await expect(decodeIndex(lie, where)).rejects.toThrow(message);
  });

  test('a header that is said to be longer than the file, or than any header is', async () => {
    const bytes = await fileOf(contents);
    for (const length of [2 ** 32 - 1, bytes.length - 16]) {
      const lie = bytes.slice();
      new DataView(lie.buffer).setUint32(12, length, true);
      await expect(decodeIndex(sealed(lie), where)).rejects.toThrow(/header is longer/);
    }
  });

  test.each<[string, number, (view: DataView, at: number) => void, RegExp]>([
    ['an id twice', 1, (view, at) => view.setInt32(at + 4, view.getInt32(at, true), true), /id \d+ in row 1/],
    ['an id that is none', 1, (view, at) => view.setInt32(at + 22 * 4, 2 ** 31 - 1, true), /no id 2147483647/],
    ['a negative id', 1, (view, at) => view.setInt32(at, -1, true), /id -1 in row 0/],
    [
      'a bit beyond the code',
      0,
      (view, at) => view.setUint32(at + 5 * 8 + 4, 0x100, true),
      /row 5 has bits beyond its 40/,
    ],
    ['NaN in an embedding', 2, (view, at) => view.setFloat32(at + 7 * 4, Number.NaN, true), /row 2, column 1 is NaN/],
    [
      'an infinite embedding',
      2,
      (view, at) => view.setFloat32(at, Number.NEGATIVE_INFINITY, true),
      /row 0, column 0 is -Inf/,
    ],
  ])('%s is refused, though the checksum is right', async (_, section, change, message) => {
    const bytes = await fileOf(contents);
    const { header, view } = headerOf(bytes);
    change(view, header.sections[section]!.offset);
    await expect(decodeIndex(sealed(bytes), where)).rejects.toThrow(message);
    expect(await sameOrRefused(bytes, contents)).toBe(true);
  });
});
