/**
 * Whether two searches of the same arrays found the same, and whether what was found is right. Nothing here knows how
 * either of them works; every disagreement is an error that names the row, the query and the place.
 */
import { HashgnnError } from '../../src/base/errors.js';
import { type Arrays, wordsOfCodes } from './arrays.js';
import type { Row } from './rows.js';

/** What a search found, [queries, k], best first. */
export interface Found {
  /** -1 in missing places. */
  readonly ids: Int32Array;
  /** Hamming distances, or inner products in float32. */
  readonly values: Int32Array | Float32Array;
  /** Of a hierarchical search: [queries], the Hamming distance of each query's last candidate. */
  readonly cuts?: Int32Array;
}

/** How far sums of the same products in float32 may be apart: a part of the sum of their magnitudes. */
const TOLERANCE = 1e-5;

/** The 1 bits of a word. */
function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Judges the results of one row. */
export class Judge {
  readonly #database: Uint32Array;
  readonly #queries: Uint32Array;
  readonly #words: number;

  constructor(
    private readonly row: Row,
    private readonly arrays: Arrays,
  ) {
    this.#database = wordsOfCodes(arrays.database.codes, row.bits);
    this.#queries = wordsOfCodes(arrays.queries.codes, row.bits);
    this.#words = Math.ceil(row.bits / 32);
  }

  /** Bits in which an item's code and a query's differ. */
  distance(id: number, query: number): number {
    let distance = 0;
    for (let word = 0; word < this.#words; word += 1) {
      distance += ones(this.#database[id * this.#words + word]! ^ this.#queries[query * this.#words + word]!);
    }
    return distance;
  }

  /** The inner product of an item's and a query's embedding in float64, and how far float32 may be from it. */
  product(id: number, query: number): { product: number; tolerance: number } {
    const { bits } = this.row;
    const [items, queries] = [this.arrays.database.embeddings!, this.arrays.queries.embeddings!];
    let product = 0;
    let size = 0;
    for (let at = 0; at < bits; at += 1) {
      const term = items[id * bits + at]! * queries[query * bits + at]!;
      product += term;
      size += Math.abs(term);
    }
    return { product, tolerance: TOLERANCE * size };
  }

  /**
   * @throws HashgnnError unless both found the same, as far as the kind of search says what that is; nothing is
   * compared where the two search for different things
   */
  requireSame(ours: Found, peer: Found, peerName: string): void {
    if (this.row.ours !== this.row.peer) return;
    this.#requireSize(ours, 'ours');
    this.#requireSize(peer, peerName);
    for (let query = 0; query < this.row.queries; query += 1) {
      if (this.row.ours === 'hamming') this.#sameDistances(ours, peer, peerName, query);
      else this.#sameProducts(ours, peer, peerName, query);
    }
  }

  /**
   * Ranks the whole database for some queries by plain loops, and compares ours with that.
   * @throws HashgnnError where a place differs
   */
  requireExact(ours: Found, queries: readonly number[]): void {
    this.#requireSize(ours, 'ours');
    for (const query of queries) {
      const expected = this.row.ours === 'hamming' ? this.nearest(query, this.row.k) : this.#bestByProduct(query);
      this.#requireRanking(ours, expected, query);
    }
  }

  /** The k nearest items of a query by (distance, id), by a plain loop over all. */
  nearest(query: number, k: number): { ids: number[]; values: number[] } {
    const { database, bits } = this.row;
    // Ids in ascending order by distance: the first k of all lists together.
    const byDistance: number[][] = Array.from({ length: bits + 1 }, () => []);
    for (let id = 0; id < database; id += 1) {
      const list = byDistance[this.distance(id, query)]!;
      if (list.length < k) list.push(id);
    }
    const ids = byDistance.flat().slice(0, k);
    return { ids, values: ids.map((id) => this.distance(id, query)) };
  }

  #bestByProduct(query: number): { ids: number[]; values: number[] } {
    const { ours, database, k, candidates = database } = this.row;
    const among =
      ours === 'hierarchical' ? this.nearest(query, candidates).ids : Array.from({ length: database }, (_, id) => id);
    const best = among
      .map((id) => ({ id, value: this.product(id, query).product }))
      .sort((one, other) => other.value - one.value || one.id - other.id)
      .slice(0, k);
    return { ids: best.map(({ id }) => id), values: best.map(({ value }) => value) };
  }

  /** Distances and their ids exactly; products as near as float32 sums are, and ids where those tell them apart. */
  #requireRanking(ours: Found, expected: { ids: number[]; values: number[] }, query: number): void {
    const { k } = this.row;
    for (let place = 0; place < k; place += 1) {
      const [id, value] = [ours.ids[query * k + place]!, ours.values[query * k + place]!];
      const [wanted, wantedValue] = [expected.ids[place] ?? -1, expected.values[place] ?? -1];
      if (id !== -1) this.#requireItem(id, 'ours', query, place);
      let right = id === wanted;
      if (this.row.ours === 'hamming') right &&= value === wantedValue;
      else if (id !== -1 && wanted !== -1) {
        this.#requireProduct(ours, 'ours', query, place);
        right ||= this.#alike(id, wanted, query);
      }
      if (!right) {
        const [here, there] = [`item ${id} (${value})`, `item ${wanted} (${wantedValue})`];
        this.#fail(query, place, `ours has ${here} and a search by plain loops ${there}`);
      }
    }
  }

  /** Whether float32 may take the products of two items for equal. */
  #alike(one: number, other: number, query: number): boolean {
    const [first, second] = [this.product(one, query), this.product(other, query)];
    return Math.abs(first.product - second.product) <= first.tolerance + second.tolerance;
  }

  #requireProduct(found: Found, name: string, query: number, place: number): void {
    const at = query * this.row.k + place;
    const { product, tolerance } = this.product(found.ids[at]!, query);
    if (!(Math.abs(found.values[at]! - product) <= tolerance)) {
      this.#fail(
        query,
        place,
        `${name} says that item ${found.ids[at]} has the product ${found.values[at]}, and it is ${product}`,
      );
    }
  }

  #sameDistances(ours: Found, peer: Found, peerName: string, query: number): void {
    const { k } = this.row;
    const mine = this.#places(ours, 'ours', query);
    const theirs = this.#places(peer, peerName, query);
    for (let place = 0; place < k; place += 1) {
      const [one, other] = [mine[place], theirs[place]];
      if (one?.value !== other?.value) {
        this.#fail(query, place, `ours has distance ${one?.value ?? 'none'} and ${peerName} ${other?.value ?? 'none'}`);
      }
    }
    requireAscending(mine, (place) => this.#fail(query, place, 'ours is not in order of (distance, id)'));
    // The peer's order among equals is its own.
    theirs.sort((one, other) => one.value - other.value || one.id - other.id);
    requireAscending(theirs, (place) => this.#fail(query, place, `${peerName} has an item twice`));
    const last = mine.at(-1)?.value;
    // Which items of the last distance are among the k is the peer's choice too, where there are more of them; ours has
    // those with the smallest ids.
    const largest = mine.at(-1)?.id ?? -1;
    const chosen = new Set(mine.filter(({ value }) => value === last).map(({ id }) => id));
    theirs.forEach(({ id, value }, place) => {
      if (value !== last) {
        if (mine[place]!.id !== id) {
          this.#fail(query, place, `at distance ${value} ours has item ${mine[place]!.id} and ${peerName} item ${id}`);
        }
      } else if (!chosen.has(id) && id < largest) {
        this.#fail(
          query,
          place,
          `${peerName} has item ${id} at distance ${value}, ours lacks it and has item ${largest}`,
        );
      }
    });
  }

  /** One query's results without missing places; each is checked to have the distance that it is said to have. */
  #places(found: Found, name: string, query: number): { id: number; value: number }[] {
    const { k } = this.row;
    const places: { id: number; value: number }[] = [];
    for (let place = 0; place < k; place += 1) {
      const [id, value] = [found.ids[query * k + place]!, found.values[query * k + place]!];
      if (id === -1) continue;
      this.#requireItem(id, name, query, place);
      if (places.length < place) this.#fail(query, place, `${name} has item ${id} after a missing place`);
      const distance = this.distance(id, query);
      if (distance !== value) {
        this.#fail(query, place, `${name} says that item ${id} has distance ${value}, and it is ${distance}`);
      }
      places.push({ id, value });
    }
    return places;
  }

  /**
   * Each product is that of its item, and both rank the items that both must have considered alike. Of a hierarchical
   * search those are the candidates nearer than the last one: which of its equals are candidates is each side's choice.
   */
  #sameProducts(ours: Found, peer: Found, peerName: string, query: number): void {
    const { k } = this.row;
    const cut = peer.cuts?.[query] ?? Number.POSITIVE_INFINITY;
    const [mine, theirs] = (
      [
        [ours, 'ours'],
        [peer, peerName],
      ] as const
    ).map(([found, name]) => {
      const sure: number[] = [];
      const seen = new Set<number>();
      for (let place = 0; place < k; place += 1) {
        const id = found.ids[query * k + place]!;
        if (id === -1) continue;
        this.#requireItem(id, name, query, place);
        this.#requireProduct(found, name, query, place);
        if (place > 0 && found.values[query * k + place]! > found.values[query * k + place - 1]!) {
          this.#fail(query, place, `${name} has a larger product after a smaller one`);
        }
        if (seen.has(id)) this.#fail(query, place, `${name} has item ${id} twice`);
        seen.add(id);
        const distance = peer.cuts ? this.distance(id, query) : 0;
        if (distance > cut) this.#fail(query, place, `${name} has item ${id}, which is no candidate`);
        if (peer.cuts === undefined || distance < cut) sure.push(place);
      }
      return sure;
    }) as [number[], number[]];
    for (let index = 0; index < Math.min(mine.length, theirs.length); index += 1) {
      const [place, other] = [mine[index]!, theirs[index]!];
      const [id, wanted] = [ours.ids[query * k + place]!, peer.ids[query * k + other]!];
      if (id !== wanted && !this.#alike(id, wanted, query)) {
        this.#fail(query, place, `ours has item ${id} and ${peerName} item ${wanted}`);
      }
    }
    const missing = (found: Found) => found.ids.subarray(query * k, (query + 1) * k).filter((id) => id === -1).length;
    if (missing(ours) !== missing(peer)) {
      this.#fail(query, 0, `ours has ${missing(ours)} missing places and ${peerName} ${missing(peer)}`);
    }
  }

  #requireItem(id: number, name: string, query: number, place: number): void {
    if (id < 0 || id >= this.row.database) this.#fail(query, place, `${name} has item ${id}, and there is none`);
  }

  #requireSize({ ids, values }: Found, name: string): void {
    const length = this.row.queries * this.row.k;
    if (ids.length !== length || values.length !== length) {
      throw new HashgnnError(`${name} has ${ids.length} ids and ${values.length} values instead of ${length}`, {
        where: `row ${this.row.name}`,
      });
    }
  }

  #fail(query: number, place: number, what: string): never {
    throw new HashgnnError(`the results are not the same: ${what}`, {
      where: `row ${this.row.name}, query ${query}, place ${place}`,
      fix: 'run hashgnn doctor; if it finds nothing wrong, report it with the command and its seed',
    });
  }
}

function requireAscending(places: readonly { id: number; value: number }[], fail: (place: number) => never): void {
  for (let place = 1; place < places.length; place += 1) {
    const [before, here] = [places[place - 1]!, places[place]!];
    if (before.value > here.value || (before.value === here.value && before.id >= here.id)) fail(place);
  }
}

/** @throws HashgnnError unless a search that was repeated found the same bytes again */
export function requireRepeated(row: Row, first: Found, again: Found): void {
  const same = (one: ArrayLike<number>, other: ArrayLike<number>) => {
    for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
    return one.length === other.length;
  };
  if (!same(first.ids, again.ids) || !same(first.values, again.values)) {
    throw new HashgnnError('the same search found something else when it was repeated', {
      where: `row ${row.name}`,
      fix: 'run hashgnn doctor',
    });
  }
}

/** Some queries of a row, spread over all: the first, the last and those between. */
export function someQueries(queries: number, count = 3): number[] {
  const spread = Array.from({ length: count }, (_, at) => Math.round((at * (queries - 1)) / Math.max(1, count - 1)));
  return [...new Set(spread)].filter((query) => query >= 0);
}
