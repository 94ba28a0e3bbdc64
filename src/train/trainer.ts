import { HashgnnError } from '../base/errors.js';
import { findNotFinite } from '../base/npy.js';
import { buildGraph, Csr, type Dataset } from '../data/index.js';
import type { Gpu, Tensor } from '../gpu/index.js';
import type { HostGraph } from '../layers/graph.js';
import type { Variants } from '../layers/variants.js';
import { type Evaluation, evaluate, type SearchName, unpackCodes } from '../search/index.js';
import { type CodeUse, codeUse } from './collapse.js';
import { DeviceTraining, type MemoryGroup } from './device_training.js';
import { KeptParameters } from './kept.js';
import { type MemoryPrediction, predictMemory, requireFits, searchMemory } from './memory.js';
import type { TrainOptions } from './options.js';
import type { Embeddings } from './run_folder.js';
import type { SafeTensor } from './safetensors.js';
import { learningRateAt, relaxationAt } from './schedule.js';
import type { TrainingStep } from './step.js';
import { requireFinite } from './watch.js';

/** Means over the steps since the last record. */
export interface LossRecord {
  readonly step: number;
  /** The weighted total that is minimised. */
  readonly loss: number;
  readonly crossEntropy: number;
  readonly ranking: number;
  /** Share of (edge, negative) pairs of the batches in which the edge scores higher, ties half. */
  readonly auc: number;
  /** The learnt factor on inner products, now. */
  readonly scale: number;
  /** p of the guidance at this step; where that is how signs are learnt. */
  readonly guidance?: number;
  /** β of a smooth relaxation at this step, where it is that. */
  readonly sharpness?: number;
  readonly learningRate: number;
  /** Norm of all gradients of a step together, before they are clipped; where they are. */
  readonly gradientNorm?: number;
}

/** Search results on the validation edges, and the single figure that picks the parameters to keep. */
export interface ValidationRecord {
  readonly step: number;
  readonly validation: Required<Evaluation>;
  readonly selection: number;
  /** Whether codes tell nodes apart. */
  readonly codes: { readonly users: CodeUse; readonly items: CodeUse };
}

/** What a training may take on the device, and who is told what it will. */
export interface TrainerSettings {
  readonly variants?: Variants | undefined;
  readonly memory?: number | undefined;
  readonly onMemory?: ((predicted: MemoryPrediction) => void) | undefined;
}

/** What to do about a training that has diverged. */
const DIVERGED = 'use a smaller learning rate or means instead of sums; the last checkpoint holds the state before';

/** How much work one submission holds, in milliseconds: long enough to hide its cost, short enough to be stopped. */
const SUBMISSION_MILLISECONDS = 200;
const SUBMISSION_STEPS = 64;

/**
 * HashGNN in training on one device. The host only submits steps and reads the losses now and then; where it stops in
 * between has no influence on the result.
 */
export class Trainer {
  /** Steps done. */
  step = 0;
  /** The best validation so far. */
  best: ValidationRecord | undefined;
  /** The parameters that it was of. */
  readonly #kept: KeptParameters;
  readonly #device: DeviceTraining;
  readonly #seen: { readonly offsets: Uint32Array; readonly columns: Uint32Array };
  readonly #valid: { readonly offsets: Uint32Array; readonly columns: Uint32Array };
  #submission = 1;

  private constructor(
    device: DeviceTraining,
    readonly gpu: Gpu,
    readonly dataset: Dataset,
    readonly options: TrainOptions,
    /** The memory that was predicted. */
    readonly predicted: MemoryPrediction,
  ) {
    const { userCount, itemCount } = dataset;
    this.#device = device;
    this.#kept = new KeptParameters(gpu, device.step.parameters());
    this.#seen = Csr.fromEdges(dataset.train, userCount, itemCount);
    this.#valid = Csr.fromEdges(dataset.valid, userCount, itemCount);
  }

  /**
   * Prepares training: predicts its memory, allocates everything and compiles all kernels.
   * @param settings `variants` of kernels, as `keptTuning` finds them, the likely ones for the adapter unless told;
   * `memory`: bytes on the device at most, any number unless told; `onMemory`: told of the prediction before anything is
   * allocated
   * @throws GpuOutOfMemoryError, before anything is allocated where the prediction tells; ShaderError
   */
  static async create(
    gpu: Gpu,
    dataset: Dataset,
    options: TrainOptions,
    { variants, memory, onMemory }: TrainerSettings = {},
  ): Promise<Trainer> {
    requireTrainable(dataset, options);
    const predicted = await predictMemory(gpu, dataset, options);
    onMemory?.(predicted);
    requireFits(predicted, gpu.bindable, memory);
    const scope = gpu.scope();
    try {
      const device = new DeviceTraining(gpu, scope, hostGraph(dataset), options, variants);
      device.step.initialise();
      await device.compile();
      return new Trainer(device, gpu, dataset, options, predicted);
    } catch (error) {
      scope.destroy();
      throw error;
    }
  }

  /** The kernels in use where there are several for the same work. */
  get variants(): Variants {
    return this.training.encoder.variants;
  }

  /** The recorded step, for profiles and tests. */
  get training(): TrainingStep {
    return this.#device.step;
  }

  /** Bytes that the training holds on the device, by what they are for. */
  bytesByGroup(): Record<MemoryGroup, number> {
    return this.#device.bytesByGroup();
  }

  /**
   * Trains up to step `end`.
   * @param signal stops between two submissions; look at `step` for where
   * @param onSubmission called after each submission is done
   * @throws GpuError where the device failed
   */
  async advance(end: number, signal?: AbortSignal, onSubmission?: (step: number) => void): Promise<void> {
    // One submission runs while the next one is encoded, so that the device never waits for the host; except where they share
    // cores, of which encoding would take one from the work.
    const ahead = !this.gpu.adapter.software;
    let pending: { readonly steps: number; readonly done: Promise<void> } | undefined;
    let since = performance.now();
    const settle = async () => {
      if (!pending) return;
      const { steps, done } = pending;
      pending = undefined;
      await done;
      this.step += steps;
      const now = performance.now();
      const milliseconds = (now - since) / steps;
      since = now;
      const wanted = Math.max(1, Math.floor(SUBMISSION_MILLISECONDS / Math.max(milliseconds, 1e-3)));
      this.#submission = Math.min(wanted, this.#submission * 2, SUBMISSION_STEPS);
      onSubmission?.(this.step);
    };
    let submitted = this.step;
    while (submitted < end && !signal?.aborted) {
      const steps = this.training.run(submitted, Math.min(this.#submission, end - submitted));
      submitted += steps;
      const done = this.gpu.finish();
      // Looked at in `settle`; a failure in between must not count as unhandled.
      done.catch(() => {});
      const next = { steps, done };
      if (ahead) await settle();
      pending = next;
      if (!ahead) await settle();
    }
    await settle();
  }

  /**
   * Means of the losses over the last `steps` steps, at most `logEvery`.
   * @throws HashgnnError where a loss, a gradient, a moment or a parameter is not finite, with the first tensor affected:
   * nothing of this training can be used
   */
  async losses(steps: number): Promise<LossRecord> {
    const { training } = this;
    const [each, [scaleNow], squares] = await Promise.all([
      training.losses(this.step - steps, this.step),
      training.scale.read(),
      training.norms?.read(),
    ]);
    const mean = (key: 'total' | 'crossEntropy' | 'ranking' | 'auc') =>
      each.reduce((sum, entry) => sum + entry[key], 0) / each.length;
    const record: LossRecord = {
      step: this.step,
      loss: mean('total'),
      crossEntropy: mean('crossEntropy'),
      ranking: mean('ranking'),
      auc: mean('auc'),
      scale: scaleNow!,
      [this.options.relaxation === 'guidance' ? 'guidance' : 'sharpness']: relaxationAt(this.options, this.step - 1),
      learningRate: learningRateAt(this.options, this.step - 1),
      ...(squares && { gradientNorm: this.#meanNorm(squares, steps) }),
    };
    const between = `the ${steps} steps before step ${this.step}`;
    requireFinite(await this.#device.watch.look(), between, DIVERGED);
    for (const [what, value] of [
      ['loss', record.loss],
      // Of gradients that are finite the squares may be too large for floats.
      ['norm of the gradients', record.gradientNorm ?? 0],
    ] as const) {
      if (Number.isFinite(value)) continue;
      throw new HashgnnError(`training diverged: the ${what} at step ${this.step} is ${value}`, {
        where: between,
        fix: DIVERGED,
      });
    }
    return record;
  }

  /** Over the last `steps` steps. */
  #meanNorm(squares: Float32Array, steps: number): number {
    let sum = 0;
    for (let step = this.step - steps; step < this.step; step += 1) sum += Math.sqrt(squares[step % squares.length]!);
    return sum / steps;
  }

  /**
   * Embeddings and codes of all users and items with the current parameters, over whole neighbourhoods.
   * @throws HashgnnError where one is not finite
   */
  async encode(): Promise<Embeddings> {
    const { encode, codes: packed } = this.#device;
    this.training.flush(this.step);
    encode.run();
    // Copies that wait behind the work make it a twentieth slower on a driver on the CPU.
    await this.gpu.finish();
    const [all, words] = await Promise.all([this.training.encoding.embeddings.read(), packed.read()]);
    const broken = findNotFinite(all);
    const { bits } = this.options;
    if (broken >= 0) {
      throw new HashgnnError(`the embedding of node ${Math.floor(broken / bits)} is ${all[broken]}`, {
        where: `step ${this.step}`,
        fix: 'use a smaller learning rate; the last checkpoint holds the state before',
      });
    }
    const { userCount } = this.dataset;
    const codes = unpackCodes(words, bits);
    return {
      bits,
      users: all.subarray(0, userCount * bits),
      items: all.subarray(userCount * bits),
      userCodes: codes.subarray(0, (userCount * bits) / 8),
      itemCodes: codes.subarray((userCount * bits) / 8),
    };
  }

  /**
   * Evaluates on the validation edges, training edges masked, and keeps the parameters if they are the best so far.
   * @throws InterruptedError, with nothing kept, where `signal` is aborted
   */
  async validate(signal?: AbortSignal): Promise<ValidationRecord> {
    const { candidates } = this.options;
    const { bits, users, items, userCodes, itemCodes } = await this.encode();
    const validation = await evaluate(this.gpu, {
      bits,
      userCodes,
      itemCodes,
      userEmbeddings: users,
      itemEmbeddings: items,
      seen: this.#seen,
      test: this.#valid,
      candidates,
      memory: searchMemory(this.predicted.live),
      signal,
    });
    const codes = { users: codeUse(userCodes, bits), items: codeUse(itemCodes, bits) };
    const record = { step: this.step, validation, selection: selectionOf(validation, this.options), codes };
    if (!this.best || record.selection > this.best.selection) {
      await this.#kept.keep();
      this.best = record;
    }
    return record;
  }

  /** Puts the best parameters in place of the current ones, if there was a validation. */
  takeBest(): void {
    if (!this.best) return;
    // Steps that rows have missed would otherwise be made up for in the best parameters.
    this.training.flush(this.step);
    this.#kept.takeUp();
  }

  /**
   * Every tensor that the rest of the training depends on, by name.
   * @throws HashgnnError where one is not finite, so that no such state is ever saved
   */
  async state(): Promise<Map<string, SafeTensor>> {
    this.training.flush(this.step);
    requireFinite(await this.#device.watch.look(), `step ${this.step}`, DIVERGED);
    const entries = this.#stateTensors().map(
      async ({ name, tensor }): Promise<[string, SafeTensor]> => [
        name,
        { shape: tensor.shape, data: await tensor.read() },
      ],
    );
    return new Map([...(await Promise.all(entries)), ...this.#kept.state()]);
  }

  /**
   * Takes up a saved state.
   * @throws HashgnnError where a tensor is missing or has another shape
   */
  restore(state: ReadonlyMap<string, SafeTensor>, step: number, best: ValidationRecord | undefined): void {
    const take = (name: string, shape: readonly number[]) => {
      const saved = state.get(name);
      if (saved?.shape.join() !== shape.join() || !(saved.data instanceof Float32Array)) {
        throw new HashgnnError(`the checkpoint has no tensor ${name} of shape [${shape.join(', ')}]`, {
          fix: 'resume with the data and the options that the run was begun with',
        });
      }
      return saved.data as Float32Array<ArrayBuffer>;
    };
    for (const { name, tensor } of this.#stateTensors()) tensor.write(take(name, tensor.shape));
    this.#kept.restore(take);
    this.training.state.write(new Uint32Array([step, 0, 0, 0]));
    this.training.adam.restored(step);
    this.step = step;
    this.best = best;
  }

  destroy(): void {
    this.#device.scope.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #stateTensors(): { name: string; tensor: Tensor<'f32'> }[] {
    const { adam, norms } = this.training;
    return [
      ...this.training.parameters(),
      ...adam.moments(),
      ...this.training.logs(),
      ...(norms ? [{ name: 'gradient_norms', tensor: norms }] : []),
    ];
  }
}

/** The figure of a validation that parameters are picked by. */
export function selectionOf(validation: Required<Evaluation>, { select }: Pick<TrainOptions, 'select'>): number {
  const hr = (search: SearchName) => validation[search]['HR@50']!;
  return select === 'both' ? (hr('hamming') + hr('hierarchical')) / 2 : hr(select);
}

/** The training edges as the symmetric graph that the kernels read. */
export function hostGraph({ train, userCount, itemCount }: Dataset): HostGraph {
  const { offsets, columns } = buildGraph(train, userCount, itemCount);
  return { userCount, itemCount, offsets, neighbours: columns };
}

function requireTrainable(dataset: Dataset, options: TrainOptions): void {
  const edges = dataset.train.length / 2;
  if (edges === 0) {
    throw new HashgnnError('the dataset has no training edges', {
      where: dataset.folder,
      fix: 'prepare it with weaker filters or another split',
    });
  }
  if (options.objective === 'pairs' && options.steps * options.batchSize >= 2 ** 32) {
    throw new HashgnnError(`${options.steps} steps of ${options.batchSize} edges are more than 2^32 edges`, {
      fix: 'use fewer steps or smaller batches',
    });
  }
}
