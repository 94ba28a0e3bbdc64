import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import { type Aggregation, aggregatedWidth, FullAggregation, packedWidth, SampledAggregation } from './aggregate.js';
import { type Activation, Dense } from './dense.js';
import type { Graph } from './graph.js';
import type { NodeSet } from './node_set.js';
import { likelyVariants, type Variants } from './variants.js';

/**
 * What the features of a layer are stored as where whole neighbourhoods are read: float32, or rounded to 16 bits (the
 * nearest half, ±65504 beyond that), so that half as many bytes are read. Sums and all else are float32.
 */
export type FeatureStorage = 'float' | 'half';

/** The shape of an encoder. */
export interface EncoderOptions {
  /** Width of the trainable input features (published code: 120). */
  readonly inputWidth: number;
  /** Widths of the graph layers (paper: 128 and 68). */
  readonly widths: readonly number[];
  /** K, bits of a code and width of an embedding. */
  readonly bits: number;
  readonly aggregation: Aggregation;
  /** One set of weights for all nodes (paper), or one for users and one for items (published code). */
  readonly weights: 'shared' | 'separate';
  /** Activation of the graph layers. */
  readonly activation: Activation;
  /** How a pass over whole neighbourhoods that never goes back reads rows; `float` unless told. */
  readonly features?: FeatureStorage;
  /** The likely ones for the adapter unless told. */
  readonly variants?: Variants;
}

/** A trainable tensor by the name that it has in checkpoints. */
export interface Parameter {
  readonly name: string;
  readonly tensor: Tensor<'f32'>;
}

/**
 * The parameters of HashGNN's encoder: input features for every node, graph layers (paper, eq. 1) and the hash layer's
 * dense map z = tanh(Wᵀu + b) (eq. 2). A pass computes with them.
 */
export class Encoder {
  /** [N, inputWidth] input features. */
  readonly embedding: Tensor<'f32'>;
  readonly layers: readonly Dense[];
  readonly hash: Dense;
  readonly variants: Variants;

  /** @param trainable whether gradients of the dense weights are allocated */
  constructor(
    scope: TensorScope,
    readonly graph: Graph,
    readonly options: EncoderOptions,
    trainable: boolean,
  ) {
    const sides = options.weights === 'separate' ? 2 : 1;
    const maxRows = graph.nodeCount;
    this.variants = options.variants ?? likelyVariants(scope.gpu);
    const { dense: variant } = this.variants;
    this.embedding = scope.tensor('f32', [graph.nodeCount, options.inputWidth], 'input features');
    let width = options.inputWidth;
    this.layers = options.widths.map((outputWidth, index) => {
      const inputWidth = aggregatedWidth(options.aggregation, width);
      width = outputWidth;
      const { activation } = options;
      const label = `layer ${index}`;
      return new Dense(scope, { label, inputWidth, outputWidth, sides, activation, maxRows, trainable, variant });
    });
    this.hash = new Dense(scope, {
      label: 'hash layer',
      inputWidth: width,
      outputWidth: options.bits,
      sides,
      activation: 'tanh',
      maxRows,
      trainable,
      variant,
    });
  }

  /** All parameters, in the order of the forward pass. */
  parameters(): Parameter[] {
    return [
      { name: 'embedding', tensor: this.embedding },
      ...this.layers.flatMap((layer, index) => [
        { name: `layers.${index}.weight`, tensor: layer.weight },
        { name: `layers.${index}.bias`, tensor: layer.bias },
      ]),
      { name: 'hash.weight', tensor: this.hash.weight },
      { name: 'hash.bias', tensor: this.hash.bias },
    ];
  }

  /** Width of the features that go into graph layer `index`, or into the hash layer after the last. */
  featureWidth(index: number): number {
    return index === 0 ? this.options.inputWidth : this.options.widths[index - 1]!;
  }

  /** The activation that gave those features. */
  featureActivation(index: number): Activation {
    return index === 0 ? 'none' : this.options.activation;
  }
}

/** One way of computing embeddings with an encoder, recorded into a program. */
export interface Pass {
  /** [2] active rows of the embeddings, those of users. */
  readonly rows: Tensor<'u32'>;
  readonly maxRows: number;
  /** z, [maxRows, bits] */
  readonly embeddings: Tensor<'f32'>;
  recordForward(program: Program): void;
}

/** A pass that also goes back. */
export interface TrainingPass extends Pass {
  /** Records what settles which nodes the pass reads; before `recordForward`. */
  recordSample(program: Program): void;
  /** Records the gradients of all parameters, given that of the embeddings, which is used up. */
  recordBackward(program: Program, embeddingsGradient: Tensor<'f32'>): void;
  /** Gradient of the input features: by row of `inputNodes`, or of all nodes where there is no such set. */
  readonly inputGradient: Tensor<'f32'>;
  readonly inputNodes: NodeSet | undefined;
  /** The distinct nodes that are computed: those of the batch, then those of each layer below; none where all are. */
  readonly nodeSets: readonly NodeSet[];
}

/** Features of one layer in a pass. */
interface LayerTensors {
  /** The features below in halves, where they are read so. */
  readonly packed?: Tensor<'u32'> | undefined;
  readonly aggregated: Tensor<'f32'>;
  readonly features: Tensor<'f32'>;
  readonly aggregatedGradient: Tensor<'f32'> | undefined;
  /** Towards the sums before the activation: whoever writes it goes past that already. */
  readonly featuresGradient: Tensor<'f32'> | undefined;
}

function allocate(scope: TensorScope, encoder: Encoder, index: number, maxRows: number): LayerTensors {
  const inputWidth = aggregatedWidth(encoder.options.aggregation, encoder.featureWidth(index));
  const make = (width: number, what: string) => scope.tensor('f32', [maxRows, width], `layer ${index} ${what}`);
  return {
    aggregated: make(inputWidth, 'aggregated'),
    features: make(encoder.featureWidth(index + 1), 'features'),
    aggregatedGradient: make(inputWidth, 'aggregated gradient'),
    featuresGradient: make(encoder.featureWidth(index + 1), 'features gradient'),
  };
}

/**
 * The layers' features of a pass that never goes back, and its embeddings, in two tensors: a layer's features may
 * overwrite those below once these are aggregated, and the embeddings the last aggregate. Halves are a third one.
 */
function allocateShared(
  scope: TensorScope,
  encoder: Encoder,
  maxRows: number,
): { layers: LayerTensors[]; embeddings: Tensor<'f32'>; shared: readonly Tensor<'f32'>[] } {
  const { aggregation, widths, bits } = encoder.options;
  const aggregatedWidths = widths.map((_, index) => aggregatedWidth(aggregation, encoder.featureWidth(index)));
  const make = (width: number, what: string) => scope.tensor('f32', [maxRows, width], `encoding ${what}`);
  const aggregated = make(Math.max(...aggregatedWidths, bits), 'aggregated');
  const features = make(Math.max(...widths), 'features');
  const packedWidths = widths.map((_, index) => packedWidth(encoder.featureWidth(index)));
  // Floats to those who borrow it, since batches have more of them than of words.
  const packed = encoder.options.features === 'half' ? make(Math.max(...packedWidths), 'halves') : undefined;
  return {
    layers: widths.map((width, index) => ({
      packed: packed?.view([maxRows, packedWidths[index]!], `encoding layer ${index} halves`, 'u32'),
      aggregated: aggregated.view([maxRows, aggregatedWidths[index]!], `encoding layer ${index} aggregated`),
      features: features.view([maxRows, width], `encoding layer ${index} features`),
      aggregatedGradient: undefined,
      featuresGradient: undefined,
    })),
    embeddings: aggregated.view([maxRows, bits], 'encoding embeddings'),
    shared: [aggregated, features, ...(packed ? [packed] : [])],
  };
}

/** Training on sampled neighbourhoods: every distinct node of the batch is computed once a layer. */
export class SampledPass implements TrainingPass {
  readonly embeddings: Tensor<'f32'>;
  readonly inputGradient: Tensor<'f32'>;
  readonly #aggregations: readonly SampledAggregation[];
  readonly #layers: readonly LayerTensors[];

  /** @param options `fanouts`: sampled neighbours a node, from the batch's nodes outwards (published code: 10, 5) */
  constructor(
    scope: TensorScope,
    readonly encoder: Encoder,
    readonly options: { roots: NodeSet; fanouts: readonly number[]; seed: number; state: Tensor<'u32'> },
  ) {
    const { graph } = encoder;
    const { aggregation, bits } = encoder.options;
    const { roots, fanouts, seed } = options;
    let targets = roots;
    const aggregations: SampledAggregation[] = [];
    for (let layer = fanouts.length - 1; layer >= 0; layer -= 1) {
      const fanout = fanouts[fanouts.length - 1 - layer]!;
      const variant = encoder.variants.gather;
      const sample = new SampledAggregation(scope, { graph, targets, aggregation, fanout, layer, seed, variant });
      aggregations.unshift(sample);
      targets = sample.sources;
    }
    this.#aggregations = aggregations;
    this.#layers = aggregations.map((sample, index) => allocate(scope, encoder, index, sample.options.targets.maxRows));
    this.embeddings = scope.tensor('f32', [roots.maxRows, bits], 'embeddings');
    this.inputGradient = scope.tensor('f32', [targets.maxRows, encoder.options.inputWidth], 'input features gradient');
  }

  get rows(): Tensor<'u32'> {
    return this.options.roots.rows;
  }

  get maxRows(): number {
    return this.options.roots.maxRows;
  }

  get inputNodes(): NodeSet {
    return this.#aggregations[0]!.sources;
  }

  get nodeSets(): readonly NodeSet[] {
    return [this.options.roots, ...this.#aggregations.map(({ sources }) => sources).toReversed()];
  }

  recordSample(program: Program): void {
    for (const sample of this.#aggregations.toReversed()) sample.recordSample(program, this.options.state);
  }

  recordForward(program: Program): void {
    const { encoder } = this;
    let source = encoder.embedding;
    this.#aggregations.forEach((sample, index) => {
      const { aggregated, features } = this.#layers[index]!;
      const { targets } = sample.options;
      sample.recordForward(program, {
        source,
        // The input features lie by node number, those of the other layers by row.
        selfRows: index === 0 ? targets.nodes : sample.selfRows,
        neighbours: index === 0 ? sample.sampled : sample.sampledRows,
        width: encoder.featureWidth(index),
        output: aggregated,
      });
      const { rows, maxRows } = targets;
      encoder.layers[index]!.forward(program, { input: aggregated, output: features, rows, maxRows });
      source = features;
    });
    const { rows, maxRows } = this;
    encoder.hash.forward(program, { input: source, output: this.embeddings, rows, maxRows });
  }

  recordBackward(program: Program, embeddingsGradient: Tensor<'f32'>): void {
    const { encoder } = this;
    const last = this.#layers.at(-1)!;
    encoder.hash.backward(program, {
      input: last.features,
      output: this.embeddings,
      outputGradient: embeddingsGradient,
      inputGradient: last.featuresGradient!,
      inputActivation: encoder.options.activation,
      rows: this.rows,
      maxRows: this.maxRows,
    });
    for (let index = this.#layers.length - 1; index >= 0; index -= 1) {
      const layer = this.#layers[index]!;
      const sample = this.#aggregations[index]!;
      encoder.layers[index]!.backward(program, {
        input: layer.aggregated,
        output: layer.features,
        outputGradient: layer.featuresGradient!,
        outputBeforeActivation: true,
        inputGradient: layer.aggregatedGradient!,
        rows: sample.options.targets.rows,
        maxRows: sample.options.targets.maxRows,
      });
      sample.recordBackward(program, {
        outputGradient: layer.aggregatedGradient!,
        width: encoder.featureWidth(index),
        source: index === 0 ? encoder.embedding : this.#layers[index - 1]!.features,
        activation: encoder.featureActivation(index),
        sourceGradient: index === 0 ? this.inputGradient : this.#layers[index - 1]!.featuresGradient!,
      });
    }
  }
}

/** Whole neighbourhoods of all nodes: how embeddings are made after training, and an option for training. */
export class FullPass implements TrainingPass {
  readonly rows: Tensor<'u32'>;
  readonly embeddings: Tensor<'f32'>;
  readonly inputNodes = undefined;
  readonly nodeSets: readonly NodeSet[] = [];
  /** Where no gradients are allocated, what the pass computes in: nothing that it needs from one run for the next. */
  readonly scratch: readonly Tensor<'f32'>[];
  readonly #inputGradient: Tensor<'f32'> | undefined;
  readonly #aggregations: readonly FullAggregation[];
  readonly #layers: readonly LayerTensors[];

  /** @param trainable whether gradients are allocated, for `recordBackward` */
  constructor(
    scope: TensorScope,
    readonly encoder: Encoder,
    trainable: boolean,
  ) {
    const { graph, options } = encoder;
    const { aggregation, bits, inputWidth } = options;
    this.rows = scope.tensor('u32', [2], 'all rows', new Uint32Array([graph.nodeCount, graph.userCount]));
    const variant = encoder.variants.gather;
    this.#aggregations = encoder.layers.map((_, layer) => new FullAggregation({ graph, aggregation, layer, variant }));
    if (!trainable) {
      const { layers, embeddings, shared } = allocateShared(scope, encoder, graph.nodeCount);
      this.#layers = layers;
      this.embeddings = embeddings;
      this.scratch = shared;
    } else {
      this.#layers = encoder.layers.map((_, index) => allocate(scope, encoder, index, graph.nodeCount));
      this.embeddings = scope.tensor('f32', [graph.nodeCount, bits], 'embeddings');
      this.scratch = [];
      this.#inputGradient = scope.tensor('f32', [graph.nodeCount, inputWidth], 'input features gradient');
    }
  }

  get maxRows(): number {
    return this.encoder.graph.nodeCount;
  }

  get inputGradient(): Tensor<'f32'> {
    return this.#inputGradient!;
  }

  /** Nothing: it reads all nodes. */
  recordSample(): void {}

  recordForward(program: Program): void {
    const { encoder, rows, maxRows } = this;
    let source = encoder.embedding;
    this.#aggregations.forEach((aggregation, index) => {
      const { packed, aggregated, features } = this.#layers[index]!;
      aggregation.recordForward(program, { source, width: encoder.featureWidth(index), output: aggregated, packed });
      encoder.layers[index]!.forward(program, { input: aggregated, output: features, rows, maxRows });
      source = features;
    });
    encoder.hash.forward(program, { input: source, output: this.embeddings, rows, maxRows });
  }

  recordBackward(program: Program, embeddingsGradient: Tensor<'f32'>): void {
    const { encoder, rows, maxRows } = this;
    const last = this.#layers.at(-1)!;
    encoder.hash.backward(program, {
      input: last.features,
      output: this.embeddings,
      outputGradient: embeddingsGradient,
      inputGradient: last.featuresGradient!,
      inputActivation: encoder.options.activation,
      rows,
      maxRows,
    });
    for (let index = this.#layers.length - 1; index >= 0; index -= 1) {
      const layer = this.#layers[index]!;
      encoder.layers[index]!.backward(program, {
        input: layer.aggregated,
        output: layer.features,
        outputGradient: layer.featuresGradient!,
        outputBeforeActivation: true,
        inputGradient: layer.aggregatedGradient!,
        rows,
        maxRows,
      });
      this.#aggregations[index]!.recordBackward(program, {
        outputGradient: layer.aggregatedGradient!,
        width: encoder.featureWidth(index),
        source: index === 0 ? encoder.embedding : this.#layers[index - 1]!.features,
        activation: encoder.featureActivation(index),
        sourceGradient: index === 0 ? this.inputGradient : this.#layers[index - 1]!.featuresGradient!,
      });
    }
  }
}
