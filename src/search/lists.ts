import { InputError } from '../base/errors.js';

/** A list of columns for each row: row r has columns[offsets[r]] to columns[offsets[r + 1] - 1], ascending. */
export interface Lists {
  /** [rows + 1], from 0. */
  readonly offsets: ArrayLike<number>;
  readonly columns: ArrayLike<number>;
}

/** Items that a search never returns, by query: query q excludes ids[offsets[q]] to ids[offsets[q + 1] - 1], ascending. */
export interface Exclusions {
  /** [queries + 1], from 0. */
  readonly offsets: ArrayLike<number>;
  readonly ids: ArrayLike<number>;
}

/** Lists as the kernels read them. */
export interface DeviceLists {
  readonly offsets: Uint32Array<ArrayBuffer>;
  readonly columns: Uint32Array<ArrayBuffer>;
}

/**
 * Checks lists and copies them for the device.
 * @param rows how many lists there must be
 * @param limit every column is below it
 * @param what their name, for errors
 * @throws InputError naming the row that is wrong
 */
export function checkLists({ offsets, columns }: Lists, rows: number, limit: number, what: string): DeviceLists {
  if (offsets.length !== rows + 1) {
    throw new InputError(`${what} has ${offsets.length} offsets for ${rows} rows`, {
      where: what,
      fix: `give ${rows + 1} offsets, one more than rows`,
    });
  }
  if (offsets[0] !== 0 || offsets[rows]! > columns.length) {
    throw new InputError(`the offsets of ${what} run from ${offsets[0]} to ${offsets[rows]}`, {
      where: what,
      fix: `let them begin at 0 and end within the ${columns.length} entries`,
    });
  }
  for (let row = 0; row < rows; row += 1) {
    const begin = offsets[row]!;
    const end = offsets[row + 1]!;
    if (!(end >= begin)) throw new InputError('offsets go backwards', { where: `${what}, row ${row}` });
    for (let entry = begin; entry < end; entry += 1) {
      const column = columns[entry]!;
      if (!(Number.isInteger(column) && column >= 0 && column < limit)) {
        throw new InputError(`${column} is no id below ${limit}`, { where: `${what}, row ${row}` });
      }
      if (entry > begin && column < columns[entry - 1]!) {
        throw new InputError(`${column} comes after ${columns[entry - 1]}`, {
          where: `${what}, row ${row}`,
          fix: 'sort each row in ascending order',
        });
      }
    }
  }
  const used = offsets[rows]!;
  const copy = new Uint32Array(used);
  for (let entry = 0; entry < used; entry += 1) copy[entry] = columns[entry]!;
  return { offsets: Uint32Array.from(offsets), columns: copy };
}

/** The lists of some rows only, in the order of `rows`. */
export function selectLists({ offsets, columns }: Lists, rows: ArrayLike<number>): DeviceLists {
  const selected = new Uint32Array(rows.length + 1);
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index]!;
    selected[index + 1] = selected[index]! + offsets[row + 1]! - offsets[row]!;
  }
  const copy = new Uint32Array(selected[rows.length]!);
  for (let index = 0; index < rows.length; index += 1) {
    const begin = offsets[rows[index]!]!;
    const length = selected[index + 1]! - selected[index]!;
    for (let entry = 0; entry < length; entry += 1) copy[selected[index]! + entry] = columns[begin + entry]!;
  }
  return { offsets: selected, columns: copy };
}

/** Some rows of an array [rows, width], in the order of `rows`. */
export function selectRows<A extends Uint32Array | Float32Array>(from: A, width: number, rows: Uint32Array): A {
  const selected = from.slice(0, rows.length * width) as A;
  rows.forEach((row, index) => {
    selected.set(from.subarray(row * width, (row + 1) * width), index * width);
  });
  return selected;
}

/** `rows` empty lists. */
export function emptyLists(rows: number): DeviceLists {
  return { offsets: new Uint32Array(rows + 1), columns: new Uint32Array(0) };
}

/** How long each list is. */
export function lengths(offsets: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: offsets.length - 1 }, (_, row) => offsets[row + 1]! - offsets[row]!);
}

/** Of each list what is a multiple of `step`, divided by it: the list in a sample of every step-th column. */
export function sampleLists({ offsets, columns }: DeviceLists, step: number): DeviceLists {
  const sampled = new Uint32Array(offsets.length);
  const kept: number[] = [];
  for (let row = 0; row + 1 < offsets.length; row += 1) {
    for (let entry = offsets[row]!; entry < offsets[row + 1]!; entry += 1) {
      if (columns[entry]! % step === 0) kept.push(columns[entry]! / step);
    }
    sampled[row + 1] = kept.length;
  }
  return { offsets: sampled, columns: Uint32Array.from(kept) };
}
