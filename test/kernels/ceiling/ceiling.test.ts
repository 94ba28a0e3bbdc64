import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copy } from '../../../src/reference/ceiling/copy.js';
import { logic } from '../../../src/reference/ceiling/logic.js';
import { words } from '../../../src/selftest/case.js';
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
