import type { Tensor, TensorScope } from '../gpu/index.js';
import { type Aggregation, aggregatedWidth, FullAggregation } from './aggregate.js';
import { type Activation, Dense } from './dense.js';
import { type BatchNodes, type Encoder, type NamedLayer, type Parameter, parametersOf } from './encoder.js';
import type { Graph } from './graph.js';
import { SageEncoding } from './sage_encoding.js';
import { FullPass, SampledPass } from './sage_passes.js';
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

  /** The means of the graph layers over whole neighbourhoods. */
  fullAggregations(): FullAggregation[] {
    const { graph, options, variants } = this;
    const { aggregation } = options;
    return this.layers.map((_, layer) => new FullAggregation({ graph, aggregation, layer, variant: variants.gather }));
  }
}
