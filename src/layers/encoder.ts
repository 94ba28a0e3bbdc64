import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import type { Dense } from './dense.js';
import type { Graph } from './graph.js';
import type { NodeSet } from './node_set.js';
import type { Variants } from './variants.js';

/** A trainable tensor by the name that it has in checkpoints. */
export interface Parameter {
  readonly name: string;
  readonly tensor: Tensor<'f32'>;
}

/** A dense layer by the name that its parameters begin with. */
export interface NamedLayer {
  readonly name: string;
  readonly layer: Dense;
}

/** The nodes of a batch, and what else a pass over them draws from. */
export interface BatchNodes {
  readonly roots: NodeSet;
  /** Sampled neighbours a node, from the batch's nodes outwards (published code: 10, 5). */
  readonly fanouts: readonly number[];
  readonly seed: number;
  readonly state: Tensor<'u32'>;
}

/** What gives every node an embedding: parameters, and the ways of computing with them, which are recorded into programs. */
export interface Encoder {
  readonly graph: Graph;
  readonly variants: Variants;
  /** [N or more, width] what is trained of every node; further rows belong to no node. */
  readonly embedding: Tensor<'f32'>;
  /** In the order of the forward pass; the last is the hash layer, where there is one. */
  readonly dense: readonly NamedLayer[];
  /** All parameters, in the order of the forward pass. */
  parameters(): Parameter[];
  /** The nodes of a batch, for training. */
  batchPass(scope: TensorScope, batch: BatchNodes): TrainingPass;
  /** All nodes, over whole neighbourhoods, for training. */
  fullPass(scope: TensorScope): TrainingPass;
  /** All nodes, over whole neighbourhoods, without a way back: how embeddings are made. */
  encodingPass(scope: TensorScope): EncodingPass;
}

/** One way of computing embeddings with an encoder, recorded into a program. */
export interface Pass {
  /** [2] active rows of the embeddings, those of users. */
  readonly rows: Tensor<'u32'>;
  readonly maxRows: number;
  /** z, what codes are the signs of: [maxRows, bits] */
  readonly hashed: Tensor<'f32'>;
  /** What is searched beside the codes: z itself, or what the hash layer is given, [maxRows, bits] */
  readonly embeddings: Tensor<'f32'>;
  recordForward(program: Program): void;
}

/** A pass over all nodes. */
export interface EncodingPass extends Pass {
  /** All that the pass computes in: nothing that it needs from one run for the next. */
  readonly scratch: readonly Tensor<'f32'>[];
}

/** Gradients that a pass goes back from. */
export interface PassGradients {
  /** Of z, which is used up. */
  readonly hashed: Tensor<'f32'>;
  /** Of the embeddings, where they are not z. */
  readonly embeddings?: Tensor<'f32'> | undefined;
}

/** A pass that also goes back. */
export interface TrainingPass extends Pass {
  /** Records what settles which nodes the pass reads; before `recordForward`. */
  recordSample(program: Program): void;
  /** Records the gradients of all parameters, or of the hash layer's alone. */
  recordBackward(program: Program, gradients: PassGradients, options?: { readonly hashOnly: boolean }): void;
  /** Gradient of `Encoder.embedding`: by row of `inputNodes`, or of all nodes where there is no such set. */
  readonly inputGradient: Tensor<'f32'>;
  readonly inputNodes: NodeSet | undefined;
  /** The distinct nodes that are computed: those of the batch, then those of each layer below; none where all are. */
  readonly nodeSets: readonly NodeSet[];
}

/** The parameters of an encoder, in the order of the forward pass. */
export function parametersOf({ embedding, dense }: Pick<Encoder, 'embedding' | 'dense'>): Parameter[] {
  return [
    { name: 'embedding', tensor: embedding },
    ...dense.flatMap(({ name, layer }) => [
      { name: `${name}.weight`, tensor: layer.weight },
      { name: `${name}.bias`, tensor: layer.bias },
    ]),
  ];
}

/** [2] the numbers of all nodes and of users, as `Pass.rows` of a pass over all nodes. */
export function allRows(scope: TensorScope, { nodeCount, userCount }: Graph): Tensor<'u32'> {
  return scope.tensor('u32', [2], 'all rows', Uint32Array.of(nodeCount, userCount));
}
