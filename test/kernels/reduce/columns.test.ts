import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columns } from '../../../src/reference/reduce/columns.js';
import { useGpu } from '../../support/gpu.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();

test('every column sums into its ring row, the chosen ones into their own tensor, the rest is untouched', async () => {
  const cases = fc.record({
    count: fc.oneof(fc.nat(40), fc.constantFrom(0, 1, 255, 256, 257, 4097)),
    width: fc.integer({ min: 1, max: 16 }),
    capacity: fc.integer({ min: 1, max: 5 }),
    step: fc.nat(20),
    first: fc.nat(16),
    chosen: fc.nat(16),
    seed: fc.nat(1000),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ count, width, capacity, step, first, chosen, seed }) => {
      const chosen_first = first % width;
      const chosen_count = chosen % (width - chosen_first + 1);
      const parameters = { count, columns: width, capacity, chosen_first, chosen_count };
      const bind = {
        table: Float32Array.from({ length: count * width }, (_, at) => Math.sin(at * 1.7 + seed) + 0.2),
        state: Uint32Array.of(step, 0, 0, 0),
        ring: new Float32Array(capacity * width).fill(7),
        chosen: new Float32Array(chosen_count + 1).fill(8),
      };
      const expected = { ring: Float64Array.from(bind.ring), chosen: Float64Array.from(bind.chosen) };
      columns({ ...bind, ...expected }, parameters);
      const got = await runKernel(gpu(), 'reduce/columns', bind, parameters, { workgroups: 1 });
      expectClose(got.ring, expected.ring, { absolute: 1e-5 }, 'sum');
      expectClose(got.chosen, expected.chosen, { absolute: 1e-5 }, 'chosen sum');
    }),
    { numRuns: 40 },
  );
});

test('a hundred thousand rows sum to seven digits, to the same bytes every time', async () => {
  const count = 100_003;
  const table = Float32Array.from({ length: count * 4 }, (_, at) => 0.1 + (at % 13) / 7);
  const run = () =>
    runKernel(
      gpu(),
      'reduce/columns',
      { table, state: Uint32Array.of(0, 0, 0, 0), ring: new Float32Array(4), chosen: new Float32Array(1) },
      { count, columns: 4, capacity: 1, chosen_first: 0, chosen_count: 0 },
      { workgroups: 1 },
    );
  const expected = new Float64Array(4);
  for (let at = 0; at < table.length; at += 1) expected[at % 4] = expected[at % 4]! + table[at]!;
  const { ring } = await run();
  expectClose(ring, expected, { absolute: 0, relative: 3e-7 });
  expect([...(await run()).ring]).toEqual([...ring]);
});
