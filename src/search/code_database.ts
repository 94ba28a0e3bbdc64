import { Purpose, random, toUnit } from '../base/random.js';
import { type Gpu, GpuOutOfMemoryError, type Tensor } from '../gpu/index.js';
import { interleave } from './codes.js';
import type { IdBitmap } from './filter.js';
import type { Design } from './plan.js';
import type { ItemStore, StoreView } from './store.js';

/** Items of one buffer at most, whatever the device binds: places in a chunk have 21 bits, and buffers hold whole chunks. */
export const MAX_CHUNK_ITEMS = 2 ** 21;

/** Buffers of so many items stay when items go; larger ones are given up where less than half would be in use. */
const SMALL_SHARD = 4096;

/** Seed of the sample that bounds are estimated from; what is drawn does not change results. */
const SAMPLE_SEED = 1;

/** The codes of consecutive places in one buffer of each layout. */
export interface Shard {
  /** First place and places in use. */
  readonly first: number;
  readonly count: number;
  /** [quads, words, 4], for the popcount kernels; see `shaders/search/hamming_topk.wgsl`. */
  readonly quads: Tensor<'u32'>;
  /** [blocks, words, 32], for the bit-sliced kernels; see `shaders/search/hamming_collect.wgsl`. */
  readonly slices: Tensor<'u32'> | undefined;
  /** [blocks]: the places that the current search may return. */
  readonly alive: Tensor<'u32'>;
}

/** Some items, drawn evenly over those that a search may return, in bit slices. */
export interface Sample {
  readonly count: number;
  readonly slices: Tensor<'u32'>;
}

interface Layouts {
  room: number;
  count: number;
  quads: Tensor<'u32'> | undefined;
  slices: Tensor<'u32'> | undefined;
  alive: Tensor<'u32'> | undefined;
  /** Rows from here on are not in the layout yet. */
  quadsFrom: number;
  slicesFrom: number;
}

/**
 * The codes of a store on the device, in the layouts that searches ask for, spread over as many buffers as the device's
 * bindings need. Layouts are made on first use and follow the store's changes, but only when a search begins (`admit`):
 * what is added or removed while it waits for the device is for the next one.
 */
export class CodeDatabase {
  /** Places in one buffer. */
  readonly shardItems: number;
  /** Grows whenever a tensor is replaced: what was recorded with it must be recorded again. */
  generation = 0;
  #gpu: Gpu;
  readonly #shards: Layouts[] = [];
  #admitted: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  #admittedCount = 0;
  #admittedVersion = -1;
  #view: StoreView;
  readonly #changes: () => number;
  #filtered = false;
  #sample: { tensor: Tensor<'u32'>; count: number; room: number } | undefined;
  #sampleStale = true;

  constructor(
    gpu: Gpu,
    readonly store: ItemStore,
    /** Bytes of a buffer at most; what the device binds unless less. */
    bufferBytes = Number.POSITIVE_INFINITY,
  ) {
    this.#gpu = gpu;
    const { maxStorageBufferBindingSize, maxBufferSize } = gpu.limits;
    const bytes = Math.min(bufferBytes, maxStorageBufferBindingSize, maxBufferSize);
    this.#view = store.view();
    this.#changes = store.follow();
    // A power of two, so that chunks of any power of two fill buffers exactly.
    this.shardItems = 2 ** Math.floor(Math.log2(Math.max(32, bytes / (4 * store.words))));
  }

  get gpu(): Gpu {
    return this.#gpu;
  }

  /** Leaves the device for another one, where the next search makes everything anew. */
  moveTo(gpu: Gpu): void {
    this.destroy();
    this.#gpu = gpu;
    this.#admittedVersion = -1;
    this.generation += 1;
  }

  /** Rows that the current search goes through, those of removed items included. */
  get places(): number {
    return this.#view.places;
  }

  /** Items that the current search may return. */
  get admittedCount(): number {
    return this.#admittedCount;
  }

  /** Takes the store as it is now, and the places that may be returned, for one search. */
  admit(allow: IdBitmap | undefined, deny: IdBitmap | undefined): void {
    const filtered = allow !== undefined || deny !== undefined;
    if (!filtered && !this.#filtered && this.#admittedVersion === this.store.version) return;
    this.#admitted = this.store.admitted(allow, deny);
    this.#admittedCount = countOnes(this.#admitted);
    this.#filtered = filtered;
    this.#admittedVersion = this.store.version;
    this.#sampleStale = true;
    this.#view = this.store.view();
    this.#layShards(this.#changes());
    for (const [index, shard] of this.#shards.entries()) {
      const first = index * (this.shardItems / 32);
      shard.alive!.write(this.#admitted.subarray(first, first + Math.ceil(shard.count / 32)));
    }
  }

  /** The buffers of all codes, in the layouts that a design reads; after `admit`. */
  async shards(design: Design): Promise<readonly Shard[]> {
    for (const [index, shard] of this.#shards.entries()) {
      await this.#bring(shard, index * this.shardItems, design === 'sliced');
    }
    return this.#shards.map((shard, index) => ({
      first: index * this.shardItems,
      count: shard.count,
      quads: shard.quads!,
      slices: shard.slices,
      alive: shard.alive!,
    }));
  }

  /** About `wanted` admitted items in bit slices, all of them where there are not more; after `admit`. */
  async sample(wanted: number): Promise<Sample> {
    const count = Math.min(wanted, this.#admittedCount);
    if (this.#sample && !this.#sampleStale && this.#sample.count === count) {
      return { count, slices: this.#sample.tensor };
    }
    const { words } = this.store;
    const { codes } = this.#view;
    const drawn = new Uint32Array(count * words);
    this.#draw(count).forEach((place, row) => {
      for (let word = 0; word < words; word += 1) drawn[row * words + word] = codes[place * words + word]!;
    });
    const blocks = Math.ceil(count / 32);
    if (!this.#sample || this.#sample.room < blocks) {
      this.#sample?.tensor.destroy();
      this.generation += 1;
      this.#sample = { tensor: this.gpu.tensor('u32', [blocks, words, 32], 'sample'), count, room: blocks };
    }
    this.#sample.count = count;
    this.#sampleStale = false;
    const quads = this.gpu.tensor('u32', [blocks * 8, words, 4], 'sample codes');
    try {
      quads.write(interleave(drawn, words));
      await this.#slice(quads, this.#sample.tensor, 0, blocks);
    } finally {
      quads.destroy();
    }
    return { count, slices: this.#sample.tensor };
  }

  destroy(): void {
    for (const shard of this.#shards) {
      shard.quads?.destroy();
      shard.slices?.destroy();
      shard.alive?.destroy();
    }
    this.#shards.length = 0;
    this.#sample?.tensor.destroy();
    this.#sample = undefined;
  }

  /** Places that were admitted, one of each of `count` equal parts of them. */
  #draw(count: number): Uint32Array {
    const drawn = new Uint32Array(count);
    const part = this.#admittedCount / count;
    let rank = 0;
    let row = 0;
    const at = (index: number) =>
      Math.min(
        Math.ceil((index + 1) * part) - 1,
        Math.floor((index + toUnit(random(SAMPLE_SEED, Purpose.sample, 0, index))) * part),
      );
    let next = count > 0 ? at(0) : 0;
    for (let index = 0; index < this.#admitted.length && row < count; index += 1) {
      let bits = this.#admitted[index]!;
      const ones = countOnesOf(bits);
      if (next >= rank + ones) {
        rank += ones;
        continue;
      }
      for (; bits !== 0 && row < count; bits &= bits - 1) {
        if (rank === next) {
          drawn[row] = index * 32 + 31 - Math.clz32(bits & -bits);
          row += 1;
          if (row < count) next = Math.max(at(row), next + 1);
        }
        rank += 1;
      }
    }
    return drawn;
  }

  /** As many buffers as there are places, with room to grow where items were added; rows from `changed` on are new. */
  #layShards(changed: number): void {
    const { places } = this;
    const wanted = Math.ceil(places / this.shardItems);
    for (const gone of this.#shards.splice(wanted)) {
      gone.quads?.destroy();
      gone.slices?.destroy();
      gone.alive?.destroy();
      this.generation += 1;
    }
    for (let index = 0; index < wanted; index += 1) {
      const count = Math.min(this.shardItems, places - index * this.shardItems);
      const shard = this.#shards[index];
      if (shard && shard.room >= count && shard.room <= Math.max(2 * count, SMALL_SHARD)) {
        shard.count = count;
        const from = Math.max(0, changed - index * this.shardItems);
        shard.quadsFrom = Math.min(shard.quadsFrom, from);
        shard.slicesFrom = Math.min(shard.slicesFrom, from);
        continue;
      }
      const room = shard && shard.room < count ? Math.min(this.shardItems, Math.ceil((count * 1.5) / 32) * 32) : count;
      shard?.quads?.destroy();
      shard?.slices?.destroy();
      shard?.alive?.destroy();
      this.generation += 1;
      this.#shards[index] = {
        room,
        count,
        quads: undefined,
        slices: undefined,
        alive: this.gpu.tensor('u32', [Math.ceil(room / 32)], 'admitted items'),
        quadsFrom: 0,
        slicesFrom: 0,
      };
    }
  }

  /** Writes what a layout lacks of a shard. */
  async #bring(shard: Layouts, first: number, sliced: boolean): Promise<void> {
    const { words } = this.store;
    const { codes } = this.#view;
    const blocks = Math.ceil(shard.room / 32);
    if (!shard.quads) {
      this.#requireFits(blocks * 128 * words);
      shard.quads = this.gpu.tensor('u32', [blocks * 8, words, 4], 'item codes');
      this.generation += 1;
    }
    if (shard.quadsFrom < shard.count) {
      const row = shard.quadsFrom - (shard.quadsFrom % 32);
      // In pieces, so that the host never holds a second copy of everything.
      for (let piece = row; piece < shard.count; piece += MAX_CHUNK_ITEMS) {
        const end = Math.min(shard.count, piece + MAX_CHUNK_ITEMS);
        shard.quads.write(
          interleave(codes.subarray((first + piece) * words, (first + end) * words), words),
          piece * words,
        );
      }
    }
    shard.quadsFrom = shard.count;
    if (!sliced) return;
    if (!shard.slices) {
      shard.slices = this.gpu.tensor('u32', [blocks, words, 32], 'item codes in bit slices');
      this.generation += 1;
    }
    if (shard.slicesFrom < shard.count) {
      const block = Math.floor(shard.slicesFrom / 32);
      await this.#slice(shard.quads, shard.slices, block, Math.ceil(shard.count / 32) - block);
    }
    shard.slicesFrom = shard.count;
  }

  /** @throws GpuOutOfMemoryError where a device binds less than 32 codes */
  #requireFits(bytes: number): void {
    const limit = this.gpu.bindable;
    if (bytes <= limit) return;
    throw new GpuOutOfMemoryError(`a block of codes takes ${bytes} bytes, this device binds ${limit} at most`, {
      where: this.gpu.name,
      fix: 'use an adapter with larger bindings',
    });
  }

  async #slice(database: Tensor<'u32'>, slices: Tensor<'u32'>, first: number, blocks: number): Promise<void> {
    const { words } = this.store;
    using program = this.gpu.program('bit slices');
    program.dispatch('search/hamming_slice', {
      bind: { database, slices },
      parameters: { first, blocks, words },
      invocations: blocks * words,
      cost: { bytes: blocks * words * 256 },
    });
    await program.compile();
    program.run();
    // Until it is done, the program's parameters and a sample's codes must live.
    await this.gpu.finish();
  }
}

function countOnesOf(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function countOnes(words: Uint32Array): number {
  let count = 0;
  for (let index = 0; index < words.length; index += 1) count += countOnesOf(words[index]!);
  return count;
}
