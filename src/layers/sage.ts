import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import {
  type Aggregation,
  aggregatedWidth,
  FullAggregation,
  type NodeRange,
  packedWidth,
  SampledAggregation,
} from './aggregate.js';
import { type Activation, Dense } from './dense.js';
import {
  allRows,
  type BatchNodes,
  type Encoder,
  type EncodingPass,
  type NamedLayer,
  type Parameter,
  type PassGradients,
  parametersOf,
  type TrainingPass,
} from './encoder.js';
import type { Graph } from './graph.js';
import type { NodeSet } from './node_set.js';
import { likelyVariants, type Variants } from './variants.js';

/**
 * What the features of a layer are stored as where whole neighbourhoods are read: float32, or rounded to 16 bits (the
 * nearest half, ±65504 beyond that), so that half as many bytes are read. Sums and all else are float32.
 */
export type FeatureStorage = 'float' | 'half';

/** The shape of a GraphSAGE encoder. */
export interface SageOptions {
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
  /** What an `EncodingPass` reads; `float` unless told. */
  readonly features?: FeatureStorage;
  /** The likely ones for the adapter unless told. */
  readonly variants?: Variants;
}

/**
 * HashGNN's own encoder, GraphSAGE with a hash layer: input features for every node, graph layers (paper, eq. 1) and the
 * dense map z = tanh(Wᵀu + b) (eq. 2).
 */
export class SageEncoder implements Encoder {
  /** [N, inputWidth] input features. */
  readonly embedding: Tensor<'f32'>;
  readonly layers: readonly Dense[];
  readonly hash: Dense;
  readonly variants: Variants;

  /** @param trainable whether gradients of the dense weights are allocated */
  constructor(
    scope: TensorScope,
    readonly graph: Graph,
    readonly options: SageOptions,
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

  get dense(): readonly NamedLayer[] {
    return [
      ...this.layers.map((layer, index) => ({ name: `layers.${index}`, layer })),
      { name: 'hash', layer: this.hash },
    ];
  }

  parameters(): Parameter[] {
    return parametersOf(this);
  }

  batchPass(scope: TensorScope, batch: BatchNodes): SampledPass {
    return new SampledPass(scope, this, batch);
  }

  fullPass(scope: TensorScope): FullPass {
    return new FullPass(scope, this);
  }

  encodingPass(scope: TensorScope): SageEncoding {
    return new SageEncoding(scope, this);
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

/** Features of one layer in a pass. */
interface LayerTensors {
  readonly aggregated: Tensor<'f32'>;
  readonly features: Tensor<'f32'>;
  readonly aggregatedGradient: Tensor<'f32'>;
  /** Towards the sums before the activation: whoever writes it goes past that already. */
  readonly featuresGradient: Tensor<'f32'>;
}

function allocate(scope: TensorScope, encoder: SageEncoder, index: number, maxRows: number): LayerTensors {
  const inputWidth = aggregatedWidth(encoder.options.aggregation, encoder.featureWidth(index));
  const make = (width: number, what: string) => scope.tensor('f32', [maxRows, width], `layer ${index} ${what}`);
  return {
    aggregated: make(inputWidth, 'aggregated'),
    features: make(encoder.featureWidth(index + 1), 'features'),
    aggregatedGradient: make(inputWidth, 'aggregated gradient'),
    featuresGradient: make(encoder.featureWidth(index + 1), 'features gradient'),
  };
}

/** Training on sampled neighbourhoods: every distinct node of the batch is computed once a layer. */
export class SampledPass implements TrainingPass {
  readonly hashed: Tensor<'f32'>;
  readonly inputGradient: Tensor<'f32'>;
  readonly #aggregations: readonly SampledAggregation[];
  readonly #layers: readonly LayerTensors[];

  constructor(
    scope: TensorScope,
    readonly encoder: SageEncoder,
    readonly options: BatchNodes,
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
    // The largest comes first, so that it has its choice of memory that is lent.
    this.inputGradient = scope.tensor('f32', [targets.maxRows, encoder.options.inputWidth], 'input features gradient');
    this.#layers = aggregations.map((sample, index) => allocate(scope, encoder, index, sample.options.targets.maxRows));
    this.hashed = scope.tensor('f32', [roots.maxRows, bits], 'embeddings');
  }

  /** z itself. */
  get embeddings(): Tensor<'f32'> {
    return this.hashed;
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
    encoder.hash.forward(program, { input: source, output: this.hashed, rows, maxRows });
  }

  recordBackward(program: Program, gradients: PassGradients, { hashOnly } = { hashOnly: false }): void {
    const { encoder } = this;
    const last = this.#layers.at(-1)!;
    encoder.hash.backward(program, {
      input: last.features,
      output: this.hashed,
      outputGradient: gradients.hashed,
      inputGradient: hashOnly ? undefined : last.featuresGradient,
      inputActivation: encoder.options.activation,
      rows: this.rows,
      maxRows: this.maxRows,
    });
    if (hashOnly) return;
    for (let index = this.#layers.length - 1; index >= 0; index -= 1) {
      const layer = this.#layers[index]!;
      const sample = this.#aggregations[index]!;
      encoder.layers[index]!.backward(program, {
        input: layer.aggregated,
        output: layer.features,
        outputGradient: layer.featuresGradient,
        outputBeforeActivation: true,
        inputGradient: layer.aggregatedGradient,
        rows: sample.options.targets.rows,
        maxRows: sample.options.targets.maxRows,
      });
      sample.recordBackward(program, {
        outputGradient: layer.aggregatedGradient,
        width: encoder.featureWidth(index),
        source: index === 0 ? encoder.embedding : this.#layers[index - 1]!.features,
        activation: encoder.featureActivation(index),
        sourceGradient: index === 0 ? this.inputGradient : this.#layers[index - 1]!.featuresGradient,
      });
    }
  }
}

const fullAggregations = ({ graph, layers, options: { aggregation }, variants: { gather: variant } }: SageEncoder) =>
  layers.map((_, layer) => new FullAggregation({ graph, aggregation, layer, variant }));

/** Whole neighbourhoods of all nodes, for training. */
export class FullPass implements TrainingPass {
  readonly rows: Tensor<'u32'>;
  readonly hashed: Tensor<'f32'>;
  readonly inputNodes = undefined;
  readonly nodeSets: readonly NodeSet[] = [];
  readonly inputGradient: Tensor<'f32'>;
  readonly #aggregations: readonly FullAggregation[];
  readonly #layers: readonly LayerTensors[];

  constructor(
    scope: TensorScope,
    readonly encoder: SageEncoder,
  ) {
    const { graph, options } = encoder;
    const { nodeCount } = graph;
    this.rows = allRows(scope, graph);
    this.#aggregations = fullAggregations(encoder);
    this.#layers = encoder.layers.map((_, index) => allocate(scope, encoder, index, nodeCount));
    this.hashed = scope.tensor('f32', [nodeCount, options.bits], 'embeddings');
    this.inputGradient = scope.tensor('f32', [nodeCount, options.inputWidth], 'input features gradient');
  }

  /** z itself. */
  get embeddings(): Tensor<'f32'> {
    return this.hashed;
  }

  get maxRows(): number {
    return this.encoder.graph.nodeCount;
  }

  /** Nothing: it reads all nodes. */
  recordSample(): void {}

  recordForward(program: Program): void {
    const { encoder, rows, maxRows } = this;
    let source = encoder.embedding;
    this.#aggregations.forEach((aggregation, index) => {
      const { aggregated, features } = this.#layers[index]!;
      aggregation.recordForward(program, { source, width: encoder.featureWidth(index), output: aggregated });
      encoder.layers[index]!.forward(program, { input: aggregated, output: features, rows, maxRows });
      source = features;
    });
    encoder.hash.forward(program, { input: source, output: this.hashed, rows, maxRows });
  }

  recordBackward(program: Program, gradients: PassGradients, { hashOnly } = { hashOnly: false }): void {
    const { encoder, rows, maxRows } = this;
    const last = this.#layers.at(-1)!;
    encoder.hash.backward(program, {
      input: last.features,
      output: this.hashed,
      outputGradient: gradients.hashed,
      inputGradient: hashOnly ? undefined : last.featuresGradient,
      inputActivation: encoder.options.activation,
      rows,
      maxRows,
    });
    if (hashOnly) return;
    for (let index = this.#layers.length - 1; index >= 0; index -= 1) {
      const layer = this.#layers[index]!;
      encoder.layers[index]!.backward(program, {
        input: layer.aggregated,
        output: layer.features,
        outputGradient: layer.featuresGradient,
        outputBeforeActivation: true,
        inputGradient: layer.aggregatedGradient,
        rows,
        maxRows,
      });
      this.#aggregations[index]!.recordBackward(program, {
        outputGradient: layer.aggregatedGradient,
        width: encoder.featureWidth(index),
        source: index === 0 ? encoder.embedding : this.#layers[index - 1]!.features,
        activation: encoder.featureActivation(index),
        sourceGradient: index === 0 ? this.inputGradient : this.#layers[index - 1]!.featuresGradient,
      });
    }
  }
}

/** Nodes that an encoding computes at once: enough to keep any adapter busy, few beside the nodes of a large graph. */
const CHUNK_ROWS = 3072;

/**
 * Whole neighbourhoods of all nodes without a way back: how embeddings are made. Of a layer only the features are held for
 * all nodes, and of the last one the embeddings; what lies between is computed for one chunk of nodes after another. The
 * bytes are those of `FullPass`, where features are floats.
 */
export class SageEncoding implements EncodingPass {
  readonly rows: Tensor<'u32'>;
  readonly hashed: Tensor<'f32'>;
  readonly scratch: readonly Tensor<'f32'>[];
  readonly #chunks: readonly (NodeRange & { readonly rows: Tensor<'u32'> })[];
  /** What the layers give, in turn, so that one can be read while the other is written; the last gives embeddings. */
  readonly #outputs: readonly Tensor<'f32'>[];
  /** The features below a layer in halves, where they are read so. */
  readonly #packed: readonly Tensor<'u32'>[] | undefined;
  readonly #aggregated: Tensor<'f32'>;
  /** Of the last layer, which only the hash layer reads. */
  readonly #features: Tensor<'f32'>;

  /** @param chunkRows a multiple of 64 */
  constructor(
    scope: TensorScope,
    readonly encoder: SageEncoder,
    chunkRows = CHUNK_ROWS,
  ) {
    const { graph, layers } = encoder;
    const { aggregation, bits, widths, features } = encoder.options;
    const { nodeCount, userCount } = graph;
    this.rows = allRows(scope, graph);
    this.#chunks = Array.from({ length: Math.ceil(nodeCount / chunkRows) }, (_, index) => {
      const first = index * chunkRows;
      const count = Math.min(chunkRows, nodeCount - first);
      const users = Math.min(Math.max(userCount - first, 0), count);
      return { first, count, rows: scope.tensor('u32', [2], `chunk ${index} rows`, Uint32Array.of(count, users)) };
    });
    const chunk = Math.min(chunkRows, nodeCount);
    const make = (rows: number, width: number, what: string) => scope.tensor('f32', [rows, width], `encoding ${what}`);
    const inputWidths = layers.map((_, index) => encoder.featureWidth(index));
    const outputWidths = widths.with(-1, bits);
    const tables = [0, 1]
      .map((turn) => Math.max(0, ...outputWidths.filter((_, index) => index % 2 === turn)))
      .filter((width) => width > 0)
      .map((width, turn) => make(nodeCount, width, `features ${turn}`));
    this.#outputs = outputWidths.map((width, index) =>
      tables[index % 2]!.view([nodeCount, width], `encoding layer ${index}`),
    );
    this.hashed = this.#outputs.at(-1)!;
    this.#aggregated = make(
      chunk,
      Math.max(...inputWidths.map((width) => aggregatedWidth(aggregation, width))),
      'means',
    );
    this.#features = make(chunk, widths.at(-1)!, 'last features');
    this.scratch = [...tables, this.#aggregated, this.#features];
    if (features === 'half') {
      const packedWidths = inputWidths.map(packedWidth);
      // Floats to those who borrow it, since batches have more of them than of words.
      const halves = make(nodeCount, Math.max(...packedWidths), 'halves');
      this.#packed = packedWidths.map((width, index) =>
        halves.view([nodeCount, width], `encoding layer ${index} halves`, { element: 'u32' }),
      );
      this.scratch = [...this.scratch, halves];
    }
  }

  /** z itself. */
  get embeddings(): Tensor<'f32'> {
    return this.hashed;
  }

  get maxRows(): number {
    return this.encoder.graph.nodeCount;
  }

  recordForward(program: Program): void {
    const { encoder } = this;
    const last = encoder.layers.length - 1;
    fullAggregations(encoder).forEach((aggregation, index) => {
      const width = encoder.featureWidth(index);
      const below = index === 0 ? encoder.embedding : this.#outputs[index - 1]!;
      const packed = this.#packed?.[index];
      if (packed) aggregation.recordPack(program, { source: below, width, packed });
      for (const { first, count, rows } of this.#chunks) {
        const output = this.#outputs[index]!;
        const outputWidth = output.shape[1]!;
        const part = output.view([count, outputWidth], output.label, { offset: first * outputWidth });
        const range = { first, count };
        aggregation.recordForward(program, { source: packed ?? below, width, output: this.#aggregated, range });
        const features = index === last ? this.#features : part;
        encoder.layers[index]!.forward(program, { input: this.#aggregated, output: features, rows, maxRows: count });
        if (index === last) encoder.hash.forward(program, { input: features, output: part, rows, maxRows: count });
      }
    });
  }
}
