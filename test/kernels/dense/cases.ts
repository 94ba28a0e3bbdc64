import fc from 'fast-check';
import type { Gpu } from '../../../src/gpu/index.js';

/** Sizes of one call of a dense kernel, and the seed of its numbers. */
export interface DenseCase {
  readonly inputWidth: number;
  readonly outputWidth: number;
  readonly sides: number;
  /** Rows in use, of side 0, and rows that there is room for. */
  readonly total: number;
  readonly first: number;
  readonly maxRows: number;
  readonly seed: number;
}

const width = fc.oneof(
  fc.constantFrom(4, 16, 60, 64, 68),
  fc.integer({ min: 1, max: 75 }).map((n) => n * 4),
);

export const denseCase: fc.Arbitrary<DenseCase> = fc
  .record({
    inputWidth: width,
    outputWidth: width,
    sides: fc.constantFrom(1, 2),
    total: fc.oneof(fc.constantFrom(0, 1, 2, 31, 33, 64), fc.integer({ min: 0, max: 150 })),
    share: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    spare: fc.integer({ min: 0, max: 70 }),
    seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  })
  .map(({ total, share, spare, ...rest }) => ({
    ...rest,
    total,
    first: Math.round(total * share),
    maxRows: total + spare,
  }));

/** Cases that any run must see: no row, one row, a side without rows, and widths that fill no tile. */
export const denseExamples: [DenseCase][] = [
  [{ inputWidth: 4, outputWidth: 4, sides: 2, total: 0, first: 0, maxRows: 0, seed: 1 }],
  [{ inputWidth: 8, outputWidth: 300, sides: 2, total: 1, first: 0, maxRows: 5, seed: 2 }],
  [{ inputWidth: 300, outputWidth: 8, sides: 2, total: 97, first: 97, maxRows: 130, seed: 3 }],
  [{ inputWidth: 68, outputWidth: 132, sides: 2, total: 129, first: 63, maxRows: 160, seed: 4 }],
  [{ inputWidth: 240, outputWidth: 68, sides: 1, total: 65, first: 7, maxRows: 65, seed: 5 }],
];

/** `count` numbers in [-1, 1), the same for the same seed. */
export function uniform(seed: number, count: number): Float32Array<ArrayBuffer> {
  let state = seed >>> 0 || 1;
  return Float32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state | 0) / 2 ** 31;
  });
}

/** Rows of `width` numbers; those beyond `total` hold a value that no result may depend on. */
export function rowsOf(seed: number, total: number, maxRows: number, width: number): Float32Array<ArrayBuffer> {
  const values = uniform(seed, Math.max(1, maxRows) * width);
  return values.fill(1e30, total * width);
}

/** The endings of a kernel's variants that this device can run. */
export function variants(gpu: Gpu): ('' | '.subgroups')[] {
  const lanes = gpu.adapter.subgroupSize?.[0] ?? 0;
  return lanes >= 8 ? ['', '.subgroups'] : [''];
}

/** Workgroups that cover `maxRows` rows in spans of `size`, wherever the border between the sides falls. */
export function spans(maxRows: number, size: number): number {
  return Math.ceil(maxRows / size) + 1;
}
