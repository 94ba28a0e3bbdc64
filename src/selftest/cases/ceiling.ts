import { copy } from '../../reference/ceiling/copy.js';
import { logic } from '../../reference/ceiling/logic.js';
import { type KernelCase, kernelCase, unwritten, words } from '../case.js';

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
  ];
}
