/** Buffers of plain bytes by the layouts of their types: filled, set and compared scalar by scalar. */
import { Purpose, random4, toBelow, toUnit } from '../../src/base/random.js';
import type { Layout, ScalarType } from '../../src/gpu/index.js';

/** Integers are filled with numbers below this, small enough to serve as counts and as places in most arrays. */
const INTEGERS_BELOW = 16;

/** Calls `visit` for every scalar, in order, with its place in bytes. @param end bytes of the buffer */
export function eachScalar(
  layout: Layout,
  at: number,
  end: number,
  visit: (at: number, type: ScalarType) => void,
): void {
  if (layout.kind === 'scalar') visit(at, layout.type);
  else if (layout.kind === 'struct') {
    for (const member of layout.members) eachScalar(member.layout, at + member.offset, end, visit);
  } else {
    const { stride, element } = layout;
    const count = layout.count || Math.floor((end - at) / stride);
    if (element.kind === 'scalar') {
      for (let index = 0; index < count; index += 1) visit(at + index * stride, element.type);
    } else {
      for (let index = 0; index < count; index += 1) eachScalar(element, at + index * stride, end, visit);
    }
  }
}

/**
 * Fills a buffer. `random`: floats uniform in [−1, 1), integers below 16; `ramp`: 0, 1, 2, …; else a number.
 * @param stream tells buffers of one seed apart
 */
export function fill(bytes: Uint8Array, layout: Layout, how: string, seed: number, stream: number): void {
  const view = viewOf(bytes);
  let index = 0;
  if (how === 'random') {
    let words: readonly number[] = [];
    eachScalar(layout, 0, bytes.length, (at, type) => {
      if (index % 4 === 0) words = random4(seed, Purpose.generate, stream, index / 4);
      const word = words[index % 4]!;
      const value = type === 'f32' || type === 'f16' ? 2 * toUnit(word) - 1 : toBelow(word, INTEGERS_BELOW);
      put(view, at, type, value);
      index += 1;
    });
    return;
  }
  const constant = how === 'ramp' || how === 'zero' ? 0 : Number(how);
  const step = how === 'ramp' ? 1 : 0;
  eachScalar(layout, 0, bytes.length, (at, type) => {
    put(view, at, type, constant + step * index);
    index += 1;
  });
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

export function put(view: DataView, at: number, type: ScalarType, value: number): void {
  if (type === 'f32') view.setFloat32(at, value, true);
  else if (type === 'f16') view.setUint16(at, toHalf(value), true);
  else if (type === 'i32') view.setInt32(at, value, true);
  else view.setUint32(at, value, true);
}

function get(view: DataView, at: number, type: ScalarType): number {
  if (type === 'f32') return view.getFloat32(at, true);
  if (type === 'f16') return fromHalf(view.getUint16(at, true));
  return type === 'i32' ? view.getInt32(at, true) : view.getUint32(at, true);
}

/** The bits of the nearest float of 16 bits, ties to even. */
export function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Steps of the exponent's range; below 2^-14 numbers are subnormal and share one.
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const steps = size / 2 ** (exponent - 10);
  const floor = Math.floor(steps);
  const rest = steps - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  // A carry out of the fraction is the next exponent.
  return sign | (rounded + (exponent + 14) * 1024);
}

export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** The first two scalars that differ, and how many do. */
export interface Difference {
  readonly index: number;
  readonly values: readonly [number, number];
  readonly count: number;
  /** Scalars compared. */
  readonly of: number;
}

/** Compares two buffers of one type: integers exactly, floats within `tolerance`, relative and absolute. */
export function compare(one: Uint8Array, other: Uint8Array, layout: Layout, tolerance: number): Difference {
  const [left, right] = [viewOf(one), viewOf(other)];
  let [index, count, first] = [0, 0, -1];
  let values: readonly [number, number] = [0, 0];
  eachScalar(layout, 0, one.length, (at, type) => {
    const a = get(left, at, type);
    const b = get(right, at, type);
    if (!same(a, b, type, tolerance)) {
      if (count === 0) [first, values] = [index, [a, b]];
      count += 1;
    }
    index += 1;
  });
  return { index: first, values, count, of: index };
}

function same(a: number, b: number, type: ScalarType, tolerance: number): boolean {
  if (a === b || type === 'i32' || type === 'u32') return a === b;
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  // An infinity is within any relative distance of itself alone.
  if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
  return Math.abs(a - b) <= tolerance + tolerance * Math.max(Math.abs(a), Math.abs(b));
}
