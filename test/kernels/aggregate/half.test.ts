import fc from 'fast-check';
import { expect, test } from 'vitest';
import { meanFullHalf } from '../../../src/reference/aggregate/mean_full_half.js';
import { packedWidth, packHalf } from '../../../src/reference/aggregate/pack_half.js';
import { halfValue } from '../../../src/reference/lib/half.js';
import { useGpu } from '../../support/gpu.js';
import { anyColumns, anyGraph, floats, graphOf } from '../../support/graphs.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();
/** Whether rows cannot be summed by lanes. */
const lacksLanes = () => (gpu().adapter.subgroupSize?.[0] ?? 0) < 8;

/** Packed rows, and room for one that stays unwritten, by the kernel and by its twin. */
async function pack(source: Float32Array, rows: number, width: number): Promise<[words: number[], expected: number[]]> {
  const octets = (rows + 1) * Math.ceil(width / 8);
  const unwritten = new Uint32Array((rows + 1) * packedWidth(width)).fill(7);
  const parameters = { rows, width };
  const bind = { source, packed: unwritten };
  const { packed } = await runKernel(gpu(), 'aggregate/pack_half', bind, parameters, { invocations: octets });
  const expected = [...unwritten];
  packHalf({ source, packed: expected }, parameters);
  return [[...packed], expected];
}

test('floats of all kinds become the nearest halves, bit by bit', async () => {
  const bits = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const value = fc.oneof(
    fc.float({ noNaN: true }),
    fc.float({ min: Math.fround(-1.5), max: Math.fround(1.5) }),
    // Halves, ties between two of them, and what is a bit off a tie.
    bits.map((word) => halfValue(word & 0x7bff)),
    bits.map((word) => halfValue(word & 0x7bff) + halfValue(word & 0x7c00) * 2 ** -11),
    bits.map((word) => halfValue(word & 0xfbff) * (1 + 2 ** -11 + 2 ** -23)),
    bits.map((word) => (word % 4096) * 2 ** -25),
    fc.constantFrom(0, -0, 65504, 65520, -65536, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN),
  );
  const tables = fc
    .record({ rows: fc.nat(20), columns: fc.integer({ min: 1, max: 7 }) })
    .chain(({ rows, columns }) =>
      fc
        .array(value, { minLength: rows * columns * 4, maxLength: rows * columns * 4 })
        .map((values) => ({ rows, width: columns * 4, source: Float32Array.from(values) })),
    );
  await fc.assert(
    fc.asyncProperty(tables, async ({ source, rows, width }) => {
      const [words, expected] = await pack(source, rows, width);
      expect(words).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test('no finite value turns infinite, and none that is not finite is hidden', async () => {
  const source = Float32Array.of(
    ...[65520, -3e38, 1e5, -65504],
    ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1],
  );
  const [words] = await pack(source, 1, 8);
  const values = words.slice(0, 4).flatMap((word) => [halfValue(word & 0xffff), halfValue(word >>> 16)]);
  expect(values).toEqual([
    ...[65504, -65504, 65504, -65504],
    ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1],
  ]);
});

test.each([0, 1])('means of halves agree with their twin, isolated nodes included; joint: %i', async (JOINT) => {
  const edgeless = fc.constantFrom(graphOf(1, 1, []), graphOf(7, 30, []));
  const graphs = fc.oneof({ weight: 5, arbitrary: anyGraph }, edgeless);
  await fc.assert(
    fc.asyncProperty(graphs, anyColumns, fc.nat(), async (graph, columns, seed) => {
      const width = columns * 4;
      const nodes = graph.users + graph.items;
      const first = seed % nodes;
      const count = Math.ceil((nodes - first) / (1 + (seed % 2)));
      const size = count * (JOINT ? width : 2 * width);
      const parameters = { first, nodes: count, width };
      const source = new Uint32Array(nodes * packedWidth(width));
      packHalf({ source: floats(nodes * width, seed), packed: source }, { rows: nodes, width });
      const lists = { offsets: graph.offsets, neighbours: graph.edges ? graph.neighbours : new Uint32Array(1) };
      const expected = new Float64Array(size + 4).fill(-777);
      const constants = { JOINT, ...(JOINT && { ACTIVATION: seed % 3 }) };
      meanFullHalf({ source, ...lists, output: expected }, parameters, constants);
      const { output } = await runKernel(
        gpu(),
        'aggregate/mean_full_half',
        { source, ...lists, output: new Float32Array(size + 4).fill(-777) },
        parameters,
        { invocations: (count * packedWidth(width)) / 4 + 5 },
        constants,
      );
      expectClose(output, expected);
      if (lacksLanes()) return;
      // All rows but the first, from all rows but the first.
      const others = new Float32Array(source.buffer).subarray(packedWidth(width));
      const later = Uint32Array.from(lists.neighbours, (node) => Math.max(node, 1));
      const bind = { source, ...lists, neighbours: later };
      const ofLanes = { ...parameters, skip: 1, others_begin: packedWidth(width) / 4 };
      const blank = () => new Float32Array(size + 4).fill(-777);
      const [columnwise, lanes] = [
        await runKernel(
          gpu(),
          'aggregate/mean_full_half',
          { ...bind, output: blank() },
          parameters,
          { invocations: (count * packedWidth(width)) / 4 },
          constants,
        ),
        await runKernel(
          gpu(),
          'aggregate/mean_full_half.lanes',
          { ...bind, others, output: blank() },
          ofLanes,
          { workgroups: count + 5 },
          constants,
        ),
      ];
      const row = size / count;
      expect(lanes.output.subarray(0, row)).toEqual(blank().subarray(0, row));
      expect(lanes.output.subarray(row)).toEqual(columnwise.output.subarray(row));
    }),
    { numRuns: 40 },
  );
});
