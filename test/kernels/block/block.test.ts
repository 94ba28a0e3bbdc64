import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compact } from '../../../src/reference/block/compact.js';
import { locate } from '../../../src/reference/block/locate.js';
import { mark } from '../../../src/reference/block/mark.js';
import { exclusive } from '../../../src/reference/scan/exclusive.js';
import { useGpu } from '../../support/gpu.js';
import { anyNodeList } from '../../support/graphs.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

const anyCase = fc
  .integer({ min: 1, max: 700 })
  .chain((nodes) => fc.record({ nodes: fc.constant(nodes), users: fc.nat({ max: nodes }), list: anyNodeList(nodes) }));

test('marking, listing and locating nodes agree with their twins, boundaries between users and items included', async () => {
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ nodes, users, list: { list, stride, rows } }) => {
      const words = Math.ceil(nodes / 32);
      const entries = rows[0]! * stride;
      const bits = new Uint32Array(words);
      mark({ nodes: list, rows, bits }, { stride });
      const marked = await runKernel(
        gpu(),
        'block/mark',
        { nodes: list, rows, bits: new Uint32Array(words) },
        { stride },
        { invocations: list.length },
      );
      expect(marked.bits).toEqual(bits);

      const ranks = new Uint32Array(words + 1);
      exclusive({ values: bits, sums: ranks }, { count: words }, { POPCOUNT: 1 });
      const expected = { nodes: new Uint32Array(nodes), rows: new Uint32Array(2) };
      compact({ bits, ranks, ...expected }, { words, users });
      const listed = await runKernel(
        gpu(),
        'block/compact',
        { bits, ranks, nodes: new Uint32Array(nodes), rows: new Uint32Array(2) },
        { words, users },
        { invocations: words },
      );
      expect(listed.rows).toEqual(expected.rows);
      expect(listed.nodes).toEqual(expected.nodes);

      // Odd nodes only, so that some listed nodes are no members.
      const half = bits.map((word) => word & 0xaaaaaaaa);
      const halfRanks = new Uint32Array(words + 1);
      exclusive({ values: half, sums: halfRanks }, { count: words }, { POPCOUNT: 1 });
      const places = new Uint32Array(list.length).fill(7);
      const expectedPlaces = places.slice();
      locate({ nodes: list, rows, bits: half, ranks: halfRanks, places: expectedPlaces }, { stride });
      const located = await runKernel(
        gpu(),
        'block/locate',
        { nodes: list, rows, bits: half, ranks: halfRanks, places },
        { stride },
        { invocations: list.length },
      );
      expect(located.places).toEqual(expectedPlaces);
      expect([...located.places.subarray(entries)].every((place) => place === 7)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('the boundary may lie at the very end of the bitmap', async () => {
  const bits = new Uint32Array([0xffffffff, 0xffffffff]);
  const { rows } = await runKernel(
    gpu(),
    'block/compact',
    { bits, ranks: new Uint32Array([0, 32, 64]), nodes: new Uint32Array(64), rows: new Uint32Array(2) },
    { words: 2, users: 64 },
    { invocations: 2 },
  );
  expect([...rows]).toEqual([64, 64]);
});
