/** No dispatch does more than a display driver's watchdog allows, by what it moves and computes; at the size of Gowalla. */
import { describe, expect, test } from 'vitest';
import { type Dispatch, Program } from '../../src/gpu/index.js';
import { largestShare, WORK_A_DISPATCH } from '../../src/gpu/program.js';
import { HierarchicalIndex, InnerProductIndex } from '../../src/search/index.js';
import { DeviceTraining } from '../../src/train/device_training.js';
import { resolveOptions } from '../../src/train/options.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();

const [userCount, itemCount, edges] = [29_858, 40_981, 729_106];

/** Dispatches that say nothing of their cost are short: so many invocations at most, of which each does little. */
const INVOCATIONS_WITHOUT_COST = 2 ** 22;

/** What the largest part of a dispatch does, as a share of what it may. */
function share({ cost: { bytes = 0, operations = 0 }, parts, kernel }: Dispatch, software: boolean): number {
  const most = WORK_A_DISPATCH[software ? 'software' : 'hardware'];
  const largest = largestShare({ parts });
  if (bytes + operations > 0) return largest * Math.max(bytes / most.bytes, operations / most.operations);
  const [x, y, z] = kernel.workgroupSize;
  const sizes = parts.map(({ grid: [x, y] }) => x * y);
  return (Math.max(...sizes) * x * y * z) / INVOCATIONS_WITHOUT_COST;
}

function expectShort(dispatches: readonly Dispatch[]): void {
  const { software } = gpu().adapter;
  expect(dispatches.length).toBeGreaterThan(0);
  const long = dispatches.filter((dispatch) => share(dispatch, software) > 1);
  expect(long.map(({ label, cost }) => [label, cost])).toEqual([]);
}

describe.each([
  {},
  { preset: 'text' },
  { preset: 'best' },
  { preset: 'sparse', bits: 128 },
  { features: 'half', bits: 128 },
  { batchSize: 16_384, widths: [256, 128], inputWidth: 256 },
])('a training with %j', (given) => {
  test('is cut into short dispatches', () => {
    const planner = gpu().planner({ unbounded: true });
    const host = {
      ...{ userCount, itemCount },
      offsets: new Uint32Array(userCount + itemCount + 1),
      neighbours: new Uint32Array(2 * edges),
    };
    const training = new DeviceTraining(planner, planner.scope(), host, resolveOptions(given));
    const { step, encode, watch } = training;
    for (const program of [...step.programs, encode, watch.program]) {
      if (program.dispatches.length > 0) expectShort(program.dispatches);
    }
  });
});

test('searches are cut into short dispatches, whatever is asked for', async () => {
  const planner = gpu().planner();
  const ran = new Set<Program>();
  const { run } = Program.prototype;
  const spy = function (this: Program, times?: number) {
    expectShort(this.dispatches);
    ran.add(this);
    return run.call(this, times);
  };
  Program.prototype.run = spy;
  try {
    const [bits, width] = [64, 256];
    const embeddings = new Float32Array(itemCount * width);
    const items = { codes: new Uint8Array((itemCount * bits) / 8), count: itemCount, bits, embeddings, width };
    const queries = 20_000;
    const users = {
      codes: new Uint8Array((queries * bits) / 8),
      embeddings: new Float32Array(queries * width),
    };
    const both = await HierarchicalIndex.create(planner, items);
    await both.search(users, 100, { candidates: 4000 });
    await both.search(users, 100);
    const exact = await InnerProductIndex.create(planner, { embeddings, count: itemCount, width });
    await exact.search(users.embeddings, 100);
    expect(ran.size).toBeGreaterThan(2);
  } finally {
    Program.prototype.run = run;
  }
});
