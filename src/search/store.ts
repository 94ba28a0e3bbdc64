import { InputError } from '../base/errors.js';
import { type Codes, toWords, wordsOf } from './codes.js';
import { prepareEmbeddings } from './embeddings.js';
import { type IdBitmap, inBitmap, requireId } from './filter.js';
import type { IndexContents } from './index_format.js';
import type { DeviceLists } from './lists.js';

/** What an index is built from. */
export interface Items {
  /** Bytes [count, bits / 8] or words [count, ceil(bits / 32)]. */
  readonly codes: Codes;
  readonly count: number;
  /** A multiple of 8 up to 1,024. */
  readonly bits: number;
  /** [count] distinct whole numbers from 0; the numbers from 0 to count − 1 unless given. */
  readonly ids?: ArrayLike<number>;
  /** [count, width] */
  readonly embeddings?: Float32Array;
  readonly width?: number;
}

/** What a store held at one moment: rows that a view shows never change. */
export interface StoreView {
  readonly places: number;
  /** [places, words] */
  readonly codes: Uint32Array<ArrayBuffer>;
}

/**
 * The items of an index in host memory: their places are the rows of all arrays, in ascending order of id, so that a
 * search that orders ties by place orders them by id. Removed items keep their places until `compact`.
 */
export class ItemStore {
  /** Rows, those of removed items included. */
  places = 0;
  /** Items that were not removed. */
  count = 0;
  /** Grows with every change. */
  version = 0;
  readonly #followers: { changed: number }[] = [];
  #codes: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  #embeddings: Float32Array<ArrayBuffer> = new Float32Array(0);
  /** undefined while ids are places. */
  #ids: Int32Array<ArrayBuffer> | undefined;
  #alive: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  readonly words: number;

  /** @param width floats of an embedding; 0 for none */
  constructor(
    readonly bits: number,
    readonly width: number,
  ) {
    this.words = wordsOf(bits);
  }

  /** @throws InputError where the arrays do not belong together */
  static from({ codes, count, bits, ids, embeddings, width = 0 }: Items): ItemStore {
    const store = new ItemStore(bits, width);
    const words = toWords(codes, bits);
    if (words.length !== count * store.words) {
      throw new InputError(`there are ${words.length / store.words} codes of ${bits} bits and not ${count}`, {
        where: 'codes',
      });
    }
    store.add(words, embeddings, ids);
    return store;
  }

  /** [places, words] */
  get codes(): Uint32Array<ArrayBuffer> {
    return this.#codes.subarray(0, this.places * this.words);
  }

  /** The codes of this moment, for work that goes on while items are added and removed. */
  view(): StoreView {
    return { places: this.places, codes: this.codes };
  }

  /** [places, width] */
  get embeddings(): Float32Array<ArrayBuffer> {
    return this.#embeddings.subarray(0, this.places * this.width);
  }

  /** [ceil(places / 32)]: bit i of word b is 1 where the item at place 32b + i was not removed. */
  get alive(): Uint32Array<ArrayBuffer> {
    return this.#alive.subarray(0, Math.ceil(this.places / 32));
  }

  /** The largest id, -1 where there is none. */
  get largestId(): number {
    return this.places === 0 ? -1 : this.idAt(this.places - 1);
  }

  idAt(place: number): number {
    return this.#ids ? this.#ids[place]! : place;
  }

  /** The place of an id, or -1: the item may have been removed. */
  placeOf(id: number): number {
    if (!this.#ids) return id < this.places ? id : -1;
    const place = this.#lowerBound(id);
    return place < this.places && this.#ids[place] === id ? place : -1;
  }

  /** What ids in a search are below: any id where they are the caller's, else the number of places. */
  get idLimit(): number {
    return this.#ids ? 2 ** 31 : this.places;
  }

  /** What turns places into the ids of this moment, whatever is added or removed meanwhile; -1 stays. */
  idsNow(): (places: Int32Array) => void {
    const ids = this.#ids;
    return (places) => {
      if (!ids) return;
      for (let index = 0; index < places.length; index += 1) {
        const place = places[index]!;
        if (place >= 0) places[index] = ids[place]!;
      }
    };
  }

  /** Lists of ids as lists of places; ids that are not here are left out. */
  toPlaces({ offsets, columns }: DeviceLists): DeviceLists {
    if (!this.#ids) return { offsets, columns };
    const rows = offsets.length - 1;
    const begins = new Uint32Array(rows + 1);
    const places = new Uint32Array(columns.length);
    let kept = 0;
    for (let row = 0; row < rows; row += 1) {
      for (let entry = offsets[row]!; entry < offsets[row + 1]!; entry += 1) {
        const place = this.placeOf(columns[entry]!);
        if (place >= 0) places[kept++] = place;
      }
      begins[row + 1] = kept;
    }
    return { offsets: begins, columns: places.subarray(0, kept) };
  }

  /**
   * Adds items. Ids above all others are cheap; others move the rows behind them.
   * @throws InputError, with nothing changed, where arrays do not belong together or an id is taken
   */
  add(codes: Codes, embeddings: Float32Array | undefined, ids: ArrayLike<number> | undefined): void {
    const words = toWords(codes, this.bits);
    const added = words.length / this.words;
    const rows = this.width > 0 ? prepareEmbeddings(embeddings!, this.width, 'item embeddings').rows : added;
    if (rows !== added) {
      throw new InputError(`there are ${rows} embeddings of width ${this.width} for ${added} codes`, {
        where: 'item embeddings',
      });
    }
    const first = this.largestId + 1;
    if (ids === undefined) requireId(Math.max(0, first + added - 1), 'ids');
    else this.#requireIds(ids, added);
    if (added === 0) return;

    const own = ids && Int32Array.from(ids);
    const appended = own === undefined || this.#isAppended(own);
    const places = this.places + added;
    this.#reserve(places);
    this.#codes.set(words, this.places * this.words);
    if (this.width > 0) this.#embeddings.set(embeddings!, this.places * this.width);
    // Ids that go on from place to place need no array.
    if (own && !this.#ids && !(own[0] === this.places && own.every((id, row) => id === own[0]! + row))) {
      this.#ids = Int32Array.from({ length: this.#alive.length * 32 }, (_, place) => place);
    } else if (!own && !this.#ids && first !== this.places) {
      this.#ids = Int32Array.from({ length: this.#alive.length * 32 }, (_, place) => place);
    }
    if (this.#ids) {
      for (let row = 0; row < added; row += 1) this.#ids[this.places + row] = own ? own[row]! : first + row;
    }
    for (let place = this.places; place < places; place += 1) this.#alive[place >>> 5]! |= 1 << (place & 31);
    this.#touch(this.places);
    this.places = places;
    this.count += added;
    if (!appended) this.#rearrange();
  }

  /** Removes items by id. @returns how many there were */
  remove(ids: ArrayLike<number>): number {
    let removed = 0;
    for (let index = 0; index < ids.length; index += 1) {
      requireId(ids[index]!, `ids, entry ${index}`);
      const place = this.placeOf(ids[index]!);
      if (place < 0) continue;
      const bit = 1 << (place & 31);
      if ((this.#alive[place >>> 5]! & bit) === 0) continue;
      this.#alive[place >>> 5]! &= ~bit;
      removed += 1;
    }
    if (removed > 0) {
      this.count -= removed;
      this.version += 1;
    }
    return removed;
  }

  /** Gives up the places of removed items; ids stay as they are. */
  compact(): void {
    if (this.count < this.places) this.#rearrange();
  }

  /** Living items, in order of id; arrays are the store's own where nothing was removed. */
  contents(): IndexContents {
    this.compact();
    const ids = this.#ids?.slice(0, this.places) ?? Int32Array.from({ length: this.places }, (_, place) => place);
    const embeddings = this.width > 0 ? { embeddings: this.embeddings, width: this.width } : {};
    return { bits: this.bits, codes: this.codes, ids, ...embeddings };
  }

  /**
   * The places that a search may return, as `alive`.
   * @param allow ids that may be returned, all unless given
   * @param deny ids that may not
   */
  admitted(allow: IdBitmap | undefined, deny: IdBitmap | undefined): Uint32Array<ArrayBuffer> {
    const admitted = this.alive.slice();
    if (!allow && !deny) return admitted;
    for (let place = 0; place < this.places; place += 1) {
      const id = this.idAt(place);
      if ((allow && !inBitmap(allow, id)) || (deny && inBitmap(deny, id)))
        admitted[place >>> 5]! &= ~(1 << (place & 31));
    }
    return admitted;
  }

  /** For a copy of the rows: gives the first row whose code or embedding has changed since it was last called. */
  follow(): () => number {
    const follower = { changed: 0 };
    this.#followers.push(follower);
    return () => {
      const { changed } = follower;
      follower.changed = this.places;
      return changed;
    };
  }

  #touch(place: number): void {
    for (const follower of this.#followers) follower.changed = Math.min(follower.changed, place);
    this.version += 1;
  }

  #requireIds(ids: ArrayLike<number>, added: number): void {
    if (ids.length !== added) {
      throw new InputError(`there are ${ids.length} ids for ${added} codes`, { where: 'ids' });
    }
    const seen = new Set<number>();
    for (let index = 0; index < added; index += 1) {
      const id = ids[index]!;
      const where = `ids, entry ${index}`;
      requireId(id, where);
      // Ascending ids above all others cannot collide, and need no set.
      if (id > (index === 0 ? this.largestId : ids[index - 1]!) && seen.size === 0) continue;
      if (seen.size === 0) for (let before = 0; before < index; before += 1) seen.add(ids[before]!);
      if (seen.has(id)) throw new InputError(`the id ${id} comes twice`, { where });
      seen.add(id);
      const place = this.placeOf(id);
      if (place >= 0 && (this.#alive[place >>> 5]! >>> (place & 31)) & 1) {
        throw new InputError(`the id ${id} is taken`, { where, fix: 'remove the item first, or use another id' });
      }
    }
  }

  /** Whether ids are in ascending order and above all that are here. */
  #isAppended(ids: Int32Array): boolean {
    return ids.every((id, row) => id > (row === 0 ? this.largestId : ids[row - 1]!));
  }

  #lowerBound(id: number): number {
    let low = 0;
    let high = this.places;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ids![middle]! < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes room for rows; half as much again where more were here before, so that adding one by one stays cheap. */
  #reserve(places: number): void {
    if (places <= this.#alive.length * 32) return;
    const room = this.places === 0 ? places : Math.max(places, Math.ceil(this.places * 1.5));
    const alive = new Uint32Array(Math.ceil(room / 32));
    alive.set(this.alive);
    this.#alive = alive;
    const rows = alive.length * 32;
    const codes = new Uint32Array(rows * this.words);
    codes.set(this.codes);
    this.#codes = codes;
    const embeddings = new Float32Array(rows * this.width);
    embeddings.set(this.embeddings);
    this.#embeddings = embeddings;
    if (this.#ids) {
      const ids = new Int32Array(rows);
      ids.set(this.#ids.subarray(0, this.places));
      this.#ids = ids;
    }
  }

  /** Puts living rows in ascending order of id, without gaps: in new arrays, since views may show the old ones. */
  #rearrange(): void {
    const order: number[] = [];
    for (let place = 0; place < this.places; place += 1) {
      if ((this.#alive[place >>> 5]! >>> (place & 31)) & 1) order.push(place);
    }
    order.sort((a, b) => this.idAt(a) - this.idAt(b));
    const { words, width } = this;
    // Room as `#reserve` makes it: for whole words of the bitmap.
    const rows = Math.ceil(order.length / 32) * 32;
    const codes = new Uint32Array(rows * words);
    const embeddings = new Float32Array(rows * width);
    const ids = new Int32Array(rows);
    for (const [row, place] of order.entries()) {
      for (let word = 0; word < words; word += 1) codes[row * words + word] = this.#codes[place * words + word]!;
      for (let column = 0; column < width; column += 1) {
        embeddings[row * width + column] = this.#embeddings[place * width + column]!;
      }
      ids[row] = this.idAt(place);
    }
    this.#codes = codes;
    this.#embeddings = embeddings;
    this.#ids = ids.subarray(0, order.length).every((id, row) => id === row) ? undefined : ids;
    this.places = order.length;
    this.count = order.length;
    this.#alive = new Uint32Array(Math.ceil(order.length / 32));
    for (let place = 0; place < order.length; place += 1) this.#alive[place >>> 5]! |= 1 << (place & 31);
    const moved = order.findIndex((place, row) => place !== row);
    this.#touch(moved < 0 ? this.places : moved);
  }
}
