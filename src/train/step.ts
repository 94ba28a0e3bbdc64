import type { Gpu, Program, Tensor, TensorScope } from '../gpu/index.js';
import type { Dense } from '../layers/dense.js';
import { Encoder, EncodingPass, FullPass, type Parameter, SampledPass, type TrainingPass } from '../layers/encoder.js';
import { Graph, type HostGraph } from '../layers/graph.js';
import { Grouping } from '../layers/grouping.js';
import { HashGuidance } from '../layers/hash.js';
import { NodeSet } from '../layers/node_set.js';
import type { Variants } from '../layers/variants.js';
import { glorot, normal } from './initialise.js';
import { PairLoss } from './losses.js';
import { Adam, recordAdvance } from './optimizer.js';
import type { TrainOptions } from './options.js';
import { scheduleTable } from './schedule.js';

/** The encoder that these options describe, its parameters zero. */
export function createEncoder(
  scope: TensorScope,
  graph: Graph,
  options: TrainOptions,
  trainable: boolean,
  variants?: Variants,
): Encoder {
  const { inputWidth, widths, bits, aggregation, weights, activation, features } = options;
  const shape = { inputWidth, widths, bits, aggregation, weights, activation, features };
  return new Encoder(scope, graph, { ...shape, ...(variants && { variants }) }, trainable);
}

/**
 * One training step, wholly on the device: batch, negatives, neighbours, distinct nodes, forward, guidance, loss, the
 * way back, Adam. Recorded once; every run of the program is the next step, since the step's number lives on the device
 * and everything random is a function of it.
 */
export class TrainingStep {
  readonly program: Program;
  readonly graph: Graph;
  readonly encoder: Encoder;
  /** The way through the encoder and back: embeddings of the batch's nodes, gradient of the input features. */
  readonly pass: TrainingPass;
  /**
   * All nodes over whole neighbourhoods, for validation and results. Between two steps nobody needs the activations of the
   * batch, so it computes in their memory, and they in its.
   */
  readonly encoding: EncodingPass;
  /** [4] the number of the next step, on the device. */
  readonly state: Tensor<'u32'>;
  /** [steps, 4] what varies by step; see `scheduleTable`. */
  readonly schedule: Tensor<'f32'>;
  /** [1] the factor on inner products. */
  readonly scale: Tensor<'f32'>;
  /** [batch, 2 + slots] node numbers of the batch: user, positive item, negative items. */
  readonly pairs: Tensor<'u32'>;
  readonly loss: PairLoss;
  readonly adam: Adam;
  /** [logEvery, 1] squares of the norms of gradients by step, where they are clipped; see `Adam.recordClip`. */
  readonly norms: Tensor<'f32'> | undefined;
  /** Run between steps, brings all parameters and moments up to date; they are behind where Adam defers rows. */
  readonly flush: Program;
  /** [2] the batch as a list of which all rows are active. */
  readonly #batchRows: Tensor<'u32'>;

  /**
   * Records the step; `compile()` and `initialise()` before the first run.
   * @param variants of kernels, the likely ones for the adapter unless told
   */
  constructor(
    gpu: Gpu,
    readonly scope: TensorScope,
    host: HostGraph,
    readonly options: TrainOptions,
    variants?: Variants,
  ) {
    const { batchSize, bits, negatives, triplets, seed } = options;
    const slots = Math.max(negatives, triplets);
    const stride = 2 + slots;
    this.graph = new Graph(scope, host);
    const { graph } = this;
    this.encoder = createEncoder(scope, graph, options, true, variants);
    this.program = scope.own(gpu.program('training step'));
    const { program } = this;
    this.state = scope.tensor('u32', [4], 'step');
    const { state } = this;
    this.schedule = scope.tensor('f32', [options.steps, 4], 'schedule', scheduleTable(options));
    const { schedule } = this;
    this.scale = scope.tensor('f32', [1], 'scale', new Float32Array([options.scale]));
    this.pairs = scope.tensor('u32', [batchSize, stride], 'batch');
    this.#batchRows = scope.tensor('u32', [2], 'batch list rows', new Uint32Array([batchSize, batchSize]));
    this.#recordSampling(program, slots);

    // From here on the batch is known by rows of the pass.
    this.encoding = new EncodingPass(scope, this.encoder);
    const activations = scope.borrowing(this.encoding.scratch);
    const { pass, pairRows } = this.#recordPass(program, stride, activations);
    this.pass = pass;
    pass.recordSample(program);
    this.adam = this.#createAdam(pass);
    this.adam.recordCatchUp(program, { state, schedule });
    pass.recordForward(program);
    const { rows, maxRows } = pass;
    const step = { rows, state, schedule };
    const guidance = new HashGuidance(activations, { maxRows, bits, byRow: options.guidance === 'row', seed });
    guidance.forward(program, { embedding: pass.embeddings, ...step });
    this.loss = new PairLoss(scope, {
      bits,
      batch: batchSize,
      slots,
      negatives,
      triplets,
      ranking: options.ranking,
      margin: options.margin,
      crossEntropyWeight: options.crossEntropyWeight,
      rankingWeight: options.rankingWeight,
      reduction: options.reduction,
      maxRows,
      ringCapacity: options.logEvery,
    });
    const occurrences = new Grouping(scope, {
      label: 'occurrences in the batch',
      keyCount: maxRows,
      entries: batchSize * stride,
    });
    occurrences.record(program, { keys: pairRows, rows: this.#batchRows, stride });
    this.loss.record(program, {
      guided: guidance.guided,
      pairs: pairRows,
      scale: this.scale,
      occurrences,
      rows,
      state,
    });
    const embeddingsGradient = activations.tensor('f32', [maxRows, bits], 'embeddings gradient');
    guidance.backward(program, {
      guidedGradient: this.loss.guidedGradient,
      embeddingGradient: embeddingsGradient,
      ...step,
    });
    pass.recordBackward(program, embeddingsGradient);
    if (options.learnScale) this.adam.add('scale', this.scale, this.loss.scaleGradient);
    const { clipNorm, logEvery } = options;
    if (clipNorm > 0) this.norms = this.adam.recordClip(program, state, clipNorm, logEvery);
    this.adam.record(program, { state, schedule });
    recordAdvance(program, state);
    this.flush = scope.own(gpu.program('make up for missed steps'));
    this.adam.recordFlush(this.flush, { state, schedule });
  }

  async compile(): Promise<void> {
    await Promise.all([this.program.compile(), this.flush.compile()]);
  }

  /** All trained tensors by the names that they have in checkpoints. */
  parameters(): Parameter[] {
    return [...this.encoder.parameters(), { name: 'scale', tensor: this.scale }];
  }

  /** Fills the parameters with their first values, random ones by the seed. */
  initialise(): void {
    const { seed, initialisation, initialDeviation, featureDeviation } = this.options;
    const { encoder } = this;
    encoder.embedding.write(normal(encoder.embedding.length, featureDeviation, { seed, stream: 0 }));
    [...encoder.layers, encoder.hash].forEach(({ weight }, index) => {
      const [, inputs, outputs] = weight.shape as [number, number, number];
      const stream = { seed, stream: index + 1 };
      weight.write(
        initialisation === 'glorot'
          ? glorot(weight.length, inputs, outputs, stream)
          : normal(weight.length, initialDeviation, stream),
      );
    });
  }

  #recordSampling(program: Program, slots: number): void {
    const { batchSize, seed } = this.options;
    const { graph, state, pairs } = this;
    const { offsets, neighbours, userCount, itemCount, edgeCount } = graph;
    const bind = { state, offsets, neighbours, pairs };
    const shape = { batch: batchSize, stride: 2 + slots, users: userCount, seed };
    program.dispatch('sample/batch', {
      bind,
      parameters: { ...shape, edges: edgeCount },
      invocations: batchSize,
    });
    program.dispatch('sample/negatives', {
      bind,
      parameters: { ...shape, items: itemCount },
      invocations: batchSize * slots,
    });
  }

  /** @param activations where tensors of one step alone are made */
  #recordPass(
    program: Program,
    stride: number,
    activations: TensorScope,
  ): { pass: TrainingPass; pairRows: Tensor<'u32'> } {
    const { scope, encoder, graph, pairs, state } = this;
    const { fanouts, batchSize, seed } = this.options;
    if (fanouts === 'all') return { pass: new FullPass(activations, encoder), pairRows: pairs };
    const list = { nodes: pairs, rows: this.#batchRows, stride, maxRows: batchSize };
    const { nodeCount, userCount } = graph;
    const roots = new NodeSet(scope, {
      label: 'batch nodes',
      nodeCount,
      userCount,
      maxRows: Math.min(nodeCount, batchSize * stride),
    });
    const pairRows = scope.tensor('u32', [batchSize, stride], 'batch by row');
    roots.recordBuild(program, [list]);
    roots.recordLocate(program, list, pairRows);
    const pass = new SampledPass(activations, encoder, { roots, fanouts, seed, state });
    return { pass, pairRows };
  }

  /** Adam for all parameters of the encoder. */
  #createAdam(pass: TrainingPass): Adam {
    const { scope, encoder, options } = this;
    const { beta1, beta2, epsilon, weightDecay } = options;
    const adam = new Adam(scope, { beta1, beta2, epsilon, weightDecay, variant: encoder.variants.gather });
    const { inputNodes, inputGradient } = pass;
    if (inputNodes) {
      adam.addTable('embedding', encoder.embedding, inputGradient, inputNodes, options.featureUpdates);
    } else {
      adam.add('embedding', encoder.embedding, inputGradient);
    }
    const addDense = (name: string, layer: Dense) => {
      adam.add(`${name}.weight`, layer.weight, layer.weightGradient);
      adam.add(`${name}.bias`, layer.bias, layer.biasGradient);
    };
    encoder.layers.forEach((layer, index) => {
      addDense(`layers.${index}`, layer);
    });
    addDense('hash', encoder.hash);
    return adam;
  }
}
