import { HashgnnError } from '../base/errors.js';
import type { Gpu, Program, Tensor, TensorScope } from '../gpu/index.js';
import type { Parameter } from '../layers/encoder.js';

/** Values that one invocation looks at. */
const EACH = 64;

/** What is known of a tensor with values that are no numbers. */
export interface Fault {
  readonly name: string;
  readonly shape: readonly number[];
  readonly nan: number;
  readonly infinite: number;
  /** Index of the first of them in each dimension. */
  readonly first: readonly number[];
  /** Of the values that are finite; NaN where there are none. */
  readonly least: number;
  readonly greatest: number;
}

/** Looks for NaN and infinities in tensors, on the device. */
export class FiniteWatch {
  readonly program: Program;
  /** [tensors, 2] */
  readonly #found: Tensor<'u32'>;

  /** @param tensors by name, in the order in which a fault spreads: the first one affected is reported first */
  constructor(
    gpu: Gpu,
    scope: TensorScope,
    readonly tensors: readonly Parameter[],
  ) {
    this.#found = scope.tensor('u32', [tensors.length, 2], 'values that are not finite');
    this.program = scope.own(gpu.program('look for values that are not finite'));
    this.program.clear(this.#found);
    tensors.forEach(({ name, tensor }, slot) => {
      const count = tensor.length;
      const invocations = Math.ceil(count / EACH);
      this.program.dispatch('reduce/not_finite', {
        label: `look at ${name}`,
        bind: { values: tensor, found: this.#found },
        parameters: { count, invocations, slot },
        invocations,
        cost: { bytes: 4 * count },
      });
    });
  }

  /** Runs, and tells of the tensors with such values, the first affected first; an empty list where all is well. */
  async look(): Promise<Fault[]> {
    this.program.run();
    const found = await this.#found.read();
    const affected = this.tensors.filter((_, slot) => found[2 * slot]! > 0);
    return Promise.all(affected.map(({ name, tensor }) => describe(name, tensor)));
  }
}

/** @throws HashgnnError that names the step, the first tensor affected and its statistics, where there is a fault */
export function requireFinite(faults: readonly Fault[], steps: string, fix: string): void {
  const [first, ...rest] = faults;
  if (!first) return;
  const { name, shape, nan, infinite, least, greatest } = first;
  const others = rest.length === 0 ? '' : `; also in ${rest.map((fault) => fault.name).join(', ')}`;
  throw new HashgnnError(
    `training diverged: ${name} [${shape.join(', ')}] holds ${nan} NaN and ${infinite} infinite values, the first at ` +
      `[${first.first.join(', ')}]; the others lie between ${least} and ${greatest}${others}`,
    { where: steps, fix },
  );
}

async function describe(name: string, tensor: Tensor<'f32'>): Promise<Fault> {
  const values = await tensor.read();
  let [nan, infinite, least, greatest, first] = [0, 0, Number.NaN, Number.NaN, -1];
  values.forEach((value, index) => {
    if (Number.isFinite(value)) {
      least = value < least || Number.isNaN(least) ? value : least;
      greatest = value > greatest || Number.isNaN(greatest) ? value : greatest;
      return;
    }
    if (Number.isNaN(value)) nan += 1;
    else infinite += 1;
    if (first < 0) first = index;
  });
  const { shape } = tensor;
  const place: number[] = [];
  for (let dimension = shape.length - 1, rest = first; dimension >= 0; dimension -= 1) {
    place.unshift(rest % shape[dimension]!);
    rest = Math.floor(rest / shape[dimension]!);
  }
  return { name, shape, nan, infinite, first: place, least, greatest };
}
