/** Kernels with an error planted in a copy of their source, to show that a check finds it. */
import { expect, vi } from 'vitest';
import type { Gpu } from '../../src/gpu/index.js';
import { loadShaders } from '../../src/gpu/platform.js';

/** A text and its replacement, by kernel: all variants of one kernel, since the adapter decides which of them runs. */
export type Edits = Readonly<Record<string, readonly [from: string, to: string]>>;

/** The same text and replacement in both variants of a kernel that sums rows. */
export const inBothGathers = (kernel: string, from: string, to: string): Edits => ({
  [kernel]: [from, to],
  [`${kernel}.lanes`]: [from, to],
});

const sources = loadShaders();

/** A kernel's text with all that it imports in place, so that errors can be planted there too. */
function sourceOf(kernel: string, seen = new Set<string>()): string {
  return (sources.get(kernel) ?? '').replace(/^#import (\w+)$/gm, (_, name: string) => {
    if (seen.has(name)) return '';
    seen.add(name);
    return sourceOf(`lib/${name}`, seen);
  });
}

/** Where the copies with planted errors lie among the shaders. */
const nameOf = (index: number, kernel: string) => `planted_${index}/${kernel}`;

/** The copies of a list of edits, for `Gpu.open`. */
export function plantedShaders(list: readonly Edits[]): ReadonlyMap<string, string> {
  return new Map(
    list.flatMap((edits, index) =>
      Object.entries(edits).map(
        ([kernel, [from, to]]) => [nameOf(index, kernel), sourceOf(kernel).replaceAll(from, to)] as const,
      ),
    ),
  );
}

/** Runs `use` while programs are recorded with the copies of edit number `index` in the place of the kernels. */
export async function withPlanted<T>(gpu: Gpu, edits: Edits, index: number, use: () => Promise<T>): Promise<T> {
  for (const [kernel, [from]] of Object.entries(edits)) {
    expect(sourceOf(kernel), `${kernel} no longer holds the text that the error is planted in`).toContain(from);
  }
  const original = gpu.kernel.bind(gpu);
  let used = 0;
  const spy = vi.spyOn(gpu, 'kernel').mockImplementation((kernel, constants) => {
    if (!Object.hasOwn(edits, kernel)) return original(kernel, constants);
    used += 1;
    return original(nameOf(index, kernel), constants);
  });
  try {
    const result = await use();
    expect(used, 'dispatches of the kernels with the planted error').toBeGreaterThan(0);
    return result;
  } finally {
    spy.mockRestore();
  }
}
