import type { Gpu } from '../gpu/index.js';

/**
 * How dense products are computed: from tiles in shared memory, which real GPUs are made for, or by handing values round
 * in a subgroup, which is several times faster on drivers that run shaders on the CPU.
 */
export type DenseVariant = 'tiles' | 'subgroups';

/**
 * How rows of tables are read and summed: an invocation has some columns of a row, and many are under way, as real GPUs want
 * it; or eight lanes go over whole rows, for drivers that run shaders on the CPU, from images where all of a table is
 * read. The bytes are the same.
 */
export type GatherVariant = 'columns' | 'lanes';

/** Which of several kernels for the same work are used. */
export interface Variants {
  readonly dense: DenseVariant;
  readonly gather: GatherVariant;
}

/**
 * The variants that an adapter can run. Those for drivers on the CPU are for these alone: they read images of tensors, which
 * on a GPU may be too large for a texture.
 */
export function possibleVariants({ adapter, features }: Pick<Gpu, 'adapter' | 'features'>): {
  readonly [kind in keyof Variants]: readonly Variants[kind][];
} {
  const lanes = adapter.subgroupSize?.[0] ?? 0;
  const together = adapter.software && features.has('subgroups') && lanes >= 8;
  return {
    dense: together ? ['tiles', 'subgroups'] : ['tiles'],
    gather: together ? ['columns', 'lanes'] : ['columns'],
  };
}

/** The variants that are fastest on adapters of the same kind. */
export function likelyVariants(gpu: Pick<Gpu, 'adapter' | 'features'>): Variants {
  const { dense, gather } = possibleVariants(gpu);
  return { dense: dense.at(-1)!, gather: gather.at(-1)! };
}
