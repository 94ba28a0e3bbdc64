import fc from 'fast-check';
import { expect, test } from 'vitest';
import { propagate } from '../../../src/reference/aggregate/propagate.js';
import { useGpu } from '../../support/gpu.js';
import { anyColumns, anyGraph, floats } from '../../support/graphs.js';
import { expectClose, runKernel } from '../../support/kernels.js';

const gpu = useGpu();

test.for(['columns', 'lanes'] as const)(
  'a layer of propagation is its twin’s, in the same bytes by %s',
  async (variant, context) => {
    const lanes = variant === 'lanes';
    if (lanes && (gpu().adapter.subgroupSize?.[0] ?? 0) < 8) {
      context.skip('this adapter has no subgroups of eight lanes');
    }
    await fc.assert(
      fc.asyncProperty(
        anyGraph,
        anyColumns,
        fc.constantFrom(1, 0.25),
        async ({ users, items, offsets, neighbours }, columns, factor) => {
          const [nodes, width] = [users + items, 4 * columns];
          const bind = {
            base: floats(nodes * width, 1),
            source: floats(nodes * width, 2),
            norms: floats(nodes, 3),
            offsets,
            neighbours,
            output: new Float32Array(nodes * width).fill(77),
          };
          const parameters = { nodes, width, factor };
          const expected = Float64Array.from(bind.output);
          propagate({ ...bind, output: expected }, parameters);
          const invocations = (nodes * width) / 4;
          const byColumns = await runKernel(gpu(), 'aggregate/propagate', bind, parameters, { invocations });
          expectClose(byColumns.output, expected, { absolute: 1e-5 });
          if (!lanes) return;
          const same = await runKernel(gpu(), 'aggregate/propagate.lanes', bind, parameters, { workgroups: nodes });
          expect([...same.output]).toEqual([...byColumns.output]);
        },
      ),
      { numRuns: 25 },
    );
  },
);
