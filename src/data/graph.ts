/**
 * Sparse graphs in compressed rows.
 *
 * Edge arrays are flat `Int32Array`s of pairs: edge e is (edges[2e], edges[2e + 1]), a user and an item.
 */
import { InputError } from '../base/errors.js';

/** A sparse 0/1 matrix in compressed rows: the columns of row r are `columns[offsets[r] .. offsets[r + 1])`, ascending. */
export class Csr {
  /**
   * @param offsets [rowCount + 1], ascending from 0
   * @param columns [offsets[rowCount]], ascending within each row, all below `columnCount`
   */
  constructor(
    readonly rowCount: number,
    readonly columnCount: number,
    readonly offsets: Uint32Array,
    readonly columns: Uint32Array,
  ) {}

  /** The number of entries. */
  get entryCount(): number {
    return this.columns.length;
  }

  degree(row: number): number {
    return this.offsets[row + 1]! - this.offsets[row]!;
  }

  /** The columns of a row, without a copy. */
  row(row: number): Uint32Array {
    return this.columns.subarray(this.offsets[row]!, this.offsets[row + 1]!);
  }

  /** Whether the entry is there: binary search. */
  has(row: number, column: number): boolean {
    let low = this.offsets[row]!;
    let high = this.offsets[row + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.columns[middle]! < column) low = middle + 1;
      else high = middle;
    }
    return low < this.offsets[row + 1]! && this.columns[low] === column;
  }

  /**
   * From edges in any order, in time linear in edges, rows and columns (two counting sorts). A repeated edge stays
   * repeated.
   *
   * @param edges flat pairs (row, column)
   * @throws InputError for an odd length or an index out of range
   */
  static fromEdges(edges: Int32Array, rowCount: number, columnCount: number): Csr {
    if (edges.length % 2 !== 0) {
      throw new InputError(`an edge array holds pairs; this one has ${edges.length} numbers`);
    }
    for (let at = 0; at < edges.length; at += 2) {
      const row = edges[at]!;
      const column = edges[at + 1]!;
      if (row < 0 || row >= rowCount || column < 0 || column >= columnCount) {
        throw new InputError(
          `edge ${at / 2} is (${row}, ${column}); expected a row below ${rowCount} and a column below ${columnCount}`,
        );
      }
    }
    // Filling the columns in any order and turning the matrix over twice sorts it: each turn is a stable counting sort.
    const count = edges.length / 2;
    const offsets = new Uint32Array(columnCount + 1);
    for (let at = 1; at < edges.length; at += 2) offsets[edges[at]! + 1]!++;
    accumulate(offsets);
    const rows = new Uint32Array(count);
    const next = offsets.slice(0, columnCount);
    for (let at = 0; at < edges.length; at += 2) rows[next[edges[at + 1]!]!++] = edges[at]!;
    return new Csr(columnCount, rowCount, offsets, rows).transpose();
  }

  /** The transposed matrix, in linear time. */
  transpose(): Csr {
    const offsets = new Uint32Array(this.columnCount + 1);
    for (const column of this.columns) offsets[column + 1]!++;
    accumulate(offsets);
    const next = offsets.slice(0, this.columnCount);
    const rows = new Uint32Array(this.columns.length);
    for (let row = 0; row < this.rowCount; row++) {
      for (let at = this.offsets[row]!; at < this.offsets[row + 1]!; at++) rows[next[this.columns[at]!]!++] = row;
    }
    return new Csr(this.columnCount, this.rowCount, offsets, rows);
  }
}

function accumulate(counts: Uint32Array): void {
  for (let index = 1; index < counts.length; index++) counts[index]! += counts[index - 1]!;
}

/**
 * The symmetric graph of users and items (paper, section 3.1): node u is user u, node `userCount + i` is item i, and an
 * edge joins each pair of the list in both directions.
 *
 * @param edges flat pairs (user, item), no pair twice
 * @returns a square matrix with userCount + itemCount rows and two entries an edge
 */
export function buildGraph(edges: Int32Array, userCount: number, itemCount: number): Csr {
  const users = Csr.fromEdges(edges, userCount, itemCount);
  const items = users.transpose();
  const nodeCount = userCount + itemCount;
  const entries = users.entryCount;
  const offsets = new Uint32Array(nodeCount + 1);
  offsets.set(users.offsets);
  for (let item = 0; item < itemCount; item++) offsets[userCount + item + 1] = entries + items.offsets[item + 1]!;
  const columns = new Uint32Array(2 * entries);
  for (let at = 0; at < entries; at++) columns[at] = userCount + users.columns[at]!;
  columns.set(items.columns, entries);
  return new Csr(nodeCount, nodeCount, offsets, columns);
}

/** Training interactions of each item: the scores of the popularity baseline. Float32Array [itemCount]. */
export function popularityScores(edges: Int32Array, itemCount: number): Float32Array {
  const scores = new Float32Array(itemCount);
  for (let at = 1; at < edges.length; at += 2) scores[edges[at]!]!++;
  return scores;
}
