// Generated from shaders/ by `npm run generate`. Do not edit.
import type { Tensor } from './tensor.js';

/** What each kernel must be given, by the names of its WGSL variables. */
export interface Kernels {
  'hash/sign': {
    bindings: { readonly embedding: Tensor<'f32'>; readonly code: Tensor<'f32'> };
    parameters: { readonly count: number };
    constants: { readonly WORKGROUP?: number };
  };
}

export type KernelName = keyof Kernels;
