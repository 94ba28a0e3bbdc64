import { HashgnnError } from '../base/errors.js';
import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import { type GatherVariant, likelyVariants } from '../layers/variants.js';

export interface AdamOptions {
  /** Decay of the first moment; 0.9 unless told. The schedule must have been made with the same. */
  readonly beta1?: number;
  /** Decay of the second moment; 0.999 unless told. The schedule must have been made with the same. */
  readonly beta2?: number;
  /** Added to the root of the second moment; 1e-8 unless told. */
  readonly epsilon?: number;
  /** L2 weight decay, added to the gradient as weightDecay · parameter; 0 unless told. */
  readonly weightDecay?: number;
  /** How a table is gone through; the likely one for the adapter unless told. */
  readonly variant?: GatherVariant;
}

/** The nodes whose rows of a table have a gradient: row r of it belongs to the r-th active node, in ascending order. */
export interface ActiveNodes {
  /** [ceil(nodes / 32)] bitmap of the active nodes. */
  readonly bits: Tensor<'u32'>;
  /** [ceil(nodes / 32) + 1] active nodes before each word's first. */
  readonly ranks: Tensor<'u32'>;
  /** [maxRows] the active nodes, all distinct. */
  readonly nodes: Tensor<'u32'>;
  /** [2] active nodes, and how many of them belong to side 0. */
  readonly rows: Tensor<'u32'>;
}

/**
 * How a table is updated.
 * - `dense`: all rows, those of other nodes with gradient 0, which is dense Adam's exact result; `swept` or `deferred`,
 *   whichever costs less.
 * - `swept`: dense, by going through the whole table in every step.
 * - `deferred`: dense, by making up for a row's missed steps when it is next read (`recordCatchUp`, `flush`), so that
 *   rows that a batch does not touch cost nothing.
 * - `rows`: only the active rows and their moments change (lazy Adam), another algorithm.
 */
export type TableUpdates = 'dense' | 'swept' | 'deferred' | 'rows';

/**
 * Rows are deferred where a step touches at most this share of them. Below it the steps that are made up for cost less than
 * the memory of the rows that are left alone; software drivers, whose arithmetic is dear, break even about there.
 */
const DEFERRED_SHARE = 1 / 8;

/** Values that one invocation squares, unless there are more than so many invocations can. */
const SQUARES_EACH = 64;
const MOST_PARTIAL_SQUARES = 8192;

/** What a step still adds to a parameter, by what the first added, where it is no longer made: below any float's rounding. */
const NEGLIGIBLE = 2 ** -40;

/**
 * Steps without a gradient after which Adam's next one moves nothing: each moves a parameter by β1 / √β2 of what the one
 * before it did, bias corrections and rates apart. All of them (2³² − 1) where that does not fall.
 */
export function replayedSteps(beta1: number, beta2: number): number {
  const ratio = beta2 > 0 ? beta1 / Math.sqrt(beta2) : beta1 > 0 ? 1 : 0;
  const steps = ratio === 0 ? 1 : Math.ceil(Math.log(NEGLIGIBLE) / Math.log(ratio));
  return ratio < 1 ? Math.min(Math.max(1, steps), 2 ** 32 - 1) : 2 ** 32 - 1;
}

interface Table {
  readonly active: ActiveNodes;
  readonly updates: Exclude<TableUpdates, 'dense'>;
  /** [nodes] steps that each row has made, and [2] all rows; where updates are deferred. */
  readonly deferred: { readonly made: Tensor<'u32'>; readonly all: Tensor<'u32'> } | undefined;
}

interface Entry {
  readonly name: string;
  readonly parameter: Tensor<'f32'>;
  readonly gradient: Tensor<'f32'>;
  readonly first: Tensor<'f32'>;
  readonly second: Tensor<'f32'>;
  readonly table: Table | undefined;
}

/** Adam (Kingma and Ba, ICLR 2015) for dense tensors and embedding tables. It owns the moments. */
export class Adam {
  readonly #entries: Entry[] = [];
  readonly #variant: GatherVariant;
  readonly #settings: { beta1: number; beta2: number; epsilon: number; weight_decay: number };

  constructor(
    readonly scope: TensorScope,
    { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, variant }: AdamOptions = {},
  ) {
    this.#variant = variant ?? likelyVariants(scope.gpu).gather;
    this.#settings = { beta1, beta2, epsilon, weight_decay: weightDecay };
  }

  /**
   * Has a parameter updated by its gradient, both of the same length.
   * @throws HashgnnError if the lengths differ or the name is taken
   */
  add(name: string, parameter: Tensor<'f32'>, gradient: Tensor<'f32'>): void {
    if (gradient.length !== parameter.length) {
      throw new HashgnnError(
        `${name} has ${parameter.length} elements, its gradient ${gradient.label} has ${gradient.length}`,
      );
    }
    this.#push({ name, parameter, gradient, table: undefined });
  }

  /**
   * Has an embedding table [nodes, width] updated by a gradient [maxRows, width] of its active rows.
   * @throws HashgnnError if the width is no multiple of 4, the shapes disagree or the name is taken
   */
  addTable(
    name: string,
    parameter: Tensor<'f32'>,
    gradient: Tensor<'f32'>,
    active: ActiveNodes,
    updates: TableUpdates,
  ): void {
    const width = parameter.shape[1];
    if (parameter.shape.length !== 2 || !width || width % 4 !== 0) {
      throw new HashgnnError(`${name} [${parameter.shape.join(', ')}] is no table whose width is a multiple of 4`);
    }
    if (gradient.shape.length !== 2 || gradient.shape[1] !== width) {
      throw new HashgnnError(
        `${name} has rows of ${width}, its gradient ${gradient.label} is [${gradient.shape.join(', ')}]`,
      );
    }
    const [nodes] = parameter.shape as [number];
    const deferrable = active.nodes.length <= nodes * DEFERRED_SHARE;
    const kind = updates === 'dense' ? (deferrable ? 'deferred' : 'swept') : updates;
    const words = Math.ceil(nodes / 32);
    if (kind === 'swept' && (active.bits.length < words || active.ranks.length < words)) {
      throw new HashgnnError(`the bitmap ${active.bits.label} is too small for the ${nodes} rows of ${name}`);
    }
    const deferred =
      kind === 'deferred'
        ? {
            made: this.scope.tensor('u32', [nodes], `${name} steps made`),
            all: this.scope.tensor('u32', [2], `${name} all rows`, new Uint32Array([nodes, nodes])),
          }
        : undefined;
    this.#push({ name, parameter, gradient, table: { active, updates: kind, deferred } });
  }

  /** What everything is updated by, as `<parameter>.gradient`, in the order in which it was added. */
  gradients(): { name: string; tensor: Tensor<'f32'> }[] {
    return this.#entries.map(({ name, gradient }) => ({ name: `${name}.gradient`, tensor: gradient }));
  }

  /** All moments, for checkpoints: `<parameter>.first_moment` and `<parameter>.second_moment`. */
  moments(): { name: string; tensor: Tensor<'f32'> }[] {
    return this.#entries.flatMap(({ name, first, second }) => [
      { name: `${name}.first_moment`, tensor: first },
      { name: `${name}.second_moment`, tensor: second },
    ]);
  }

  /**
   * Records making up for the steps that this step's active rows of deferred tables have missed; before they are read.
   * @param io as for `record`
   */
  recordCatchUp(program: Program, io: { readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'> }): void {
    for (const entry of this.#entries) {
      if (!entry.table?.deferred) continue;
      const { nodes, rows } = entry.table.active;
      this.#catchUp(program, entry, io, { nodes, rows, count: entry.gradient.shape[0]! }, 0);
    }
  }

  /**
   * Records making up for all steps that any row has missed, so that parameters and moments are those of the step that is
   * about to be made. Needed before tables are read as a whole, and done in no time where nothing is deferred.
   * @param io as for `record`
   */
  recordFlush(program: Program, io: { readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'> }): void {
    for (const entry of this.#entries) {
      if (!entry.table?.deferred) continue;
      const { made, all } = entry.table.deferred;
      const count = made.length;
      this.#catchUp(program, entry, io, { nodes: made, rows: all, count }, 1);
      program.dispatch('optim/adam_made', {
        label: `all steps of ${entry.name} made`,
        bind: { nodes: all, rows: all, state: io.state, made },
        constants: { ALL: 1, AHEAD: 0 },
        invocations: count,
      });
    }
  }

  /** Tells that parameters and moments were written from outside as they are before step `step`. */
  restored(step: number): void {
    for (const { table } of this.#entries) {
      table?.deferred?.made.write(new Uint32Array(table.deferred.made.length).fill(step));
    }
  }

  /**
   * Records scaling all gradients, or those that `chosen` says by name, down where their norm, of all together, exceeds
   * `limit`; before `record`.
   * @param io `norms` [capacity, 1] gets the square of a step's norm before it is scaled, in row step mod capacity
   */
  recordClip(
    program: Program,
    io: { readonly state: Tensor<'u32'>; readonly limit: number; readonly norms: Tensor<'f32'> },
    chosen: (name: string) => boolean = () => true,
  ): void {
    const { state, limit, norms } = io;
    const whole = this.scope.tensor('u32', [2], 'one row', new Uint32Array([1, 1]));
    const entries = this.#entries.filter(({ name }) => chosen(name));
    const gradients = entries.map(({ name, gradient, table }) => ({
      ...{ name, gradient, rows: table?.active.rows ?? whole },
      width: table ? gradient.shape[1]! : gradient.length,
      invocations: Math.min(MOST_PARTIAL_SQUARES, Math.ceil(gradient.length / SQUARES_EACH)),
    }));
    const parts = gradients.reduce((sum, { invocations }) => sum + invocations, 0);
    const partial = this.scope.tensor('f32', [parts, 1], 'squares of gradients');
    const squares = this.scope.tensor('f32', [1], 'square of the norm of gradients');
    let first = 0;
    for (const { name, gradient: values, rows, width, invocations } of gradients) {
      program.dispatch('reduce/squares', {
        label: `squares of ${name}`,
        bind: { values, rows, partial },
        parameters: { width, first, invocations },
        invocations,
        cost: { bytes: 4 * values.length, operations: 2 * values.length },
      });
      first += invocations;
    }
    program.dispatch('reduce/columns', {
      label: 'norm of gradients',
      bind: { table: partial, state, ring: norms, chosen: squares },
      parameters: { count: parts, columns: 1, capacity: norms.length, chosen_first: 0, chosen_count: 1 },
      workgroups: 1,
      cost: { bytes: 4 * parts, operations: parts },
    });
    for (const { name, gradient, rows, width } of gradients) {
      program.dispatch('optim/clip', {
        label: `clip ${name}`,
        bind: { gradient, rows, squares },
        parameters: { width, limit },
        invocations: gradient.length,
        cost: { bytes: 8 * gradient.length, operations: gradient.length },
      });
    }
  }

  /**
   * Records the update of everything that was added, or of what `chosen` says by name.
   * @param io `state` [4]: state[0] is the step; `schedule` [steps, 4]: see `scheduleTable`
   */
  record(
    program: Program,
    io: { readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'> },
    chosen: (name: string) => boolean = () => true,
  ): void {
    for (const entry of this.#entries) if (chosen(entry.name)) this.#update(program, entry, io);
  }

  #push({ name, parameter, gradient, table }: Omit<Entry, 'first' | 'second'>): void {
    if (this.#entries.some((entry) => entry.name === name)) {
      throw new HashgnnError(`there are two parameters named ${name}`);
    }
    const first = this.scope.tensor('f32', parameter.shape, `${name}.first_moment`);
    const second = this.scope.tensor('f32', parameter.shape, `${name}.second_moment`);
    this.#entries.push({ name, parameter, gradient, first, second, table });
  }

  #update(
    program: Program,
    { name, parameter, gradient, first, second, table }: Entry,
    { state, schedule }: { state: Tensor<'u32'>; schedule: Tensor<'f32'> },
  ): void {
    const label = `adam ${name}`;
    const lanes = this.#variant === 'lanes';
    const bind = { parameter, gradient, first_moment: first, second_moment: second, state, schedule };
    const [nodes, width] = [parameter.shape[0]!, parameter.shape[1]!];
    if (!table) {
      const count = parameter.length;
      const whole = count % 4 === 0;
      program.dispatch(whole ? 'optim/adam.vec4' : 'optim/adam', {
        label,
        bind,
        parameters: { count, ...this.#settings },
        invocations: whole ? count / 4 : count,
        cost: { bytes: 28 * count, operations: 13 * count },
      });
    } else if (table.updates === 'swept') {
      program.dispatch(lanes ? 'optim/adam_table.lanes' : 'optim/adam_table', {
        label,
        bind: { ...bind, bits: table.active.bits, ranks: table.active.ranks },
        parameters: { nodes, width, ...this.#settings },
        invocations: lanes ? nodes : parameter.length / 4,
        cost: { bytes: 24 * parameter.length + 4 * gradient.length, operations: 13 * parameter.length },
      });
    } else {
      program.dispatch(lanes ? 'optim/adam_rows.lanes' : 'optim/adam_rows', {
        label,
        bind: { ...bind, nodes: table.active.nodes, rows: table.active.rows },
        parameters: { width, ...this.#settings },
        invocations: lanes ? gradient.shape[0]! : gradient.length / 4,
        cost: { bytes: 28 * gradient.length, operations: 13 * gradient.length },
      });
      if (table.deferred) {
        const { nodes, rows } = table.active;
        program.dispatch('optim/adam_made', {
          label: `step of ${name} made`,
          bind: { nodes, rows, state, made: table.deferred.made },
          constants: { AHEAD: 1 },
          invocations: gradient.shape[0]!,
        });
      }
    }
  }

  #catchUp(
    program: Program,
    { name, parameter, first, second, table }: Entry,
    { state, schedule }: { state: Tensor<'u32'>; schedule: Tensor<'f32'> },
    list: { nodes: Tensor<'u32'>; rows: Tensor<'u32'>; count: number },
    ALL: 0 | 1,
  ): void {
    const width = parameter.shape[1]!;
    const { nodes, rows, count } = list;
    program.dispatch('optim/adam_catch_up', {
      label: `catch up ${name}`,
      bind: {
        ...{ parameter, first_moment: first, second_moment: second, made: table!.deferred!.made },
        ...{ nodes, rows, state, schedule },
      },
      parameters: { width, ...this.#settings },
      constants: { ALL, REPLAYED: replayedSteps(this.#settings.beta1, this.#settings.beta2) },
      invocations: (count * width) / 4,
      cost: { bytes: 24 * count * width, operations: 13 * count * width },
    });
  }
}

/** Records the end of a step: state[0] grows by one. Everything that reads the step is recorded before. */
export function recordAdvance(program: Program, state: Tensor<'u32'>): void {
  program.dispatch('optim/advance', { bind: { state }, workgroups: 1 });
}
