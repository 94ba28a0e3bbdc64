import { formatCount } from '../../../src/cli/output.js';
import { copy } from '../../../src/reference/ceiling/copy.js';
import { gather } from '../../../src/reference/ceiling/gather.js';
import { logic } from '../../../src/reference/ceiling/logic.js';
import { multiply_add } from '../../../src/reference/ceiling/multiply_add.js';
import { popcount } from '../../../src/reference/ceiling/popcount.js';
import { below, floats, unwritten, unwrittenFloats, words } from '../../../src/selftest/case.js';
import type { CaseMap, CasesOf } from '../case.js';
import type { Setting } from '../setting.js';

/** Invocations and rounds, or vectors. They depend on no data set: `bench/ceilings.ts` has the sizes that count. */
const COUNT = 4096;
const ROUNDS = 64;

/** These kernels depend on no data set. */
const small =
  <T>(cases: () => T[]) =>
  ({ size }: Setting): T[] =>
    size.name === 'small' || size.name === 'quick' ? cases() : [];

const chains = { what: 'chains', shape: `${formatCount(COUNT)} × ${ROUNDS} rounds` };
const size = { invocations: COUNT };

const multiplyAdd: CasesOf<'ceiling/multiply_add'> = small(() =>
  [0, 1].map((FUSED) => ({
    what: FUSED ? 'fma' : 'product and sum',
    shape: chains.shape,
    cost: { bytes: 96 * COUNT, operations: 192 * ROUNDS * COUNT, access: 'copy', arithmetic: 'multiply_add' },
    work: () => ({
      inputs: { start: floats(COUNT * 12, 1), finish: unwrittenFloats(COUNT * 12) },
      parameters: { count: COUNT, rounds: ROUNDS, factor: -0.75, term: 0.5 },
      constants: { FUSED },
      size,
      twin: multiply_add,
    }),
  })),
);

/** The kernels that measure the adapter itself. */
export const CEILING_CASES: CaseMap<
  'ceiling/copy' | 'ceiling/gather' | 'ceiling/logic' | 'ceiling/multiply_add' | 'ceiling/popcount'
> = {
  'ceiling/multiply_add': multiplyAdd,
  'ceiling/logic': small(() => [
    {
      ...chains,
      cost: { bytes: 96 * COUNT, operations: 160 * ROUNDS * COUNT, access: 'copy', arithmetic: 'logic' },
      work: () => ({
        inputs: { start: words(COUNT * 12, 1), finish: unwritten(COUNT * 12) },
        parameters: { count: COUNT, rounds: ROUNDS },
        size,
        twin: logic,
      }),
    },
  ]),
  'ceiling/popcount': small(() => [
    {
      ...chains,
      cost: { bytes: 64 * COUNT, operations: 64 * ROUNDS * COUNT, access: 'copy', arithmetic: 'popcount' },
      work: () => ({
        inputs: { start: words(COUNT * 8, 1), finish: unwritten(COUNT * 8) },
        parameters: { count: COUNT, rounds: ROUNDS },
        size,
        twin: popcount,
      }),
    },
  ]),
  'ceiling/copy': small(() =>
    [0, 1].map((ADJACENT) => ({
      what: ADJACENT ? 'neighbours by one invocation' : 'neighbours by neighbours',
      shape: `${formatCount(16 * COUNT)} vectors`,
      cost: { bytes: 512 * COUNT, operations: 0, access: 'copy', arithmetic: 'logic' },
      work: () => ({
        inputs: { source: words(64 * COUNT, 1), copied: unwritten(64 * COUNT) },
        parameters: { quads: 16 * COUNT },
        constants: { WORKGROUP: 256, SPAN: 8, ADJACENT },
        size: { workgroups: (16 * COUNT) / 2048 },
        twin: copy,
      }),
    })),
  ),
  'ceiling/gather': small(() =>
    [0, 1].map((ADJACENT) => ({
      what: ADJACENT ? 'neighbours by columns' : 'neighbours by entries',
      shape: `${formatCount(COUNT)} × 16 of ${formatCount(16 * COUNT)}`,
      // 16 rows of 128 bytes with their numbers, and one written.
      cost: {
        bytes: COUNT * (16 * 132 + 128),
        operations: COUNT * 512,
        access: { tableBytes: 2048 * COUNT },
        arithmetic: 'logic',
      },
      work: () => ({
        inputs: {
          table: words(16 * COUNT * 32, 1),
          indices: below(COUNT * 16, 16 * COUNT, 2),
          gathered: unwritten(COUNT * 32),
        },
        parameters: { count: COUNT, quads: 8, each: 16 },
        constants: { ADJACENT },
        size: { invocations: COUNT * 8 },
        twin: gather,
      }),
    })),
  ),
};
