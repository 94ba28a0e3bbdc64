import { copy } from '../../reference/ceiling/copy.js';
import { gather } from '../../reference/ceiling/gather.js';
import { logic } from '../../reference/ceiling/logic.js';
import { multiply_add } from '../../reference/ceiling/multiply_add.js';
import { popcount } from '../../reference/ceiling/popcount.js';
import { below, floats, type KernelCase, kernelCase, unwritten, unwrittenFloats, words } from '../case.js';

/** The kernels by which the benches measure what an adapter can do at most. */
export function ceilingCases(): KernelCase[] {
  const count = 77;
  return [
    kernelCase('ceiling/logic', {
      inputs: { start: words(count * 12, 1), finish: unwritten((count + 1) * 12) },
      parameters: { count, rounds: 3 },
      size: { invocations: count },
      twin: logic,
    }),
    ...[0, 1].map((ADJACENT) =>
      kernelCase('ceiling/copy', {
        what: ADJACENT ? 'neighbours by one invocation' : 'neighbours by neighbours',
        inputs: { source: words(count * 4, 2), copied: unwritten((count + 1) * 4) },
        parameters: { quads: count },
        constants: { WORKGROUP: 16, SPAN: 3, ADJACENT },
        size: { workgroups: Math.ceil(count / 48) },
        twin: copy,
      }),
    ),
    ...[0, 1].map((FUSED) =>
      kernelCase('ceiling/multiply_add', {
        what: FUSED ? 'fma' : 'a product and a sum',
        inputs: { start: floats(count * 12, 3), finish: unwrittenFloats((count + 1) * 12) },
        parameters: { count, rounds: 3, factor: -0.75, term: 0.5 },
        constants: { FUSED },
        size: { invocations: count },
        twin: multiply_add,
      }),
    ),
    kernelCase('ceiling/popcount', {
      inputs: { start: words(count * 8, 4), finish: unwritten((count + 1) * 8) },
      parameters: { count, rounds: 3 },
      size: { invocations: count },
      twin: popcount,
    }),
    ...[0, 1].map((ADJACENT) =>
      kernelCase('ceiling/gather', {
        what: ADJACENT ? 'neighbours by columns' : 'neighbours by entries',
        inputs: {
          table: words(31 * 12, 5),
          indices: below(count * 5, 31, 6),
          gathered: unwritten((count + 1) * 12),
        },
        parameters: { count, quads: 3, each: 5 },
        constants: { ADJACENT },
        size: { invocations: count * 3 },
        twin: gather,
      }),
    ),
  ];
}
