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

/** Elements: no device asks for a coarser grid than 256 bytes of where a binding may begin. */
const ALIGNMENT = 64;

/** Elements of a shape. @throws BindingError where the shape has no sense */
export function lengthOf(shape: readonly number[], label: string): number {
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw new BindingError(`${label} cannot have the shape [${shape.join(', ')}]`);
  }
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Bytes that so many elements take: room for whole vec4 elements, and never nothing, since no buffer may be empty. */
export function bytesOf(length: number): number {
  return Math.max(16, Math.ceil(length / 4) * 16);
}

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
    /** The tensor whose memory this one is a view of, if it has none of its own. */
    readonly base?: Tensor,
    /** Where in the buffer it begins, in elements. */
    readonly offset = 0,
  ) {
    this.length = lengthOf(shape, label);
  }

  /** Bytes on the device, padding included; those of a view are its base's. */
  get bytes(): number {
    return bytesOf(this.length);
  }

  get destroyed(): boolean {
    return this.base?.destroyed ?? this.#destroyed;
  }

  /**
   * Memory of this tensor under another shape and label: a part of it, or all for work that is done at another time.
   * It lives as long as this tensor, and one kernel cannot have both where it writes one.
   * @param options `element`: what the view holds, the same as this tensor unless told; `offset`: the element of this
   * tensor that it begins at, a multiple of 64 as devices want it, the first unless told
   * @throws BindingError where the shape needs more room than there is, or the offset is none
   */
  view<V extends ElementType = E>(
    shape: readonly number[],
    label: string,
    { element, offset = 0 }: { element?: V; offset?: number } = {},
  ): Tensor<V> {
    this.#requireLive();
    const length = lengthOf(shape, label);
    if (!(offset >= 0 && offset % ALIGNMENT === 0)) {
      throw new BindingError(`${label} cannot begin at element ${offset} of ${this.label}`, {
        fix: `begin at a multiple of ${ALIGNMENT}`,
      });
    }
    if (offset + length > this.length) {
      const from = offset > 0 ? ` from element ${offset} on` : '';
      throw new BindingError(`${label} [${shape.join(', ')}] does not fit ${this.label} of ${this.length}${from}`);
    }
    const type = element ?? (this.elementType as ElementType as V);
    return new Tensor(this.gpu, type, shape, label, this.buffer, this.base ?? this, this.offset + offset);
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
    if (data.length > 0) this.gpu.device.queue.writeBuffer(this.buffer, (this.offset + offset) * 4, data);
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
      offset: (this.offset + offset) * 4,
      bytes: target.length * 4,
      label: this.label,
      use: (contents, at) => target.set(new ARRAYS[this.elementType](contents, at, target.length)),
    };
  }

  /** Frees the memory; a view leaves it to its base. */
  destroy(): void {
    if (this.#destroyed || this.base) return;
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
    if (this.destroyed) throw new BindingError(`the tensor ${this.label} is used after it was destroyed`);
    this.gpu.throwIfFailed();
  }
}

/** Tensors that live and die together. */
export class TensorScope {
  readonly #owned: { destroy(): void }[] = [];
  readonly #lent: Tensor[];

  /** @param lent memory of others that tensors are made in as far as it goes, each once; see `borrowing` */
  constructor(
    readonly gpu: Gpu,
    lent: readonly Tensor[] = [],
  ) {
    this.#lent = [...lent];
  }

  /**
   * As `Gpu.tensor`; the scope destroys it. Without data it may lie in lent memory: then its contents are unknown.
   */
  tensor<E extends ElementType>(element: E, shape: readonly number[], label: string, data?: TypedArrays[E]): Tensor<E> {
    const length = lengthOf(shape, label);
    const [closest] = this.#lent
      .filter((tensor) => !data && tensor.elementType === element && tensor.length >= length)
      .sort((a, b) => a.length - b.length);
    if (!closest) return this.own(this.gpu.tensor(element, shape, label, data));
    this.#lent.splice(this.#lent.indexOf(closest), 1);
    return this.own((closest as Tensor<E>).view(shape, label));
  }

  /**
   * A scope within this one that makes tensors in the memory of lent ones where one has room, for work at other times
   * than theirs. Both must expect the other to have written anything there.
   */
  borrowing(lent: readonly Tensor[]): TensorScope {
    return this.own(new TensorScope(this.gpu, lent));
  }

  /** The tensors of the scope and of the scopes within it, views included. */
  get tensors(): readonly Tensor[] {
    return this.#owned.flatMap((thing) =>
      thing instanceof TensorScope ? thing.tensors : thing instanceof Tensor ? [thing] : [],
    );
  }

  /** Hands something over to the scope, to be destroyed with it. */
  own<T extends { destroy(): void }>(thing: T): T {
    this.#owned.push(thing);
    return thing;
  }

  destroy(): void {
    for (const thing of this.#owned.splice(0).reverse()) thing.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}
