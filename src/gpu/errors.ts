import { HashgnnError } from '../base/errors.js';

/** Any failure of the GPU or of what it was asked to do. */
export class GpuError extends HashgnnError {
  override readonly name: string = 'GpuError';
}

/** No adapter answers, or the one that was named does not exist. */
export class GpuUnavailableError extends GpuError {
  override readonly name = 'GpuUnavailableError';
}

/** The device went away while it was in use; nothing that it had computed can be trusted. */
export class GpuLostError extends GpuError {
  override readonly name = 'GpuLostError';
}

/** An allocation that the device refused, or that its limits forbid. */
export class GpuOutOfMemoryError extends GpuError {
  override readonly name = 'GpuOutOfMemoryError';
}

/** The device refused a command as invalid: a defect of the caller or of this library. */
export class GpuValidationError extends GpuError {
  override readonly name = 'GpuValidationError';
}

/** A shader that does not compile or does not follow the house rules; `details.where` has file, line and column. */
export class ShaderError extends GpuError {
  override readonly name = 'ShaderError';
}

/** A kernel was given a tensor, a parameter or a constant that does not fit its WGSL; the message names the variable. */
export class BindingError extends GpuError {
  override readonly name = 'BindingError';
}
