import type { Program, Tensor, TensorScope } from '../gpu/index.js';

/** Stands in lists where there is no node, as in `shaders/lib/none.wgsl`. */
export const NO_NODE = 0xffffffff;

/** A list of node numbers on the device of which only the first rows are active. */
export interface NodeList {
  /** [maxRows, stride] node numbers, or NONE. */
  readonly nodes: Tensor<'u32'>;
  /** [2] active rows, active rows of users. */
  readonly rows: Tensor<'u32'>;
  readonly stride: number;
  readonly maxRows: number;
}

/**
 * A set of distinct nodes that a step touches, found on the device: lists are marked in a bitmap, the bitmap is ranked
 * by a prefix sum, and its members are listed in ascending order, users first. The cost is that of the lists plus one
 * pass over N / 32 words.
 */
export class NodeSet implements NodeList {
  readonly stride = 1;
  /** [ceil(N / 32)] */
  readonly bits: Tensor<'u32'>;
  /** [ceil(N / 32) + 1] */
  readonly ranks: Tensor<'u32'>;
  /** [maxRows] the members, ascending */
  readonly nodes: Tensor<'u32'>;
  /** [2] members; members that are users */
  readonly rows: Tensor<'u32'>;
  readonly #words: number;

  /** @param options `maxRows`: room for members, at least as many as lists can name */
  constructor(
    scope: TensorScope,
    readonly options: { label: string; nodeCount: number; userCount: number; maxRows: number },
  ) {
    const { label, nodeCount, maxRows } = options;
    this.#words = Math.ceil(nodeCount / 32);
    this.bits = scope.tensor('u32', [this.#words], `${label} bits`);
    this.ranks = scope.tensor('u32', [this.#words + 1], `${label} ranks`);
    this.nodes = scope.tensor('u32', [maxRows], `${label} nodes`);
    this.rows = scope.tensor('u32', [2], `${label} rows`);
  }

  get maxRows(): number {
    return this.options.maxRows;
  }

  /** Records making the set anew from lists, and from the members of another set if one is given. */
  recordBuild(program: Program, lists: readonly NodeList[], include?: NodeSet): void {
    const { label } = this.options;
    if (include) program.copy(include.bits, this.bits);
    else program.clear(this.bits);
    for (const { nodes, rows, stride, maxRows } of lists) {
      program.dispatch('block/mark', {
        label: `mark ${label}`,
        bind: { nodes, rows, bits: this.bits },
        parameters: { stride },
        invocations: maxRows * stride,
      });
    }
    program.dispatch('scan/exclusive', {
      label: `rank ${label}`,
      bind: { values: this.bits, sums: this.ranks },
      parameters: { count: this.#words },
      constants: { POPCOUNT: 1 },
      workgroups: 1,
    });
    program.dispatch('block/compact', {
      label: `list ${label}`,
      bind: { bits: this.bits, ranks: this.ranks, nodes: this.nodes, rows: this.rows },
      parameters: { words: this.#words, users: this.options.userCount },
      invocations: this.#words,
    });
  }

  /** Records finding the row in this set of every node of a list, NONE where it is no member. */
  recordLocate(program: Program, { nodes, rows, stride, maxRows }: NodeList, places: Tensor<'u32'>): void {
    program.dispatch('block/locate', {
      label: `locate in ${this.options.label}`,
      bind: { nodes, rows, bits: this.bits, ranks: this.ranks, places },
      parameters: { stride },
      invocations: maxRows * stride,
    });
  }
}
