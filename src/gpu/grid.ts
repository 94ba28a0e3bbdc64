import { GpuError } from './errors.js';

/** Workgroups along x, y and z. */
export type Grid = readonly [number, number, number];

/**
 * Spreads `count` workgroups over x and y, as near to a square as the limit asks for. Kernels recover the linear number
 * with `shaders/lib/grid.wgsl`; the last row may be ragged, so each kernel compares its index with the true count.
 *
 * @param count workgroups wanted, 0 or more
 * @param limit `maxComputeWorkgroupsPerDimension` of the device
 */
export function gridOf(count: number, limit: number): Grid {
  if (!Number.isInteger(count) || count < 0) throw new GpuError(`${count} workgroups cannot be dispatched`);
  if (count <= limit) return [count, 1, 1];
  const rows = Math.ceil(count / limit);
  if (rows > limit) {
    throw new GpuError(`${count} workgroups do not fit a grid of ${limit} × ${limit}`, {
      fix: 'split the work into several dispatches',
    });
  }
  return [Math.ceil(count / rows), rows, 1];
}
