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

const texelsOf = (length: number) => Math.ceil(length / 4);
/** Lines of the image of a tensor with so many elements: one at least, since there is no empty texture. */
export const imageLines = (length: number): number => Math.max(1, Math.ceil(texelsOf(length) / LINE));
const linesOf = ({ tensor }: { tensor: Tensor }) => imageLines(tensor.length);

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

  get lines(): number {
    return this.#texture.height;
  }

  /** Encodes copying a tensor there. */
  encodeCopy(encoder: GPUCommandEncoder, tensor: Tensor): void {
    const texels = texelsOf(tensor.length);
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

/** Images that take the same memory, one after another. */
interface Room {
  readonly lines: number;
  readonly images: Image[];
}

const bytesOf = (lines: readonly number[]) => lines.reduce((sum, each) => sum + imageSize(each).bytes, 0);

/** Memory for the images of programs that never run at once: each copies there anew whatever it reads, in every run. */
export class ImageRooms {
  readonly #users = new Set<Images>();
  readonly #memory: ImageMemory[] = [];

  /** The images of one more program. */
  add(): Images {
    const images = new Images(this);
    this.#users.add(images);
    return images;
  }

  /** Bytes of all memory, allocated or not yet. */
  get bytes(): number {
    const lacking = this.#plan().flatMap(({ lines, memory }) => (memory ? [] : [lines]));
    return this.#memory.reduce((sum, { bytes }) => sum + bytes, 0) + bytesOf(lacking);
  }

  /** Allocates what the images of all programs, as recorded so far, lack. @throws as `Gpu.imageMemory` */
  allocate(gpu: Gpu): void {
    const memory = this.#plan().map(({ lines, memory: found }) => {
      if (found) return found;
      const made = gpu.imageMemory(lines, 'images');
      this.#memory.push(made);
      return made;
    });
    for (const images of this.#users) images.place(memory);
  }

  /** Takes the images of a program off; with the last of them goes the memory. */
  remove(images: Images): void {
    this.#users.delete(images);
    if (this.#users.size === 0) for (const memory of this.#memory.splice(0)) memory.destroy();
  }

  /**
   * For the images that have no memory yet, lines of the largest of each program's largest rooms, of their second largest,
   * and so on; and memory as large that is there, and none of these programs has images in.
   */
  #plan(): { lines: number; memory: ImageMemory | undefined }[] {
    const most: number[] = [];
    const waiting = [...this.#users].filter((images) => images.unplaced().length > 0);
    for (const images of waiting) {
      images.unplaced().forEach(({ lines }, at) => {
        most[at] = Math.max(most[at] ?? 0, lines);
      });
    }
    // The smallest that suffices; the largest room chooses first.
    const free = this.#memory.filter((memory) => !waiting.some((images) => images.has(memory)));
    free.sort((a, b) => a.lines - b.lines);
    return most.map((lines) => {
      const fit = free.findIndex((memory) => memory.lines >= lines);
      return { lines, memory: fit < 0 ? undefined : free.splice(fit, 1)[0] };
    });
  }
}

/** The images that the commands of one program read. */
export class Images {
  readonly #images: Image[] = [];
  /** Images that hold what their tensor holds, after the commands so far. */
  readonly #current = new Set<Image>();
  #placedBytes = 0;

  /** Use `ImageRooms.add`. */
  constructor(readonly rooms: ImageRooms) {}

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

  /** Bytes that these images would take alone. */
  get bytes(): number {
    return this.#placedBytes + bytesOf(this.unplaced().map(({ lines }) => lines));
  }

  /** Whether some of these images lie there. */
  has(memory: ImageMemory): boolean {
    return this.#images.some((image) => image.memory === memory);
  }

  /** Gives the images that have no memory some of this, in the order of `unplaced`, for `ImageRooms`. */
  place(memory: readonly ImageMemory[]): void {
    const rooms = this.unplaced();
    this.#placedBytes += bytesOf(rooms.map(({ lines }) => lines));
    rooms.forEach(({ images }, at) => {
      for (const image of images) image.memory = memory[at];
    });
  }

  destroy(): void {
    this.rooms.remove(this);
    this.#images.length = 0;
    this.#current.clear();
  }

  /** Rooms for the images that have no memory yet, the largest first: each in the smallest that is free in its time. */
  unplaced(): Room[] {
    const rooms: Room[] = [];
    const apart = (a: Image, b: Image) => a.last < b.first || b.last < a.first;
    for (const image of this.#images.filter(({ memory }) => !memory).sort((a, b) => linesOf(b) - linesOf(a))) {
      const room = rooms.filter(({ images }) => images.every((other) => apart(image, other))).at(-1);
      if (room) room.images.push(image);
      else rooms.push({ lines: linesOf(image), images: [image] });
    }
    return rooms;
  }
}
