import { type ElementType, type Gpu, ImageRooms, type Program, type Tensor } from '../gpu/index.js';

/** Programs that are kept; a search uses one for its full batches and one for the last. */
const PROGRAMS = 8;

/**
 * What an index keeps from one search for the next: tensors by label, which grow as needed, and recorded programs. Making
 * them anew would cost small searches more than the search.
 */
export class Workspace<R> {
  readonly #tensors = new Map<string, Tensor>();
  readonly #programs = new Map<string, { program: Program; recorded: R }>();

  /** Memory for what the programs, one after another, read as images. */
  readonly #images = new ImageRooms();

  /** Bytes of all tensors. */
  #bytes = 0;
  #reserved = '';

  constructor(readonly gpu: Gpu) {}

  /**
   * Says what comes next: `bytes` for a search called `key`. Where that and what is kept from others would exceed the
   * budget, those tensors go first.
   */
  reserve(key: string, bytes: number, budget: number): void {
    if (key !== this.#reserved && this.#bytes + bytes > budget) this.destroy();
    this.#reserved = key;
  }

  /** A tensor with room for `length` elements, contents unknown; the same one for the same label until it must grow. */
  tensor<E extends ElementType>(element: E, length: number, label: string): Tensor<E> {
    const found = this.#tensors.get(label);
    if (found && found.length >= length) return found as Tensor<E>;
    if (found) {
      this.forget();
      found.destroy();
      this.#tensors.delete(label);
      this.#bytes -= found.bytes;
    }
    const tensor = this.gpu.tensor(element, [Math.ceil(Math.max(1, length) / 4) * 4], label);
    this.#tensors.set(label, tensor);
    this.#bytes += tensor.bytes;
    return tensor;
  }

  /** The program recorded under `key`, compiled; recorded now where there is none. */
  async program(key: string, record: (program: Program) => R): Promise<{ program: Program; recorded: R }> {
    const found = this.#programs.get(key);
    if (found) return found;
    const program = this.gpu.program('search', this.#images);
    try {
      const made = { program, recorded: record(program) };
      await program.compile();
      for (const [oldest, old] of this.#programs) {
        if (this.#programs.size < PROGRAMS) break;
        old.program.destroy();
        this.#programs.delete(oldest);
      }
      this.#programs.set(key, made);
      return made;
    } catch (error) {
      program.destroy();
      throw error;
    }
  }

  /** Forgets all programs: what they bind is replaced. */
  forget(): void {
    for (const { program } of this.#programs.values()) program.destroy();
    this.#programs.clear();
  }

  destroy(): void {
    this.forget();
    for (const tensor of this.#tensors.values()) tensor.destroy();
    this.#tensors.clear();
    this.#bytes = 0;
  }
}
