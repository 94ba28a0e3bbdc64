import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NONE } from '../../../src/reference/lib/none.js';
import { add } from '../../../src/reference/reduce/add.js';
import { parts as addParts } from '../../../src/reference/reduce/parts.js';
import { gather } from '../../../src/reference/rows/gather.js';
import { scatter } from '../../../src/reference/rows/scatter.js';
import { useGpu } from '../../support/gpu.js';
import { floats } from '../../support/graphs.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();

const cases = fc
  .record({
    table: fc.integer({ min: 1, max: 60 }),
    width: fc.integer({ min: 1, max: 17 }).map((quads) => quads * 4),
    unused: fc.nat(3),
  })
  .chain(({ table, ...rest }) =>
    fc.record({
      ...Object.fromEntries(Object.entries({ table, ...rest }).map(([name, value]) => [name, fc.constant(value)])),
      nodes: fc.uniqueArray(fc.nat(table - 1), { minLength: 1, maxLength: table }),
      missing: fc.nat(8),
    }),
  ) as fc.Arbitrary<{ table: number; width: number; unused: number; nodes: number[]; missing: number }>;

test.each([
  ['rows/gather', gather],
  ['rows/scatter', scatter],
] as const)('%s copies the rows that are named and leaves the others', async (kernel, twin) => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ table, width, unused, nodes, missing }) => {
      const list = Uint32Array.from(nodes, (node, at) => (at === missing ? NONE : node));
      const [from, to] = kernel === 'rows/gather' ? [table, list.length] : [list.length, table];
      const bind = {
        source: floats(from * width, 1),
        nodes: list,
        rows: Uint32Array.of(Math.max(0, list.length - unused), 0),
        output: new Float32Array(to * width).fill(77),
      };
      const expected = Float64Array.from(bind.output);
      twin({ ...bind, output: expected }, { width });
      const size = { invocations: (list.length * width) / 4 };
      const { output } = await runKernel(gpu(), kernel, bind, { width }, size);
      expect([...output]).toEqual([...expected]);
    }),
    { numRuns: 20 },
  );
});

test('parts are added up, whatever their number, and nothing beyond the count is written', async () => {
  for (const [parts, count] of [
    [1, 4],
    [2, 260],
    [17, 64],
  ] as const) {
    const bind = { partial: floats(parts * count, 3), sum: new Float32Array(count + 4).fill(9) };
    const expected = bind.sum.slice();
    addParts({ partial: bind.partial, sum: expected }, { parts, count });
    const { sum } = await runKernel(gpu(), 'reduce/parts', bind, { parts, count }, { invocations: count / 4 });
    expectClose(sum, expected, { absolute: 1e-6, relative: 1e-6 }, 'sum');
  }
});

test('a sum is added to up to its count', async () => {
  for (const count of [0, 4, 260]) {
    const bind = { addend: floats(264, 1), sum: floats(264, 2) };
    const expected = bind.sum.slice();
    add({ addend: bind.addend, sum: expected }, { count });
    const { sum } = await runKernel(gpu(), 'reduce/add', bind, { count }, { invocations: Math.max(1, count / 4) });
    expect([...sum]).toEqual([...expected]);
  }
});
