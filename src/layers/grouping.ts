import type { Program, Tensor, TensorScope } from '../gpu/index.js';

/**
 * List positions grouped by key: the transpose of a list of indices, so that a backward pass can gather what a forward
 * pass scattered. Within a group positions ascend, which fixes the order of every sum over it.
 */
export class Grouping {
  /** [keyCount + 1] where each group begins in `order`. */
  readonly offsets: Tensor<'u32'>;
  /** [entries] positions. */
  readonly order: Tensor<'u32'>;
  readonly #counts: Tensor<'u32'>;
  readonly #cursors: Tensor<'u32'>;

  /** @param options `keyCount`: keys are below it; `entries`: length of the list */
  constructor(
    scope: TensorScope,
    readonly options: { label: string; keyCount: number; entries: number },
  ) {
    const { label, keyCount, entries } = options;
    this.offsets = scope.tensor('u32', [keyCount + 1], `${label} group offsets`);
    this.order = scope.tensor('u32', [entries], `${label} group order`);
    this.#counts = scope.tensor('u32', [keyCount], `${label} group counts`);
    this.#cursors = scope.tensor('u32', [keyCount + 1], `${label} group cursors`);
  }

  /** Records grouping the first rows[0] · stride entries of `keys`; NONE stands in no group. */
  record(program: Program, { keys, rows, stride }: { keys: Tensor<'u32'>; rows: Tensor<'u32'>; stride: number }): void {
    const { label, keyCount, entries } = this.options;
    program.clear(this.#counts);
    program.dispatch('group/count', {
      label: `count ${label}`,
      bind: { keys, rows, counts: this.#counts },
      parameters: { stride },
      invocations: entries,
    });
    program.dispatch('scan/exclusive', {
      label: `scan ${label}`,
      bind: { values: this.#counts, sums: this.offsets },
      parameters: { count: keyCount },
      workgroups: 1,
    });
    program.copy(this.offsets, this.#cursors);
    program.dispatch('group/place', {
      label: `place ${label}`,
      bind: { keys, rows, cursors: this.#cursors, order: this.order },
      parameters: { stride },
      invocations: entries,
    });
    program.dispatch('group/sort', {
      label: `sort ${label}`,
      bind: { offsets: this.offsets, order: this.order },
      parameters: { keys: keyCount },
      invocations: keyCount,
    });
  }
}
