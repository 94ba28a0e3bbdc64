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

  /**
   * Whether graph layer `index`, over whole neighbourhoods, maps features first and averages then: the mean of what an affine
   * map gives is what the map gives of the mean, and the rows of neighbours, nearly all that is read, are narrower. Where
   * users and items have weights of their own a mean is mapped by its node's, so its neighbours could not be mapped once.
   */
  mapsFirst(index: number): boolean {
    const { aggregation, weights } = this.options;
    return aggregation === 'joint' && weights === 'shared' && this.featureWidth(index + 1) < this.featureWidth(index);
  }

  /** The activation that gave those features. */
  featureActivation(index: number): Activation {
    return index === 0 ? 'none' : this.options.activation;
  }
}

/** Features of one layer in a pass. */
interface LayerTensors {
  /** Between its mean and its map, whichever comes first. */
  readonly inner: Tensor<'f32'>;
  readonly features: Tensor<'f32'>;
  readonly innerGradient: Tensor<'f32'>;
  /** Towards the sums before the activation: whoever writes it goes past that already. */
  readonly featuresGradient: Tensor<'f32'>;
}

function allocate(
  scope: TensorScope,
  encoder: SageEncoder,
  index: number,
  { maxRows, mapsFirst }: { maxRows: number; mapsFirst: boolean },
): LayerTensors {
  const width = encoder.featureWidth(index + 1);
  const innerWidth = mapsFirst ? width : aggregatedWidth(encoder.options.aggregation, encoder.featureWidth(index));
  const inner = mapsFirst ? 'mapped' : 'aggregated';
  const make = (width: number, what: string) => scope.tensor('f32', [maxRows, width], `layer ${index} ${what}`);
  return {
    inner: make(innerWidth, inner),
    features: make(width, 'features'),
    innerGradient: make(innerWidth, `${inner} gradient`),
    featuresGradient: make(width, 'features gradient'),
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
    this.#layers = aggregations.map(({ options: { targets } }, index) =>
      allocate(scope, encoder, index, { maxRows: targets.maxRows, mapsFirst: false }),
    );
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
      const { inner, features } = this.#layers[index]!;
      const { targets } = sample.options;
      sample.recordForward(program, {
        source,
        // The input features lie by node number, those of the other layers by row.
        selfRows: index === 0 ? targets.nodes : sample.selfRows,
        neighbours: index === 0 ? sample.sampled : sample.sampledRows,
        width: encoder.featureWidth(index),
        output: inner,
      });
      const { rows, maxRows } = targets;
      encoder.layers[index]!.forward(program, { input: inner, output: features, rows, maxRows });
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
        input: layer.inner,
        output: layer.features,
        outputGradient: layer.featuresGradient,
        outputBeforeActivation: true,
        inputGradient: layer.innerGradient,
        rows: sample.options.targets.rows,
        maxRows: sample.options.targets.maxRows,
      });
      sample.recordBackward(program, {
        outputGradient: layer.innerGradient,
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
    this.#layers = encoder.layers.map((_, index) =>
      allocate(scope, encoder, index, { maxRows: nodeCount, mapsFirst: encoder.mapsFirst(index) }),
    );
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
      const { inner, features } = this.#layers[index]!;
      const layer = encoder.layers[index]!;
      if (encoder.mapsFirst(index)) {
        const { activation, outputWidth: width } = layer.options;
        layer.forward(program, { input: source, output: inner, outputBeforeActivation: true, rows, maxRows });
        aggregation.recordForward(program, { source: inner, width, output: features, activation });
      } else {
        aggregation.recordForward(program, { source, width: encoder.featureWidth(index), output: inner });
        layer.forward(program, { input: inner, output: features, rows, maxRows });
      }
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
      const { inner, features, innerGradient, featuresGradient } = this.#layers[index]!;
      const aggregation = this.#aggregations[index]!;
      const layer = encoder.layers[index]!;
      const source = index === 0 ? encoder.embedding : this.#layers[index - 1]!.features;
      const sourceGradient = index === 0 ? this.inputGradient : this.#layers[index - 1]!.featuresGradient;
      const activation = encoder.featureActivation(index);
      if (encoder.mapsFirst(index)) {
        aggregation.recordBackward(program, {
          outputGradient: featuresGradient,
          width: layer.options.outputWidth,
          source: inner,
          activation: 'none',
          sourceGradient: innerGradient,
        });
        // The shares of a mean add up to 1, so that the bias, which went through it, has the gradient that it ought to have.
        layer.backward(program, {
          input: source,
          output: inner,
          outputGradient: innerGradient,
          outputBeforeActivation: true,
          inputGradient: sourceGradient,
          inputActivation: activation,
          rows,
          maxRows,
        });
      } else {
        layer.backward(program, {
          input: inner,
          output: features,
          outputGradient: featuresGradient,
          outputBeforeActivation: true,
          inputGradient: innerGradient,
          rows,
          maxRows,
        });
        const width = encoder.featureWidth(index);
        aggregation.recordBackward(program, {
          outputGradient: innerGradient,
          width,
          source,
          activation,
          sourceGradient,
        });
      }
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
  /**
   * What is computed for all nodes, in turn, so that one can be read while the other is written: of a layer that maps first
   * what it maps to, then what the layer gives; of the last layer embeddings.
   */
  readonly #outputs: readonly Tensor<'f32'>[];
  /** The rows that a layer averages in halves, where they are read so. */
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
    const outputWidths = widths.with(-1, bits).flatMap((width, index) =>
      // The last layer's own width, where it maps first, is that of its features.
      encoder.mapsFirst(index) ? [widths[index]!, width] : [width],
    );
    const tables = [0, 1]
      .map((turn) => Math.max(0, ...outputWidths.filter((_, index) => index % 2 === turn)))
      .filter((width) => width > 0)
      .map((width, turn) => make(nodeCount, width, `features ${turn}`));
    this.#outputs = outputWidths.map((width, index) =>
      tables[index % 2]!.view([nodeCount, width], `encoding output ${index}`),
    );
    this.hashed = this.#outputs.at(-1)!;
    const meansWidths = layers.map((_, index) =>
      encoder.mapsFirst(index) ? 0 : aggregatedWidth(aggregation, encoder.featureWidth(index)),
    );
    this.#aggregated = make(chunk, Math.max(...meansWidths), 'means');
    this.#features = make(chunk, widths.at(-1)!, 'last features');
    this.scratch = [...tables, this.#aggregated, this.#features];
    if (features === 'half') {
      const packedWidths = layers.map((_, index) => packedWidth(this.#rowWidth(index)));
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
    const outputs = this.#outputs.values();
    let below = encoder.embedding;
    fullAggregations(encoder).forEach((aggregation, index) => {
      const layer = encoder.layers[index]!;
      const mapsFirst = encoder.mapsFirst(index);
      let source = below;
      if (mapsFirst) {
        source = outputs.next().value!;
        for (const { first, count, rows } of this.#chunks) {
          const [input, output] = [rowsOf(below, first, count), rowsOf(source, first, count)];
          layer.forward(program, { input, output, outputBeforeActivation: true, rows, maxRows: count });
        }
      }
      const width = this.#rowWidth(index);
      const packed = this.#packed?.[index];
      if (packed) aggregation.recordPack(program, { source, width, packed });
      const output = outputs.next().value!;
      for (const { first, count, rows } of this.#chunks) {
        const part = rowsOf(output, first, count);
        const isLast = index === encoder.layers.length - 1;
        const features = isLast ? this.#features : part;
        const mean = { source: packed ?? source, width, range: { first, count } };
        if (mapsFirst) {
          aggregation.recordForward(program, { ...mean, output: features, activation: layer.options.activation });
        } else {
          aggregation.recordForward(program, { ...mean, output: this.#aggregated });
          layer.forward(program, { input: this.#aggregated, output: features, rows, maxRows: count });
        }
        if (isLast) encoder.hash.forward(program, { input: features, output: part, rows, maxRows: count });
      }
      below = output;
    });
  }

  /** Width of the rows that layer `index` averages. */
  #rowWidth(index: number): number {
    return this.encoder.featureWidth(this.encoder.mapsFirst(index) ? index + 1 : index);
  }
}

/** Rows `first` to `first + count - 1` of a tensor [N, width]. */
function rowsOf(tensor: Tensor<'f32'>, first: number, count: number): Tensor<'f32'> {
  const width = tensor.shape[1]!;
  return tensor.view([count, width], tensor.label, { offset: first * width });
}
