import { HashgnnError } from '../base/errors.js';
import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import { recordAdd } from './add.js';
import { byStrips } from './aggregate.js';
import { Dense } from './dense.js';
import {
  allRows,
  type BatchNodes,
  type Encoder,
  type EncodingPass,
  type NamedLayer,
  type Parameter,
  type Pass,
  type PassGradients,
  parametersOf,
  type TrainingPass,
} from './encoder.js';
import type { Graph } from './graph.js';
import type { NodeSet } from './node_set.js';
import { likelyVariants, type Variants } from './variants.js';

/** The shape of a propagating encoder. */
export interface PropagationOptions {
  /** Layers of propagation; with 0 a node's vector is its own alone, as in matrix factorisation. */
  readonly layers: number;
  /** Width of a node's trained vector. */
  readonly width: number;
  /** K: the width of an embedding; that of the vectors where there is no hash layer. */
  readonly bits: number;
  /** z = tanh(Wᵀu + b) (paper, eq. 2), with one set of weights for all nodes or one a side; or z = u. */
  readonly hash: 'shared' | 'separate' | 'none';
  /** Whether embeddings are u, which then is K wide, and not z; without a hash layer they are the same. */
  readonly embedsVectors?: boolean;
  /** Whether every node has a second vector, for which it stands as the context of others (rows N to 2N - 1). */
  readonly contexts?: boolean;
  /** The likely ones for the adapter unless told. */
  readonly variants?: Variants;
}

/**
 * Vectors of nodes that are propagated over the graph without weights, as in LightGCN (He et al., SIGIR 2020): the mean of
 * layers 0 to L, with neighbours weighted by 1 / √(degree · degree). Without layers it is a table of vectors, which matrix
 * factorisation, PTE and BiNE train. A hash layer may follow.
 */
export class PropagationEncoder implements Encoder {
  readonly embedding: Tensor<'f32'>;
  readonly hash: Dense | undefined;
  readonly variants: Variants;
  readonly #norms: Tensor<'f32'> | undefined;

  /** @throws HashgnnError where the width cannot be */
  constructor(
    scope: TensorScope,
    readonly graph: Graph,
    readonly options: PropagationOptions,
  ) {
    const { layers, width, bits, hash, embedsVectors = false, contexts = false } = options;
    const { nodeCount } = graph;
    if ((hash === 'none' || embedsVectors) && width !== bits) {
      throw new HashgnnError(`vectors of width ${width} are no embeddings of width ${bits}`, {
        fix: 'make z the embeddings, of a hash layer',
      });
    }
    if (contexts && layers > 0) throw new HashgnnError('contexts cannot be propagated', { fix: 'use no layers' });
    this.variants = options.variants ?? likelyVariants(scope.gpu);
    this.embedding = scope.tensor('f32', [nodeCount * (contexts ? 2 : 1), width], 'vectors');
    if (hash !== 'none') {
      this.hash = new Dense(scope, {
        label: 'hash layer',
        inputWidth: width,
        outputWidth: bits,
        sides: hash === 'separate' ? 2 : 1,
        activation: 'tanh',
        maxRows: nodeCount,
        variant: this.variants.dense,
      });
    }
    if (layers > 0) this.#norms = scope.tensor('f32', [nodeCount], 'norms', graph.degreePowers(-0.5));
  }

  get dense(): readonly NamedLayer[] {
    return this.hash ? [{ name: 'hash', layer: this.hash }] : [];
  }

  parameters(): Parameter[] {
    return parametersOf(this);
  }

  /** @throws HashgnnError with layers, which need all nodes */
  batchPass(scope: TensorScope, batch: BatchNodes): RowsPass {
    if (this.options.layers > 0) throw new HashgnnError('propagation needs all nodes', { fix: 'use fullPass' });
    return new RowsPass(scope, this, batch);
  }

  fullPass(scope: TensorScope): PropagationPass {
    return new PropagationPass(scope, this);
  }

  encodingPass(scope: TensorScope): PropagationEncoding {
    return new PropagationEncoding(scope, this);
  }

  /**
   * Records the mean of layers 0 to L of `base` [N, width], in Horner's form: S = base, then L times S = base + P S, and a
   * last factor. P is symmetric, so that the gradient of `base` is the same of the gradient of the mean.
   * @param tables [N, width] what it computes in, in turn; two, or one where there is one layer
   * @returns the table that holds the result: `base` where there are no layers
   */
  recordPropagation(
    program: Program,
    base: Tensor<'f32'>,
    tables: readonly Tensor<'f32'>[],
    what: string,
  ): Tensor<'f32'> {
    const { graph, variants } = this;
    const { layers, width } = this.options;
    const { nodeCount, edgeCount, offsets, neighbours } = graph;
    const lanes = variants.gather === 'lanes';
    let source = base;
    for (let layer = 0; layer < layers; layer += 1) {
      const output = tables[layer % 2]!;
      program.dispatch(lanes ? 'aggregate/propagate.lanes' : 'aggregate/propagate', {
        label: `propagate ${what} ${layer}`,
        bind: { base, source, norms: this.#norms!, offsets, neighbours, output },
        parameters: { nodes: nodeCount, width, factor: layer === layers - 1 ? 1 / (layers + 1) : 1 },
        ...(lanes ? byStrips(nodeCount) : { invocations: (nodeCount * width) / 4 }),
        cost: {
          bytes: 4 * width * (2 * edgeCount + 2 * nodeCount),
          operations: 2 * width * (2 * edgeCount + nodeCount),
        },
      });
      source = output;
    }
    return source;
  }
}

/** What `recordPropagation` computes in. */
const tablesOf = (scope: TensorScope, { graph, options: { layers, width } }: PropagationEncoder, what: string) =>
  Array.from({ length: Math.min(2, layers) }, (_, turn) =>
    scope.tensor('f32', [graph.nodeCount, width], `${what} ${turn}`),
  );

/** All nodes, for training. */
export class PropagationPass implements TrainingPass {
  readonly rows: Tensor<'u32'>;
  readonly hashed: Tensor<'f32'>;
  readonly embeddings: Tensor<'f32'>;
  readonly inputNodes = undefined;
  readonly nodeSets: readonly NodeSet[] = [];
  readonly inputGradient: Tensor<'f32'>;
  /** Used on the way here, and again on the way back. */
  readonly #tables: readonly Tensor<'f32'>[];
  /** Of the mean of the layers; where there are none, that of the vectors. */
  readonly #meanGradient: Tensor<'f32'>;
  #mean: Tensor<'f32'>;

  constructor(
    scope: TensorScope,
    readonly encoder: PropagationEncoder,
  ) {
    const { graph, options, hash, embedding } = encoder;
    const { nodeCount } = graph;
    const { layers, width, bits } = options;
    this.rows = allRows(scope, graph);
    this.#tables = tablesOf(scope, encoder, 'propagated');
    this.#mean = layers === 0 ? embedding : this.#tables[(layers - 1) % 2]!;
    this.inputGradient = scope.tensor('f32', [nodeCount, width], 'vectors gradient');
    this.#meanGradient = layers === 0 ? this.inputGradient : scope.tensor('f32', [nodeCount, width], 'mean gradient');
    this.hashed = hash ? scope.tensor('f32', [nodeCount, bits], 'hash layer output') : this.#mean;
    this.embeddings = options.embedsVectors ? this.#mean : this.hashed;
  }

  get maxRows(): number {
    return this.encoder.graph.nodeCount;
  }

  /** Nothing: it reads all nodes. */
  recordSample(): void {}

  recordForward(program: Program): void {
    const { encoder, rows, maxRows } = this;
    const mean = encoder.recordPropagation(program, encoder.embedding, this.#tables, 'layer');
    encoder.hash?.forward(program, { input: mean, output: this.hashed, rows, maxRows });
  }

  recordBackward(program: Program, gradients: PassGradients, { hashOnly } = { hashOnly: false }): void {
    const { encoder, rows, maxRows, hashed } = this;
    const inputs = { vectors: this.#mean, hashed, rows, maxRows };
    recordHashBackward(program, encoder, inputs, gradients, hashOnly ? undefined : this.#meanGradient);
    if (hashOnly || encoder.options.layers === 0) return;
    const gradient = encoder.recordPropagation(program, this.#meanGradient, this.#tables, 'gradient');
    program.copy(gradient, this.inputGradient);
  }
}

/** The vectors of a batch's nodes alone, for training; without layers. */
export class RowsPass implements TrainingPass {
  readonly hashed: Tensor<'f32'>;
  readonly embeddings: Tensor<'f32'>;
  readonly inputGradient: Tensor<'f32'>;
  readonly #vectors: Tensor<'f32'>;

  constructor(
    scope: TensorScope,
    readonly encoder: PropagationEncoder,
    readonly batch: BatchNodes,
  ) {
    const { width, bits } = encoder.options;
    const { maxRows } = batch.roots;
    this.#vectors = scope.tensor('f32', [maxRows, width], 'vectors of the batch');
    this.inputGradient = scope.tensor('f32', [maxRows, width], 'vectors gradient');
    this.hashed = encoder.hash ? scope.tensor('f32', [maxRows, bits], 'hash layer output') : this.#vectors;
    this.embeddings = encoder.options.embedsVectors ? this.#vectors : this.hashed;
  }

  get rows(): Tensor<'u32'> {
    return this.batch.roots.rows;
  }

  get maxRows(): number {
    return this.batch.roots.maxRows;
  }

  get inputNodes(): NodeSet {
    return this.batch.roots;
  }

  get nodeSets(): readonly NodeSet[] {
    return [this.batch.roots];
  }

  /** Nothing: it reads the batch's nodes. */
  recordSample(): void {}

  recordForward(program: Program): void {
    const { encoder, rows, maxRows } = this;
    const { width } = encoder.options;
    program.dispatch('rows/gather', {
      label: 'vectors of the batch',
      bind: { source: encoder.embedding, nodes: this.batch.roots.nodes, rows, output: this.#vectors },
      parameters: { width },
      invocations: (maxRows * width) / 4,
      cost: { bytes: 8 * maxRows * width },
    });
    encoder.hash?.forward(program, { input: this.#vectors, output: this.hashed, rows, maxRows });
  }

  recordBackward(program: Program, gradients: PassGradients, { hashOnly } = { hashOnly: false }): void {
    const { encoder, rows, maxRows, hashed } = this;
    const inputs = { vectors: this.#vectors, hashed, rows, maxRows };
    recordHashBackward(program, encoder, inputs, gradients, hashOnly ? undefined : this.inputGradient);
  }
}

/** Records the way back through the hash layer, if there is one, to the vectors u. */
function recordHashBackward(
  program: Program,
  { hash }: PropagationEncoder,
  { vectors, hashed, rows, maxRows }: Pick<Pass, 'hashed' | 'rows' | 'maxRows'> & { readonly vectors: Tensor<'f32'> },
  gradients: PassGradients,
  vectorsGradient: Tensor<'f32'> | undefined,
): void {
  if (hash) {
    hash.backward(program, {
      ...{ input: vectors, output: hashed, outputGradient: gradients.hashed, inputGradient: vectorsGradient },
      ...{ rows, maxRows },
    });
  } else if (vectorsGradient) program.copy(gradients.hashed, vectorsGradient);
  if (vectorsGradient && gradients.embeddings) {
    const label = 'gradient of the vectors as embeddings';
    recordAdd(program, { addend: gradients.embeddings, sum: vectorsGradient, label });
  }
}

/** All nodes, without a way back. */
export class PropagationEncoding implements EncodingPass {
  readonly rows: Tensor<'u32'>;
  readonly hashed: Tensor<'f32'>;
  readonly embeddings: Tensor<'f32'>;
  readonly scratch: readonly Tensor<'f32'>[];
  readonly #tables: readonly Tensor<'f32'>[];

  constructor(
    scope: TensorScope,
    readonly encoder: PropagationEncoder,
  ) {
    const { graph, options, hash, embedding } = encoder;
    const { layers, width, bits } = options;
    this.rows = allRows(scope, graph);
    this.#tables = tablesOf(scope, encoder, 'encoding');
    const vectors =
      layers > 0 ? this.#tables[(layers - 1) % 2]! : embedding.view([graph.nodeCount, width], 'encoding vectors');
    this.hashed = hash ? scope.tensor('f32', [graph.nodeCount, bits], 'encoding embeddings') : vectors;
    this.embeddings = options.embedsVectors ? vectors : this.hashed;
    this.scratch = hash ? [...this.#tables, this.hashed] : this.#tables;
  }

  get maxRows(): number {
    return this.encoder.graph.nodeCount;
  }

  recordForward(program: Program): void {
    const { encoder, rows, maxRows } = this;
    const mean = encoder.recordPropagation(program, encoder.embedding, this.#tables, 'layer');
    encoder.hash?.forward(program, { input: mean, output: this.hashed, rows, maxRows });
  }
}
