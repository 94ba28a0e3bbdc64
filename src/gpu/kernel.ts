import { BindingError, GpuLostError, ShaderError } from './errors.js';
import type { Kernels } from './generated.js';
import type { Gpu } from './gpu.js';
import type { Image } from './images.js';
import { patiently } from './platform.js';
import type { BindingInfo, ElementType, ShaderInfo } from './shader.js';
import type { Tensor } from './tensor.js';

/** What a kernel must be given, from the WGSL of its file (generated), or anything for a shader of the user's own. */
export type BindingsOf<K extends string> = K extends keyof Kernels ? Kernels[K]['bindings'] : Record<string, Tensor>;
export type ParametersOf<K extends string> = K extends keyof Kernels
  ? Kernels[K]['parameters']
  : Record<string, number>;
export type ConstantsOf<K extends string> = K extends keyof Kernels ? Kernels[K]['constants'] : Record<string, number>;

/**
 * A shader file with its constants and compiled parameters chosen. Bindings, types, access and workgroup size come from
 * reflection; the layout is explicit and the pipeline is compiled once, on first use.
 */
export class Kernel {
  /** Invocations of a workgroup along x, y and z. */
  readonly workgroupSize: readonly [number, number, number];
  readonly #layout: GPUBindGroupLayout;
  #pipeline: Promise<GPUComputePipeline> | undefined;

  /** Use `Gpu.kernel`. */
  constructor(
    readonly gpu: Gpu,
    readonly shader: ShaderInfo,
    readonly constants: Readonly<Record<string, number>>,
  ) {
    const where = `shaders/${shader.name}.wgsl`;
    const known = new Map(shader.constants.map((constant) => [constant.name, constant.default]));
    for (const { name, type } of shader.compiled) {
      const value = constants[name];
      if (value === undefined) throw new BindingError(`${shader.name} is missing its parameter ${name}`, { where });
      requireInRange(value, type, `${shader.name}.${name}`, where);
      known.set(name, value);
    }
    for (const [name, value] of Object.entries(constants)) {
      if (!known.has(name)) {
        throw new BindingError(`${shader.name} has no constant ${name}`, {
          where,
          fix: known.size > 0 ? `its constants are ${[...known.keys()].join(', ')}` : 'it has none',
        });
      }
      if (!Number.isFinite(value)) {
        throw new BindingError(`${shader.name}.${name} cannot be ${value}`, { where });
      }
      known.set(name, value);
    }
    const [x = 1, y = 1, z = 1] = shader.workgroupSize.map((part) =>
      typeof part === 'number' ? part : known.get(part)!,
    );
    this.workgroupSize = [x, y, z];
    const { maxComputeInvocationsPerWorkgroup, maxStorageBuffersPerShaderStage, maxStorageTexturesPerShaderStage } =
      gpu.limits;
    if (x * y * z > maxComputeInvocationsPerWorkgroup) {
      throw new BindingError(
        `${shader.name} asks for ${x * y * z} invocations a workgroup, the device allows ${maxComputeInvocationsPerWorkgroup}`,
      );
    }
    const images = shader.bindings.filter(({ image }) => image).length;
    const buffers = shader.bindings.length - images;
    if (buffers > maxStorageBuffersPerShaderStage || images > maxStorageTexturesPerShaderStage) {
      throw new BindingError(
        `${shader.name} binds ${buffers} tensors and ${images} as images, the device allows ${maxStorageBuffersPerShaderStage} and ${maxStorageTexturesPerShaderStage}`,
      );
    }
    const entries: GPUBindGroupLayoutEntry[] = shader.bindings.map(({ binding, access, image }) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      ...(image
        ? { storageTexture: { access: 'read-only', format: 'rgba32float' } }
        : { buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' } }),
    }));
    if (shader.uniform) {
      entries.push({
        binding: shader.uniform.binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: 'uniform' },
      });
    }
    this.#layout = gpu.device.createBindGroupLayout({ label: shader.name, entries });
  }

  /** The compiled pipeline, for `Program`. @throws ShaderError with file, line and column of the first error */
  pipeline(): Promise<GPUComputePipeline> {
    this.#pipeline ??= this.#compile();
    return this.#pipeline;
  }

  /**
   * Checks the tensors that the kernel is to be given, for `Program`.
   * @throws BindingError naming the variable that is missing, unknown, of another type, destroyed, too large, or written
   * and read at once
   */
  requireBindable(tensors: Readonly<Record<string, Tensor>>): void {
    const { bindings, name } = this.shader;
    const where = `shaders/${name}.wgsl`;
    for (const info of bindings) this.#requireFits(info, tensors[info.name], where);
    const names = new Set(bindings.map((info) => info.name));
    const extra = Object.keys(tensors).find((key) => !names.has(key));
    if (extra !== undefined) {
      throw new BindingError(`${name} has no variable ${extra}`, {
        where,
        fix: `its variables are ${[...names].join(', ')}`,
      });
    }
    for (const info of bindings) {
      const other = bindings.find((b) => b !== info && tensors[b.name]!.buffer === tensors[info.name]!.buffer);
      if (other && (info.access !== 'read' || other.access !== 'read')) {
        throw new BindingError(
          `${name} is given ${namesOf(tensors[info.name]!, tensors[other.name]!)} both as ${info.name} and as ${other.name}`,
          {
            where,
            fix: 'a tensor that a kernel writes can be bound once only',
          },
        );
      }
    }
  }

  /** A bind group of tensors that `requireBindable` let pass, and of the images of some of them, for `Program`. */
  bind(
    tensors: Readonly<Record<string, Tensor>>,
    images: Readonly<Record<string, Image>>,
    uniform: GPUBuffer | undefined,
  ): GPUBindGroup {
    const { bindings, name } = this.shader;
    const entries: GPUBindGroupEntry[] = bindings.map((info) => {
      const image = images[info.name];
      const { buffer, offset } = tensors[info.name]!;
      return { binding: info.binding, resource: image ? image.memory!.view : { buffer, offset: offset * 4 } };
    });
    if (this.shader.uniform && uniform) {
      entries.push({ binding: this.shader.uniform.binding, resource: { buffer: uniform, offset: 0 } });
    }
    return this.gpu.device.createBindGroup({ label: name, layout: this.#layout, entries });
  }

  /**
   * The bytes of the uniform struct for these parameters, for `Program`.
   * @throws BindingError naming the parameter that is missing, unknown or out of its type's range
   */
  encodeParameters(parameters: Readonly<Record<string, number>>): ArrayBuffer | undefined {
    const { uniform, name } = this.shader;
    const where = `shaders/${name}.wgsl`;
    const members = uniform?.parameters ?? [];
    const extra = Object.keys(parameters).find((key) => !members.some((member) => member.name === key));
    if (this.shader.compiled.some((parameter) => parameter.name === extra)) {
      throw new BindingError(`${name} is compiled for its parameter ${extra}, which cannot change`, { where });
    }
    if (extra !== undefined) throw new BindingError(`${name} has no parameter ${extra}`, { where });
    if (!uniform) return undefined;
    const bytes = new ArrayBuffer(Math.ceil(uniform.size / 16) * 16);
    const view = new DataView(bytes);
    for (const { name: member, type, offset } of members) {
      const value = parameters[member];
      if (value === undefined) throw new BindingError(`${name} is missing its parameter ${member}`, { where });
      requireInRange(value, type, `${name}.${member}`, where);
      if (type === 'f32') view.setFloat32(offset, value, true);
      else if (type === 'u32') view.setUint32(offset, value, true);
      else view.setInt32(offset, value, true);
    }
    return bytes;
  }

  #requireFits(info: BindingInfo, tensor: Tensor | undefined, where: string): asserts tensor is Tensor {
    const { name } = this.shader;
    if (!tensor) throw new BindingError(`${name} is missing its tensor ${info.name}`, { where });
    const said = `${name} is given ${tensor.label} as ${info.name}`;
    if (tensor.gpu !== this.gpu) throw new BindingError(`${said}, which lives on another device`, { where });
    if (tensor.destroyed) throw new BindingError(`${said}, which is destroyed`, { where });
    if (tensor.elementType !== info.element) {
      throw new BindingError(`${said}, which holds ${tensor.elementType} and not ${info.element}`, { where });
    }
    if (tensor.length % info.width !== 0) {
      throw new BindingError(`${said}, whose ${tensor.length} elements are no multiple of ${info.width}`, { where });
    }
  }

  async #compile(): Promise<GPUComputePipeline> {
    const { device } = this.gpu;
    const { name, code, origin, enables } = this.shader;
    const missing = enables.find((feature) => !device.features.has(feature as GPUFeatureName));
    if (missing) {
      throw new ShaderError(`${name} needs the feature ${missing}, which this device lacks`, {
        where: `shaders/${name}.wgsl`,
      });
    }
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: name, code });
    const lost = (cause: unknown) => {
      this.gpu.throwIfFailed();
      throw new GpuLostError(`the device was lost while ${name} was compiled`, { cause });
    };
    const [error, info] = await Promise.all([device.popErrorScope(), module.getCompilationInfo()]).catch(lost);
    const message = info.messages.find((entry) => entry.type === 'error');
    if (error || message) {
      throw new ShaderError(`${name} does not compile: ${message?.message ?? error?.message}`, {
        where: message ? `${origin(message.lineNum)}:${message.linePos}` : `shaders/${name}.wgsl`,
      });
    }
    try {
      const making = device.createComputePipelineAsync({
        label: name,
        layout: device.createPipelineLayout({ bindGroupLayouts: [this.#layout] }),
        compute: { module, entryPoint: 'main', constants: { ...this.constants } },
      });
      return await patiently(making);
    } catch (cause) {
      this.gpu.throwIfFailed();
      const text = cause instanceof Error ? cause.message : String(cause);
      if (/lost/i.test(text)) lost(cause);
      throw new ShaderError(`${name} makes no pipeline: ${text}`, { where: `shaders/${name}.wgsl`, cause });
    }
  }
}

/** Two tensors of the same memory in words. */
function namesOf(a: Tensor, b: Tensor): string {
  return a === b ? a.label : `the memory of ${a.label} and ${b.label}`;
}

function requireInRange(value: number, type: ElementType, what: string, where: string): void {
  const fits =
    type === 'f32'
      ? Number.isFinite(Math.fround(value))
      : Number.isInteger(value) && value === (type === 'u32' ? value >>> 0 : value | 0);
  if (!fits) throw new BindingError(`${what} cannot be ${value}: it is ${type}`, { where });
}
