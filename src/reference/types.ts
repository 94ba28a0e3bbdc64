/** Any array of numbers that a twin reads; twins judge in float64 whatever the storage. */
export type Numbers = ArrayLike<number>;

/** An array that a twin writes. */
export interface Writable {
  readonly length: number;
  [index: number]: number;
}
