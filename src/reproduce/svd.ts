/** Truncated singular value decomposition of sparse matrices, by randomised subspace iteration, in float64. */
import { Purpose, random4, toNormals } from '../base/random.js';
import type { Csr } from '../data/index.js';

/** A matrix [rows, columns], row by row. */
interface Dense {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

export interface Svd {
  /** Singular values, descending: [rank]. */
  readonly values: Float64Array;
  /** Left singular vectors as columns: [rows, rank]. */
  readonly left: Float64Array;
  /** Right singular vectors as columns: [columns, rank]. */
  readonly right: Float64Array;
  /** As many as were asked for, or as the matrix has rows or columns. */
  readonly rank: number;
}

/** Directions beyond the rank that are iterated along, so that the last ones wanted converge too. */
const OVERSAMPLING = 16;
/** Rounds of multiplication with the matrix and its transpose. */
const ROUNDS = 12;

/**
 * The largest singular values of `diag(rowWeights) · matrix · diag(columnWeights)` and their vectors (Halko, Martinsson,
 * Tropp, SIAM Review 2011, algorithms 4.4 and 5.1). A pure function of its arguments.
 * @param matrix of zeros and ones
 * @param rowWeights [rows]
 * @param columnWeights [columns]
 * @param seed of the first directions
 */
export function truncatedSvd(matrix: Csr, { rowWeights, columnWeights, rank: wanted, seed }: SvdOptions): Svd {
  const { rowCount, columnCount } = matrix;
  const rank = Math.min(wanted, rowCount, columnCount);
  const width = Math.min(rank + OVERSAMPLING, rowCount, columnCount);
  const transposed = matrix.transpose();
  const forwards = (from: Dense) => product(matrix, rowWeights, columnWeights, from);
  const backwards = (from: Dense) => product(transposed, columnWeights, rowWeights, from);
  let basis = orthonormal(forwards(normals(columnCount, width, seed)));
  for (let round = 0; round < ROUNDS; round += 1) basis = orthonormal(forwards(orthonormal(backwards(basis))));

  // Within the basis Q the matrix is Qᵀ M, whose transpose is [columns, width].
  const within = backwards(basis);
  const { values: squares, vectors } = symmetricEigen(gram(within));
  const values = squares.slice(0, rank).map((square) => Math.sqrt(Math.max(0, square)));
  const left = times(basis, vectors, rank);
  const right = times(within, vectors, rank);
  right.forEach((value, at) => {
    const singular = values[at % rank]!;
    right[at] = singular > 0 ? value / singular : 0;
  });
  return { values, left, right, rank };
}

export interface SvdOptions {
  readonly rowWeights: Float64Array;
  readonly columnWeights: Float64Array;
  readonly rank: number;
  readonly seed: number;
}

/** Standard normal draws. */
function normals(rows: number, columns: number, seed: number): Dense {
  const values = new Float64Array(rows * columns);
  for (let at = 0; at < values.length; at += 2) {
    values.set(toNormals(random4(seed, Purpose.initialise, 0, at / 2)).slice(0, values.length - at), at);
  }
  return { rows, columns, values };
}

/** diag(rowWeights) · matrix · diag(columnWeights) · from */
function product(matrix: Csr, rowWeights: Float64Array, columnWeights: Float64Array, from: Dense): Dense {
  const { columns } = from;
  const values = new Float64Array(matrix.rowCount * columns);
  for (let row = 0; row < matrix.rowCount; row += 1) {
    const sum = values.subarray(row * columns, (row + 1) * columns);
    for (let at = matrix.offsets[row]!; at < matrix.offsets[row + 1]!; at += 1) {
      const column = matrix.columns[at]!;
      const weight = columnWeights[column]!;
      const start = column * columns;
      for (let index = 0; index < columns; index += 1) sum[index]! += weight * from.values[start + index]!;
    }
    for (let index = 0; index < columns; index += 1) sum[index]! *= rowWeights[row]!;
  }
  return { rows: matrix.rowCount, columns, values };
}

/** matrixᵀ · matrix, [columns, columns] */
function gram({ rows, columns, values }: Dense): Dense {
  const out = new Float64Array(columns * columns);
  for (let row = 0; row < rows; row += 1) {
    const start = row * columns;
    for (let a = 0; a < columns; a += 1) {
      const value = values[start + a]!;
      if (value === 0) continue;
      for (let b = a; b < columns; b += 1) out[a * columns + b]! += value * values[start + b]!;
    }
  }
  for (let a = 0; a < columns; a += 1) for (let b = 0; b < a; b += 1) out[a * columns + b] = out[b * columns + a]!;
  return { rows: columns, columns, values: out };
}

/** The first `count` columns of first · second. */
function times(first: Dense, second: Dense, count: number): Float64Array {
  const out = new Float64Array(first.rows * count);
  for (let row = 0; row < first.rows; row += 1) {
    for (let inner = 0; inner < first.columns; inner += 1) {
      const value = first.values[row * first.columns + inner]!;
      for (let column = 0; column < count; column += 1) {
        out[row * count + column]! += value * second.values[inner * second.columns + column]!;
      }
    }
  }
  return out;
}

/**
 * An orthonormal basis of the columns by modified Gram and Schmidt, each column twice. A column that depends on those
 * before it becomes 0.
 */
function orthonormal({ rows, columns, values }: Dense): Dense {
  // Column by column, so that the inner loops run along memory.
  const turned = Array.from({ length: columns }, (_, column) =>
    Float64Array.from({ length: rows }, (_, row) => values[row * columns + column]!),
  );
  const dot = (a: Float64Array, b: Float64Array) => {
    let sum = 0;
    for (let row = 0; row < rows; row += 1) sum += a[row]! * b[row]!;
    return sum;
  };
  for (const [column, vector] of turned.entries()) {
    const before = Math.sqrt(dot(vector, vector));
    for (let time = 0; time < 2; time += 1) {
      for (let other = 0; other < column; other += 1) {
        const along = dot(turned[other]!, vector);
        for (let row = 0; row < rows; row += 1) vector[row]! -= along * turned[other]![row]!;
      }
    }
    const length = Math.sqrt(dot(vector, vector));
    const inverse = length > 1e-12 * before ? 1 / length : 0;
    for (let row = 0; row < rows; row += 1) vector[row]! *= inverse;
  }
  const out = new Float64Array(rows * columns);
  for (const [column, vector] of turned.entries()) {
    for (let row = 0; row < rows; row += 1) out[row * columns + column] = vector[row]!;
  }
  return { rows, columns, values: out };
}

/** Eigenvalues, descending, and eigenvectors as columns of a symmetric matrix, by Jacobi's rotations. */
function symmetricEigen(matrix: Dense): { values: Float64Array; vectors: Dense } {
  const size = matrix.rows;
  const a = matrix.values.slice();
  const v = new Float64Array(size * size);
  for (let at = 0; at < size; at += 1) v[at * size + at] = 1;
  const rotate = (m: Float64Array, i: number, j: number, stride: number, cosine: number, sine: number) => {
    for (let at = 0; at < size; at += 1) {
      const x = m[i + at * stride]!;
      const y = m[j + at * stride]!;
      m[i + at * stride] = cosine * x - sine * y;
      m[j + at * stride] = sine * x + cosine * y;
    }
  };
  for (let sweep = 0; sweep < 60; sweep += 1) {
    let off = 0;
    let all = 0;
    for (let at = 0; at < a.length; at += 1) {
      all += a[at]! ** 2;
      if (Math.floor(at / size) !== at % size) off += a[at]! ** 2;
    }
    if (off <= 1e-28 * all) break;
    for (let p = 0; p < size; p += 1) {
      for (let q = p + 1; q < size; q += 1) {
        const apart = a[p * size + q]!;
        if (apart === 0) continue;
        const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * apart);
        const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const cosine = 1 / Math.sqrt(tangent * tangent + 1);
        const sine = tangent * cosine;
        rotate(a, p, q, size, cosine, sine);
        rotate(a, p * size, q * size, 1, cosine, sine);
        rotate(v, p, q, size, cosine, sine);
      }
    }
  }
  const order = Array.from({ length: size }, (_, at) => at).sort((x, y) => a[y * size + y]! - a[x * size + x]!);
  const vectors = new Float64Array(size * size);
  for (const [column, from] of order.entries()) {
    for (let row = 0; row < size; row += 1) vectors[row * size + column] = v[row * size + from]!;
  }
  return {
    values: Float64Array.from(order, (at) => a[at * size + at]!),
    vectors: { rows: size, columns: size, values: vectors },
  };
}
