/** Two designs of the top-k kernels: one invocation a query, or one workgroup a query. */
export type Variant = 'lanes' | 'workgroup';

/** With this many queries, one invocation for each fills a GPU. */
const MANY_QUERIES = 8192;

/**
 * The design that suits an adapter. Drivers that run shaders on the CPU pay dearly for barriers and shared atomics, and
 * one invocation a query needs neither; a GPU with few queries would leave most of itself idle that way.
 */
export function topkVariant({ software, queries }: { software: boolean; queries: number }): Variant {
  return software || queries >= MANY_QUERIES ? 'lanes' : 'workgroup';
}

/**
 * Invocations a workgroup of the design `lanes`: few where queries are few, so that every processor gets some.
 * A multiple of eight and a divisor of 64.
 */
export function lanesWorkgroup(queries: number): number {
  return queries < 1024 ? 8 : 64;
}
