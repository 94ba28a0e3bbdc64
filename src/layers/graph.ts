import type { Tensor, TensorScope } from '../gpu/index.js';

/** A bipartite graph by rows, on the host: node numbers, users first, both directions of every edge. */
export interface HostGraph {
  readonly userCount: number;
  readonly itemCount: number;
  /** [N + 1] where each node's neighbours begin. */
  readonly offsets: Uint32Array;
  /** [2 · edges] node numbers, ascending in each row. */
  readonly neighbours: Uint32Array;
}

/**
 * A bipartite graph on the device. Nodes 0 … userCount − 1 are users, the others items. Users' rows come first, so that
 * the first half of `neighbours` lists the training edges.
 */
export class Graph {
  readonly userCount: number;
  readonly itemCount: number;
  readonly nodeCount: number;
  /** Training edges, each counted once. */
  readonly edgeCount: number;
  /** [N + 1] */
  readonly offsets: Tensor<'u32'>;
  /** [2 · edges] */
  readonly neighbours: Tensor<'u32'>;

  constructor(
    scope: TensorScope,
    readonly host: HostGraph,
  ) {
    this.userCount = host.userCount;
    this.itemCount = host.itemCount;
    this.nodeCount = host.userCount + host.itemCount;
    this.edgeCount = host.neighbours.length / 2;
    this.offsets = scope.tensor('u32', [host.offsets.length], 'graph offsets', host.offsets);
    this.neighbours = scope.tensor('u32', [host.neighbours.length], 'graph neighbours', host.neighbours);
  }

  /** [N] degree^power of every node, 0 where it has no neighbours; float64 rounded to float32. */
  degreePowers(power: number): Float32Array<ArrayBuffer> {
    const { offsets } = this.host;
    return Float32Array.from({ length: this.nodeCount }, (_, node) => {
      const degree = offsets[node + 1]! - offsets[node]!;
      return degree > 0 ? degree ** power : 0;
    });
  }
}
