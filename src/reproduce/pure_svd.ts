/**
 * PureSVD (Cremonesi, Koren and Turrin, RecSys 2010), the yardstick that a factor model of the same width has to beat: the
 * truncated singular value decomposition of the training matrix, each entry divided by the fourth root of its user's and
 * its item's training interactions, so that popular items do not take all the directions.
 */
import { Csr, type Dataset } from '../data/index.js';
import { truncatedSvd } from './svd.js';

/** Users and items without training interactions get zeros. */
export interface PureSvd {
  /** The user's row of the weighted matrix by the right singular vectors: [users, width]. */
  readonly users: Float32Array;
  /** The right singular vectors: [items, width]. */
  readonly items: Float32Array;
}

const POWER = -0.25;

/**
 * @param width of both factors; where the matrix has fewer rows or columns, the rest is zeros
 * @param seed of the decomposition's first directions: the result depends on it by rounding alone
 */
export function pureSvd(
  { train, userCount, itemCount }: Pick<Dataset, 'train' | 'userCount' | 'itemCount'>,
  width: number,
  seed = 0,
): PureSvd {
  const matrix = Csr.fromEdges(train, userCount, itemCount);
  const { values, left, right, rank } = truncatedSvd(matrix, {
    rowWeights: weightsOf(matrix),
    columnWeights: weightsOf(matrix.transpose()),
    ...{ rank: width, seed },
  });
  const widened = (vectors: Float64Array, count: number, scale: (column: number) => number) => {
    const out = new Float32Array(count * width);
    for (let row = 0; row < count; row += 1) {
      for (let column = 0; column < rank; column += 1) {
        out[row * width + column] = vectors[row * rank + column]! * scale(column);
      }
    }
    return out;
  };
  return {
    users: widened(left, userCount, (column) => values[column]!),
    items: widened(right, itemCount, () => 1),
  };
}

const weightsOf = (matrix: Csr) =>
  Float64Array.from({ length: matrix.rowCount }, (_, row) => Math.max(1, matrix.degree(row)) ** POWER);
