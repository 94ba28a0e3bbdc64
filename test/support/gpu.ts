import { afterAll, beforeAll } from 'vitest';
import { Gpu, type GpuOptions } from '../../src/gpu/index.js';

/**
 * One device for a test file, opened before its tests and closed after them, when every tensor must be gone.
 * The environment variable HASHGNN_PROFILE=portable runs the whole suite within WebGPU's default limits.
 */
export function useGpu(options: GpuOptions = {}): () => Gpu {
  let gpu: Gpu | undefined;
  beforeAll(async () => {
    const profile = process.env.HASHGNN_PROFILE === 'portable' ? 'portable' : 'best';
    gpu = await Gpu.open({ profile, ...options });
  });
  afterAll(async () => {
    if (!gpu) return;
    const { live, byLabel } = gpu.memory();
    await gpu.finish();
    gpu.destroy();
    if (live !== 0) throw new Error(`tensors were left behind: ${[...byLabel].join('; ')}`);
  });
  return () => {
    if (!gpu) throw new Error('the device is opened before the tests, not while they are collected');
    return gpu;
  };
}
