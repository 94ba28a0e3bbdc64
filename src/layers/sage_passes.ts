import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import { aggregatedWidth, type FullAggregation, SampledAggregation } from './aggregate.js';
import { allRows, type BatchNodes, type PassGradients, type TrainingPass } from './encoder.js';
import type { NodeSet } from './node_set.js';
import type { SageEncoder } from './sage.js';

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
    this.#aggregations = encoder.fullAggregations();
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
