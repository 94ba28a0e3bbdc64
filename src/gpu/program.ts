import { BindingError } from './errors.js';
import type { Gpu } from './gpu.js';
import { ALL_GROUPS, cutGrid, FIRST_GROUP, type GridPart } from './grid.js';
import type { Image, ImageRooms, Images } from './images.js';
import type { BindingsOf, ConstantsOf, Kernel, ParametersOf } from './kernel.js';
import type { Tensor } from './tensor.js';

/** What one dispatch of kernel `K` is given. */
export type DispatchOptions<K extends string> = {
  /** Tensors by the names of the WGSL variables. */
  readonly bind: BindingsOf<K>;
  /** `override` constants that have a default, which those left out keep. */
  readonly constants?: ConstantsOf<K>;
  /** What this dispatch does in its program, for profiles; the kernel's name unless told. */
  readonly label?: string;
  /** Bytes moved and arithmetic operations done, for profiles. */
  readonly cost?: Cost;
} & (keyof ParametersOf<K> extends never
  ? { readonly parameters?: Record<string, never> }
  : { readonly parameters: ParametersOf<K> }) &
  ({ readonly invocations: number } | { readonly workgroups: number });

/** What a dispatch moves and computes; one that does more than a dispatch should (`WORK_A_DISPATCH`) is cut by it. */
export interface Cost {
  readonly bytes?: number;
  readonly operations?: number;
}

/** A recorded dispatch, for changing its parameters and for profiles. */
export interface Dispatch {
  readonly label: string;
  readonly kernel: Kernel;
  readonly cost: Cost;
  /** One grid, or several where the work is more than one dispatch should do. */
  readonly parts: readonly GridPart[];
}

/**
 * What one dispatch may move and compute: a tenth of a second on a driver on two cores, and on the slowest of GPUs, whose
 * watchdogs stop work of two seconds and with it the screen.
 */
export const WORK_A_DISPATCH = {
  software: { bytes: 2 ** 27, operations: 2 ** 30 },
  hardware: { bytes: 2 ** 31, operations: 2 ** 35 },
} as const;

/** Each part is a pipeline of its own, which some drivers take long to compile. */
const MOST_PARTS = 32;

/** Into how many dispatches work is cut, at least. */
function partsOf({ bytes = 0, operations = 0 }: Cost, software: boolean): number {
  const most = WORK_A_DISPATCH[software ? 'software' : 'hardware'];
  const parts = Math.ceil(Math.max(1, bytes / most.bytes, operations / most.operations));
  return Math.min(parts, MOST_PARTS);
}

/** The share of a dispatch's workgroups that its largest part has. */
export function largestShare({ parts }: Pick<Dispatch, 'parts'>): number {
  const sizes = parts.map(({ grid: [x, y] }) => x * y);
  return (
    Math.max(...sizes) /
    Math.max(
      1,
      sizes.reduce((sum, size) => sum + size, 0),
    )
  );
}

interface Recorded extends Dispatch {
  /** By the names of the WGSL variables. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Of the tensors, those that the shader reads as images. */
  readonly images: Readonly<Record<string, Image>>;
  bindGroup: GPUBindGroup | undefined;
  readonly uniform: GPUBuffer | undefined;
  /** Those of the uniform struct: the others are compiled into the kernel. */
  parameters: Readonly<Record<string, number>>;
  /** One for each part. */
  readonly kernels: readonly Kernel[];
  pipelines: readonly GPUComputePipeline[] | undefined;
}

type Command =
  | Recorded
  | { readonly clear: Tensor }
  | { readonly from: Tensor; readonly to: Tensor }
  | { readonly image: Image };

/**
 * Dispatches with static shapes, recorded once and replayed many times. Recording checks everything that can be
 * checked; `compile` makes the pipelines; `run` only encodes and submits, so that the host never waits inside.
 */
export class Program {
  readonly #commands: Command[] = [];
  readonly #uniforms: GPUBuffer[] = [];
  readonly #images: Images;
  #destroyed = false;

  /** Use `Gpu.program`. */
  constructor(
    readonly gpu: Gpu,
    readonly label: string,
    readonly imageRooms: ImageRooms,
  ) {
    this.#images = imageRooms.add();
  }

  /** The recorded dispatches, in order. */
  get dispatches(): readonly Dispatch[] {
    return this.#commands.filter((command): command is Recorded => 'kernel' in command);
  }

  /** Bytes that the program's images of tensors take, in `imageRooms`, once it is compiled. */
  get imageBytes(): number {
    return this.#images.bytes;
  }

  /**
   * Records a dispatch of a kernel, over `invocations` rounded up to whole workgroups or over `workgroups`; in several
   * parts, one after another, where its cost says that it would take too long for a display driver's watchdog.
   * @throws BindingError naming the variable, parameter or constant that does not fit
   */
  dispatch<K extends string>(name: K, options: DispatchOptions<K>): Dispatch {
    const { gpu } = this;
    const isCompiled = new Set(gpu.shaders.get(name).compiled.map((parameter) => parameter.name));
    const given = Object.entries((options.parameters ?? {}) as Record<string, number>);
    const constants: Record<string, number> = {
      ...(options.constants as Record<string, number> | undefined),
      ...Object.fromEntries(given.filter(([parameter]) => isCompiled.has(parameter))),
    };
    const parameters = Object.fromEntries(given.filter(([parameter]) => !isCompiled.has(parameter)));
    const kernel = gpu.kernel(name, constants);
    const tensors = options.bind as Record<string, Tensor>;
    kernel.requireBindable(tensors);
    const bytes = kernel.encodeParameters(parameters);
    let uniform: GPUBuffer | undefined;
    if (bytes) {
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      uniform = gpu.device.createBuffer({ label: `${name} parameters`, size: bytes.byteLength, usage });
      gpu.device.queue.writeBuffer(uniform, 0, bytes);
      this.#uniforms.push(uniform);
    }
    const [x, y, z] = kernel.workgroupSize;
    const count = 'invocations' in options ? Math.ceil(options.invocations / (x * y * z)) : options.workgroups;
    const { cost = {} } = options;
    const has = (name: string) => kernel.shader.constants.some((constant) => constant.name === name);
    const limit = gpu.limits.maxComputeWorkgroupsPerDimension;
    const parts = cutGrid(count, has(FIRST_GROUP) ? partsOf(cost, gpu.adapter.software) : 1, limit);
    const all: Record<string, number> = has(ALL_GROUPS) ? { [ALL_GROUPS]: count } : {};
    const recorded: Recorded = {
      label: options.label ?? name,
      kernel,
      cost,
      parts,
      kernels:
        parts.length === 1
          ? [kernel]
          : parts.map(({ first }) =>
              gpu.kernel(name, { ...constants, ...all, ...(first > 0 && { [FIRST_GROUP]: first }) }),
            ),
      tensors,
      images: this.#recordImages(kernel, tensors),
      bindGroup: undefined,
      uniform,
      parameters,
      pipelines: undefined,
    };
    this.#commands.push(recorded);
    for (const { name, access } of kernel.shader.bindings) {
      if (access === 'read_write') this.#images.written(tensors[name]!);
    }
    return recorded;
  }

  /** The images that a kernel reads, after copying to those that there are not yet. */
  #recordImages(kernel: Kernel, tensors: Readonly<Record<string, Tensor>>): Record<string, Image> {
    const command = this.#commands.length;
    return Object.fromEntries(
      kernel.shader.bindings.flatMap(({ name, image: wanted }) => {
        if (!wanted) return [];
        const { image, fresh } = this.#images.use(tensors[name]!, command);
        if (fresh) this.#commands.push({ image });
        return [[name, image]];
      }),
    );
  }

  /** Records filling a tensor with zeros. */
  clear(tensor: Tensor): void {
    this.#requireOwn(tensor);
    this.#commands.push({ clear: tensor });
    this.#images.written(tensor);
  }

  /** Records copying a tensor into another of the same length. */
  copy(from: Tensor, to: Tensor): void {
    this.#requireOwn(from);
    this.#requireOwn(to);
    if (from.buffer === to.buffer) throw new BindingError(`${from.label} cannot be copied to itself`);
    if (from.length !== to.length || from.elementType !== to.elementType) {
      throw new BindingError(`${from.label} cannot be copied to ${to.label}: their types or lengths differ`);
    }
    this.#commands.push({ from, to });
    this.#images.written(to);
  }

  /**
   * Changes parameters of a recorded dispatch for the runs that follow.
   * @throws BindingError where one does not fit, or is compiled into the kernel
   */
  setParameters(dispatch: Dispatch, changes: Readonly<Record<string, number>>): void {
    const recorded = dispatch as Recorded;
    const parameters = { ...recorded.parameters, ...changes };
    const bytes = recorded.kernel.encodeParameters(parameters);
    recorded.parameters = parameters;
    if (bytes && recorded.uniform) this.gpu.device.queue.writeBuffer(recorded.uniform, 0, bytes);
  }

  /** Compiles all pipelines, side by side. @throws ShaderError, GpuLostError, GpuOutOfMemoryError */
  async compile(): Promise<this> {
    this.imageRooms.allocate(this.gpu);
    for (const command of this.#commands) {
      if ('kernel' in command)
        command.bindGroup ??= command.kernel.bind(command.tensors, command.images, command.uniform);
    }
    await Promise.all(
      this.#commands.map(async (command) => {
        if (!('kernel' in command)) return;
        command.pipelines = await Promise.all(command.kernels.map((kernel) => kernel.pipeline()));
      }),
    );
    // A lost device compiles anything.
    this.gpu.throwIfFailed();
    return this;
  }

  /**
   * Encodes the program `times` times and submits it as one piece of work, without waiting.
   * @throws BindingError if the program is not compiled, or it or a tensor of it is destroyed
   */
  run(times = 1): void {
    this.#requireRunnable(this.#commands);
    this.gpu.running(this);
    const encoder = this.gpu.device.createCommandEncoder({ label: this.label });
    for (let time = 0; time < times; time += 1) this.encode(encoder, this.#commands);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /**
   * Encodes and submits one dispatch alone, with the clearing and copying recorded just before it (to images that are new with it, too), for `profile`.
   */
  runOne(dispatch: Dispatch, timestampWrites?: GPUComputePassTimestampWrites): void {
    const last = this.#commands.indexOf(dispatch as Recorded);
    let first = last;
    while (first > 0 && !('kernel' in this.#commands[first - 1]!)) first -= 1;
    const commands = this.#commands.slice(first, last + 1);
    this.#requireRunnable(commands);
    this.gpu.running(this);
    const encoder = this.gpu.device.createCommandEncoder({ label: dispatch.label });
    this.encode(encoder, commands, timestampWrites);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** The first kernel and variable whose tensor a device's message names, where it is about this program. */
  blame(message: string): string | undefined {
    if (!message.includes(`"${this.label}"`)) return undefined;
    for (const { kernel, tensors, label } of this.#commands.filter((command) => 'kernel' in command)) {
      const named = Object.entries(tensors).find(([, tensor]) => message.includes(`"${tensor.label}"`));
      const name = kernel.shader.name;
      const as = label === name ? '' : `, ${label}`;
      if (named) return `${this.label}: the kernel ${name}${as}, its variable ${named[0]}`;
    }
    return this.label;
  }

  /** Frees the parameters; tensors belong to whoever created them. */
  destroy(): void {
    this.#destroyed = true;
    for (const uniform of this.#uniforms.splice(0)) uniform.destroy();
    this.#images.destroy();
    this.#commands.length = 0;
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #requireOwn(tensor: Tensor): void {
    if (tensor.gpu !== this.gpu) {
      throw new BindingError(`${this.label} is given ${tensor.label}, which lives on another device`);
    }
  }

  /** Found here, such a mistake leaves the device usable; the device itself would refuse everything from then on. */
  #requireRunnable(commands: readonly Command[]): void {
    this.gpu.throwIfFailed();
    if (this.#destroyed) throw new BindingError(`${this.label} is used after it was destroyed`);
    for (const command of commands) {
      const tensors =
        'clear' in command
          ? [command.clear]
          : 'from' in command
            ? [command.from, command.to]
            : 'image' in command
              ? [command.image.tensor]
              : Object.values(command.tensors);
      const destroyed = tensors.find((tensor) => tensor.destroyed);
      if (destroyed) throw new BindingError(`${this.label} uses ${destroyed.label}, which is destroyed`);
      if ('kernel' in command && !command.pipelines) {
        throw new BindingError(`${this.label} is run before it is compiled`);
      }
    }
  }

  private encode(
    encoder: GPUCommandEncoder,
    commands: readonly Command[],
    timestampWrites?: GPUComputePassTimestampWrites,
  ): void {
    let pass: GPUComputePassEncoder | undefined;
    const end = () => {
      pass?.end();
      pass = undefined;
    };
    for (const command of commands) {
      if ('clear' in command) {
        end();
        const { clear } = command;
        encoder.clearBuffer(clear.buffer, clear.offset * 4, clear.length * 4);
      } else if ('from' in command) {
        end();
        const { from, to } = command;
        encoder.copyBufferToBuffer(from.buffer, from.offset * 4, to.buffer, to.offset * 4, to.length * 4);
      } else if ('image' in command) {
        end();
        command.image.memory!.encodeCopy(encoder, command.image.tensor);
      } else if (command.parts[0]!.grid[0] > 0) {
        pass ??= encoder.beginComputePass(timestampWrites && { timestampWrites });
        pass.setBindGroup(0, command.bindGroup!);
        for (const [part, { grid }] of command.parts.entries()) {
          pass.setPipeline(command.pipelines![part]!);
          pass.dispatchWorkgroups(...grid);
        }
      }
    }
    end();
  }
}
