import fc from 'fast-check';
import { expect, test } from 'vitest';
import { count } from '../../../src/reference/group/count.js';
import { place } from '../../../src/reference/group/place.js';
import { sort } from '../../../src/reference/group/sort.js';
import { exclusive } from '../../../src/reference/scan/exclusive.js';
import { useGpu } from '../../support/gpu.js';
import { anyNodeList } from '../../support/graphs.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

/** Groups a list on the device and by the twins, kernel by kernel. */
async function check(keyCount: number, keys: Uint32Array<ArrayBuffer>, stride: number, rows: Uint32Array<ArrayBuffer>) {
  const counts = new Uint32Array(keyCount);
  const expectedCounts = counts.slice();
  count({ keys, rows, counts: expectedCounts }, { stride });
  const size = { invocations: keys.length };
  const counted = await runKernel(gpu(), 'group/count', { keys, rows, counts }, { stride }, size);
  expect(counted.counts).toEqual(expectedCounts);

  const offsets = new Uint32Array(keyCount + 1);
  exclusive({ values: expectedCounts, sums: offsets }, { count: keyCount });
  const order = new Uint32Array(offsets[keyCount]!);
  const expected = order.slice();
  place({ keys, rows, cursors: offsets.slice(), order: expected }, { stride });
  const placed = await runKernel(gpu(), 'group/place', { keys, rows, cursors: offsets, order }, { stride }, size);
  sort({ offsets, order: expected }, { keys: keyCount });
  const sorted = await runKernel(
    gpu(),
    'group/sort',
    { offsets, order: placed.order },
    { keys: keyCount },
    { invocations: keyCount },
  );
  expect(sorted.order).toEqual(expected);
}

test('positions are grouped by key and ascend within a group', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }).chain((keys) => fc.tuple(fc.constant(keys), anyNodeList(keys))),
      async ([keyCount, { list, stride, rows }]) => check(keyCount, list, stride, rows),
    ),
    { numRuns: 40 },
  );
});

test('groups of any length are sorted, whatever order they come in', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uniqueArray(fc.nat({ max: 5000 }), { maxLength: 200, size: 'max' }), { minLength: 1, maxLength: 9 }),
      async (groups) => {
        const offsets = new Uint32Array(groups.length + 1);
        groups.forEach((group, key) => {
          offsets[key + 1] = offsets[key]! + group.length;
        });
        const order = Uint32Array.from(groups.flat());
        const expected = order.slice();
        sort({ offsets, order: expected }, { keys: groups.length });
        const result = await runKernel(
          gpu(),
          'group/sort',
          { offsets, order },
          { keys: groups.length },
          { invocations: groups.length },
        );
        expect(result.order).toEqual(expected);
      },
    ),
    { numRuns: 30 },
  );
});

test('a hub that takes every position', async () => {
  await check(3, new Uint32Array(20_000).fill(1), 4, new Uint32Array([5000, 0]));
});
