export * from './errors.js';
export {
  compileForeign,
  ForeignBuffers,
  ForeignKernel,
  type ForeignModule,
} from './foreign_kernel.js';
export {
  type ForeignBinding,
  type ForeignShader,
  type Layout,
  reflectForeign,
  type ScalarType,
  typeText,
} from './foreign_shader.js';
export type { KernelName, Kernels } from './generated.js';
export { type AdapterDescription, type Feature, Gpu, type GpuOptions } from './gpu.js';
export { type Grid, gridOf } from './grid.js';
export { ImageRooms } from './images.js';
export { type AdapterName, listAdapters } from './platform.js';
export { type KernelTime, profile } from './profiler.js';
export { type Cost, type Dispatch, type DispatchOptions, Program } from './program.js';
export { type ElementType, type ShaderInfo, ShaderLibrary } from './shader.js';
export { Tensor, TensorScope, type TypedArrays } from './tensor.js';
