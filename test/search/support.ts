/** Lists of random length as offsets and ascending ids. */
export function listsOf(rows: readonly (readonly number[])[]): { offsets: Uint32Array; ids: Uint32Array } {
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach((row, index) => {
    offsets[index + 1] = offsets[index]! + row.length;
  });
  return { offsets, ids: Uint32Array.from(rows.flatMap((row) => [...row].sort((a, b) => a - b))) };
}

/** Codes [n, bits / 8] drawn from `kinds` different ones, so that duplicates and ties abound. */
export function codesOf(n: number, bits: number, kinds: number, seed: number): Uint8Array<ArrayBuffer> {
  const width = bits / 8;
  return Uint8Array.from({ length: n * width }, (_, index) => {
    const kind = mix(Math.floor(index / width), seed) % kinds;
    return mix(kind * 131 + (index % width), seed ^ 0x5bd1e995) & 255;
  });
}

/** Embeddings [n, width] of small integers, whose products are exact in float32 and often equal. */
export function embeddingsOf(n: number, width: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: n * width }, (_, index) => (mix(index, seed) % 5) - 2);
}

/** The bits in which two rows of codes differ. */
export function distance(a: Uint8Array, rowA: number, b: Uint8Array, rowB: number, width: number): number {
  let sum = 0;
  for (let byte = 0; byte < width; byte += 1) {
    for (let x = a[rowA * width + byte]! ^ b[rowB * width + byte]!; x > 0; x >>= 1) sum += x & 1;
  }
  return sum;
}

/** The inner product of two rows, in float64. */
export function product(a: Float32Array, rowA: number, b: Float32Array, rowB: number, width: number): number {
  let sum = 0;
  for (let k = 0; k < width; k += 1) sum += a[rowA * width + k]! * b[rowB * width + k]!;
  return sum;
}

/** The best k of some items by (value, id) with missing places, values ascending where `sign` is 1. */
export function best(
  items: readonly number[],
  k: number,
  sign: 1 | -1,
  value: (item: number) => number,
  missing: number,
): { ids: number[]; values: number[] } {
  const ranked = items.map((id) => ({ id, value: value(id) }));
  ranked.sort((a, b) => sign * (a.value - b.value) || a.id - b.id);
  const places = Array.from({ length: k }, (_, place) => ranked[place] ?? { id: -1, value: missing });
  return { ids: places.map((place) => place.id), values: places.map((place) => place.value) };
}

export function mix(index: number, seed: number): number {
  let x = (index + Math.imul(seed, 0x9e3779b9)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** What `make` gives, made at the first call. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
