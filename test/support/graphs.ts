import fc from 'fast-check';

/** A bipartite graph by rows, as the kernels read it. */
export interface TestGraph {
  readonly users: number;
  readonly items: number;
  readonly edges: number;
  readonly offsets: Uint32Array<ArrayBuffer>;
  readonly neighbours: Uint32Array<ArrayBuffer>;
}

/** The graph of these user-item pairs. */
export function graphOf(users: number, items: number, pairs: readonly (readonly [number, number])[]): TestGraph {
  const rows: Set<number>[] = Array.from({ length: users + items }, () => new Set());
  for (const [user, item] of pairs) {
    rows[user]!.add(users + item);
    rows[users + item]!.add(user);
  }
  const sorted = rows.map((row) => [...row].sort((a, b) => a - b));
  const offsets = new Uint32Array(sorted.length + 1);
  sorted.forEach((row, node) => {
    offsets[node + 1] = offsets[node]! + row.length;
  });
  const neighbours = Uint32Array.from(sorted.flat());
  return { users, items, edges: neighbours.length / 2, offsets, neighbours };
}

const anySizes = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }));

/** Few edges: most nodes have none or one. */
const sparseGraph = anySizes.chain(([users, items]) =>
  fc
    .array(fc.tuple(fc.nat({ max: users - 1 }), fc.nat({ max: items - 1 })), { minLength: 1, maxLength: 300 })
    .map((pairs) => graphOf(users, items, pairs)),
);

/** A share of all edges: nodes with eights of neighbours, full and begun. */
const denseGraph = fc
  .tuple(anySizes, fc.nat(), fc.constantFrom(0.25, 0.6, 1))
  .map(([[users, items], seed, density]) => {
    const chance = floats(users * items, seed);
    const pairs = Array.from(chance, (_, pair) => [pair % users, Math.floor(pair / users)] as const);
    return graphOf(
      users,
      items,
      pairs.filter((_, pair) => pair === 0 || (chance[pair]! + 2) / 4 < density),
    );
  });

/** Random graphs of up to 40 users and 40 items, with isolated nodes, full rows and repeats of all kinds. */
export const anyGraph: fc.Arbitrary<TestGraph> = fc.oneof(sparseGraph, denseGraph);

/** Random float32 values between −2 and 2, a pure function of the seed. */
export function floats(length: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 4 - 2;
  });
}

/** A node list of random members and NONE, with more rows allocated than active. */
export function anyNodeList(
  nodes: number,
): fc.Arbitrary<{ list: Uint32Array<ArrayBuffer>; stride: number; rows: Uint32Array<ArrayBuffer> }> {
  const entry = fc.oneof({ weight: 9, arbitrary: fc.nat({ max: nodes - 1 }) }, fc.constant(0xffffffff));
  return fc
    .tuple(fc.integer({ min: 1, max: 7 }), fc.nat({ max: 30 }), fc.nat({ max: 10 }))
    .chain(([stride, active, spare]) =>
      fc
        .array(entry, { minLength: (active + spare) * stride, maxLength: (active + spare) * stride })
        .map((list) => ({ list: Uint32Array.from(list), stride, rows: new Uint32Array([active, 0]) })),
    );
}

/** Vectors of four columns in a row: few, around what eight lanes and a strip of 32 hold, and two strips and more. */
export const anyColumns = fc.constantFrom(1, 2, 7, 8, 9, 15, 17, 24, 30, 32, 33, 41, 65);
