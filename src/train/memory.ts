import { type Gpu, GpuOutOfMemoryError } from '../gpu/index.js';
import { evaluate } from '../search/index.js';
import { DeviceTraining, type MemoryGroup } from './device_training.js';
import type { TrainOptions } from './options.js';

/** What the memory of a training depends on beside its options; a `Dataset` has it. */
export interface TrainingSizes {
  readonly userCount: number;
  readonly itemCount: number;
  /** Two numbers a training edge. */
  readonly train: { readonly length: number };
  /** Two numbers a validation edge. */
  readonly valid: { readonly length: number };
}

/** Bytes on the device. */
export interface MemoryPrediction {
  /** What the training holds from beginning to end; see `DeviceTraining.bytesByGroup`. */
  readonly groups: Readonly<Record<MemoryGroup, number>>;
  /** The sum of the groups. */
  readonly live: number;
  /** What the searches of a validation take beside that, at most. */
  readonly searches: number;
  /** `live` and `searches`: the most that there can be. */
  readonly peak: number;
  /** The largest tensor. */
  readonly largest: {
    readonly label: string;
    readonly shape: readonly number[];
    readonly bytes: number;
    readonly group: MemoryGroup;
  };
}

/**
 * The searches of a validation get this share of what training holds, since they come beside it, and so much at least.
 * Larger batches of queries are hardly faster.
 */
const SEARCH_SHARE = 1 / 16;
const SEARCH_BYTES = 4 * 2 ** 20;

/** Queries of the rehearsed search: enough for the design that searches of many have. */
const REHEARSED_QUERIES = 64;

/** What makes a group smaller. */
const REMEDIES: Readonly<Record<MemoryGroup | 'searches', string>> = {
  parameters: 'lower --input-width, or prepare the dataset with stronger filters',
  moments: 'lower --input-width, or prepare the dataset with stronger filters',
  graph: 'prepare the dataset with stronger filters',
  batch: 'lower --batch-size, --fanouts, --negatives and --triplets, or --widths',
  lists: 'lower --batch-size, --fanouts, or --negatives and --triplets',
  encoding: 'lower --widths and --input-width, or use --aggregation joint',
  other: 'lower --steps or --log-every',
  searches: 'lower --candidates or --bits',
};

/** Bytes that the searches of a validation may take for queries and what is computed for them. */
export function searchMemory(live: number): number {
  return Math.max(SEARCH_BYTES, Math.ceil(live * SEARCH_SHARE));
}

export const sumOf = (groups: Readonly<Record<MemoryGroup, number>>): number =>
  Object.values(groups).reduce((sum, bytes) => sum + bytes, 0);

/**
 * What a training will hold on a device, before anything is allocated there: the very same tensors are made on a stand-in
 * that counts them. `groups` and `live` are exact; the searches of a validation depend on the data and are bounded.
 */
export async function predictMemory(gpu: Gpu, sizes: TrainingSizes, options: TrainOptions): Promise<MemoryPrediction> {
  const { userCount, itemCount, train, valid } = sizes;
  const planner = gpu.planner({ unbounded: true });
  const host = {
    userCount,
    itemCount,
    offsets: new Uint32Array(userCount + itemCount + 1),
    neighbours: new Uint32Array(train.length),
  };
  const training = new DeviceTraining(planner, planner.scope(), host, options);
  const groups = training.bytesByGroup();
  const live = sumOf(groups);
  const { tensor, group } = training.largest();
  const searches = valid.length > 0 ? await searchBytes(gpu, sizes, options, searchMemory(live)) : 0;
  const { label, shape, bytes } = tensor;
  return { groups, live, searches, peak: live + searches, largest: { label, shape, bytes, group } };
}

/** Bytes of the items in the indexes of a validation, and of its queries within the budget. */
async function searchBytes(
  gpu: Gpu,
  { userCount, itemCount }: TrainingSizes,
  { bits, candidates }: TrainOptions,
  memory: number,
): Promise<number> {
  const planner = gpu.planner();
  const users = Math.min(userCount, REHEARSED_QUERIES);
  const offsets = Uint32Array.from({ length: users + 1 }, (_, user) => user);
  await evaluate(planner, {
    bits,
    userCodes: new Uint8Array((users * bits) / 8),
    itemCodes: new Uint8Array((itemCount * bits) / 8),
    userEmbeddings: new Float32Array(users * bits),
    itemEmbeddings: new Float32Array(itemCount * bits),
    seen: { offsets: new Uint32Array(users + 1), columns: new Uint32Array(0) },
    test: { offsets, columns: new Uint32Array(users) },
    candidates,
    memory,
  });
  return planner.memory().peak + memory;
}

/**
 * @param bindable bytes of a tensor at most; see `Gpu.bindable`
 * @param budget bytes on the device at most, any number unless told
 * @throws GpuOutOfMemoryError saying what is largest and how to make it smaller
 */
export function requireFits(prediction: MemoryPrediction, bindable: number, budget = Number.POSITIVE_INFINITY): void {
  const { largest, peak, groups, searches } = prediction;
  if (largest.bytes > bindable) {
    throw new GpuOutOfMemoryError(
      `the largest tensor, ${largest.label} [${largest.shape.join(', ')}], would take ${largest.bytes} bytes, ` +
        `this device binds ${bindable} at most`,
      { where: 'the memory of the training, as predicted', fix: `${REMEDIES[largest.group]}, or use another adapter` },
    );
  }
  if (peak > budget) {
    const parts = Object.entries({ ...groups, searches }) as [MemoryGroup | 'searches', number][];
    const [most, bytes] = parts.sort((a, b) => b[1] - a[1])[0]!;
    throw new GpuOutOfMemoryError(
      `the training would take ${peak} bytes on the device, ${budget} are allowed; the most, ${bytes}, for ${NAMES[most]}`,
      { where: 'the memory of the training, as predicted', fix: `${REMEDIES[most]}, or allow more` },
    );
  }
}

/** The groups in words. */
export const NAMES: Readonly<Record<MemoryGroup | 'searches', string>> = {
  parameters: 'parameters',
  moments: 'Adam’s moments',
  graph: 'the graph',
  batch: 'activations and gradients of a batch',
  lists: 'lists of a batch’s nodes',
  encoding: 'the encoding of all nodes',
  other: 'schedules and logs',
  searches: 'the searches of a validation',
};
