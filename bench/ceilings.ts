/** What an adapter can do at most, measured: the limits that the benches hold kernels against. */
import type { Dispatch, Gpu, Program, TensorScope } from '../src/gpu/index.js';
import { timed } from './timing.js';

export interface Ceilings {
  /** Two-input bitwise operations on 32-bit words. */
  readonly operationsPerSecond: number;
  /** Bytes read and written. */
  readonly bytesPerSecond: number;
}

/** Operations of one invocation of `ceiling/logic` and round: eight full adders of five on each of four chains. */
const OPERATIONS_A_ROUND = 8 * 5 * 4;
const INVOCATIONS = 2 ** 18;
/** Beyond any cache, within any binding. */
const COPIED_BYTES = 64 * 2 ** 20;
/** Invocations of a workgroup that copies, and vectors of each. */
const WORKGROUP = 256;
const SPAN = 8;
/** A dispatch this long makes its submission cheap, and is far below what display drivers stop. */
const LONG_ENOUGH = 0.05;
/** Measurements; the fastest counts, as this is a limit. */
const TRIES = 7;

/** @param scale shrinks the work for a test run, 1 unless told */
export async function measureCeilings(gpu: Gpu, scale = 1): Promise<Ceilings> {
  return {
    operationsPerSecond: await inScope(gpu, (scope) => logic(gpu, scope, scale)),
    bytesPerSecond: await inScope(gpu, (scope) => copy(gpu, scope, scale)),
  };
}

async function inScope<T>(gpu: Gpu, work: (scope: TensorScope) => Promise<T>): Promise<T> {
  const scope = gpu.scope();
  try {
    return await work(scope);
  } finally {
    scope.destroy();
  }
}

async function logic(gpu: Gpu, scope: TensorScope, scale: number): Promise<number> {
  const program = scope.own(gpu.program('ceiling'));
  const count = Math.ceil(INVOCATIONS * scale);
  const start = scope.tensor('u32', [count, 3, 4], 'ceiling start');
  const finish = scope.tensor('u32', [count, 3, 4], 'ceiling finish');
  let rounds = 16;
  const dispatch: Dispatch = program.dispatch('ceiling/logic', {
    bind: { start, finish },
    parameters: { count, rounds },
    invocations: count,
  });
  await program.compile();
  const run = () => once(gpu, program);
  await run();
  for (let seconds = await run(); scale === 1 && seconds < LONG_ENOUGH && rounds < 2 ** 20; seconds = await run()) {
    rounds *= 2;
    program.setParameters(dispatch, { rounds });
  }
  return (count * rounds * OPERATIONS_A_ROUND) / (await fastest(run));
}

async function copy(gpu: Gpu, scope: TensorScope, scale: number): Promise<number> {
  const quads = Math.ceil((COPIED_BYTES * scale) / 16);
  const source = scope.tensor('u32', [quads, 4], 'ceiling source');
  const copied = scope.tensor('u32', [quads, 4], 'ceiling copy');
  const rates: number[] = [];
  for (const ADJACENT of [0, 1]) {
    const program = scope.own(gpu.program('ceiling'));
    program.dispatch('ceiling/copy', {
      bind: { source, copied },
      parameters: { quads },
      constants: { WORKGROUP, SPAN, ADJACENT },
      workgroups: Math.ceil(quads / (WORKGROUP * SPAN)),
    });
    await program.compile();
    const run = () => once(gpu, program);
    await run();
    rates.push((2 * quads * 16) / (await fastest(run)));
  }
  return Math.max(...rates);
}

async function once(gpu: Gpu, program: Program): Promise<number> {
  const { seconds } = await timed(async () => {
    program.run();
    await gpu.finish();
  });
  return seconds;
}

async function fastest(run: () => Promise<number>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < TRIES; attempt += 1) best = Math.min(best, await run());
  return best;
}
