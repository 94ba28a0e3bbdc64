import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adam } from '../../../src/reference/optim/adam.js';
import { adamCatchUp } from '../../../src/reference/optim/adam_catch_up.js';
import { adamMade } from '../../../src/reference/optim/adam_made.js';
import { adamRows } from '../../../src/reference/optim/adam_rows.js';
import { adamTable } from '../../../src/reference/optim/adam_table.js';
import { useGpu } from '../../support/gpu.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();

const settings = fc
  .record({
    beta1: fc.constantFrom(0, 0.9, 0.5).map(Math.fround),
    beta2: fc.constantFrom(0, 0.999, 0.9).map(Math.fround),
    epsilon: fc.constantFrom(1e-8, 1e-3).map(Math.fround),
    weight_decay: fc.constantFrom(0, 0.01).map(Math.fround),
  })
  // Where weight decay cancels a gradient, its rounding error is all that β2 = 0 would divide by.
  .map((drawn) => (drawn.weight_decay > 0 && drawn.beta2 === 0 ? { ...drawn, beta2: 0.5 } : drawn));

/** Values in [-1, 1) that depend on `seed` alone. */
const noise = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, at) => Math.sin((at + 1) * 12.9898 + seed * 78.233) % 1);

const squares = (values: Float32Array<ArrayBuffer>) => values.map((value) => value * value);

/** A schedule in which the row of `step` alone is right. */
function clock(step: number) {
  const schedule = new Float32Array((step + 2) * 4).fill(1e6);
  schedule.set([1e6, 0.01, 1.7, 1e6], step * 4);
  return { state: Uint32Array.of(step, 9, 9, 9), schedule };
}

const copies = (values: Record<'parameter' | 'first_moment' | 'second_moment', Float32Array<ArrayBuffer>>) => ({
  parameter: Float64Array.from(values.parameter),
  first_moment: Float64Array.from(values.first_moment),
  second_moment: Float64Array.from(values.second_moment),
});

const tolerance = { absolute: 1e-7, relative: 5e-6 };
function expectSame(
  got: Record<'parameter' | 'first_moment' | 'second_moment', ArrayLike<number>>,
  expected: Record<'parameter' | 'first_moment' | 'second_moment', ArrayLike<number>>,
) {
  expectClose(got.first_moment, expected.first_moment, tolerance, 'first moment');
  expectClose(got.second_moment, expected.second_moment, tolerance, 'second moment');
  // Parameters are up to 1 before the step: what is left of one after it has the rounding of that.
  expectClose(got.parameter, expected.parameter, { ...tolerance, absolute: 1e-6 }, 'parameter');
}

describe.each(['optim/adam', 'optim/adam.vec4'] as const)('%s', (name) => {
  const unit = name === 'optim/adam' ? 1 : 4;

  test('makes the step of the definition, in the first `count` elements alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        fc.nat(5),
        fc.nat(1000),
        settings,
        async (units, step, seed, drawn) => {
          const count = units * unit;
          const length = count + 4;
          const bind = {
            parameter: noise(length, seed),
            gradient: noise(length, seed + 1).map((value, at) => (at % 5 === 0 ? 0 : value)),
            first_moment: noise(length, seed + 2),
            second_moment: squares(noise(length, seed + 3)),
            ...clock(step),
          };
          const parameters = { count, ...drawn };
          const expected = copies(bind);
          adam({ ...bind, ...expected }, parameters);
          const got = await runKernel(gpu(), name, bind, parameters, { invocations: units });
          expectSame(got, expected);
        },
      ),
      { numRuns: 25 },
    );
  });
});

/** Random tables with a set of active nodes, as bitmap and ranks and as a list. */
const tables = fc
  .record({
    nodes: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(31, 32, 33, 64)),
    quads: fc.integer({ min: 1, max: 8 }),
    density: fc.constantFrom(0, 0.1, 0.5, 1),
    seed: fc.nat(1000),
    step: fc.nat(3),
  })
  .map(({ nodes, quads, density, seed, step }) => {
    const width = quads * 4;
    const chance = noise(nodes, seed + 5);
    const active = [...Array(nodes).keys()].filter((node) => Math.abs(chance[node]!) <= density && density > 0);
    const words = Math.ceil(nodes / 32);
    const bits = new Uint32Array(words);
    for (const node of active) bits[node >> 5]! |= 1 << (node & 31);
    const ranks = Uint32Array.from(
      { length: words + 1 },
      (_, word) => active.filter((node) => node < word * 32).length,
    );
    // Room for more rows than are active, full of numbers that must not be used.
    const gradient = noise((active.length + 2) * width, seed + 4).fill(1e9, active.length * width);
    return {
      nodes,
      width,
      active,
      bits,
      ranks,
      gradient,
      tables: {
        parameter: noise(nodes * width, seed),
        first_moment: noise(nodes * width, seed + 2),
        second_moment: squares(noise(nodes * width, seed + 3)),
      },
      ...clock(step),
    };
  });

describe.each(['optim/adam_table', 'optim/adam_table.lanes'] as const)('%s', (name) => {
  const invocations = (nodes: number, width: number) => (name === 'optim/adam_table' ? (nodes * width) / 4 : nodes);

  test('makes the step of the definition', async () => {
    await fc.assert(
      fc.asyncProperty(tables, settings, async (example, drawn) => {
        const { nodes, width, bits, ranks, gradient, state, schedule } = example;
        const bind = { ...example.tables, gradient, bits, ranks, state, schedule };
        const parameters = { nodes, width, ...drawn };
        const expected = copies(bind);
        adamTable({ ...bind, ...expected }, parameters);
        const size = { invocations: invocations(nodes, width) };
        expectSame(await runKernel(gpu(), name, bind, parameters, size), expected);
      }),
      { numRuns: 30 },
    );
  });

  test('is dense Adam on the scattered gradient, to the last bit', async () => {
    await fc.assert(
      fc.asyncProperty(tables, settings, async (example, drawn) => {
        const { nodes, width, active, bits, ranks, gradient, state, schedule } = example;
        const count = nodes * width;
        const scattered = new Float32Array(count);
        active.forEach((node, row) => {
          scattered.set(gradient.subarray(row * width, (row + 1) * width), node * width);
        });
        const size = { invocations: count / 4 };
        const dense = await runKernel(
          gpu(),
          'optim/adam.vec4',
          { ...example.tables, gradient: scattered, state, schedule },
          { count, ...drawn },
          size,
        );
        const sparse = await runKernel(
          gpu(),
          name,
          { ...example.tables, gradient, bits, ranks, state, schedule },
          { nodes, width, ...drawn },
          { invocations: invocations(nodes, width) },
        );
        for (const what of ['parameter', 'first_moment', 'second_moment'] as const) {
          expect([...sparse[what]], what).toEqual([...dense[what]]);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe.each(['optim/adam_rows', 'optim/adam_rows.lanes'] as const)('%s', (name) => {
  test('makes the step of the definition in the active rows and leaves all others', async () => {
    await fc.assert(
      fc.asyncProperty(tables, settings, async (example, drawn) => {
        const { width, active, gradient, state, schedule } = example;
        const maxRows = active.length + 2;
        const bind = {
          ...example.tables,
          gradient,
          nodes: Uint32Array.from({ length: maxRows }, (_, row) => active[row] ?? 0),
          rows: Uint32Array.of(active.length, 0),
          state,
          schedule,
        };
        const parameters = { width, ...drawn };
        const expected = copies(bind);
        adamRows({ ...bind, ...expected }, parameters);
        const size = { invocations: name === 'optim/adam_rows' ? (maxRows * width) / 4 : maxRows };
        const got = await runKernel(gpu(), name, bind, parameters, size);
        expectSame(got, expected);
        for (let node = 0; node < example.nodes; node += 1) {
          if (active.includes(node)) continue;
          const row = (values: Float32Array) => [...values.subarray(node * width, (node + 1) * width)];
          expect(row(got.parameter)).toEqual(row(bind.parameter));
          expect(row(got.second_moment)).toEqual(row(bind.second_moment));
        }
      }),
      { numRuns: 30 },
    );
  });
});

/** The rows of an example as a list, or as the whole table; and steps that each row has made, some of them all. */
const listOf = ({ nodes, active }: { nodes: number; active: number[] }, ALL: number) => ({
  nodes: Uint32Array.from({ length: active.length + 2 }, (_, row) => active[row] ?? 0),
  rows: Uint32Array.of(ALL ? nodes : active.length, 0),
});

describe.each([0, 1])('rows that missed steps, ALL = %i', (ALL) => {
  test('optim/adam_catch_up makes them as the definition does, and reads and writes nothing of other rows', async () => {
    await fc.assert(
      fc.asyncProperty(tables, settings, fc.constantFrom(1, 3, 300), async (example, drawn, longest) => {
        // Weight decay for long, without a gradient, is a race of rounding errors about 0.
        const end = drawn.weight_decay > 0 ? Math.min(longest, 3) : longest;
        const { nodes, width, active } = example;
        const made = Uint32Array.from({ length: nodes }, (_, node) => (node * 5) % (end + 1));
        const bind = {
          ...example.tables,
          // Rows that never had a gradient.
          first_moment: example.tables.first_moment.map((value, at) => (Math.floor(at / width) % 4 ? value : 0)),
          second_moment: example.tables.second_moment.map((value, at) => (Math.floor(at / width) % 4 ? value : 0)),
          made,
          ...listOf(example, ALL),
          state: Uint32Array.of(end, 9, 9, 9),
          schedule: noise(end * 4, 3).map((value) => Math.abs(value) + 0.01),
        };
        const parameters = { width, ...drawn };
        const expected = copies(bind);
        adamCatchUp({ ...bind, ...expected }, parameters, { ALL });
        const size = { invocations: ((ALL ? nodes : active.length + 2) * width) / 4 };
        const got = await runKernel(gpu(), 'optim/adam_catch_up', bind, parameters, size, { ALL });
        const wide = { absolute: 1e-5, relative: 1e-4 };
        expectClose(got.first_moment, expected.first_moment, wide, 'first moment');
        expectClose(got.second_moment, expected.second_moment, wide, 'second moment');
        expectClose(got.parameter, expected.parameter, { absolute: 1e-3, relative: 1e-4 }, 'parameter');
        for (let node = 0; node < nodes; node += 1) {
          if (made[node] !== end && (ALL || active.includes(node))) continue;
          const row = (values: Float32Array) => [...values.subarray(node * width, (node + 1) * width)];
          expect(row(got.parameter)).toEqual(row(bind.parameter));
          expect(row(got.second_moment)).toEqual(row(bind.second_moment));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('optim/adam_made notes the step for these rows alone', async () => {
    await fc.assert(
      fc.asyncProperty(tables, fc.nat({ max: 1 }), async (example, AHEAD) => {
        const { nodes, active } = example;
        const bind = {
          ...listOf(example, ALL),
          state: Uint32Array.of(41, 9, 9, 9),
          made: new Uint32Array(nodes).fill(7),
        };
        const expected = Array.from(bind.made);
        adamMade({ ...bind, made: expected }, {}, { ALL, AHEAD });
        const size = { invocations: ALL ? nodes : active.length + 2 };
        const { made } = await runKernel(gpu(), 'optim/adam_made', bind, {}, size, { ALL, AHEAD });
        expect([...made]).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });
});

test('optim/advance counts steps and touches nothing else', async () => {
  const { state } = await runKernel(
    gpu(),
    'optim/advance',
    { state: Uint32Array.of(41, 5, 6, 7) },
    {},
    { workgroups: 1 },
  );
  expect([...state]).toEqual([42, 5, 6, 7]);
});
