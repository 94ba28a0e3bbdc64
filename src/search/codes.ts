import { InputError } from '../base/errors.js';

/** The widest code that the kernels take, in bits. */
export const MAX_BITS = 1024;

/** Hash codes as bytes [N, bits / 8] or as words [N, ceil(bits / 32)]; bit j is bit j mod 8 of byte j div 8. */
export type Codes = Uint8Array | Uint32Array;

/** Words of 32 bits that hold one code. @throws InputError unless `bits` is a multiple of 8 from 8 to 1,024 */
export function wordsOf(bits: number): number {
  if (!Number.isInteger(bits) || bits < 8 || bits > MAX_BITS || bits % 8 !== 0) {
    throw new InputError(`a code cannot have ${bits} bits`, {
      where: 'codes',
      fix: `use a multiple of 8 from 8 to ${MAX_BITS}`,
    });
  }
  return Math.ceil(bits / 32);
}

/**
 * Bytes [N, bits / 8] as words [N, ceil(bits / 32)], what a shader reads: bit j of a code is bit j mod 32 of word
 * j div 32, and bits beyond the code are 0.
 * @throws InputError where the bytes are not a whole number of codes
 */
export function packCodes(bytes: Uint8Array, bits: number): Uint32Array<ArrayBuffer> {
  const words = wordsOf(bits);
  const width = bits / 8;
  if (bytes.length % width !== 0) {
    throw new InputError(`${bytes.length} bytes are no whole number of ${bits}-bit codes`, {
      where: 'codes',
      fix: `give ${width} bytes a code`,
    });
  }
  const count = bytes.length / width;
  const packed = new Uint32Array(count * words);
  for (let row = 0; row < count; row += 1) {
    for (let byte = 0; byte < width; byte += 1) {
      packed[row * words + (byte >>> 2)]! |= bytes[row * width + byte]! << (8 * (byte & 3));
    }
  }
  return packed;
}

/**
 * Words [N, ceil(bits / 32)] as bytes [N, bits / 8], the contents of a `codes/*.npy` file.
 * @throws InputError where the words are not a whole number of codes
 */
export function unpackCodes(words: Uint32Array, bits: number): Uint8Array<ArrayBuffer> {
  const perCode = wordsOf(bits);
  const width = bits / 8;
  if (words.length % perCode !== 0) {
    throw new InputError(`${words.length} words are no whole number of ${bits}-bit codes`, {
      where: 'codes',
      fix: `give ${perCode} words a code`,
    });
  }
  const count = words.length / perCode;
  const bytes = new Uint8Array(count * width);
  for (let row = 0; row < count; row += 1) {
    for (let byte = 0; byte < width; byte += 1) {
      bytes[row * width + byte] = words[row * perCode + (byte >>> 2)]! >>> (8 * (byte & 3));
    }
  }
  return bytes;
}

/** Either form of codes as words. @throws InputError where they are no whole codes or have bits beyond their width */
export function toWords(codes: Codes, bits: number): Uint32Array<ArrayBuffer> {
  if (codes instanceof Uint8Array) return packCodes(codes, bits);
  if (!(codes instanceof Uint32Array)) {
    throw new InputError('codes must be a Uint8Array of bytes or a Uint32Array of words', { where: 'codes' });
  }
  const words = wordsOf(bits);
  if (codes.length % words !== 0) {
    throw new InputError(`${codes.length} words are no whole number of ${bits}-bit codes`, {
      where: 'codes',
      fix: `give ${words} words a code`,
    });
  }
  const spare = bits % 32;
  if (spare > 0) {
    for (let last = words - 1; last < codes.length; last += words) {
      if (codes[last]! >>> spare !== 0) {
        throw new InputError(`a code has bits beyond its ${bits}`, { where: `codes, row ${Math.floor(last / words)}` });
      }
    }
  }
  return codes as Uint32Array<ArrayBuffer>;
}

/**
 * Words [N, words] in the layout of the Hamming kernels, [ceil(N / 4), words, 4]: four items side by side, so that one
 * vector load and one vector popcount serve four of them.
 */
export function interleave(codes: Uint32Array, words: number): Uint32Array<ArrayBuffer> {
  const count = codes.length / words;
  const interleaved = new Uint32Array(Math.ceil(count / 4) * 4 * words);
  for (let item = 0; item < count; item += 1) {
    for (let word = 0; word < words; word += 1) {
      interleaved[((item >>> 2) * words + word) * 4 + (item & 3)] = codes[item * words + word]!;
    }
  }
  return interleaved;
}
