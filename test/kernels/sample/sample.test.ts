import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batch } from '../../../src/reference/sample/batch.js';
import { negatives } from '../../../src/reference/sample/negatives.js';
import { neighbours } from '../../../src/reference/sample/neighbours.js';
import { useGpu } from '../../support/gpu.js';
import { anyGraph, graphOf } from '../../support/graphs.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();
const NONE = 0xffffffff;
const anySeed = fc.nat({ max: 2 ** 32 - 1 });
const stateAt = (step: number) => new Uint32Array([step, 0, 0, 0]);

test('batches, negatives and neighbours are drawn as their twins draw them', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyGraph,
      anySeed,
      fc.nat({ max: 1000 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat({ max: 6 }),
      async (graph, seed, step, size, slots) => {
        const { users, items, edges, offsets } = graph;
        const state = stateAt(step);
        const stride = 2 + slots;
        const shape = { batch: size, stride, users, seed };
        const expected = new Uint32Array(size * stride);
        const graphTensors = { state, offsets, neighbours: graph.neighbours };
        batch({ ...graphTensors, pairs: expected }, { ...shape, edges });
        const drawn = await runKernel(
          gpu(),
          'sample/batch',
          { ...graphTensors, pairs: new Uint32Array(size * stride) },
          { ...shape, edges },
          { invocations: size },
        );
        expect(drawn.pairs).toEqual(expected);

        negatives({ ...graphTensors, pairs: expected }, { ...shape, items });
        const filled = await runKernel(
          gpu(),
          'sample/negatives',
          { ...graphTensors, pairs: drawn.pairs },
          { ...shape, items },
          { invocations: size * slots },
        );
        expect(filled.pairs).toEqual(expected);

        const nodes = Uint32Array.from({ length: users + items }, (_, node) => node);
        const rows = new Uint32Array([nodes.length, users]);
        const fanout = 1 + slots;
        const options = { fanout, layer: step % 3, seed };
        const bindings = { ...graphTensors, nodes, rows };
        const expectedSample = new Uint32Array(nodes.length * fanout);
        neighbours({ ...bindings, sampled: expectedSample }, options);
        const sampled = await runKernel(
          gpu(),
          'sample/neighbours',
          { ...bindings, sampled: new Uint32Array(nodes.length * fanout) },
          options,
          { invocations: nodes.length * fanout },
        );
        expect(sampled.sampled).toEqual(expectedSample);
      },
    ),
    { numRuns: 40 },
  );
});

test('an epoch holds every training edge once, and the next one in another order', async () => {
  await fc.assert(
    fc.asyncProperty(anyGraph, anySeed, async ({ users, edges, offsets, neighbours: columns }, seed) => {
      const epochs = await Promise.all(
        [0, 1].map(async (step) => {
          const bindings = { state: stateAt(step), offsets, neighbours: columns, pairs: new Uint32Array(edges * 2) };
          const { pairs } = await runKernel(
            gpu(),
            'sample/batch',
            bindings,
            { batch: edges, stride: 2, edges, users, seed },
            { invocations: edges },
          );
          return Array.from({ length: edges }, (_, edge) => `${pairs[edge * 2]} ${pairs[edge * 2 + 1]}`);
        }),
      );
      const all: string[] = [];
      for (let user = 0; user < users; user += 1) {
        for (let entry = offsets[user]!; entry < offsets[user + 1]!; entry += 1) all.push(`${user} ${columns[entry]}`);
      }
      for (const epoch of epochs) expect([...epoch].sort()).toEqual([...all].sort());
      if (edges > 20) expect(epochs[0]).not.toEqual(epochs[1]);
    }),
    { numRuns: 20 },
  );
});

test('negatives are uniform over exactly the items without an edge, and NONE where there is none', async () => {
  const users = 2;
  const items = 40;
  const taken = new Set([0, 1, 5, 17, 38, 39]);
  const full = Array.from({ length: items }, (_, item) => [1, item] as const);
  const graph = graphOf(users, items, [...[...taken].map((item) => [0, item] as const), ...full]);
  const size = 4000;
  const stride = 7;
  const pairs = new Uint32Array(size * stride);
  for (let edge = 0; edge < size; edge += 1) pairs[edge * stride] = edge % 2;
  const result = await runKernel(
    gpu(),
    'sample/negatives',
    { state: stateAt(3), offsets: graph.offsets, neighbours: graph.neighbours, pairs },
    { batch: size, stride, users, items, seed: 5 },
    { invocations: size * 5 },
  );
  const counts = new Array<number>(items).fill(0);
  for (let edge = 0; edge < size; edge += 1) {
    for (const node of result.pairs.subarray(edge * stride + 2, (edge + 1) * stride)) {
      if (edge % 2 === 1) expect(node).toBe(NONE);
      else counts[node - users]! += 1;
    }
  }
  const mean = ((size / 2) * 5) / (items - taken.size);
  counts.forEach((count, item) => {
    if (taken.has(item)) expect(count).toBe(0);
    // Six standard deviations of a binomial count.
    else expect(Math.abs(count - mean)).toBeLessThan(6 * Math.sqrt(mean));
  });
});
