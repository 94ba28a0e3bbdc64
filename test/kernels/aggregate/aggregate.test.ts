import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { meanFull } from '../../../src/reference/aggregate/mean_full.js';
import { meanFullBackward } from '../../../src/reference/aggregate/mean_full_backward.js';
import { meanSampled } from '../../../src/reference/aggregate/mean_sampled.js';
import { meanSampledBackward } from '../../../src/reference/aggregate/mean_sampled_backward.js';
import { useGpu } from '../../support/gpu.js';
import { anyColumns, anyGraph, floats } from '../../support/graphs.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();
const NONE = 0xffffffff;

/** A sampled layer: distinct target rows of the source, their draws, and the transposed lists of the backward pass. */
const anySample = fc
  .record({
    sources: fc.integer({ min: 1, max: 40 }),
    fanout: fc.integer({ min: 1, max: 12 }),
    width: anyColumns.map((columns) => columns * 4),
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

/** Both variants of every kernel, and what one of them dispatches for rows of a width. */
const VARIANTS = ['', '.lanes'] as const;
type Variant = (typeof VARIANTS)[number];
const sampledSize = (variant: Variant, rows: number, width: number) => ({
  invocations: variant ? rows : (rows * width) / 4,
});
/** Fewer workgroups than there may be rows, which take turns, where the variant has a workgroup for a row. */
const usesSize = (variant: Variant, rows: number, width: number) =>
  variant ? { workgroups: 7 } : sampledSize(variant, rows, width);
const fullSize = (variant: Variant, rows: number, width: number) =>
  variant ? { workgroups: Math.ceil(rows / 16) } : sampledSize(variant, rows, width);
/** Whether rows cannot be summed by the variant. */
const lacksLanes = (variant: Variant) => variant === '.lanes' && (gpu().adapter.subgroupSize?.[0] ?? 0) < 8;

const kinds = [0, 1].flatMap((JOINT) => VARIANTS.map((variant) => [JOINT, variant] as const));

describe.each(kinds)('joint mean: %i, variant "%s"', (JOINT, variant) => {
  test('sampled aggregation and its gradient agree with their twins', async (context) => {
    if (lacksLanes(variant)) context.skip('this adapter has no subgroups of eight lanes');
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
          `aggregate/mean_sampled${variant}`,
          { ...forward, output: new Float32Array(size) },
          { width, fanout },
          sampledSize(variant, targets.length + 5, width),
          { JOINT },
        );
        expectClose(output, expected);

        const gradient = floats(size, seed + 1);
        const lists = transposed(sources, targets, draws);
        const backward = { output_gradient: gradient, ...lists, rows: new Uint32Array([sources, 0]), source };
        const expectedGradient = new Float64Array(sources * width);
        meanSampledBackward({ ...backward, source_gradient: expectedGradient }, { width, fanout }, { JOINT });
        const result = await runKernel(
          gpu(),
          `aggregate/mean_sampled_backward${variant}`,
          { ...backward, source_gradient: new Float32Array(sources * width) },
          { width, fanout },
          usesSize(variant, sources + 5, width),
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

  test('full aggregation and its gradient agree with their twins, isolated nodes included', async (context) => {
    if (lacksLanes(variant)) context.skip('this adapter has no subgroups of eight lanes');
    await fc.assert(
      fc.asyncProperty(anyGraph, anyColumns, fc.nat(), async (graph, columns, seed) => {
        const width = columns * 4;
        const nodes = graph.users + graph.items;
        const size = nodes * (JOINT ? width : 2 * width);
        const lists = { offsets: graph.offsets, neighbours: graph.neighbours };
        const source = floats(nodes * width, seed);
        const expected = new Float64Array(size);
        meanFull({ source, ...lists, output: expected }, { first: 0, nodes, width }, { JOINT });
        const means = async (first: number, count: number, { skip = 0, firstOther = 0 } = {}) => {
          const bind = { source, ...lists, output: new Float32Array((size / nodes) * count) };
          const parameters = { first, nodes: count, width };
          const covered = fullSize(variant, count + 5, width);
          if (!variant)
            return (await runKernel(gpu(), 'aggregate/mean_full', bind, parameters, covered, { JOINT })).output;
          const { output } = await runKernel(
            gpu(),
            'aggregate/mean_full.lanes',
            { ...bind, others: source.subarray(firstOther * width) },
            { ...parameters, skip, others_begin: (firstOther * width) / 4 },
            covered,
            { JOINT },
          );
          return output;
        };
        const output = await means(0, nodes);
        expectClose(output, expected);
        const first = seed % nodes;
        const count = Math.ceil((nodes - first) / 2);
        const row = size / nodes;
        expect(await means(first, count)).toEqual(output.subarray(first * row, (first + count) * row));
        if (variant) {
          // Of all users but the first, from the items' rows alone.
          const users = await means(0, graph.users, { skip: 1, firstOther: graph.users });
          expect(users.subarray(0, row)).toEqual(new Float32Array(row));
          expect(users.subarray(row)).toEqual(output.subarray(row, graph.users * row));
        }

        const gradient = floats(size, seed + 1);
        const expectedGradient = new Float64Array(nodes * width);
        meanFullBackward(
          { output_gradient: gradient, ...lists, source, source_gradient: expectedGradient },
          { nodes, width },
          { JOINT },
        );
        const result = await runKernel(
          gpu(),
          `aggregate/mean_full_backward${variant}`,
          { output_gradient: gradient, ...lists, source, source_gradient: new Float32Array(nodes * width) },
          { nodes, width },
          fullSize(variant, nodes, width),
          { JOINT },
        );
        expectClose(result.source_gradient, expectedGradient, { absolute: 1e-5 });
        expect(dot(expected, gradient)).toBeCloseTo(dot(source, expectedGradient), 6);
      }),
      { numRuns: 30 },
    );
  });

  test('joint means over whole neighbourhoods are activated, others are not', async (context) => {
    if (lacksLanes(variant)) context.skip('this adapter has no subgroups of eight lanes');
    await fc.assert(
      fc.asyncProperty(
        anyGraph,
        fc.constantFrom(4, 36, 68),
        fc.constantFrom(1, 2),
        async (graph, width, ACTIVATION) => {
          const nodes = graph.users + graph.items;
          const size = nodes * (JOINT ? width : 2 * width);
          const bind = { source: floats(nodes * width, nodes), offsets: graph.offsets, neighbours: graph.neighbours };
          const parameters = { first: 0, nodes, width };
          const constants = { JOINT, ...(JOINT && { ACTIVATION }) };
          const expected = new Float64Array(size);
          meanFull({ ...bind, output: expected }, parameters, constants);
          const { output } = await runKernel(
            gpu(),
            `aggregate/mean_full${variant}`,
            { ...bind, ...(variant && { others: bind.source }), output: new Float32Array(size) },
            { ...parameters, ...(variant && { skip: 0, others_begin: 0 }) },
            fullSize(variant, nodes, width),
            constants,
          );
          expectClose(output, expected);
        },
      ),
      { numRuns: 15 },
    );
  });

  test('gradients go past the activation that gave the source, whose values are read by row', async (context) => {
    if (lacksLanes(variant)) context.skip('this adapter has no subgroups of eight lanes');
    await fc.assert(
      fc.asyncProperty(anySample, fc.constantFrom(1, 2), async (sample, ACTIVATION) => {
        const { sources, fanout, width, seed, targets, draws } = sample;
        const source = floats(sources * width, seed);
        const constants = { JOINT, ACTIVATION };
        const outputWidth = JOINT ? width : 2 * width;
        const sampled = {
          output_gradient: floats(targets.length * outputWidth, seed + 1),
          ...transposed(sources, targets, draws),
          rows: new Uint32Array([sources, 0]),
          source,
          source_gradient: new Float32Array(sources * width),
        };
        const expected = new Float64Array(sources * width);
        meanSampledBackward({ ...sampled, source_gradient: expected }, { width, fanout }, constants);
        const ofSample = await runKernel(
          gpu(),
          `aggregate/mean_sampled_backward${variant}`,
          sampled,
          { width, fanout },
          usesSize(variant, sources, width),
          constants,
        );
        expectClose(ofSample.source_gradient, expected, { absolute: 1e-5 });

        // The same draws as a graph: every source's list is its draws, which need not be symmetric here.
        const offsets = Uint32Array.from({ length: sources + 1 }, (_, row) =>
          Math.floor((row * draws.length) / sources),
        );
        const full = {
          output_gradient: floats(sources * outputWidth, seed + 2),
          offsets,
          neighbours: draws.length ? draws : new Uint32Array(1),
          source,
          source_gradient: new Float32Array(sources * width),
        };
        const parameters = { nodes: sources, width };
        const [columns, lanes] = await Promise.all(
          VARIANTS.filter((each) => !lacksLanes(each)).map((each) =>
            runKernel(
              gpu(),
              `aggregate/mean_full_backward${each}`,
              full,
              parameters,
              fullSize(each, sources, width),
              constants,
            ),
          ),
        );
        if (lanes) expect(lanes.source_gradient).toEqual(columns!.source_gradient);
      }),
      { numRuns: 20 },
    );
  });
});
