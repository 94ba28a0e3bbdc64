import { BindingError } from './errors.js';
import type { BufferRange, Gpu } from './gpu.js';
import type { ElementType } from './shader.js';

/** The typed array that a tensor of an element type is written from and read into. */
export interface TypedArrays {
  f32: Float32Array;
  i32: Int32Array;
  u32: Uint32Array;
}

const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array };

/**
 * A typed array of fixed shape on the device, row-major, elements of four bytes. Whoever creates it destroys it, by
 * `destroy`, by `using`, or by the scope that it was created in.
 */
export class Tensor<E extends ElementType = ElementType> {
  readonly length: number;
  #destroyed = false;

  /** Use `Gpu.tensor`. */
  constructor(
    readonly gpu: Gpu,
    readonly elementType: E,
    readonly shape: readonly number[],
    readonly label: string,
    /** Raw buffer, for `src/gpu` alone. */
    readonly buffer: GPUBuffer,
  ) {
    this.length = shape.reduce((product, extent) => product * extent, 1);
  }

  /** Bytes held on the device, padding included. */
  get bytes(): number {
    return this.buffer.size;
  }

  get destroyed(): boolean {
    return this.#destroyed;
  }

  /**
   * Copies `data` into the tensor, from element `offset` on; queued in order with submitted programs.
   * @throws BindingError where the data does not fit
   */
  write(data: ArrayLike<number> & TypedArrays[E], offset = 0): this {
    this.#requireLive();
    if (!(data instanceof ARRAYS[this.elementType])) {
      throw new BindingError(`${this.label} holds ${this.elementType}, the data is a ${data?.constructor?.name}`);
    }
    if (!(Number.isInteger(offset) && offset >= 0 && offset + data.length <= this.length)) {
      throw new BindingError(`${data.length} elements at ${offset} do not fit ${this.label} of ${this.length}`);
    }
    if (data.length > 0) this.gpu.device.queue.writeBuffer(this.buffer, offset * 4, data);
    return this;
  }

  /**
   * What the tensor holds once all submitted work is done.
   * @param offset first element
   * @param count elements, all that follow unless told
   * @throws GpuLostError, GpuOutOfMemoryError, GpuValidationError if anything went wrong on the device before
   */
  async read(offset = 0, count = this.length - offset): Promise<TypedArrays[E]> {
    this.#requireRange(offset, count);
    const result = new ARRAYS[this.elementType](count) as TypedArrays[E];
    await this.gpu.readBuffers([this.range(result, offset)]);
    return result;
  }

  /** The reading of as many elements as `target` has, into it, for `Gpu.readBuffers`. @throws BindingError as `read` */
  range(target: TypedArrays[E], offset = 0): BufferRange {
    this.#requireRange(offset, target.length);
    return {
      buffer: this.buffer,
      offset: offset * 4,
      bytes: target.length * 4,
      label: this.label,
      use: (contents, at) => target.set(new ARRAYS[this.elementType](contents, at, target.length)),
    };
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.buffer.destroy();
    this.gpu.released(this);
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #requireRange(offset: number, count: number): void {
    this.#requireLive();
    const whole = Number.isInteger(offset) && Number.isInteger(count);
    if (!(whole && offset >= 0 && count >= 0 && offset + count <= this.length)) {
      throw new BindingError(`elements ${offset} to ${offset + count} are not all in ${this.label} of ${this.length}`);
    }
  }

  #requireLive(): void {
    if (this.#destroyed) throw new BindingError(`the tensor ${this.label} is used after it was destroyed`);
    this.gpu.throwIfFailed();
  }
}

/** Tensors that live and die together. */
export class TensorScope {
  readonly #tensors: { destroy(): void }[] = [];

  constructor(readonly gpu: Gpu) {}

  /** As `Gpu.tensor`; the scope destroys it. */
  tensor<E extends ElementType>(element: E, shape: readonly number[], label: string, data?: TypedArrays[E]): Tensor<E> {
    return this.own(this.gpu.tensor(element, shape, label, data));
  }

  /** Hands something over to the scope, to be destroyed with it. */
  own<T extends { destroy(): void }>(thing: T): T {
    this.#tensors.push(thing);
    return thing;
  }

  destroy(): void {
    for (const tensor of this.#tensors.splice(0).reverse()) tensor.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}
