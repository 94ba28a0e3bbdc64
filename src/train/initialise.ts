import { Purpose, random4, toNormals, toUnit } from '../base/random.js';

/** A random number source for one tensor: `stream` tells the tensors of a run apart. */
interface Stream {
  readonly seed: number;
  readonly stream: number;
}

/** Normal values with mean 0, a pure function of seed, stream and index; float64 rounded to float32. */
export function normal(length: number, deviation: number, { seed, stream }: Stream): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length);
  for (let index = 0; index < length; index += 2) {
    const [first, second] = toNormals(random4(seed, Purpose.initialise, stream, index >>> 1));
    values[index] = first * deviation;
    if (index + 1 < length) values[index + 1] = second * deviation;
  }
  return values;
}

/** Uniform values in ±√(6 / (inputs + outputs)): Glorot and Bengio, AISTATS 2010. */
export function glorot(
  length: number,
  inputs: number,
  outputs: number,
  { seed, stream }: Stream,
): Float32Array<ArrayBuffer> {
  const limit = Math.sqrt(6 / (inputs + outputs));
  return Float32Array.from(
    { length },
    (_, index) => (2 * toUnit(random4(seed, Purpose.initialise, stream, index)[0]) - 1) * limit,
  );
}

/** Matrices [inputs, outputs] with ones on their diagonals. */
export function diagonal(length: number, inputs: number, outputs: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, at) => (Math.floor(at / outputs) % inputs === at % outputs ? 1 : 0));
}
