import type { Program, Tensor } from '../gpu/index.js';

/**
 * Records sum += addend.
 * @param io of the same length, a multiple of 4
 */
export function recordAdd(
  program: Program,
  { addend, sum, label }: { readonly addend: Tensor<'f32'>; readonly sum: Tensor<'f32'>; readonly label: string },
): void {
  const count = addend.length;
  program.dispatch('reduce/add', {
    label,
    bind: { addend, sum },
    parameters: { count },
    invocations: count / 4,
    cost: { bytes: 12 * count, operations: count },
  });
}
