import fc from 'fast-check';
import { NONE } from '../../src/reference/lib/none.js';

/** A batch of edges for the pair loss, with its occurrences grouped by row. */
export interface PairBatch {
  readonly batch: number;
  readonly slots: number;
  readonly width: number;
  /** Rows of the guided table; some may not occur. */
  readonly rowCount: number;
  readonly guided: Float32Array<ArrayBuffer>;
  readonly pairs: Uint32Array<ArrayBuffer>;
  readonly offsets: Uint32Array<ArrayBuffer>;
  readonly order: Uint32Array<ArrayBuffer>;
}

/** The positions in `pairs` by row, ascending: what the grouping kernels make. */
export function groupPositions(pairs: Uint32Array, rowCount: number) {
  const lists = Array.from({ length: rowCount }, (): number[] => []);
  pairs.forEach((row, position) => {
    if (row !== NONE) lists[row]!.push(position);
  });
  const offsets = Uint32Array.from([0, ...lists.map((_, row) => lists.slice(0, row + 1).flat().length)]);
  const order = new Uint32Array(pairs.length).fill(NONE);
  order.set(lists.flat());
  return { offsets, order };
}

/** Random batches: repeated rows, missing negatives, and edges without user or positive. */
export const pairBatches = fc
  .record({
    batch: fc.integer({ min: 1, max: 30 }),
    slots: fc.nat(6),
    quads: fc.integer({ min: 1, max: 10 }),
    rowCount: fc.integer({ min: 1, max: 25 }),
  })
  .chain(({ batch, slots, quads, rowCount }) => {
    const width = quads * 4;
    const entry = fc.oneof({ weight: 7, arbitrary: fc.nat(rowCount - 1) }, { weight: 1, arbitrary: fc.constant(NONE) });
    return fc.record({
      entries: fc.array(entry, { minLength: batch * (2 + slots), maxLength: batch * (2 + slots) }),
      // Bits and continuous values mixed, as guidance mixes them.
      values: fc.array(
        fc.oneof(
          fc.constantFrom(-1, 1),
          fc.integer({ min: -999, max: 999 }).map((n) => n / 1000),
        ),
        {
          minLength: rowCount * width,
          maxLength: rowCount * width,
        },
      ),
      shape: fc.constant({ batch, slots, width, rowCount }),
    });
  })
  .map(({ entries, values, shape }): PairBatch => {
    const pairs = Uint32Array.from(entries);
    return { ...shape, guided: Float32Array.from(values), pairs, ...groupPositions(pairs, shape.rowCount) };
  });
