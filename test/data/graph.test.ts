import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { buildGraph, Csr, popularityScores } from '../../src/data/graph.js';

/** Distinct pairs within the given counts, in any order. */
const graphs = fc
  .record({ rows: fc.integer({ min: 1, max: 12 }), columns: fc.integer({ min: 1, max: 9 }) })
  .chain(({ rows, columns }) =>
    fc
      .uniqueArray(fc.nat(rows * columns - 1), { maxLength: 60 })
      .map((cells) => ({ rows, columns, pairs: cells.map((cell) => [Math.floor(cell / columns), cell % columns]) })),
  );
const flat = (pairs: number[][]) => Int32Array.from(pairs.flat());

describe('Csr', () => {
  it('holds exactly the edges, with ascending columns in each row', () => {
    fc.assert(
      fc.property(graphs, ({ rows, columns, pairs }) => {
        const csr = Csr.fromEdges(flat(pairs), rows, columns);
        expect(csr.entryCount).toBe(pairs.length);
        for (let row = 0; row < rows; row++) {
          const expected = pairs.filter(([r]) => r === row).map(([, c]) => c!);
          expect([...csr.row(row)]).toEqual(expected.sort((a, b) => a - b));
          expect(csr.degree(row)).toBe(expected.length);
          for (let column = 0; column < columns; column++) expect(csr.has(row, column)).toBe(expected.includes(column));
        }
      }),
    );
  });

  it('transposes as turning over each edge does, and twice is nothing', () => {
    fc.assert(
      fc.property(graphs, ({ rows, columns, pairs }) => {
        const csr = Csr.fromEdges(flat(pairs), rows, columns);
        expect(csr.transpose()).toEqual(Csr.fromEdges(flat(pairs.map(([r, c]) => [c!, r!])), columns, rows));
        expect(csr.transpose().transpose()).toEqual(csr);
      }),
    );
  });

  it('takes no edges at all, and no rows', () => {
    expect([...Csr.fromEdges(new Int32Array(), 3, 2).offsets]).toEqual([0, 0, 0, 0]);
    expect(Csr.fromEdges(new Int32Array(), 0, 0).entryCount).toBe(0);
  });

  it.each([
    [[0, 3], /edge 0 is \(0, 3\)/],
    [[0, 0, -1, 0], /edge 1 is \(-1, 0\)/],
    [[2, 0], /row below 2/],
    [[0, 0, 1], /pairs/],
  ])('refuses %j', (edges, message) => {
    expect(() => Csr.fromEdges(Int32Array.from(edges), 2, 3)).toThrow(InputError);
    expect(() => Csr.fromEdges(Int32Array.from(edges), 2, 3)).toThrow(message);
  });
});

describe('buildGraph', () => {
  it('joins users and items in both directions and nothing else', () => {
    fc.assert(
      fc.property(graphs, ({ rows: users, columns: items, pairs }) => {
        const graph = buildGraph(flat(pairs), users, items);
        const both = pairs.flatMap(([user, item]) => [
          [user!, users + item!],
          [users + item!, user!],
        ]);
        expect(graph).toEqual(Csr.fromEdges(flat(both), users + items, users + items));
        expect(graph.transpose()).toEqual(graph);
      }),
    );
  });
});

it('popularity counts the interactions of each item', () => {
  expect([...popularityScores(Int32Array.of(0, 1, 1, 1, 1, 3), 5)]).toEqual([0, 2, 0, 1, 0]);
});
