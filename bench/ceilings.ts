/** What an adapter can do at most, measured: the limits that the benches hold kernels against. */
import { random } from '../src/base/random.js';
import type { Dispatch, Gpu, Program, TensorScope } from '../src/gpu/index.js';
import { timed } from './timing.js';

/** All that is measured. */
export interface AllCeilings {
  /** Two-input bitwise operations on 32-bit words. */
  readonly operationsPerSecond: number;
  /** Bytes read and written. */
  readonly bytesPerSecond: number;
  /** Multiplications and additions of floats; a fused one is two. */
  readonly flopsPerSecond: number;
  /** Words of 32 bits whose ones are counted, the difference and the sum included. */
  readonly popcountsPerSecond: number;
  /** Reading rows of 512 bytes from random places of tables of several sizes, ascending. */
  readonly gathers: readonly GatherCeiling[];
}

export interface GatherCeiling {
  readonly tableBytes: number;
  /** Bytes read of the table. */
  readonly bytesPerSecond: number;
}

/** What a search can be bound by. */
export type Ceilings = Pick<AllCeilings, 'operationsPerSecond' | 'bytesPerSecond'>;

/** Operations of one invocation of `ceiling/logic` and round: eight full adders of five on each of four chains. */
const OPERATIONS_A_ROUND = 8 * 5 * 4;
/** Of `ceiling/multiply_add`: eight steps of two on each of twelve chains. */
const FLOPS_A_ROUND = 8 * 2 * 12;
/** Of `ceiling/popcount`: eight steps on each of eight words. */
const POPCOUNTS_A_ROUND = 8 * 8;
const INVOCATIONS = 2 ** 18;
/** Beyond any cache, within any binding. */
const COPIED_BYTES = 64 * 2 ** 20;
/** Invocations of a workgroup that copies, and vectors of each. */
const WORKGROUP = 256;
const SPAN = 8;
/** Of `ceiling/gather`: the widest rows that a model reads, so many for each result, and the tables that they lie in. */
const GATHERED_QUADS = 32;
const GATHERED_EACH = 16;
const GATHERED_ROWS = 2 ** 16;
const TABLE_BYTES = [256 * 1024, 2 * 2 ** 20, 16 * 2 ** 20, 64 * 2 ** 20];
/** A dispatch this long makes its submission cheap, and is far below what display drivers stop. */
const LONG_ENOUGH = 0.05;
const FIRST_ROUNDS = 16;
/** Measurements; the fastest counts, as this is a limit. */
const TRIES = 7;

const MEASURES: {
  readonly [name in keyof AllCeilings]: (gpu: Gpu, scope: TensorScope, scale: number) => Promise<AllCeilings[name]>;
} = {
  operationsPerSecond: logic,
  bytesPerSecond: copy,
  flopsPerSecond: multiplyAdd,
  popcountsPerSecond: popcount,
  gathers: gatherAll,
};

/** Every ceiling by name. */
export const CEILINGS = Object.keys(MEASURES) as (keyof AllCeilings)[];

/**
 * @param scale shrinks the work for a test run, 1 unless told
 * @param names what to measure; what bounds a search unless told
 */
export async function measureCeilings<Name extends keyof AllCeilings = keyof Ceilings>(
  gpu: Gpu,
  scale = 1,
  names: readonly Name[] = ['operationsPerSecond', 'bytesPerSecond'] as unknown as readonly Name[],
): Promise<Pick<AllCeilings, Name>> {
  const measured: Partial<Pick<AllCeilings, Name>> = {};
  for (const name of names) measured[name] = await inScope(gpu, (scope) => MEASURES[name](gpu, scope, scale));
  return measured as Pick<AllCeilings, Name>;
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
  const dispatch = program.dispatch('ceiling/logic', {
    bind: { start, finish },
    parameters: { count, rounds: FIRST_ROUNDS },
    invocations: count,
  });
  return (count * OPERATIONS_A_ROUND) / (await secondsARound(gpu, program, dispatch, scale));
}

async function multiplyAdd(gpu: Gpu, scope: TensorScope, scale: number): Promise<number> {
  const count = Math.ceil(INVOCATIONS * scale);
  const start = scope.tensor('f32', [count, 3, 4], 'ceiling start');
  const finish = scope.tensor('f32', [count, 3, 4], 'ceiling finish');
  const rates: number[] = [];
  for (const FUSED of [0, 1]) {
    const program = scope.own(gpu.program('ceiling'));
    const dispatch = program.dispatch('ceiling/multiply_add', {
      bind: { start, finish },
      parameters: { count, rounds: FIRST_ROUNDS, factor: -0.75, term: 0.5 },
      constants: { FUSED },
      invocations: count,
    });
    rates.push((count * FLOPS_A_ROUND) / (await secondsARound(gpu, program, dispatch, scale)));
  }
  return Math.max(...rates);
}

async function popcount(gpu: Gpu, scope: TensorScope, scale: number): Promise<number> {
  const program = scope.own(gpu.program('ceiling'));
  const count = Math.ceil(INVOCATIONS * scale);
  const start = scope.tensor('u32', [count, 2, 4], 'ceiling start');
  const finish = scope.tensor('u32', [count, 2, 4], 'ceiling finish');
  const dispatch = program.dispatch('ceiling/popcount', {
    bind: { start, finish },
    parameters: { count, rounds: FIRST_ROUNDS },
    invocations: count,
  });
  return (count * POPCOUNTS_A_ROUND) / (await secondsARound(gpu, program, dispatch, scale));
}

async function gatherAll(gpu: Gpu, _scope: TensorScope, scale: number): Promise<GatherCeiling[]> {
  const ceilings: GatherCeiling[] = [];
  for (const bytes of TABLE_BYTES) ceilings.push(await inScope(gpu, (scope) => gather(gpu, scope, scale, bytes)));
  return ceilings;
}

async function gather(gpu: Gpu, scope: TensorScope, scale: number, tableBytes: number): Promise<GatherCeiling> {
  const rows = Math.ceil((tableBytes * scale) / (16 * GATHERED_QUADS));
  const count = Math.ceil((GATHERED_ROWS * scale) / GATHERED_EACH);
  const draws = Uint32Array.from({ length: count * GATHERED_EACH }, (_, index) => random(0, 0, 0, index) % rows);
  const bind = {
    table: scope.tensor('u32', [rows, GATHERED_QUADS, 4], 'ceiling table'),
    indices: scope.tensor('u32', [count, GATHERED_EACH], 'ceiling indices', draws),
    gathered: scope.tensor('u32', [count, GATHERED_QUADS, 4], 'ceiling sums'),
  };
  const rates: number[] = [];
  for (const ADJACENT of [0, 1]) {
    const program = scope.own(gpu.program('ceiling'));
    program.dispatch('ceiling/gather', {
      bind,
      parameters: { count, quads: GATHERED_QUADS, each: GATHERED_EACH },
      constants: { ADJACENT },
      invocations: count * GATHERED_QUADS,
    });
    await program.compile();
    const run = () => once(gpu, program);
    await run();
    rates.push((draws.length * GATHERED_QUADS * 16) / (await fastest(run)));
  }
  return { tableBytes, bytesPerSecond: Math.max(...rates) };
}

/** Of a kernel of `ceiling/` with rounds: as many of them as make a dispatch long enough. */
async function secondsARound(gpu: Gpu, program: Program, dispatch: Dispatch, scale: number): Promise<number> {
  let rounds = FIRST_ROUNDS;
  await program.compile();
  const run = () => once(gpu, program);
  await run();
  for (let seconds = await run(); scale === 1 && seconds < LONG_ENOUGH && rounds < 2 ** 20; seconds = await run()) {
    rounds *= 2;
    program.setParameters(dispatch, { rounds });
  }
  return (await fastest(run)) / rounds;
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
