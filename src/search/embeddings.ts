import { InputError } from '../base/errors.js';

/** Embeddings [rows, width] as the kernels read them: each row padded with zeros to a multiple of four. */
export interface PreparedEmbeddings {
  readonly values: Float32Array<ArrayBuffer>;
  readonly rows: number;
  /** Floats a row, padding included. */
  readonly width: number;
  /** The largest magnitude among them. */
  readonly largest: number;
}

/**
 * Checks and pads embeddings.
 * @param values [rows, width], row-major
 * @param what their name, for errors
 * @throws InputError where they are no whole rows, or naming row and column of a value that is not finite
 */
export function prepareEmbeddings(values: Float32Array, width: number, what: string): PreparedEmbeddings {
  if (!(values instanceof Float32Array)) throw new InputError(`${what} must be a Float32Array`, { where: what });
  if (!Number.isInteger(width) || width < 1) {
    throw new InputError(`embeddings cannot be ${width} wide`, { where: what, fix: 'use a whole number from 1' });
  }
  if (values.length % width !== 0) {
    throw new InputError(`${values.length} values are no whole number of rows of ${width}`, {
      where: what,
      fix: 'give embeddings of the same width throughout',
    });
  }
  let largest = 0;
  for (let index = 0; index < values.length; index += 1) {
    const magnitude = Math.abs(values[index]!);
    if (!(magnitude < Number.POSITIVE_INFINITY)) {
      throw new InputError(`${values[index]} is no finite number`, {
        where: `${what}, row ${Math.floor(index / width)}, column ${index % width}`,
      });
    }
    if (magnitude > largest) largest = magnitude;
  }
  const rows = values.length / width;
  const padded = Math.ceil(width / 4) * 4;
  if (padded === width) return { values: values as Float32Array<ArrayBuffer>, rows, width, largest };
  const copy = new Float32Array(rows * padded);
  for (let row = 0; row < rows; row += 1) copy.set(values.subarray(row * width, (row + 1) * width), row * padded);
  return { values: copy, rows, width: padded, largest };
}

/** The lowest finite float32: what stands for the product beside a missing place. */
export const MISSING_PRODUCT = -(2 - 2 ** -23) * 2 ** 127;

/** @throws InputError where an inner product could leave the range of float32 */
export function requireProductsFinite(database: PreparedEmbeddings, queries: PreparedEmbeddings): void {
  if (database.largest * queries.largest * database.width >= -MISSING_PRODUCT) {
    throw new InputError('inner products of these embeddings could exceed the range of float32', {
      where: `magnitudes up to ${database.largest} and ${queries.largest}`,
      fix: 'scale the embeddings down',
    });
  }
}

/**
 * By how much the product of a query and an item can differ between two orders of addition in float32, at most: each is
 * within γ = n·2⁻²⁴ / (1 − n·2⁻²⁴) of the sum of the n magnitudes (Higham, Accuracy and Stability of Numerical Algorithms,
 * section 3.1), and what is too small for a normal number is lost.
 */
export function productSlack(database: PreparedEmbeddings, queries: PreparedEmbeddings): number {
  const { width } = database;
  const gamma = (width * 2 ** -24) / (1 - width * 2 ** -24);
  // One rounding more, for the sum of bound and slack.
  return (2 * gamma + 2 ** -22) * width * database.largest * queries.largest + width * 2 ** -124;
}
