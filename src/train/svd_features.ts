import { Purpose, random4, toNormals } from '../base/random.js';
import type { HostGraph } from '../layers/graph.js';
import { pureSvd } from './pure_svd.js';

/** Rounds of the alternation between codes and turn; it settles within some dozens. */
const TURN_ROUNDS = 50;

/** Rows that a turn is found from, spread over all nodes. */
const TURN_ROWS = 10_000;

/** Of the polar decomposition: the least singular value grows by half in each until it is 1. */
const POLAR_ROUNDS = 100;

export interface SvdFeatures {
  readonly width: number;
  /** Singular directions that are taken, at most as many as the width. Those past the best are mostly noise. */
  readonly rank: number;
  readonly deviation: number;
  readonly seed: number;
}

/**
 * First vectors of all nodes made from the training edges, [N, width]: the factors of PureSVD, the singular values shared
 * out evenly, turned into the width so that their signs lose as little as can be (iterative quantisation: Gong and Lazebnik,
 * CVPR 2011), and scaled on either side to a root mean square of `deviation`. Inner products are those of the factors, but
 * for a scale. Float64 rounded to float32; a pure function of its arguments.
 */
export function svdFeatures(
  graph: HostGraph,
  { width, rank, deviation, seed }: SvdFeatures,
): Float32Array<ArrayBuffer> {
  const { userCount, itemCount, offsets, neighbours } = graph;
  const edges = offsets[userCount]!;
  const train = new Int32Array(2 * edges);
  for (let user = 0; user < userCount; user += 1) {
    for (let entry = offsets[user]!; entry < offsets[user + 1]!; entry += 1) {
      train[2 * entry] = user;
      train[2 * entry + 1] = neighbours[entry]! - userCount;
    }
  }
  const { users, items } = pureSvd({ train, userCount, itemCount }, rank, seed);
  const roots = Float64Array.from({ length: rank }, (_, column) => {
    let square = 0;
    for (let at = column; at < users.length; at += rank) square += users[at]! ** 2;
    return square ** 0.25;
  });
  const factors = new Float64Array((userCount + itemCount) * rank);
  users.forEach((value, at) => {
    const root = roots[at % rank]!;
    factors[at] = root > 0 ? value / root : 0;
  });
  items.forEach((value, at) => {
    factors[users.length + at] = value * roots[at % rank]!;
  });
  // A turn keeps lengths, so that the values' root mean square over the width is that of the factors over the rank, less.
  const aim = deviation * Math.sqrt(width / rank);
  for (const side of [factors.subarray(0, users.length), factors.subarray(users.length)]) {
    const root = Math.sqrt(side.reduce((sum, value) => sum + value * value, 0) / Math.max(1, side.length));
    if (root > 0) for (let at = 0; at < side.length; at += 1) side[at]! *= aim / root;
  }
  return Float32Array.from(times(factors, turnOf(factors, rank, width, seed), rank, width));
}

/**
 * A turn [rank, width] of rows that brings their directions close to their signs: a rotation, or where the width is the
 * larger a rotation into a part of the space.
 */
function turnOf(rows: Float64Array, rank: number, width: number, seed: number): Float64Array {
  const count = rows.length / rank;
  const every = Math.max(1, Math.ceil(count / TURN_ROWS));
  const sample: number[] = [];
  for (let row = 0; row < count; row += every) {
    const own = rows.subarray(row * rank, (row + 1) * rank);
    const length = Math.hypot(...own);
    if (length > 0) sample.push(...own.map((value) => value / length));
  }
  const directions = Float64Array.from(sample);
  const drawn = Float64Array.from(
    { length: rank * width },
    (_, at) => toNormals(random4(seed, Purpose.initialise, TURN_STREAM, at))[0],
  );
  let turn = orthogonalPart(drawn, rank, width);
  for (let round = 0; round < TURN_ROUNDS; round += 1) {
    const signs = times(directions, turn, rank, width).map((value) => (value >= 0 ? 1 : -1));
    const together = new Float64Array(rank * width);
    for (let row = 0; row < directions.length / rank; row += 1) {
      for (let i = 0; i < rank; i += 1) {
        for (let j = 0; j < width; j += 1) {
          together[i * width + j]! += directions[row * rank + i]! * signs[row * width + j]!;
        }
      }
    }
    turn = orthogonalPart(together, rank, width);
  }
  return turn;
}

/** The stream of random numbers of the first turn, apart from those of parameters. */
const TURN_STREAM = 2 ** 17;

/** Rows [n, inner] times a matrix [inner, outer]. */
function times(rows: Float64Array, matrix: Float64Array, inner: number, outer: number): Float64Array {
  const count = rows.length / inner;
  const product = new Float64Array(count * outer);
  for (let row = 0; row < count; row += 1) {
    for (let i = 0; i < inner; i += 1) {
      const value = rows[row * inner + i]!;
      if (value === 0) continue;
      for (let j = 0; j < outer; j += 1) product[row * outer + j]! += value * matrix[i * outer + j]!;
    }
  }
  return product;
}

/**
 * The factor with orthonormal rows of the polar decomposition of a matrix [rank, width] of full rank, at most as high as
 * wide (Newton and Schulz's iteration).
 */
export function orthogonalPart(matrix: Float64Array, rank: number, width: number): Float64Array {
  const size = Math.sqrt(matrix.reduce((sum, value) => sum + value * value, 0));
  let part = matrix.map((value) => (size > 0 ? value / size : 0));
  for (let round = 0; round < POLAR_ROUNDS; round += 1) {
    const gram = new Float64Array(width * width);
    for (let row = 0; row < rank; row += 1) {
      for (let i = 0; i < width; i += 1) {
        for (let j = 0; j < width; j += 1) gram[i * width + j]! += part[row * width + i]! * part[row * width + j]!;
      }
    }
    const turned = times(part, gram, width, width);
    part = part.map((value, at) => 1.5 * value - 0.5 * turned[at]!);
  }
  return part;
}
