import { expect, test } from 'vitest';
import { benchDense } from '../../bench/kernels/dense.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();

test('the bench of the dense kernels runs, at a tiny size, every kernel of a layer', async () => {
  const told: string[] = [];
  const shapes = [[40, 8, 4, 'tanh']] as const;
  const times = await benchDense(gpu(), { shapes, repetitions: 1 }, ({ kernel }) => told.push(kernel));
  expect(times.map(({ kernel }) => kernel)).toEqual(told);
  for (const name of ['forward', 'activation_backward', 'backward_weight', 'reduce_partials', 'backward_input']) {
    expect(told).toContain(`dense/${name}`);
  }
  for (const { milliseconds, gigaflops } of times) {
    expect(milliseconds).toBeGreaterThan(0);
    expect(Number.isFinite(gigaflops)).toBe(true);
  }
});
