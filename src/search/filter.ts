import { InputError } from '../base/errors.js';

/** A set of ids: id i is in it where bit i mod 8 of byte i div 8 is 1; ids beyond the last byte are not. */
export type IdBitmap = Uint8Array;

/** The bitmap of some ids. @throws InputError where one is no id (a whole number from 0 to 2³¹ − 2) */
export function idBitmap(ids: Iterable<number>): IdBitmap {
  let bitmap = new Uint8Array(64);
  let length = 0;
  for (const id of ids) {
    requireId(id, 'bitmap');
    const byte = id >>> 3;
    if (byte >= bitmap.length) {
      const larger = new Uint8Array(Math.max(byte + 1, 2 * bitmap.length));
      larger.set(bitmap);
      bitmap = larger;
    }
    bitmap[byte]! |= 1 << (id & 7);
    length = Math.max(length, byte + 1);
  }
  return bitmap.subarray(0, length);
}

/** Whether an id is in a bitmap. */
export function inBitmap(bitmap: IdBitmap, id: number): boolean {
  return ((bitmap[id >>> 3] ?? 0) & (1 << (id & 7))) !== 0;
}

/** @throws InputError unless `id` can be an item's id */
export function requireId(id: number, where: string): void {
  if (!(Number.isInteger(id) && id >= 0 && id < 2 ** 31 - 1)) {
    throw new InputError(`${id} is no id`, { where, fix: 'use whole numbers from 0 to 2147483646' });
  }
}

/** @throws InputError unless `bitmap`, called `what`, is one or undefined */
export function requireBitmap(bitmap: IdBitmap | undefined, what: string): void {
  if (bitmap !== undefined && !(bitmap instanceof Uint8Array)) {
    throw new InputError(`${what} is no bitmap`, { where: what, fix: 'make one of ids with idBitmap' });
  }
}
