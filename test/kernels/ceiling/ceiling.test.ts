import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copy } from '../../../src/reference/ceiling/copy.js';
import { gather } from '../../../src/reference/ceiling/gather.js';
import { logic } from '../../../src/reference/ceiling/logic.js';
import { multiply_add } from '../../../src/reference/ceiling/multiply_add.js';
import { popcount } from '../../../src/reference/ceiling/popcount.js';
import { below, floats, words } from '../../../src/selftest/case.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

test('chains of full adders, none, one and many, and nothing past the count', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(150), fc.nat(9), fc.nat(1000), async (count, rounds, seed) => {
      const bind = { start: words((count + 1) * 12, seed), finish: new Uint32Array((count + 1) * 12).fill(7) };
      const expected = bind.finish.slice();
      logic({ start: bind.start, finish: expected }, { count, rounds });
      const { finish } = await runKernel(gpu(), 'ceiling/logic', bind, { count, rounds }, { invocations: count });
      expect(finish).toEqual(expected);
    }),
    { numRuns: 20 },
  );
});

test.each([0, 1])('a copy of every vector and of nothing past the last (ADJACENT %i)', async (ADJACENT) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(700), fc.integer({ min: 1, max: 9 }), fc.nat(1000), async (quads, SPAN, seed) => {
      const bind = { source: words((quads + 1) * 4, seed), copied: new Uint32Array((quads + 1) * 4).fill(7) };
      const expected = bind.copied.slice();
      copy({ source: bind.source, copied: expected }, { quads });
      const size = { workgroups: Math.ceil(quads / (32 * SPAN)) };
      const constants = { WORKGROUP: 32, SPAN, ADJACENT };
      const { copied } = await runKernel(gpu(), 'ceiling/copy', bind, { quads }, size, constants);
      expect(copied).toEqual(expected);
    }),
    { numRuns: 20 },
  );
});

test.each([0, 1])('chains of products and sums, none, one and many (FUSED %i)', async (FUSED) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(150), fc.nat(9), fc.nat(1000), async (count, rounds, seed) => {
      const bind = { start: floats((count + 1) * 12, seed), finish: new Float32Array((count + 1) * 12).fill(7) };
      const expected = Float64Array.from(bind.finish);
      const parameters = { count, rounds, factor: -0.75, term: 0.5 };
      multiply_add({ start: bind.start, finish: expected }, parameters);
      const size = { invocations: count };
      const { finish } = await runKernel(gpu(), 'ceiling/multiply_add', bind, parameters, size, { FUSED });
      // The factor is below 1, so that rounding errors do not grow with the rounds.
      for (const [index, value] of expected.entries()) {
        expect(Math.abs(finish[index]! - value), `finish[${index}]`).toBeLessThan(2e-6);
      }
    }),
    { numRuns: 20 },
  );
});

test('chains of popcounts, none, one and many', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(150), fc.nat(9), fc.nat(1000), async (count, rounds, seed) => {
      const bind = { start: words((count + 1) * 8, seed), finish: new Uint32Array((count + 1) * 8).fill(7) };
      const expected = bind.finish.slice();
      popcount({ start: bind.start, finish: expected }, { count, rounds });
      const { finish } = await runKernel(gpu(), 'ceiling/popcount', bind, { count, rounds }, { invocations: count });
      expect(finish).toEqual(expected);
    }),
    { numRuns: 20 },
  );
});

test.each([0, 1])('sums of rows from anywhere, and nothing past the last entry (ADJACENT %i)', async (ADJACENT) => {
  const draw = [fc.nat(60), fc.integer({ min: 1, max: 5 }), fc.nat(6), fc.nat(1000)] as const;
  await fc.assert(
    fc.asyncProperty(...draw, async (count, quads, each, seed) => {
      const rows = 1 + (seed % 40);
      const bind = {
        table: words(rows * quads * 4, seed),
        indices: below((count + 1) * each, rows, seed + 1),
        gathered: new Uint32Array((count + 1) * quads * 4).fill(7),
      };
      const expected = bind.gathered.slice();
      gather({ table: bind.table, indices: bind.indices, gathered: expected }, { count, quads, each });
      const size = { invocations: count * quads };
      const constants = { ADJACENT };
      const { gathered } = await runKernel(gpu(), 'ceiling/gather', bind, { count, quads, each }, size, constants);
      expect(gathered).toEqual(expected);
    }),
    { numRuns: 20 },
  );
});
