import type { KernelName } from '../../src/gpu/index.js';
import type { BindingsOf } from '../../src/gpu/kernel.js';
import { type CaseOptions, type KernelCase, kernelCase } from '../../src/selftest/case.js';
import type { Setting } from './setting.js';

/**
 * What one dispatch moves and computes at least, whatever the kernel does in fact: every array element that it needs
 * once, but rows that it reads from anywhere as often as it needs them.
 */
export interface Cost {
  /** Read and written. */
  readonly bytes: number;
  readonly operations: number;
  /**
   * What the bytes are held against: copying arrays from end to end, or reading rows from random places of a table of so
   * many bytes.
   */
  readonly access: 'copy' | { readonly tableBytes: number };
  /** And the operations: multiplications and additions, bitwise operations and whole numbers, or popcounts of words. */
  readonly arithmetic: 'multiply_add' | 'logic' | 'popcount';
}

/** One kernel's work at one size, as its entry in `cases/` tells it. */
export interface CaseSpec<K extends KernelName> {
  /** Which of the kernel's cases this is; the same at every size. */
  readonly what: string;
  /** The numbers of this size. */
  readonly shape: string;
  readonly cost: Cost;
  /** Lanes that a subgroup must have at least. */
  readonly lanes?: number;
  /** Steps of the twin, where they are not about the operations. */
  readonly twinSteps?: number;
  /** Bindings that a dispatch uses up; they are put back before each, and the time of that is taken off. */
  readonly restore?: readonly (keyof BindingsOf<K> & string)[];
  /** Makes the arrays, when the case's turn has come. */
  work(): Omit<CaseOptions<K>, 'what' | 'lanes'>;
}

/** A kernel's cases at a size; none where it has no sense there. */
export type CasesOf<K extends KernelName> = (setting: Setting) => CaseSpec<K>[];
export type CaseMap<K extends KernelName> = { readonly [name in K]: CasesOf<name> };

/** A case with its kernel. */
export interface BenchCase {
  readonly kernel: KernelName;
  readonly what: string;
  readonly shape: string;
  readonly cost: Cost;
  readonly lanes: number;
  readonly twinSteps: number;
  readonly restore: readonly string[];
  make(): KernelCase;
}

export function benchCase<K extends KernelName>(kernel: K, spec: CaseSpec<K>): BenchCase {
  const { what, shape, cost, lanes = 0, twinSteps = cost.operations + cost.bytes / 8, restore = [] } = spec;
  const make = () => kernelCase(kernel, { ...spec.work(), what, lanes } as CaseOptions<K>);
  return { kernel, what, shape, cost, lanes, twinSteps, restore, make };
}
