/** What the cases of one size share: the graph, a batch with its blocks as a training step makes them, and codes. */
import { random } from '../../src/base/random.js';
import { compact } from '../../src/reference/block/compact.js';
import { locate } from '../../src/reference/block/locate.js';
import { mark } from '../../src/reference/block/mark.js';
import { count } from '../../src/reference/group/count.js';
import { place } from '../../src/reference/group/place.js';
import { sort } from '../../src/reference/group/sort.js';
import { PLACES } from '../../src/reference/lib/codes.js';
import { batch } from '../../src/reference/sample/batch.js';
import { neighbours } from '../../src/reference/sample/neighbours.js';
import { exclusive } from '../../src/reference/scan/exclusive.js';
import { hamming_slice } from '../../src/reference/search/hamming_slice.js';
import { offsetsOf, words } from '../../src/selftest/case.js';
import { drawGraph, type Graph, type Size } from './sizes.js';

type Words = Uint32Array<ArrayBuffer>;

/** A set of nodes as a step keeps it. */
export interface NodeSet {
  /** [ceil(nodes / 32)] and one more */
  readonly bits: Words;
  readonly ranks: Words;
  /** [count] ascending */
  readonly nodes: Words;
  /** [2] members, and the users among them */
  readonly rows: Words;
  readonly count: number;
}

/** List positions by key. */
export interface Groups {
  /** [keys + 1] */
  readonly offsets: Words;
  /** [entries] each group ascending */
  readonly order: Words;
}

/** One layer's sampling: the rows that it computes, and those that it reads. */
export interface Block {
  readonly targets: NodeSet;
  readonly sources: NodeSet;
  readonly fanout: number;
  /** [targets, fanout] sampled nodes, and their rows among the sources */
  readonly sampled: Words;
  readonly places: Words;
  /** [targets] the targets' own rows among the sources */
  readonly selves: Words;
}

/** Made as far as cases ask for it, and kept. */
export class Setting {
  readonly #made = new Map<string, unknown>();

  constructor(
    readonly size: Size,
    readonly seed: number,
  ) {}

  get graph(): Graph {
    return this.#once('graph', () => drawGraph(this.size, this.seed));
  }

  get nodes(): number {
    return this.size.users + this.size.items;
  }

  /** [batch, 2 + slots] node numbers: user, positive, negatives. */
  get pairs(): Words {
    return this.#once('pairs', () => {
      const { size, graph } = this;
      const stride = 2 + size.slots;
      // Items for the negatives' places, which only may not lack an edge: what they cost later is the same.
      const pairs = words(size.batch * stride, this.seed).map((word) => size.users + (word % size.items));
      const { offsets, neighbours } = graph;
      batch(
        { state: new Uint32Array(4), offsets, neighbours, pairs },
        { batch: size.batch, stride, edges: graph.edges, users: size.users, seed: this.seed },
      );
      return pairs;
    });
  }

  /** The nodes of the batch. */
  get batchNodes(): NodeSet {
    return this.#once('batch nodes', () => this.nodeSet([this.pairs]));
  }

  /** The second layer, whose targets are the batch's nodes, and the first, whose targets are all that the second reads. */
  get second(): Block {
    return this.#once('second', () => this.#block(this.batchNodes, this.size.fanouts[1], 2));
  }

  get first(): Block {
    return this.#once('first', () => this.#block(this.second.sources, this.size.fanouts[0], 1));
  }

  /** [batch, 2 + slots] rows of the batch's nodes. */
  get pairRows(): Words {
    return this.#once('pair rows', () => this.locate(this.pairs, this.batchNodes));
  }

  /** The distinct nodes of some lists. */
  nodeSet(lists: readonly Words[]): NodeSet {
    const size = Math.ceil(this.nodes / 32);
    const bits = new Uint32Array(size);
    for (const nodes of lists) mark({ nodes, rows: [nodes.length], bits }, { stride: 1 });
    const ranks = new Uint32Array(size + 1);
    exclusive({ values: bits, sums: ranks }, { count: size }, { POPCOUNT: 1 });
    const nodes = new Uint32Array(ranks[size]!);
    const rows = new Uint32Array(2);
    compact({ bits, ranks, nodes, rows }, { words: size, users: this.size.users });
    return { bits, ranks, nodes, rows, count: nodes.length };
  }

  locate(nodes: Words, { bits, ranks }: NodeSet): Words {
    const places = new Uint32Array(nodes.length);
    locate({ nodes, rows: [nodes.length], bits, ranks, places }, { stride: 1 });
    return places;
  }

  /** The positions of `list` by key below `keys`. */
  groups(list: Words, keys: number): Groups {
    const counts = new Uint32Array(keys);
    count({ keys: list, rows: [list.length], counts }, { stride: 1 });
    const offsets = offsetsOf(counts);
    const order = new Uint32Array(offsets[keys]!);
    place({ keys: list, rows: [list.length], cursors: offsets.slice(), order }, { stride: 1 });
    sort({ offsets, order }, { keys });
    return { offsets, order };
  }

  /** Codes of 32 bits of items and of users who search, and what is near whom. */
  get codes(): {
    readonly blocks: number;
    /** [blocks · 32] and the same in slices; [blocks] all items and no place beyond them */
    readonly database: Words;
    readonly slices: Words;
    readonly alive: Words;
    /** [queries] */
    readonly query: Words;
    /** [queries] the distance below which each has twice as many items as it wants */
    readonly bound: Words;
    /** [queries] items closer than that, and [queries, capacity] the items themselves, as search/hamming_collect lists them */
    readonly counts: Words;
    readonly candidates: Words;
    readonly capacity: number;
  } {
    return this.#once('codes', () => {
      const { items, queries, k } = this.size;
      const blocks = Math.ceil(items / 32);
      const database = words(blocks * 32, this.seed + 1).fill(0, items);
      const slices = new Uint32Array(blocks * 32);
      hamming_slice({ database, slices }, { first: 0, blocks, words: 1 });
      const alive = Uint32Array.from({ length: blocks }, (_, block) => 2 ** Math.min(32, items - 32 * block) - 1);
      const query = words(queries, this.seed + 2);
      const capacity = Math.min(blocks * 32, 4 * k + 64);
      const bound = new Uint32Array(queries);
      const counts = new Uint32Array(queries);
      const candidates = new Uint32Array(queries * capacity);
      const distances = new Uint8Array(items);
      for (let row = 0; row < queries; row += 1) {
        const histogram = new Uint32Array(34);
        for (let item = 0; item < items; item += 1) {
          distances[item] = ones(database[item]! ^ query[row]!);
          histogram[distances[item]! + 1]! += 1;
        }
        let limit = 0;
        for (let closer = 0; closer < 2 * k && limit < 33; closer += histogram[limit]!) limit += 1;
        bound[row] = limit;
        for (let item = 0; item < items; item += 1) {
          if (distances[item]! >= limit) continue;
          if (counts[row]! < capacity) candidates[row * capacity + counts[row]!] = distances[item]! * PLACES + item;
          counts[row]! += 1;
        }
      }
      return { blocks, database, slices, alive, query, bound, counts, candidates, capacity };
    });
  }

  /** Up to `each` training items of every query's user, ascending, counted from 0. */
  exclusions(queries: number, each: number): { exclude_offsets: Words; exclude_ids: Words } {
    const { offsets, neighbours } = this.graph;
    const { users } = this.size;
    const lists = Array.from({ length: queries }, (_, query) => {
      const begin = offsets[query % users]!;
      const end = Math.min(offsets[(query % users) + 1]!, begin + each);
      return neighbours.subarray(begin, end).map((node) => node - users);
    });
    const exclude_ids = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
    const exclude_offsets = offsetsOf(lists.map(({ length }) => length));
    for (const [query, list] of lists.entries()) exclude_ids.set(list, exclude_offsets[query]);
    return { exclude_offsets, exclude_ids };
  }

  /** [queries, each] items in no order, none twice for a query. */
  candidates(queries: number, each: number): Int32Array<ArrayBuffer> {
    const { items } = this.size;
    return Int32Array.from({ length: queries * each }, (_, index) => {
      const query = Math.floor(index / each);
      // The step is a prime beyond every number of items' factors.
      return ((index % each) * 7919 + (random(this.seed, 0, 2, query) % items)) % items;
    });
  }

  #block(targets: NodeSet, fanout: number, layer: number): Block {
    const { offsets, neighbours: adjacency } = this.graph;
    const sampled = new Uint32Array(targets.count * fanout);
    neighbours(
      { state: new Uint32Array(4), nodes: targets.nodes, rows: targets.rows, offsets, neighbours: adjacency, sampled },
      { fanout, layer, seed: this.seed },
    );
    const sources = this.nodeSet([targets.nodes, sampled]);
    const [places, selves] = [this.locate(sampled, sources), this.locate(targets.nodes, sources)];
    return { targets, sources, fanout, sampled, places, selves };
  }

  #once<T>(name: string, make: () => T): T {
    if (!this.#made.has(name)) this.#made.set(name, make());
    return this.#made.get(name) as T;
  }
}

/** The number of ones in a word. */
function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
