/** Compute shaders of anyone, run on buffers of plain bytes: what `hashgnn bench kernel` measures. */
import { GpuLostError, GpuOutOfMemoryError, ShaderError } from './errors.js';
import type { ForeignBinding, ForeignShader } from './foreign_shader.js';
import type { Gpu } from './gpu.js';
import type { Grid } from './grid.js';
import { patiently } from './platform.js';

/** A shader that the compiler has accepted. */
export interface ForeignModule {
  /** Its name in errors. */
  readonly file: string;
  /** The text after `#import`. */
  readonly code: string;
  /** Raw module, for `src/gpu` alone. */
  readonly module: GPUShaderModule;
}

/** Features by what a shader enables, where the names differ. */
const FEATURE_OF: Readonly<Record<string, string>> = { f16: 'shader-f16' };

/**
 * @param name the shader's name among those that the device was opened with
 * @param file its name in errors
 * @throws ShaderError with file, line and column of the compiler's first error
 */
export async function compileForeign(gpu: Gpu, name: string, file: string): Promise<ForeignModule> {
  const { device } = gpu;
  const { code, origin } = gpu.shaders.expand(name, file);
  for (const [, list] of code.matchAll(/^enable\s+([^;]+);/gm)) {
    const missing = list!
      .split(',')
      .map((word) => word.trim())
      .find((word) => !device.features.has((FEATURE_OF[word] ?? word) as GPUFeatureName));
    if (missing) {
      throw new ShaderError(`the shader enables ${missing}, which this adapter does not have`, {
        where: file,
        fix: 'choose another adapter (--adapter), or do without',
      });
    }
  }
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: file, code });
  const [error, info] = await patiently(Promise.all([device.popErrorScope(), module.getCompilationInfo()]));
  const message = info.messages.find((entry) => entry.type === 'error');
  if (error || message) {
    // An error at the very end of the text has no line.
    const place = message && message.lineNum > 0 ? `${origin(message.lineNum)}:${message.linePos}` : file;
    throw new ShaderError(`the shader does not compile: ${message?.message ?? error?.message}`, { where: place });
  }
  return { file, code, module };
}

/** Buffers by name, zero-filled, that kernels share which bind the same names. */
export class ForeignBuffers {
  readonly #buffers = new Map<string, GPUBuffer>();

  /**
   * @param sizes bytes of each buffer, multiples of 4
   * @throws GpuOutOfMemoryError where the device has no room
   */
  static async create(
    gpu: Gpu,
    sizes: readonly { readonly name: string; readonly bytes: number; readonly uniform: boolean }[],
  ): Promise<ForeignBuffers> {
    const buffers = new ForeignBuffers(gpu);
    gpu.device.pushErrorScope('out-of-memory');
    for (const { name, bytes, uniform } of sizes) {
      const kind = uniform ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE;
      const usage = kind | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      buffers.#buffers.set(name, gpu.device.createBuffer({ label: name, size: bytes, usage }));
    }
    const error = await gpu.device.popErrorScope();
    if (error) {
      buffers.destroy();
      throw new GpuOutOfMemoryError(`the device has no room for the buffers: ${error.message}`, {
        where: gpu.name,
        fix: 'use smaller sizes',
      });
    }
    return buffers;
  }

  private constructor(readonly gpu: Gpu) {}

  /** Raw buffer, for `src/gpu` alone. */
  buffer(name: string): GPUBuffer {
    return this.#buffers.get(name)!;
  }

  /** Replaces what a buffer holds, in order with submitted work. */
  write(name: string, bytes: Uint8Array): void {
    this.gpu.device.queue.writeBuffer(this.buffer(name), 0, bytes);
  }

  /** What a buffer holds once all submitted work is done. @throws GpuError if anything went wrong before */
  async read(name: string): Promise<Uint8Array> {
    const buffer = this.buffer(name);
    const copy = new Uint8Array(buffer.size);
    const use = (contents: ArrayBuffer, at: number) => copy.set(new Uint8Array(contents, at, copy.length));
    await this.gpu.readBuffers([{ buffer, offset: 0, bytes: buffer.size, label: name, use }]);
    return copy;
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.#buffers.clear();
  }
}

/** One entry point of a shader with its constants and its buffers. */
export class ForeignKernel {
  /** @throws ShaderError where the device makes no pipeline of it; GpuLostError */
  static async create(
    source: ForeignModule,
    shader: ForeignShader,
    constants: Readonly<Record<string, number>>,
    buffers: ForeignBuffers,
  ): Promise<ForeignKernel> {
    const { gpu } = buffers;
    const { device } = gpu;
    const typeOf = (access: ForeignBinding['access']): GPUBufferBindingType =>
      access === 'uniform' ? 'uniform' : access === 'read' ? 'read-only-storage' : 'storage';
    const layout = device.createBindGroupLayout({
      label: source.file,
      entries: shader.bindings.map(({ binding, access }) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: typeOf(access) },
      })),
    });
    const keys = new Map(shader.overrides.map(({ name, key }) => [name, key]));
    try {
      const pipeline = await patiently(
        device.createComputePipelineAsync({
          label: source.file,
          layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: {
            module: source.module,
            entryPoint: shader.entry,
            constants: Object.fromEntries(Object.entries(constants).map(([name, value]) => [keys.get(name)!, value])),
          },
        }),
      );
      gpu.throwIfFailed();
      const bindGroup = device.createBindGroup({
        label: source.file,
        layout,
        entries: shader.bindings.map(({ name, binding }) => ({ binding, resource: { buffer: buffers.buffer(name) } })),
      });
      return new ForeignKernel(gpu, pipeline, bindGroup);
    } catch (cause) {
      gpu.throwIfFailed();
      const text = cause instanceof Error ? cause.message : String(cause);
      if (/\blost\b/i.test(text))
        throw new GpuLostError('the device was lost while the shader was compiled', { cause });
      const line = text.split('\n')[0]!.trim();
      throw new ShaderError(`the device makes no pipeline of ${shader.entry}: ${line}`, { where: source.file, cause });
    }
  }

  private constructor(
    readonly gpu: Gpu,
    private readonly pipeline: GPUComputePipeline,
    private readonly bindGroup: GPUBindGroup,
  ) {}

  /** Submits `times` dispatches over `grid` workgroups, one after another, without waiting. */
  run(grid: Grid, times = 1): void {
    const encoder = this.gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.pipeline);
    pass.setBindGroup(0, this.bindGroup);
    for (let time = 0; time < times; time += 1) pass.dispatchWorkgroups(...grid);
    pass.end();
    this.gpu.device.queue.submit([encoder.finish()]);
  }
}
