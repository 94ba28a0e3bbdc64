/** The arrays that are searched: random codes and embeddings, the same for the same seed. */
import { Purpose, random4, toNormals } from '../../src/base/random.js';
import { pack } from '../../src/reference/hash/pack.js';
import { packCodes, unpackCodes } from '../../src/search/index.js';
import type { Shape } from './rows.js';

/** One side of a search. */
export interface Side {
  /** [rows, bits / 8] */
  readonly codes: Uint8Array;
  /** [rows, bits]; the codes are their signs. */
  readonly embeddings?: Float32Array;
}

export interface Arrays {
  readonly database: Side;
  readonly queries: Side;
}

/** Numbers of the streams that random draws come from; no two share draws. */
const STREAM = { database: 101, queries: 102 };

/** Random codes, or random embeddings with their signs as codes. */
export function randomArrays(shape: Shape, embeddings: boolean, seed: number): Arrays {
  const side = embeddings ? randomEmbeddings : randomCodes;
  return {
    database: side(shape.database, shape.bits, seed, STREAM.database),
    queries: side(shape.queries, shape.bits, seed, STREAM.queries),
  };
}

/** Uniform codes, [rows, bits / 8] bytes. */
function randomCodes(rows: number, bits: number, seed: number, stream: number): Side {
  const length = (rows * bits) / 8;
  const words = new Uint32Array(Math.ceil(length / 16) * 4);
  for (let at = 0; at < words.length; at += 4) {
    const drawn = random4(seed, Purpose.generate, stream, at >>> 2);
    words[at] = drawn[0];
    words[at + 1] = drawn[1];
    words[at + 2] = drawn[2];
    words[at + 3] = drawn[3];
  }
  return { codes: new Uint8Array(words.buffer, 0, length) };
}

/** Standard normal embeddings [rows, bits], and their signs. */
function randomEmbeddings(rows: number, bits: number, seed: number, stream: number): Side {
  const embeddings = new Float32Array(rows * bits);
  for (let at = 0; at < embeddings.length; at += 2) {
    const [first, second] = toNormals(random4(seed, Purpose.generate, stream, at >>> 1));
    embeddings[at] = first;
    if (at + 1 < embeddings.length) embeddings[at + 1] = second;
  }
  return { codes: signs(embeddings, rows, bits), embeddings };
}

/** The codes of embeddings, [rows, bits / 8] bytes. */
function signs(embeddings: Float32Array, rows: number, bits: number): Uint8Array {
  const words = new Uint32Array(rows * Math.ceil(bits / 32));
  pack({ embedding: embeddings, codes: words }, { rows, width: bits });
  return bits % 32 === 0 ? new Uint8Array(words.buffer) : unpackCodes(words, bits);
}

/** Codes as words [rows, ceil(bits / 32)], without a copy where they are whole words already. */
export function wordsOfCodes(codes: Uint8Array, bits: number): Uint32Array {
  if (bits % 32 !== 0 || codes.byteOffset % 4 !== 0) return packCodes(codes, bits);
  return new Uint32Array(codes.buffer, codes.byteOffset, codes.length / 4);
}
