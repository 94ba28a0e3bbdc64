import { random, toUnit } from '../base/random.js';
import type { KernelName, Tensor, TypedArrays } from '../gpu/index.js';
import type { BindingsOf, ConstantsOf, ParametersOf } from '../gpu/kernel.js';
import type { Writable } from '../reference/types.js';

/** The contents of a tensor on the host. */
export type Data = TypedArrays[keyof TypedArrays];

/** How far an element may be from its twin's: `absolute + relative · |twin|`. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** One small piece of work for one kernel, and how to judge it. */
export interface KernelCase {
  /** The kernel, a variant included where the case is for that variant alone: `dense/forward.subgroups`. */
  readonly kernel: string;
  /** What is special about it. */
  readonly what: string;
  /** What each binding holds before, by the names of the WGSL variables. */
  readonly inputs: Readonly<Record<string, Data>>;
  readonly parameters: Readonly<Record<string, number>>;
  readonly constants: Readonly<Record<string, number>>;
  readonly size: { readonly invocations: number } | { readonly workgroups: number };
  /** The CPU twin; it writes into float64 arrays where the kernel writes float32. */
  readonly twin: (
    bindings: Record<string, Writable>,
    parameters: Record<string, number>,
    constants: Record<string, number>,
  ) => void;
  /** Of float outputs, where the usual one does not fit; integers are always exact. */
  readonly tolerance: Readonly<Record<string, Tolerance>>;
  /** Written bindings whose contents mean nothing afterwards. */
  readonly ignore: readonly string[];
  /** Brings what may differ without being wrong (an order, padding) into one form before it is compared. */
  readonly canonical: (outputs: Record<string, Writable>) => void;
  /** Lanes that a subgroup must have at least. */
  readonly lanes: number;
}

type HostBindings<K extends string> = {
  readonly [name in keyof BindingsOf<K>]: BindingsOf<K>[name] extends Tensor<infer E> ? TypedArrays[E] : Data;
};
type TwinBindings<K extends string> = { readonly [name in keyof BindingsOf<K>]: Writable };

/** What `kernelCase` makes a case of. */
export interface CaseOptions<K extends KernelName> {
  readonly what?: string;
  readonly inputs: HostBindings<K>;
  readonly parameters: ParametersOf<K>;
  readonly constants?: ConstantsOf<K>;
  readonly size: KernelCase['size'];
  twin(bindings: TwinBindings<K>, parameters: ParametersOf<K>, constants: ConstantsOf<K>): void;
  readonly tolerance?: { readonly [name in keyof BindingsOf<K>]?: Tolerance };
  readonly ignore?: readonly (keyof BindingsOf<K> & string)[];
  canonical?(outputs: TwinBindings<K>): void;
  readonly lanes?: number;
}

/** A case whose names and types the compiler checks against the shader. */
export function kernelCase<K extends KernelName>(kernel: K, options: CaseOptions<K>): KernelCase {
  const { what = 'odd sizes', constants = {}, tolerance = {}, ignore = [], canonical = () => {}, lanes = 0 } = options;
  return { ...options, kernel, what, constants, tolerance, ignore, canonical, lanes } as unknown as KernelCase;
}

/** Random floats between -1 and 1. */
export function floats(length: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, index) => 2 * toUnit(random(seed, 0, 0, index)) - 1);
}

/** Random words of 32 bits. */
export function words(length: number, seed: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length }, (_, index) => random(seed, 0, 0, index));
}

/** Random whole numbers below `bound`. */
export function below(length: number, bound: number, seed: number): Uint32Array<ArrayBuffer> {
  return words(length, seed).map((word) => word % bound);
}

/** Words that a kernel has to overwrite, or to leave where it has nothing to do. */
export function unwritten(length: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(length).fill(0xdeadbeef);
}

/** Floats that a kernel has to overwrite, or to leave where it has nothing to do. */
export function unwrittenFloats(length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(length).fill(-777);
}

/** Running sums from 0, one longer than the counts. */
export function offsetsOf(counts: ArrayLike<number>): Uint32Array<ArrayBuffer> {
  const offsets = new Uint32Array(counts.length + 1);
  for (let index = 0; index < counts.length; index += 1) offsets[index + 1] = offsets[index]! + counts[index]!;
  return offsets;
}
