import { expect, test } from 'vitest';
import { GpuOutOfMemoryError } from '../../src/gpu/index.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();

test('a planner counts what would be made, and the device makes nothing', async () => {
  const before = gpu().memory();
  const planner = gpu().planner();
  const scope = planner.scope();
  const embedding = scope.tensor('f32', [3, 4], 'z', new Float32Array(12).fill(1));
  const code = scope.tensor('f32', [3, 4], 'h');
  const program = planner.program('sign');
  program.clear(code);
  program.dispatch('hash/sign', { bind: { embedding, code }, parameters: { count: 12 }, invocations: 3 });
  program.copy(embedding, code);
  await program.compile();
  program.run(3);
  await planner.finish();
  expect([...(await code.read())]).toEqual(new Array(12).fill(0));
  expect(planner.memory()).toEqual({
    live: 96,
    peak: 96,
    byLabel: new Map([
      ['z', 48],
      ['h', 48],
    ]),
  });
  program.destroy();
  scope.destroy();
  planner.destroy();
  expect(planner.memory()).toMatchObject({ live: 0, peak: 96 });
  expect(gpu().memory()).toEqual(before);
  await gpu().finish();
});

test('a planner checks what the device checks', () => {
  const planner = gpu().planner();
  const embedding = planner.tensor('f32', [4], 'z');
  expect(() =>
    planner.program('sign').dispatch('hash/sign', {
      bind: { embedding, code: embedding },
      parameters: { count: 4 },
      invocations: 1,
    }),
  ).toThrow(/both as/);
  const foreign = gpu().planner().tensor('f32', [4], 'foreign');
  expect(() => planner.program('clear').clear(foreign)).toThrow(/lives on another device/);
});

test('a planner has the limits of the device unless it is unbounded', () => {
  const elements = gpu().bindable / 4 + 4;
  expect(() => gpu().planner().tensor('f32', [elements], 'large')).toThrow(GpuOutOfMemoryError);
  const planner = gpu().planner({ unbounded: true });
  planner.tensor('f32', [elements], 'large');
  expect(planner.memory().live).toBe(gpu().bindable + 16);
  expect(planner.limits.maxComputeInvocationsPerWorkgroup).toBe(gpu().limits.maxComputeInvocationsPerWorkgroup);
});
