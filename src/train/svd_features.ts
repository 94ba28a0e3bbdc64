import { Purpose, random4, toNormals } from '../base/random.js';
import type { HostGraph } from '../layers/graph.js';
import { pureSvd } from './pure_svd.js';

/** Rounds of the alternation between codes and rotation; it settles within some dozens. */
const ROTATION_ROUNDS = 50;

/** Rows that a rotation is found from, spread over all nodes. */
const ROTATION_ROWS = 10_000;

/** Of the polar decomposition: the least singular value grows by half in each until it is 1. */
const POLAR_ROUNDS = 100;

/**
 * First vectors of all nodes made from the training edges, [N, width]: the factors of PureSVD, the singular values shared
 * out evenly, turned so that their signs lose as little as can be (iterative quantisation: Gong and Lazebnik, CVPR 2011),
 * and scaled on either side to a root mean square of `deviation`. Float64 rounded to float32; a pure function of its
 * arguments.
 */
export function svdFeatures(
  graph: HostGraph,
  { width, deviation, seed }: { readonly width: number; readonly deviation: number; readonly seed: number },
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
  const { users, items } = pureSvd({ train, userCount, itemCount }, width, seed);
  const roots = Float64Array.from({ length: width }, (_, column) => {
    let square = 0;
    for (let at = column; at < users.length; at += width) square += users[at]! ** 2;
    return square ** 0.25;
  });
  const factors = new Float64Array((userCount + itemCount) * width);
  users.forEach((value, at) => {
    const root = roots[at % width]!;
    factors[at] = root > 0 ? value / root : 0;
  });
  items.forEach((value, at) => {
    factors[users.length + at] = value * roots[at % width]!;
  });
  for (const side of [factors.subarray(0, users.length), factors.subarray(users.length)]) {
    const root = Math.sqrt(side.reduce((sum, value) => sum + value * value, 0) / Math.max(1, side.length));
    if (root > 0) for (let at = 0; at < side.length; at += 1) side[at]! *= deviation / root;
  }
  return Float32Array.from(times(factors, rotationOf(factors, width, seed), width));
}

/** A rotation [width, width] of rows that brings their directions close to their signs. */
function rotationOf(rows: Float64Array, width: number, seed: number): Float64Array {
  const count = rows.length / width;
  const every = Math.max(1, Math.ceil(count / ROTATION_ROWS));
  const sample: number[] = [];
  for (let row = 0; row < count; row += every) {
    const own = rows.subarray(row * width, (row + 1) * width);
    const length = Math.hypot(...own);
    if (length > 0) sample.push(...own.map((value) => value / length));
  }
  const directions = Float64Array.from(sample);
  const drawn = Float64Array.from(
    { length: width * width },
    (_, at) => toNormals(random4(seed, Purpose.initialise, ROTATION_STREAM, at))[0],
  );
  let rotation = orthogonalPart(drawn, width);
  for (let round = 0; round < ROTATION_ROUNDS; round += 1) {
    const signs = times(directions, rotation, width).map((value) => (value >= 0 ? 1 : -1));
    const together = new Float64Array(width * width);
    for (let first = 0; first < directions.length; first += width) {
      for (let i = 0; i < width; i += 1) {
        for (let j = 0; j < width; j += 1) together[i * width + j]! += directions[first + i]! * signs[first + j]!;
      }
    }
    rotation = orthogonalPart(together, width);
  }
  return rotation;
}

/** The stream of random numbers of the first rotation, apart from those of parameters. */
const ROTATION_STREAM = 2 ** 17;

/** Rows [n, width] times a square matrix. */
function times(rows: Float64Array, matrix: Float64Array, width: number): Float64Array {
  const product = new Float64Array(rows.length);
  for (let first = 0; first < rows.length; first += width) {
    for (let i = 0; i < width; i += 1) {
      const value = rows[first + i]!;
      if (value === 0) continue;
      for (let j = 0; j < width; j += 1) product[first + j]! += value * matrix[i * width + j]!;
    }
  }
  return product;
}

/** The orthogonal factor of the polar decomposition of a square matrix of full rank (Newton and Schulz's iteration). */
export function orthogonalPart(matrix: Float64Array, width: number): Float64Array {
  const size = Math.sqrt(matrix.reduce((sum, value) => sum + value * value, 0));
  let part = matrix.map((value) => (size > 0 ? value / size : 0));
  for (let round = 0; round < POLAR_ROUNDS; round += 1) {
    const gram = new Float64Array(width * width);
    for (let row = 0; row < width; row += 1) {
      for (let i = 0; i < width; i += 1) {
        for (let j = 0; j < width; j += 1) gram[i * width + j]! += part[row * width + i]! * part[row * width + j]!;
      }
    }
    const turned = times(part, gram, width);
    part = part.map((value, at) => 1.5 * value - 0.5 * turned[at]!);
  }
  return part;
}
