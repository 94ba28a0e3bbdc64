/**
 * Images: tensors of floats copied into textures, from which drivers that run shaders on the CPU load several times as fast
 * as from buffers. A shader declares one as `texture_storage_2d<rgba32float, read>` and reads it by `shaders/lib/image.wgsl`;
 * whoever dispatches it binds the tensor as ever, and the program copies it.
 */
import type { Gpu } from './gpu.js';
import type { Tensor } from './tensor.js';

/** Texels of four floats in a line of an image, as `shaders/lib/image.wgsl` has them. */
const LINE = 4096;
const TEXEL_BYTES = 16;

/** One at least: there is no empty texture. */
const linesOf = (texels: number) => Math.max(1, Math.ceil(texels / LINE));
const texelsOf = (tensor: Tensor) => Math.ceil(tensor.length / 4);

/** The memory of an image, or of several that are needed one after another. */
export class ImageMemory {
  readonly view: GPUTextureView;
  readonly #texture: GPUTexture;
  #destroyed = false;

  /** Use `Gpu.imageMemory`. @param texture [LINE, lines] */
  constructor(
    readonly gpu: Gpu,
    readonly label: string,
    texture: GPUTexture,
    readonly bytes: number,
  ) {
    this.#texture = texture;
    this.view = texture.createView();
  }

  /** Encodes copying a tensor there. */
  encodeCopy(encoder: GPUCommandEncoder, tensor: Tensor): void {
    const texels = texelsOf(tensor);
    const lines = Math.floor(texels / LINE);
    const rest = texels % LINE;
    const { buffer } = tensor;
    const offset = tensor.offset * 4;
    const bytesPerRow = LINE * TEXEL_BYTES;
    const texture = this.#texture;
    if (lines > 0) encoder.copyBufferToTexture({ buffer, offset, bytesPerRow }, { texture }, [LINE, lines]);
    if (rest > 0) {
      const last = { buffer, offset: offset + lines * bytesPerRow };
      encoder.copyBufferToTexture(last, { texture, origin: [0, lines] }, [rest, 1]);
    }
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#texture.destroy();
    this.gpu.released(this);
  }
}

/** The size of a texture for so many lines, and its bytes. */
export function imageSize(lines: number): { size: [number, number]; bytes: number } {
  return { size: [LINE, lines], bytes: lines * LINE * TEXEL_BYTES };
}

/** A tensor as it is when a command of a program first reads it as an image. */
export interface Image {
  readonly tensor: Tensor;
  /** Numbers of the first and the last command that read it. */
  readonly first: number;
  last: number;
  memory: ImageMemory | undefined;
}

/** The images that the commands of one program read. */
export class Images {
  readonly #images: Image[] = [];
  /** Images that hold what their tensor holds, after the commands so far. */
  readonly #current = new Set<Image>();
  readonly #memory: ImageMemory[] = [];

  /** The image of a tensor for a command, and whether the tensor must be copied there first. */
  use(tensor: Tensor, command: number): { image: Image; fresh: boolean } {
    const same = ({ tensor: { buffer, offset, length } }: Image) =>
      buffer === tensor.buffer && offset === tensor.offset && length === tensor.length;
    const found = [...this.#current].find(same);
    if (found) {
      found.last = command;
      return { image: found, fresh: false };
    }
    const image: Image = { tensor, first: command, last: command, memory: undefined };
    this.#images.push(image);
    this.#current.add(image);
    return { image, fresh: true };
  }

  /** A command writes a tensor: images of it are of the past. */
  written(tensor: Tensor): void {
    for (const image of this.#current) if (image.tensor.buffer === tensor.buffer) this.#current.delete(image);
  }

  /** Bytes of the memory of all images, allocated or not yet. */
  get bytes(): number {
    const allocated = this.#memory.reduce((sum, { bytes }) => sum + bytes, 0);
    return this.#plan().reduce((sum, { lines }) => sum + imageSize(lines).bytes, allocated);
  }

  /** Allocates what the images recorded so far lack. @throws as `Gpu.imageMemory` */
  allocate(gpu: Gpu, label: string): void {
    for (const { lines, images } of this.#plan()) {
      const memory = gpu.imageMemory(lines, label);
      this.#memory.push(memory);
      for (const image of images) image.memory = memory;
    }
  }

  destroy(): void {
    for (const memory of this.#memory.splice(0)) memory.destroy();
    this.#images.length = 0;
    this.#current.clear();
  }

  /** Memory for the images that have none yet: one after another where their times allow, in the room that fits best. */
  #plan(): { lines: number; images: Image[] }[] {
    const rooms: { lines: number; images: Image[]; last: number }[] = [];
    for (const image of this.#images) {
      if (image.memory) continue;
      const lines = linesOf(texelsOf(image.tensor));
      const waste = (room: { lines: number }) => Math.abs(room.lines - lines);
      const [room] = rooms.filter(({ last }) => last < image.first).sort((a, b) => waste(a) - waste(b));
      if (room) {
        room.lines = Math.max(room.lines, lines);
        room.images.push(image);
        room.last = image.last;
      } else rooms.push({ lines, images: [image], last: image.last });
    }
    return rooms;
  }
}
