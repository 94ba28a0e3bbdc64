import type { Gpu, Program, Tensor, TensorScope } from '../gpu/index.js';
import { recordAdd } from '../layers/add.js';
import type { Encoder, EncodingPass, Parameter, TrainingPass } from '../layers/encoder.js';
import { Graph, type HostGraph } from '../layers/graph.js';
import { HashGuidance, type Relaxation, SmoothRelaxation } from '../layers/hash.js';
import { NodeSet } from '../layers/node_set.js';
import { PropagationEncoder } from '../layers/propagation.js';
import { SageEncoder } from '../layers/sage.js';
import type { Variants } from '../layers/variants.js';
import { diagonal, glorot, normal } from './initialise.js';
import type { StepLoss } from './losses.js';
import { type Objective, PairObjective, pairCount, UserObjective, type VectorLoss } from './objective.js';
import { Adam, recordAdvance } from './optimizer.js';
import type { TrainOptions } from './options.js';
import { scheduleTable } from './schedule.js';
import { svdFeatures } from './svd_features.js';

/** The encoder that these options describe, its parameters zero. */
export function createEncoder(scope: TensorScope, graph: Graph, options: TrainOptions, variants?: Variants): Encoder {
  const { inputWidth, widths, bits, aggregation, weights, activation, features, hashLayer, propagations } = options;
  const chosen = variants && { variants };
  if (options.encoder === 'lightgcn') {
    const hash = hashLayer === 'none' ? 'none' : weights;
    const width = hashLayer === 'none' ? bits : inputWidth;
    const contexts = options.implicitWeight > 0;
    const embedsVectors = options.embeddings === 'vectors';
    const shape = { layers: propagations, width, bits, hash, embedsVectors, contexts } as const;
    return new PropagationEncoder(scope, graph, { ...shape, ...chosen });
  }
  const shape = { inputWidth, widths, bits, aggregation, weights, activation, features };
  return new SageEncoder(scope, graph, { ...shape, ...chosen }, true);
}

/** Whether a step computes the embeddings of all nodes, and not of its batch alone. */
export function readsAllNodes({ objective, encoder, fanouts, propagations }: TrainOptions): boolean {
  return objective === 'multinomial' || (encoder === 'sage' ? fanouts === 'all' : propagations > 0);
}

/** A loss of the step, on the codes or on the embeddings. */
interface Part {
  readonly loss: VectorLoss;
  /** [1] the factor on inner products. */
  readonly scale: Tensor<'f32'>;
  /** Of the scale, among the parameters. */
  readonly name: string;
}

/**
 * One training step, wholly on the device: batch, neighbours, distinct nodes, forward, relaxed codes, loss, the way back,
 * Adam. Recorded once; every run of the program is the next step, since the step's number lives on the device and
 * everything random is a function of it.
 */
export class TrainingStep {
  /** A step of all parameters. */
  readonly program: Program;
  /** A step of the hash layer alone, where the options ask for it from some step on. */
  readonly hashProgram: Program | undefined;
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
  /** What the batch is, and the losses on it. */
  readonly objective: Objective;
  readonly adam: Adam;
  /** [logEvery, 1] squares of the norms of gradients by step, where they are clipped; see `Adam.recordClip`. */
  readonly norms: Tensor<'f32'> | undefined;
  readonly #flush: Program;
  readonly #relaxation: Relaxation;
  /** The loss on ĥ, then that on the embeddings where there is one. */
  readonly #parts: readonly [Part, ...Part[]];
  /** [maxRows, bits] */
  readonly #hashedGradient: Tensor<'f32'>;

  /**
   * Records the step; `compile()` and `initialise()` before the first run.
   * @param variants of kernels, the likely ones for the adapter unless told
   */
  constructor(
    readonly gpu: Gpu,
    readonly scope: TensorScope,
    host: HostGraph,
    readonly options: TrainOptions,
    variants?: Variants,
  ) {
    const { bits, seed } = options;
    this.graph = new Graph(scope, host);
    const { graph } = this;
    this.encoder = createEncoder(scope, graph, options, variants);
    this.program = scope.own(gpu.program('training step'));
    this.state = scope.tensor('u32', [4], 'step');
    this.schedule = scope.tensor('f32', [options.steps, 4], 'schedule', scheduleTable(options));
    const { state, schedule, encoder } = this;

    this.encoding = encoder.encodingPass(scope);
    const activations = scope.borrowing(this.encoding.scratch);
    const all = readsAllNodes(options);
    const slots = Math.max(options.negatives, options.triplets);
    // From here on the batch is known by rows of the pass.
    let roots: NodeSet | undefined;
    if (!all) {
      const { userCount } = graph;
      const nodeCount = encoder.embedding.shape[0]!;
      const maxRows = Math.min(nodeCount, pairCount(options) * (2 + slots));
      roots = new NodeSet(scope, { label: 'batch nodes', nodeCount, userCount, maxRows });
    }
    const fanouts = options.fanouts === 'all' ? [] : options.fanouts;
    this.pass = roots ? encoder.batchPass(activations, { roots, fanouts, seed, state }) : encoder.fullPass(activations);
    const { maxRows } = this.pass;
    this.objective =
      options.objective === 'multinomial'
        ? new UserObjective(scope, graph, options, encoder.variants.dense)
        : new PairObjective(scope, graph, options, { roots, maxRows });
    this.#relaxation =
      options.relaxation === 'guidance'
        ? new HashGuidance(activations, { maxRows, bits, byRow: options.guidance === 'row', seed })
        : new SmoothRelaxation(activations, { maxRows, bits, noise: options.relaxation === 'concrete', seed });
    const part = (of: 'codes' | 'embeddings', name: string, first: number, weight: number): Part => ({
      name,
      scale: scope.tensor('f32', [1], name, new Float32Array([first])),
      loss: this.objective.createLoss(scope, weight, of),
    });
    this.#parts = [
      part('codes', 'scale', options.scale, 1),
      ...(options.embeddingWeight > 0
        ? [part('embeddings', 'embedding_scale', options.embeddingScale, options.embeddingWeight)]
        : []),
    ];
    this.#hashedGradient = activations.tensor('f32', [maxRows, bits], 'hash layer output gradient');
    this.adam = this.#createAdam();
    if (options.clipNorm > 0) this.norms = scope.tensor('f32', [options.logEvery, 1], 'squares of norms');
    this.#record(this.program, false);
    if (options.hashOnly) {
      this.hashProgram = scope.own(gpu.program('training step of the hash layer', this.program.imageRooms));
      this.#record(this.hashProgram, true);
    }
    this.#flush = scope.own(gpu.program('make up for missed steps'));
    this.adam.recordFlush(this.#flush, { state, schedule });
  }

  /** All that a training runs of this. */
  get programs(): readonly Program[] {
    return [this.program, ...(this.hashProgram ? [this.hashProgram] : []), this.#flush];
  }

  async compile(): Promise<void> {
    await Promise.all(this.programs.map((program) => program.compile()));
  }

  /** All trained tensors by the names that they have in checkpoints. */
  parameters(): Parameter[] {
    return [...this.encoder.parameters(), ...this.#parts.map(({ name, scale }) => ({ name, tensor: scale }))];
  }

  /** The logs of the losses by the names that they have in checkpoints. */
  logs(): Parameter[] {
    const names = ['losses', 'embedding_losses'];
    return this.#parts.map(({ loss }, index) => ({ name: names[index]!, tensor: loss.log }));
  }

  /** [1] the factor on inner products of codes. */
  get scale(): Tensor<'f32'> {
    return this.#parts[0].scale;
  }

  /** The gradients of the scales, by name. */
  scaleGradients(): Parameter[] {
    return this.#parts.map(({ name, loss }) => ({ name, tensor: loss.scaleGradient }));
  }

  /**
   * The losses of steps `from` to `to - 1`: totals of all losses, the rest of the one on ĥ.
   * @throws HashgnnError if the logs cannot hold them all
   */
  async losses(from: number, to: number): Promise<StepLoss[]> {
    const [codes, ...others] = await Promise.all(this.#parts.map(({ loss }) => loss.read(from, to)));
    return codes!.map((loss, index) => ({
      ...loss,
      total: others.reduce((sum, other) => sum + other[index]!.total, loss.total),
    }));
  }

  /** Submits the steps from step `from` on, `most` or as many as are of one kind; gives their number. */
  run(from: number, most: number): number {
    const { hashProgram, options } = this;
    if (!hashProgram || from < options.guidanceFrom) {
      const count = hashProgram ? Math.min(most, options.guidanceFrom - from) : most;
      this.program.run(count);
      return count;
    }
    // What is trained no more has made all its steps.
    if (from === options.guidanceFrom) this.#flush.run();
    hashProgram.run(most);
    return most;
  }

  /** Brings all parameters and moments up to date before step `step`: they are behind where Adam defers rows. */
  flush(step: number): void {
    if (!this.hashProgram || step <= this.options.guidanceFrom) this.#flush.run();
  }

  /** Fills the parameters with their first values, random ones by the seed. */
  initialise(): void {
    const { seed, initialisation, initialDeviation, featureDeviation: deviation } = this.options;
    const { firstFeatures, firstRank } = this.options;
    const { embedding, dense } = this.encoder;
    embedding.write(normal(embedding.length, deviation, { seed, stream: 0 }));
    if (firstFeatures === 'svd') {
      const width = embedding.shape[1]!;
      const rank = Math.min(firstRank || width, width);
      embedding.write(svdFeatures(this.graph.host, { width, rank, deviation, seed }));
    }
    dense.forEach(({ layer: { weight } }, index) => {
      const [, inputs, outputs] = weight.shape as [number, number, number];
      const stream = { seed, stream: index + 1 };
      if (initialisation === 'identity') weight.write(diagonal(weight.length, inputs, outputs));
      else if (initialisation === 'glorot') weight.write(glorot(weight.length, inputs, outputs, stream));
      else weight.write(normal(weight.length, initialDeviation, stream));
    });
  }

  /** @param hashOnly leaves all but the hash layer and the scales as they are */
  #record(program: Program, hashOnly: boolean): void {
    const { objective, pass, adam, state, schedule } = this;
    objective.recordSample(program, state);
    pass.recordSample(program);
    if (!hashOnly) adam.recordCatchUp(program, { state, schedule });
    pass.recordForward(program);
    const step = { rows: pass.rows, state, schedule };
    const { hashed, embeddings } = pass;
    const relaxation = this.#relaxation;
    relaxation.forward(program, { embedding: hashed, ...step });
    const gradient = this.#hashedGradient;
    const [codes, onEmbeddings] = this.#parts;
    objective.recordLosses(
      program,
      [{ ...codes, guided: relaxation.guided }, onEmbeddings && { ...onEmbeddings, guided: embeddings }],
      { rows: pass.rows, state },
    );
    const guidedGradient = codes.loss.guidedGradient;
    relaxation.backward(program, { embedding: hashed, guidedGradient, embeddingGradient: gradient, ...step });
    const addend = onEmbeddings?.loss.guidedGradient;
    const same = embeddings === hashed;
    if (addend && same) recordAdd(program, { addend, sum: gradient, label: 'gradient of both losses' });
    pass.recordBackward(program, { hashed: gradient, embeddings: same ? undefined : addend }, { hashOnly });
    const chosen = (name: string) => !hashOnly || /^(hash\.|scale|embedding_scale)/.test(name);
    if (this.norms) adam.recordClip(program, { state, limit: this.options.clipNorm, norms: this.norms }, chosen);
    adam.record(program, { state, schedule }, chosen);
    recordAdvance(program, state);
  }

  /** Adam for all parameters of the encoder and the learnt scales. */
  #createAdam(): Adam {
    const { scope, encoder, options, pass } = this;
    const { beta1, beta2, epsilon, weightDecay } = options;
    const adam = new Adam(scope, { beta1, beta2, epsilon, weightDecay, variant: encoder.variants.gather });
    const { inputNodes, inputGradient } = pass;
    if (inputNodes) {
      adam.addTable('embedding', encoder.embedding, inputGradient, inputNodes, options.featureUpdates);
    } else {
      adam.add('embedding', encoder.embedding, inputGradient);
    }
    for (const { name, layer } of encoder.dense) {
      adam.add(`${name}.weight`, layer.weight, layer.weightGradient);
      adam.add(`${name}.bias`, layer.bias, layer.biasGradient);
    }
    if (options.learnScale) {
      for (const { name, scale, loss } of this.#parts) adam.add(name, scale, loss.scaleGradient);
    }
    return adam;
  }
}
