import type { Gpu } from '../gpu/index.js';

/**
 * How dense products are computed: from tiles in shared memory, which real GPUs are made for, or by handing values round
 * in a subgroup, which is several times faster on drivers that run shaders on the CPU.
 */
export type DenseVariant = 'tiles' | 'subgroups';

/**
 * How rows of tables are read and summed: neighbouring invocations take neighbouring columns of one row, as real GPUs want
 * it, or each takes whole rows, so that a driver on the CPU waits for many rows at once. The bytes are the same.
 */
export type GatherVariant = 'columns' | 'lanes';

/** Which of several kernels for the same work are used. */
export interface Variants {
  readonly dense: DenseVariant;
  readonly gather: GatherVariant;
}

/** The variants that an adapter can run. */
export function possibleVariants({ adapter, features }: Pick<Gpu, 'adapter' | 'features'>): {
  readonly [kind in keyof Variants]: readonly Variants[kind][];
} {
  const lanes = adapter.subgroupSize?.[0] ?? 0;
  const subgroups = features.has('subgroups') && lanes >= 8;
  return { dense: subgroups ? ['tiles', 'subgroups'] : ['tiles'], gather: ['columns', 'lanes'] };
}

/** The variants that are fastest on adapters of the same kind. */
export function likelyVariants(gpu: Pick<Gpu, 'adapter' | 'features'>): Variants {
  const { software } = gpu.adapter;
  const { dense } = possibleVariants(gpu);
  return { dense: software ? dense.at(-1)! : 'tiles', gather: software ? 'lanes' : 'columns' };
}
