/**
 * NumPy's `.npy` format for the three element types that this library stores: `uint8`, `int32` and `float32`, C order,
 * little-endian. Pure bytes, nothing of Node.
 *
 * Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".
 */
import { InputError } from './errors.js';

/** Element types by their NumPy names. */
export interface NpyArrays {
  uint8: Uint8Array;
  int32: Int32Array;
  float32: Float32Array;
}
export type NpyType = keyof NpyArrays;
export type NpyArray = NpyArrays[NpyType];

/** What a caller expects of a file: its element type, and its shape with null for a dimension of any length. */
export interface NpyExpected<T extends NpyType> {
  readonly dtype: T;
  readonly shape?: readonly (number | null)[];
  /** Refuse floats that are NaN or infinite. */
  readonly finite?: boolean;
  /** The file's name, for errors. */
  readonly where: string;
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const codes: Record<NpyType, string> = { uint8: '|u1', int32: '<i4', float32: '<f4' };
const alignment = 64;

function typeOf(array: NpyArray): NpyType {
  if (array instanceof Uint8Array) return 'uint8';
  return array instanceof Int32Array ? 'int32' : 'float32';
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function showShape(shape: readonly (number | null)[]): string {
  return `(${shape.map((length) => length ?? 'any').join(', ')}${shape.length === 1 ? ',' : ''})`;
}

/** The bytes that stand before the elements of an array: format 1.0, padded so that the elements begin at a multiple of 64. */
export function npyHeader(dtype: NpyType, shape: readonly number[]): Uint8Array {
  const text = `{'descr': '${codes[dtype]}', 'fortran_order': False, 'shape': ${showShape(shape)}, }`;
  const length = Math.ceil((10 + text.length + 1) / alignment) * alignment;
  const bytes = new Uint8Array(length).fill(0x20);
  bytes.set(magic);
  bytes.set([1, 0, (length - 10) & 0xff, (length - 10) >> 8], 6);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[length - 1] = 0x0a;
  return bytes;
}

/** The elements of an array as bytes, without a copy. */
export function bytesOf(array: NpyArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * An array as a whole `.npy` file.
 *
 * @param array elements in C order (the last index runs fastest)
 * @param shape its dimensions; their product is the array's length
 * @throws InputError when shape and length disagree
 */
export function encodeNpy(array: NpyArray, shape: readonly number[]): Uint8Array {
  checkShape(array, shape);
  const header = npyHeader(typeOf(array), shape);
  const bytes = new Uint8Array(header.length + array.byteLength);
  bytes.set(header);
  bytes.set(bytesOf(array), header.length);
  return bytes;
}

/** @throws InputError when the product of the shape is not the array's length */
export function checkShape(array: NpyArray, shape: readonly number[]): void {
  if (shape.some((length) => !Number.isSafeInteger(length) || length < 0) || countOf(shape) !== array.length) {
    throw new InputError(`an array of ${array.length} elements cannot have the shape ${showShape(shape)}`);
  }
}

/** The place of the first element that is NaN or infinite; -1 where all are finite. */
export function findNotFinite(values: Float32Array): number {
  for (let begin = 0; begin < values.length; begin += FINITE_BLOCK) {
    const block = values.subarray(begin, begin + FINITE_BLOCK);
    if (!areFinite(block)) return begin + block.findIndex((value) => !Number.isFinite(value));
  }
  return -1;
}

const FINITE_BLOCK = 2 ** 16;

/** A product with 0 is 0 unless it is of NaN or an infinity. Four sums of them take half the time of asking each value. */
function areFinite(values: Float32Array): boolean {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let index = 0;
  const { length } = values;
  for (; index + 3 < length; index += 4) {
    a += values[index]! * 0;
    b += values[index + 1]! * 0;
    c += values[index + 2]! * 0;
    d += values[index + 3]! * 0;
  }
  for (; index < values.length; index += 1) a += values[index]! * 0;
  return a + b + c + d === 0;
}

/** The part of Python's literal syntax that NumPy writes: `{'descr': '<i4', 'fortran_order': False, 'shape': (3, 2), }`. */
function parseHeader(text: string): { descr: string; fortran: boolean; shape: number[] } | undefined {
  const descr = /['"]descr['"]\s*:\s*(['"])(.*?)\1/.exec(text)?.[2];
  const fortran = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /['"]shape['"]\s*:\s*\(([\s\dL,]*)\)/.exec(text)?.[1];
  if (!/^\s*\{.*\}\s*$/s.test(text) || fortran === undefined || shape === undefined) return undefined;
  const parts = shape
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (!parts.every((part) => /^\d+L?$/.test(part))) return undefined;
  // A structured element type has no quoted descr: it is named, as far as it goes, in the error about the type.
  const found = descr ?? /['"]descr['"]\s*:\s*(.{0,40})/.exec(text)?.[1] ?? 'unknown';
  return { descr: found, fortran: fortran === 'True', shape: parts.map((part) => Number.parseInt(part, 10)) };
}

/**
 * Reads a `.npy` file (format 1.0, 2.0 or 3.0).
 *
 * Nothing is allocated from the lengths that the header claims: they must agree with the bytes that are there. The
 * returned array is a view of `bytes` where its alignment allows, else a copy.
 *
 * @throws InputError for anything but a complete array of the expected type and shape, naming what was found
 */
export function decodeNpy<T extends NpyType>(
  bytes: Uint8Array,
  expected: NpyExpected<T>,
): { data: NpyArrays[T]; shape: number[] } {
  const { dtype, where } = expected;
  const wanted = `${dtype} array${expected.shape ? ` of shape ${showShape(expected.shape)}` : ''}`;
  const fail = (found: string, fix = `write it with numpy.save as a C-ordered ${wanted}`): never => {
    throw new InputError(`expected a .npy file with a ${wanted}, found ${found}`, { where, fix });
  };
  if (bytes.length < 10 || magic.some((byte, index) => bytes[index] !== byte)) {
    fail(bytes.length === 0 ? 'an empty file' : 'a file that does not begin as a .npy file does');
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3) fail(`.npy format version ${version}.${bytes[7]}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const prefix = version === 1 ? 10 : 12;
  const damaged = 'write or copy the file again: it is damaged';
  if (bytes.length < prefix) fail('a header that is cut off', damaged);
  const start = prefix + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > bytes.length) fail('a header that is cut off', damaged);
  const header = parseHeader(new TextDecoder().decode(bytes.subarray(prefix, start)));
  if (!header) return fail('a header that cannot be read', damaged);
  if (header.descr !== codes[dtype]) {
    const name = Object.entries(codes).find(([, code]) => code === header.descr)?.[0];
    fail(`elements of type ${name ? `${name} (${header.descr})` : header.descr}`);
  }
  if (header.fortran) fail('an array in Fortran order');
  const { shape } = header;
  const fits =
    !expected.shape ||
    (expected.shape.length === shape.length &&
      expected.shape.every((length, index) => length === null || length === shape[index]));
  if (!fits) fail(`the shape ${showShape(shape)}`);
  const size = dtype === 'uint8' ? 1 : 4;
  const claimed = countOf(shape) * size;
  const present = bytes.length - start;
  if (claimed !== present) {
    const difference = claimed > present ? 'it is cut off' : 'more follows after the array';
    fail(`${present} bytes of elements where the shape ${showShape(shape)} needs ${claimed}: ${difference}`, damaged);
  }
  const offset = bytes.byteOffset + start;
  // Not `slice`, which in Node's own kind of Uint8Array makes no copy.
  const elements = offset % size === 0 ? bytes.subarray(start) : new Uint8Array(bytes.subarray(start));
  const Type = { uint8: Uint8Array, int32: Int32Array, float32: Float32Array }[dtype];
  const data = new Type(elements.buffer as ArrayBuffer, elements.byteOffset, present / size) as NpyArrays[T];
  const broken = expected.finite && data instanceof Float32Array ? findNotFinite(data) : -1;
  if (broken >= 0) {
    const columns = shape.at(-1)!;
    const place =
      shape.length === 2 ? `row ${Math.floor(broken / columns)}, column ${broken % columns}` : `place ${broken}`;
    fail(`${data[broken]} at ${place}`, 'write finite numbers only');
  }
  return { data, shape };
}
