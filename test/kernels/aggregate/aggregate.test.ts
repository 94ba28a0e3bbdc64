import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { meanFull } from '../../../src/reference/aggregate/mean_full.js';
import { meanFullBackward } from '../../../src/reference/aggregate/mean_full_backward.js';
import { meanSampled } from '../../../src/reference/aggregate/mean_sampled.js';
import { meanSampledBackward } from '../../../src/reference/aggregate/mean_sampled_backward.js';
import { useGpu } from '../../support/gpu.js';
import { anyGraph, floats } from '../../support/graphs.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();
const NONE = 0xffffffff;

/** A sampled layer: distinct target rows of the source, their draws, and the transposed lists of the backward pass. */
const anySample = fc
  .record({
    sources: fc.integer({ min: 1, max: 40 }),
    fanout: fc.integer({ min: 1, max: 12 }),
    width: fc.integer({ min: 1, max: 40 }).map((columns) => columns * 4),
    seed: fc.nat(),
  })
  .chain((shape) =>
    fc.subarray(Array.from({ length: shape.sources }, (_, row) => row)).chain((targets) =>
      fc
        .array(fc.nat({ max: shape.sources - 1 }), {
          minLength: targets.length * shape.fanout,
          maxLength: targets.length * shape.fanout,
        })
        .map((draws) => ({ ...shape, targets: Uint32Array.from(targets), draws: Uint32Array.from(draws) })),
    ),
  );

function transposed(sources: number, targets: Uint32Array, draws: Uint32Array) {
  const uses: number[][] = Array.from({ length: sources }, () => []);
  draws.forEach((source, position) => {
    uses[source]!.push(position);
  });
  const offsets = new Uint32Array(sources + 1);
  uses.forEach((list, source) => {
    offsets[source + 1] = offsets[source]! + list.length;
  });
  const selfUses = new Uint32Array(sources).fill(NONE);
  targets.forEach((source, row) => {
    selfUses[source] = row;
  });
  return { offsets, order: Uint32Array.from(uses.flat()), uses_of_self: selfUses };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);

describe.each([0, 1])('joint mean: %i', (JOINT) => {
  test('sampled aggregation and its gradient agree with their twins', async () => {
    await fc.assert(
      fc.asyncProperty(anySample, async ({ sources, fanout, width, seed, targets, draws }) => {
        const outputWidth = JOINT ? width : 2 * width;
        const source = floats(sources * width, seed);
        const rows = new Uint32Array([targets.length, 0]);
        const size = targets.length * outputWidth;
        const forward = { source, self_rows: targets, neighbours: draws, rows };
        const expected = new Float64Array(size);
        meanSampled({ ...forward, output: expected }, { width, fanout }, { JOINT });
        const { output } = await runKernel(
          gpu(),
          'aggregate/mean_sampled',
          { ...forward, output: new Float32Array(size) },
          { width, fanout },
          { invocations: (targets.length * width) / 4 + 5 },
          { JOINT },
        );
        expectClose(output, expected);

        const gradient = floats(size, seed + 1);
        const lists = transposed(sources, targets, draws);
        const backward = { output_gradient: gradient, ...lists, rows: new Uint32Array([sources, 0]) };
        const expectedGradient = new Float64Array(sources * width);
        meanSampledBackward({ ...backward, source_gradient: expectedGradient }, { width, fanout }, { JOINT });
        const result = await runKernel(
          gpu(),
          'aggregate/mean_sampled_backward',
          { ...backward, source_gradient: new Float32Array(sources * width) },
          { width, fanout },
          { invocations: (sources * width) / 4 + 5 },
          { JOINT },
        );
        expectClose(result.source_gradient, expectedGradient, { absolute: 1e-5 });
        // The map is linear, so its gradient is its transpose: <A x, g> = <x, Aᵀ g>.
        expect(dot(expected, gradient)).toBeCloseTo(dot(source, expectedGradient), 6);
        expect(dot(output, gradient)).toBeCloseTo(dot(source, result.source_gradient), 1);
      }),
      { numRuns: 30 },
    );
  });

  test('full aggregation and its gradient agree with their twins, isolated nodes included', async () => {
    await fc.assert(
      fc.asyncProperty(anyGraph, fc.integer({ min: 1, max: 20 }), fc.nat(), async (graph, columns, seed) => {
        const width = columns * 4;
        const nodes = graph.users + graph.items;
        const size = nodes * (JOINT ? width : 2 * width);
        const lists = { offsets: graph.offsets, neighbours: graph.neighbours };
        const source = floats(nodes * width, seed);
        const expected = new Float64Array(size);
        meanFull({ source, ...lists, output: expected }, { nodes, width }, { JOINT });
        const { output } = await runKernel(
          gpu(),
          'aggregate/mean_full',
          { source, ...lists, output: new Float32Array(size) },
          { nodes, width },
          { invocations: (nodes * width) / 4 },
          { JOINT },
        );
        expectClose(output, expected);

        const gradient = floats(size, seed + 1);
        const expectedGradient = new Float64Array(nodes * width);
        meanFullBackward(
          { output_gradient: gradient, ...lists, source_gradient: expectedGradient },
          { nodes, width },
          { JOINT },
        );
        const result = await runKernel(
          gpu(),
          'aggregate/mean_full_backward',
          { output_gradient: gradient, ...lists, source_gradient: new Float32Array(nodes * width) },
          { nodes, width },
          { invocations: (nodes * width) / 4 },
          { JOINT },
        );
        expectClose(result.source_gradient, expectedGradient, { absolute: 1e-5 });
        expect(dot(expected, gradient)).toBeCloseTo(dot(source, expectedGradient), 6);
      }),
      { numRuns: 30 },
    );
  });
});
