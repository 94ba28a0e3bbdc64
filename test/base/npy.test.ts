import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { decodeNpy, encodeNpy, findNotFinite, type NpyType } from '../../src/base/npy.js';

const where = 'array.npy';

/** A file as NumPy writes it, by hand: magic, version, header length, header, elements. */
function handMade(header: string, elements: number[], version = 1): Uint8Array {
  const text = [...new TextEncoder().encode(header)];
  const length =
    version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, (text.length >> 8) & 255, 0, 0];
  return Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...text, ...elements]);
}

const edges = [1, 0, 0, 0, 2, 0, 0, 0, 255, 255, 255, 255, 4, 0, 0, 0];
const header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 2), }";

describe('reading .npy', () => {
  it.each([1, 2, 3])('reads format version %i', (version) => {
    const { data, shape } = decodeNpy(handMade(`${header}  \n`, edges, version), { dtype: 'int32', where });
    expect(shape).toEqual([2, 2]);
    expect(data).toEqual(Int32Array.of(1, 2, -1, 4));
  });

  it('reads vectors, scalars and empty arrays', () => {
    const read = (shape: string, elements: number[]) =>
      decodeNpy(handMade(`{"shape": ${shape}, "fortran_order": False, "descr": "|u1"}\n`, elements), {
        dtype: 'uint8',
        where,
      });
    expect(read('(3,)', [1, 2, 3]).shape).toEqual([3]);
    expect(read('()', [7])).toEqual({ data: Uint8Array.of(7), shape: [] });
    expect(read('(0, 4)', [])).toEqual({ data: new Uint8Array(), shape: [0, 4] });
  });

  it('takes null for a dimension of any length and refuses other lengths', () => {
    const file = handMade(header, edges);
    expect(decodeNpy(file, { dtype: 'int32', shape: [null, 2], where }).shape).toEqual([2, 2]);
    expect(() => decodeNpy(file, { dtype: 'int32', shape: [null, 3], where })).toThrow(/\(any, 3\).*\(2, 2\)/);
    expect(() => decodeNpy(file, { dtype: 'int32', shape: [null], where })).toThrow(/\(any,\)/);
  });

  it("copies elements that are not aligned, from Node's own kind of Uint8Array too", () => {
    const file = handMade(`${header} `, edges);
    for (const bytes of [file, Buffer.from(file)]) {
      expect(decodeNpy(bytes, { dtype: 'int32', where }).data).toEqual(Int32Array.of(1, 2, -1, 4));
    }
  });

  it('refuses floats that are not finite where told so, naming row and column', () => {
    const file = encodeNpy(Float32Array.of(1, 2, 3, 4, Number.NaN, 6), [2, 3]);
    expect(decodeNpy(file, { dtype: 'float32', where }).data[4]).toBeNaN();
    expect(() => decodeNpy(file, { dtype: 'float32', finite: true, where })).toThrow(/found NaN at row 1, column 1/);
    const infinite = encodeNpy(Float32Array.of(0, Number.NEGATIVE_INFINITY), [2]);
    expect(() => decodeNpy(infinite, { dtype: 'float32', finite: true, where })).toThrow(/-Infinity at place 1/);
    const finite = encodeNpy(Float32Array.of(-3e38, 0), [2]);
    expect(decodeNpy(finite, { dtype: 'float32', finite: true, where }).shape).toEqual([2]);
  });

  const wrong: [name: string, bytes: Uint8Array, message: RegExp][] = [
    ['an empty file', new Uint8Array(), /empty file/],
    ['another file', new TextEncoder().encode('user,item\n1,2\n'), /does not begin as a .npy file/],
    ['an unknown version', handMade(header, edges, 9), /version 9\.0/],
    ['another element type', handMade(header.replace('<i4', '<f8'), edges), /int32 array.*type <f8/],
    ['big-endian elements', handMade(header.replace('<i4', '>i4'), edges), />i4/],
    ['a known type other than the expected one', handMade(header.replace('<i4', '|u1'), edges), /uint8/],
    ['Fortran order', handMade(header.replace('False', 'True'), edges), /Fortran/],
    ['truncated elements', handMade(header, edges.slice(0, -1)), /15 bytes.*needs 16: it is cut off/],
    ['trailing bytes', handMade(header, [...edges, 0]), /17 bytes.*needs 16: more follows/],
    ['a shape far larger than the file', handMade(header.replace('(2, 2)', '(2, 9007199254740991)'), edges), /cut off/],
    ['a header that is cut off', handMade(header, []).subarray(0, 40), /header that is cut off/],
    ['a header that is no dictionary', handMade('hello', edges), /header that cannot be read/],
    ['a negative shape', handMade(header.replace('(2, 2)', '(-2, 2)'), edges), /header that cannot be read/],
  ];
  it.each(wrong)('refuses %s, naming the file', (_, bytes, message) => {
    const read = () => decodeNpy(bytes, { dtype: 'int32', where });
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ details: expect.objectContaining({ where }) }));
  });

  it('never accepts damage to the header or the length in silence, and throws nothing but InputError', () => {
    const file = encodeNpy(Int32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, cut) => {
        const damaged = cut ? file.slice(0, at) : file.slice();
        if (!cut) damaged[at]! ^= flip;
        try {
          const { data } = decodeNpy(damaged, { dtype: 'int32', shape: [null, 2], where });
          expect(cut).toBe(false);
          expect(data.length).toBe(6);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
    );
  });
});

describe('writing .npy', () => {
  const array = fc.oneof(
    fc.uint8Array({ maxLength: 70 }).map((data) => ({ dtype: 'uint8' as NpyType, data })),
    fc.int32Array({ maxLength: 70 }).map((data) => ({ dtype: 'int32' as NpyType, data })),
    fc.float32Array({ maxLength: 70 }).map((data) => ({ dtype: 'float32' as NpyType, data })),
  );

  it('comes back the same, also from an unaligned place in a larger buffer', () => {
    fc.assert(
      fc.property(array, fc.nat(9), ({ dtype, data }, shift) => {
        const file = encodeNpy(data, [data.length, 1]);
        expect(file.indexOf(0x0a) % 64).toBe(63);
        const buffer = new Uint8Array(file.length + shift);
        buffer.set(file, shift);
        expect(decodeNpy(buffer.subarray(shift), { dtype, where })).toEqual({ data, shape: [data.length, 1] });
      }),
    );
  });

  it('writes exactly the bytes of the format', () => {
    const file = encodeNpy(Float32Array.of(1), [1]);
    const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".padEnd(117);
    expect(file).toEqual(handMade(`${text}\n`, [0, 0, 0x80, 0x3f]));
  });

  it('refuses a shape that does not fit', () => {
    expect(() => encodeNpy(new Int32Array(5), [2, 2])).toThrow(/5 elements.*\(2, 2\)/);
  });
});

it('the first value that is not finite is found wherever it is, and none where there is none', () => {
  const values = new Float32Array(2 ** 16 + 3).fill(-1e38);
  expect(findNotFinite(values)).toBe(-1);
  expect(findNotFinite(new Float32Array())).toBe(-1);
  for (const broken of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const place of [0, 1, 2, 3, 7, 2 ** 16 - 1, 2 ** 16, 2 ** 16 + 2]) {
      const changed = values.slice();
      changed[place] = broken;
      changed[changed.length - 1] = broken;
      expect(findNotFinite(changed)).toBe(place);
    }
  }
});
