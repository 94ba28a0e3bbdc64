import { InputError } from '../base/errors.js';

/** Tensors by name, and text by key, as a .safetensors file holds them. */
export interface SafeTensors {
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SafeTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint32Array;
}

const TYPES = { F32: Float32Array, U32: Uint32Array } as const;

/**
 * A file in the safetensors format (Hugging Face): eight bytes with the header's length, a JSON header with type, shape
 * and byte range of every tensor, then the bytes, little-endian.
 */
export function encodeSafeTensors({ tensors, metadata }: SafeTensors): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    const begin = end;
    end += data.byteLength;
    header[name] = { dtype: data instanceof Float32Array ? 'F32' : 'U32', shape, data_offsets: [begin, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Spaces fill the header so that the tensors' bytes are aligned.
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.fill(0x20, 8, 8 + padded).set(text, 8);
  let place = 8 + padded;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), place);
    place += data.byteLength;
  }
  return bytes;
}

/**
 * What a .safetensors file holds.
 * @param where the file, for errors
 * @throws InputError where the file is damaged, or holds other types than F32 and U32
 */
export function decodeSafeTensors(bytes: Uint8Array, where: string): SafeTensors {
  const damaged = (what: string) =>
    new InputError(`the checkpoint is damaged: ${what}`, { where, fix: 'delete it and train again, or restore it' });
  if (bytes.length < 8) throw damaged('it ends within its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getBigUint64(0, true);
  if (headerLength > BigInt(bytes.length - 8)) throw damaged('it ends within its header');
  const begin = 8 + Number(headerLength);
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, begin)));
  } catch (cause) {
    throw new InputError('the checkpoint is damaged: its header is no JSON', { where, cause });
  }
  if (typeof header !== 'object' || header === null) throw damaged('its header is no object');
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors = new Map<string, SafeTensor>();
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype, shape, data_offsets: range } = (entry ?? {}) as Record<string, unknown>;
    const Type = TYPES[dtype as keyof typeof TYPES];
    if (!Type) throw damaged(`${name} has type ${String(dtype)}`);
    const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
    if (!Array.isArray(shape) || !shape.every(isCount) || !Array.isArray(range) || !range.every(isCount)) {
      throw damaged(`the shape or the place of ${name} cannot be read`);
    }
    const [first, last] = range as [number, number];
    const length = shape.reduce((product, extent) => product * extent, 1);
    if (last - first !== length * 4 || begin + last > bytes.length)
      throw damaged(`${name} does not lie within the file`);
    // A copy of its own: aligned, and no view into a shared pool.
    tensors.set(name, { shape, data: new Type(new Uint8Array(bytes.subarray(begin + first, begin + last)).buffer) });
  }
  if (typeof metadata !== 'object' || metadata === null || Object.values(metadata).some((v) => typeof v !== 'string')) {
    throw damaged('its metadata cannot be read');
  }
  return { tensors, metadata: metadata as Record<string, string> };
}
