import { GpuError } from './errors.js';

/** The `override` constants of `shaders/lib/grid.wgsl` and `shaders/lib/turns.wgsl`, which the program chooses. */
export const FIRST_GROUP = 'FIRST_GROUP';
export const ALL_GROUPS = 'ALL_GROUPS';

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

/** A part of the workgroups of a dispatch. */
export interface GridPart {
  /** Workgroups before it. */
  readonly first: number;
  readonly grid: Grid;
}

/** A side of a grid that any device allows, and a power of two. */
const SIDE = 2 ** 15;

/**
 * Cuts `count` workgroups into at least `parts` grids, as far as there are so many workgroups. All but the last have the same
 * number of them, a power of two, so that work of many sizes is cut at few places: each is a kernel of its own. No workgroup
 * is in two grids, but the last one may have more than are left, as that of `gridOf`.
 */
export function cutGrid(count: number, parts: number, limit: number): GridPart[] {
  const each = 2 ** Math.floor(Math.log2(Math.max(1, count / parts)));
  if (parts <= 1 || each >= count) return [{ first: 0, grid: gridOf(count, limit) }];
  const grid: Grid = [Math.min(each, SIDE), Math.ceil(each / SIDE), 1];
  return Array.from({ length: Math.ceil(count / each) }, (_, part) => {
    const first = part * each;
    return { first, grid: first + each <= count ? grid : gridOf(count - first, limit) };
  });
}
