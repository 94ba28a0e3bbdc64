import { GpuError, GpuLostError, GpuOutOfMemoryError, GpuUnavailableError, GpuValidationError } from './errors.js';
import type { KernelName } from './generated.js';
import { ImageMemory, ImageRooms, imageLines, imageSize } from './images.js';
import { Kernel } from './kernel.js';
import { planningDevice } from './planning.js';
import { acquireWebgpu, loadShaders, patiently, releaseWebgpu } from './platform.js';
import { Program } from './program.js';
import { type ElementType, ShaderLibrary } from './shader.js';
import { bytesOf, lengthOf, Tensor, TensorScope, type TypedArrays } from './tensor.js';

/** The limits that kernels profit from; asked for as far as the adapter has them. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
] as const;

/** The largest buffer to read through that is kept for the next reading, and how many are. */
const STAGING_BYTES = 32 * 2 ** 20;
const STAGING_BUFFERS = 8;

const CLOSED = 'the GPU is used after it was closed';

/** Programs that a refused command is looked for in. */
const REMEMBERED_PROGRAMS = 16;

/** The optional features that kernel variants and the profiler profit from. */
const FEATURES = ['subgroups', 'timestamp-query'] as const;
export type Feature = (typeof FEATURES)[number];

export interface GpuOptions {
  /** Name of the adapter, as `hashgnn doctor` prints it; a hardware adapter before a software driver unless told. */
  readonly adapter?: string;
  /** `portable`: nothing beyond WebGPU's default limits and no optional feature, to test what every adapter can do. */
  readonly profile?: 'best' | 'portable';
  /** Further shaders by name, beside those of the package. */
  readonly shaders?: ReadonlyMap<string, string>;
  /** Further optional features, asked for as far as the adapter has them: for shaders that are not of this package. */
  readonly features?: readonly string[];
}

/** A range of a buffer to be read. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly bytes: number;
  readonly label: string;
  /** Takes what it wants of `contents`, from byte `at` on. */
  use(contents: ArrayBuffer, at: number): void;
}

/** What is known of the adapter in use. */
export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** A driver that runs shaders on the CPU. */
  readonly software: boolean;
  readonly subgroupSize: readonly [number, number] | undefined;
}

/**
 * An adapter and its device. The first failure of the device (loss, out of memory, a refused command) is kept, and from
 * then on every reading and every run is rejected with it: a wrong result is never returned.
 */
export class Gpu {
  readonly adapter: AdapterDescription;
  readonly features: ReadonlySet<Feature>;
  /** Features that the adapter has and this library does not ask for are listed here too. */
  readonly adapterFeatures: readonly string[];
  readonly #kernels = new Map<string, Kernel>();
  readonly #bytes = new Map<string, number>();
  /** Buffers to read through that nobody uses at the moment. */
  readonly #staging: GPUBuffer[] = [];
  #live = 0;
  #peak = 0;
  #failure: GpuError | undefined;
  #closed = false;
  readonly #origin: GPUAdapter;
  readonly #release: () => void;
  readonly #reopen: (() => Promise<Gpu>) | undefined;
  /** The device that took the place of this one; see `living`. */
  #successor: Promise<Gpu> | undefined;
  /** What ran last, by label: what a refused command is about. */
  readonly #ran = new Map<string, Program>();
  /** What waits for the device, to be rejected where it fails. */
  readonly #waiting = new Set<(error: GpuError) => void>();

  private constructor(
    /** The instance is held so that it outlives the device. */
    readonly instance: GPU,
    adapter: GPUAdapter,
    /** Raw device, for `src/gpu` alone. */
    readonly device: GPUDevice,
    readonly shaders: ShaderLibrary,
    /** Called once the device is destroyed. */
    release: () => void,
    /** Opens a device like this one. */
    reopen?: () => Promise<Gpu>,
  ) {
    this.#origin = adapter;
    this.#release = release;
    this.#reopen = reopen;
    const { vendor, architecture, device: name, description, subgroupMinSize, subgroupMaxSize } = adapter.info;
    this.adapter = {
      vendor,
      architecture,
      device: name,
      description,
      software:
        adapter.info.isFallbackAdapter ||
        /llvmpipe|swiftshader|basic render/i.test(`${name} ${description} ${architecture}`),
      subgroupSize: device.features.has('subgroups') ? [subgroupMinSize ?? 0, subgroupMaxSize ?? 0] : undefined,
    };
    this.features = new Set(FEATURES.filter((feature) => device.features.has(feature)));
    this.adapterFeatures = [...adapter.features].sort();
    device.lost.then((info) => {
      if (this.#closed || info.reason === 'destroyed') {
        if (!this.#closed) this.fail(new GpuLostError('the device was destroyed while it was in use'));
        return;
      }
      this.fail(
        new GpuLostError(`the device was lost: ${info.message || 'no reason given'}`, {
          fix: 'start again; a dispatch that ran too long, a driver update or another program’s fault are common causes',
        }),
      );
    });
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      const { error } = event as GPUUncapturedErrorEvent;
      this.fail(gpuErrorOf(error, this.#blame(error.message)));
    });
  }

  /**
   * Opens the adapter that was named, else a hardware adapter, else a software driver.
   * @throws GpuUnavailableError if there is none
   */
  static async open(options: GpuOptions = {}): Promise<Gpu> {
    const instance = await acquireWebgpu(options.adapter);
    try {
      const shaders = new ShaderLibrary(new Map([...loadShaders(), ...(options.shaders ?? [])]));
      const adapter = await requestAdapter(instance, options.adapter);
      const portable = options.profile === 'portable';
      const requiredLimits = Object.fromEntries(portable ? [] : LIMITS.map((name) => [name, adapter.limits[name]]));
      const wanted = [...FEATURES, ...((options.features ?? []) as GPUFeatureName[])];
      const requiredFeatures = portable ? [] : wanted.filter((feature) => adapter.features.has(feature));
      const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
      return new Gpu(instance, adapter, device, shaders, releaseWebgpu, () => Gpu.open(options));
    } catch (error) {
      releaseWebgpu();
      if (error instanceof GpuError) throw error;
      throw new GpuUnavailableError(`the adapter gave no device: ${(error as Error).message}`, { cause: error });
    }
  }

  /**
   * This device or, where it was lost or had no memory left, the one that takes its place: opened as this one was, one for
   * all who ask, and destroyed with this one. Nothing of what lay here is there; what this one held is freed.
   * @throws GpuError where it failed otherwise, which is a defect and would come again, or where there is no device any more
   */
  async living(): Promise<Gpu> {
    if (this.#closed) throw new GpuError(CLOSED);
    if (!this.#failure) return this;
    const replaceable = this.#failure instanceof GpuLostError || this.#failure instanceof GpuOutOfMemoryError;
    if (!replaceable || !this.#reopen) throw this.#failure;
    if (!this.#successor) {
      this.device.destroy();
      this.#successor = this.#reopen();
      // Asked for again after a failure: the driver may have come back.
      this.#successor.catch(() => {
        this.#successor = undefined;
      });
    }
    return (await this.#successor).living();
  }

  get limits(): GPUSupportedLimits {
    return this.device.limits;
  }

  /** Bytes of a tensor at most. */
  get bindable(): number {
    return Math.min(this.limits.maxBufferSize, this.limits.maxStorageBufferBindingSize);
  }

  /**
   * A stand-in for this device that counts tensors and makes none, so that work can be rehearsed to learn what memory it
   * takes: everything succeeds at once, nothing is computed, and whatever is read is zero. It need not be destroyed.
   * @param options `unbounded`: tensors may be larger than this device binds
   */
  planner({ unbounded = false } = {}): Gpu {
    const device = planningDevice(this.device, unbounded);
    return new Gpu(this.instance, this.#origin, device, this.shaders, () => {});
  }

  /** A short name for people: the device and, where it adds something, its driver. */
  get name(): string {
    const { device, vendor, description } = this.adapter;
    return [device || vendor, description && `(${description})`].filter(Boolean).join(' ') || 'unnamed adapter';
  }

  /**
   * A new tensor, zero-filled unless data is given.
   * @throws GpuOutOfMemoryError where the device's limits forbid the size, BindingError where the shape has no sense
   */
  tensor<E extends ElementType>(element: E, shape: readonly number[], label: string, data?: TypedArrays[E]): Tensor<E> {
    this.throwIfFailed();
    const size = bytesOf(lengthOf(shape, label));
    const limit = this.bindable;
    if (!(size <= limit)) {
      throw new GpuOutOfMemoryError(
        `${label} [${shape.join(', ')}] needs ${size} bytes, this device binds ${limit} at most`,
        {
          where: this.name,
          fix: 'use a smaller batch, fewer bits, or an adapter with larger bindings',
        },
      );
    }
    this.device.pushErrorScope('out-of-memory');
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.device.createBuffer({ label, size, usage });
    this.#watch(`allocating ${label} of ${size} bytes`);
    const tensor = new Tensor(this, element, shape, label, buffer);
    this.#count(label, tensor.bytes);
    if (data) tensor.write(data);
    return tensor;
  }

  /** Whether a tensor of so many elements can be read as an image; see `images.ts`. */
  imageable(length: number): boolean {
    return imageLines(length) <= this.limits.maxTextureDimension2D;
  }

  /**
   * Memory for images, for `Program`.
   * @throws GpuOutOfMemoryError where the device has no image of so many lines
   */
  imageMemory(lines: number, label: string): ImageMemory {
    this.throwIfFailed();
    const limit = this.limits.maxTextureDimension2D;
    if (lines > limit) {
      throw new GpuOutOfMemoryError(`${label} need ${lines} lines, this device has ${limit} at most`, {
        where: this.name,
        fix: 'use a smaller batch or fewer bits',
      });
    }
    const { size, bytes } = imageSize(lines);
    this.device.pushErrorScope('out-of-memory');
    const usage = GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST;
    const texture = this.device.createTexture({ label, size, format: 'rgba32float', usage });
    this.#watch(`allocating ${label} of ${bytes} bytes`);
    this.#count(label, bytes);
    return new ImageMemory(this, label, texture, bytes);
  }

  /** A scope whose tensors are destroyed together. */
  scope(): TensorScope {
    return new TensorScope(this);
  }

  /** The kernel of a shader file with these `override` constants; made once. */
  kernel(name: KernelName | (string & {}), constants: Readonly<Record<string, number>> = {}): Kernel {
    const key = `${name} ${JSON.stringify(Object.entries(constants).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
    let kernel = this.#kernels.get(key);
    if (!kernel) {
      kernel = new Kernel(this, this.shaders.get(name), constants);
      this.#kernels.set(key, kernel);
    }
    return kernel;
  }

  /**
   * An empty list of dispatches, to be recorded once and run many times.
   * @param imageRooms those of another program, to share the memory of its images with it
   */
  program(label: string, imageRooms = new ImageRooms()): Program {
    return new Program(this, label, imageRooms);
  }

  /** Waits until all submitted work is done. */
  async finish(): Promise<void> {
    this.throwIfFailed();
    await patiently(this.#unlessFailed(this.device.queue.onSubmittedWorkDone()));
    this.throwIfFailed();
  }

  /** Begins a new `peak`, from what lives now. */
  resetPeak(): void {
    this.#peak = this.#live;
  }

  /** Bytes of living tensors: now, at most so far (or since `resetPeak`), and by label. */
  memory(): { live: number; peak: number; byLabel: ReadonlyMap<string, number> } {
    return { live: this.#live, peak: this.#peak, byLabel: new Map(this.#bytes) };
  }

  /** @throws the first failure of the device, if there was one, or GpuError after `destroy` */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw new GpuError(CLOSED);
  }

  /** Records a failure, for `src/gpu` alone; the first one counts. */
  fail(error: GpuError): void {
    if (this.#failure || this.#closed) return;
    this.#failure = error;
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }

  /**
   * Lends what ranges of buffers hold once all submitted work is done, in one reading, made by `Tensor.range`; `use`
   * must copy what it keeps. Buffers to read through are kept and used again: a fresh one costs some systems more than
   * the copy, page by page.
   */
  async readBuffers(ranges: readonly BufferRange[]): Promise<void> {
    this.throwIfFailed();
    const bytes = ranges.reduce((sum, range) => sum + range.bytes, 0);
    if (bytes === 0) return;
    const staging = this.#lendStaging(bytes, ranges.map(({ label }) => label).join(', '));
    let intact = false;
    try {
      const encoder = this.device.createCommandEncoder();
      let at = 0;
      for (const range of ranges) {
        if (range.bytes > 0) encoder.copyBufferToBuffer(range.buffer, range.offset, staging, at, range.bytes);
        at += range.bytes;
      }
      this.device.queue.submit([encoder.finish()]);
      const mapped = staging.mapAsync(GPUMapMode.READ, 0, bytes).catch((error: unknown) => {
        this.throwIfFailed();
        throw new GpuValidationError(`${ranges[0]!.label} could not be read: ${(error as Error).message}`, {
          cause: error,
        });
      });
      await patiently(this.#unlessFailed(mapped));
      this.throwIfFailed();
      const contents = staging.getMappedRange(0, bytes);
      at = 0;
      for (const range of ranges) {
        range.use(contents, at);
        at += range.bytes;
      }
      staging.unmap();
      intact = true;
    } finally {
      if (intact && staging.size <= STAGING_BYTES && this.#staging.length < STAGING_BUFFERS)
        this.#staging.push(staging);
      else staging.destroy();
    }
  }

  #lendStaging(bytes: number, label: string): GPUBuffer {
    // Powers of two, so that reads of like sizes share one.
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, 4096)));
    const found = this.#staging.findIndex((staging) => staging.size === size);
    if (found >= 0) return this.#staging.splice(found, 1)[0]!;
    this.device.pushErrorScope('out-of-memory');
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = this.device.createBuffer({ label: 'read back', size, usage });
    this.#watch(`reading back ${label}`);
    return staging;
  }

  /** Takes something destroyed off the books, for `Tensor` and `ImageMemory`. */
  released({ label, bytes }: { readonly label: string; readonly bytes: number }): void {
    this.#count(label, -bytes);
  }

  /** Notes what is submitted, for `Program` alone. */
  running(program: Program): void {
    // The latest are last.
    this.#ran.delete(program.label);
    this.#ran.set(program.label, program);
    if (this.#ran.size > REMEMBERED_PROGRAMS) this.#ran.delete(this.#ran.keys().next().value!);
  }

  /** Destroys the device, and the one that took its place if one did; everything made from them is void. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.device.destroy();
    this.#release();
    this.#successor?.then(
      (gpu) => gpu.destroy(),
      () => {},
    );
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /**
   * The same promise, rejected as soon as the device fails. (A race with one promise that lives as long as the device would
   * keep something of everything that was ever waited for.)
   */
  #unlessFailed<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /** Kernel and variable that a refused command is about, as far as the device names them by labels of ours. */
  #blame(message: string): string {
    const [, kernel = ''] = /\[BindGroup(?:Descriptor)? "+([^"]+)"+\]/.exec(message) ?? [];
    const known = this.shaders.kernels().includes(kernel) ? this.shaders.get(kernel) : undefined;
    const entry = /entries\[(\d+)\]|binding index (\d+)/.exec(message);
    if (known) {
      const variable = entry && known.bindings[Number(entry[1] ?? entry[2])]?.name;
      return `the kernel ${kernel}${variable ? `, its variable ${variable}` : ''}`;
    }
    const programs = [...this.#ran.values()].reverse();
    return programs.map((program) => program.blame(message)).find(Boolean) ?? 'an uncaptured command';
  }

  /** Pops the error scope that the caller pushed and turns what it caught into the device's failure. */
  #watch(doing: string): void {
    this.device.popErrorScope().then(
      (error) => {
        if (error) this.fail(gpuErrorOf(error, doing));
      },
      () => {}, // The device is gone: `lost` tells.
    );
  }

  #count(label: string, bytes: number): void {
    const held = (this.#bytes.get(label) ?? 0) + bytes;
    if (held === 0) this.#bytes.delete(label);
    else this.#bytes.set(label, held);
    this.#live += bytes;
    this.#peak = Math.max(this.#peak, this.#live);
  }
}

async function requestAdapter(instance: GPU, name: string | undefined): Promise<GPUAdapter> {
  let reason = '';
  try {
    // Dawn ranks discrete before integrated before software; `high-performance` asks for that order.
    const adapter = await instance.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter) return adapter;
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  throw new GpuUnavailableError(name ? `there is no adapter named ${name}` : 'no WebGPU adapter was found', {
    ...(reason && { where: reason.replace(/\s+/g, ' ').trim() }),
    fix: name
      ? 'run hashgnn doctor for the names of the adapters'
      : 'install a Vulkan driver (npm start in a clone does); hashgnn doctor tells what the drivers said',
  });
}

function gpuErrorOf(error: globalThis.GPUError, doing: string): GpuError {
  const message = error.message.split('\n')[0] ?? '';
  if (error instanceof GPUOutOfMemoryError) {
    return new GpuOutOfMemoryError(`out of GPU memory: ${message}`, {
      where: doing,
      fix: 'use a smaller batch, fewer bits, or an adapter with more memory',
    });
  }
  return new GpuValidationError(`the device refused a command: ${error.message}`, { where: doing });
}
