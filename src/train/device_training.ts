import type { Gpu, Program, Tensor, TensorScope } from '../gpu/index.js';
import { Dense } from '../layers/dense.js';
import type { Parameter } from '../layers/encoder.js';
import type { HostGraph } from '../layers/graph.js';
import type { Variants } from '../layers/variants.js';
import { wordsOf } from '../search/index.js';
import { normal } from './initialise.js';
import type { TrainOptions } from './options.js';
import { TrainingStep } from './step.js';
import { FiniteWatch } from './watch.js';

/** What tensors of a training are for. */
export const MEMORY_GROUPS = ['parameters', 'moments', 'graph', 'batch', 'lists', 'encoding', 'other'] as const;
export type MemoryGroup = (typeof MEMORY_GROUPS)[number];

/** The stream of random numbers of the hyperplanes, apart from those of parameters. */
const HYPERPLANES = 2 ** 16;

/** Everything that a training holds on the device between two steps, and the programs that run on it. */
export class DeviceTraining {
  readonly step: TrainingStep;
  /** Embeddings and codes of all nodes; see `TrainingStep.encoding`. */
  readonly encode: Program;
  /** [N, ceil(bits / 32)], after `encode`. */
  readonly codes: Tensor<'u32'>;
  /** Of gradients, moments and parameters, in the order in which a step makes them. */
  readonly watch: FiniteWatch;

  constructor(
    gpu: Gpu,
    readonly scope: TensorScope,
    host: HostGraph,
    options: TrainOptions,
    variants?: Variants,
  ) {
    this.step = new TrainingStep(gpu, scope, host, options, variants);
    const { encoding, graph } = this.step;
    this.encode = scope.own(gpu.program('encode all nodes', this.step.program.imageRooms));
    encoding.recordForward(this.encode);
    const words = wordsOf(options.bits);
    this.codes = scope.tensor('u32', [graph.nodeCount, words], 'codes');
    this.encode.dispatch('hash/pack', {
      bind: {
        embedding: options.codes === 'hyperplanes' ? this.#recordSides(options) : encoding.hashed,
        codes: this.codes,
      },
      parameters: { rows: graph.nodeCount, width: options.bits },
      invocations: graph.nodeCount * words,
    });
    const { adam } = this.step;
    // Memory that the encoding of all nodes borrows holds a gradient only until then.
    const gradients = adam.gradients().filter(({ tensor }) => !tensor.base);
    this.watch = new FiniteWatch(gpu, scope, [...gradients, ...adam.moments(), ...this.step.parameters()]);
  }

  /**
   * Records the sides of K random hyperplanes through 0 on which the embeddings lie, as the signs of products with their
   * normals (Charikar, STOC 2002). [N, bits]
   */
  #recordSides({ bits, seed }: TrainOptions): Tensor<'f32'> {
    const { encoding, encoder } = this.step;
    const { rows, maxRows, embeddings } = encoding;
    const label = 'hyperplanes';
    const shape = { label, inputWidth: bits, outputWidth: bits, sides: 1, maxRows, trainable: false } as const;
    const planes = new Dense(this.scope, { ...shape, activation: 'none', variant: encoder.variants.dense });
    planes.weight.write(normal(bits * bits, 1, { seed, stream: HYPERPLANES }));
    const sides = this.scope.tensor('f32', [maxRows, bits], 'sides of hyperplanes');
    planes.forward(this.encode, { input: embeddings, output: sides, rows, maxRows });
    return sides;
  }

  async compile(): Promise<void> {
    await Promise.all([this.step.compile(), this.encode.compile(), this.watch.program.compile()]);
  }

  /**
   * Bytes on the device by group:
   * - `parameters`, and Adam's `moments` of them;
   * - `graph`;
   * - `batch`: activations and gradients of one batch, and of the parameters, with their images;
   * - `lists`: the batch's nodes, samples and groupings;
   * - `encoding`: what the encoding of all nodes needs beyond the memory of the batch;
   * - `other`: schedules, logs.
   */
  bytesByGroup(): Record<MemoryGroup, number> {
    const groupOf = this.#grouping();
    const bytes = Object.fromEntries(MEMORY_GROUPS.map((group) => [group, 0])) as Record<MemoryGroup, number>;
    for (const tensor of this.scope.tensors) {
      bytes[groupOf(tensor)] += tensor.bytes;
      // Memory that is used twice counts once, for the batch.
      if (tensor.base) bytes[groupOf(tensor.base)] -= tensor.bytes;
    }
    const { program, programs } = this.step;
    const images = Math.max(...programs.map(({ imageBytes }) => imageBytes));
    bytes.batch += images;
    bytes.encoding += program.imageRooms.bytes - images;
    return bytes;
  }

  /** The largest tensor, and what it is for. */
  largest(): { tensor: Tensor; group: MemoryGroup } {
    const tensor = this.scope.tensors.reduce((most, tensor) => (tensor.bytes > most.bytes ? tensor : most));
    return { tensor, group: this.#grouping()(tensor) };
  }

  #grouping(): (tensor: Tensor) => MemoryGroup {
    const { step } = this;
    const tensorsOf = (parameters: readonly Parameter[]) => parameters.map(({ tensor }) => tensor);
    const members: Partial<Record<MemoryGroup, readonly Tensor[]>> = {
      parameters: tensorsOf(step.parameters()),
      moments: tensorsOf(step.adam.moments()),
      graph: [step.graph.offsets, step.graph.neighbours],
      encoding: [...step.encoding.scratch, this.codes],
      other: [step.schedule, ...tensorsOf(step.logs())],
    };
    const groups = new Map<Tensor, MemoryGroup>();
    for (const group of MEMORY_GROUPS) for (const tensor of members[group] ?? []) groups.set(tensor, group);
    return (tensor) => groups.get(tensor) ?? (tensor.elementType === 'f32' ? 'batch' : 'lists');
  }
}
