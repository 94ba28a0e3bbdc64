import { HashgnnError } from '../../src/base/errors.js';
import type { Gpu, Program, Tensor } from '../../src/gpu/index.js';
import { judgeCase, type KernelCase, tensorsOf } from '../../src/selftest/index.js';
import { requireGoing } from '../search/measure.js';
import { LEAST_SECONDS, type Timing, timed, timingOf } from '../timing.js';
import type { BenchCase } from './case.js';

/** Seconds of a submission: so long that the clock and the way to the device and back hardly count. */
const LONG_ENOUGH = 0.01;
/** Dispatches of a submission at most, and seconds after which no more are added: display drivers stop long ones. */
const MOST_DISPATCHES = 2048;
/** A submission this long is repeated less often, but twice. */
const LONG_ROUND = 1;

/** How long one dispatch takes. */
export interface KernelTiming extends Timing {
  /** Dispatches of a submission; `seconds` and `all` are those of one dispatch. */
  readonly dispatches: number;
  /** Compiling and the first dispatch, which is little where this run or the driver's cache had the same pipeline. */
  readonly firstSeconds: number;
}

export interface MeasureOptions {
  readonly repeat: number;
  /** One dispatch a submission: the times say nothing. */
  readonly quick?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Done once everything is compiled and before anything is timed: comparing the kernel with its twin. */
  readonly check?: () => Promise<void>;
}

/** Times the dispatches of a case. @throws InterruptedError, GpuError */
export async function timeCase(
  gpu: Gpu,
  { restore }: BenchCase,
  work: KernelCase,
  { repeat, quick, signal, check }: MeasureOptions,
): Promise<KernelTiming> {
  const scope = gpu.scope();
  try {
    const tensors = tensorsOf(scope, work);
    const kept = tensorsOf(scope, {
      ...work,
      inputs: Object.fromEntries(restore.map((name) => [name, work.inputs[name]!])),
    });
    const program = scope.own(gpu.program(`bench of ${work.kernel}`));
    const restoring = scope.own(gpu.program('bench of copies'));
    for (const [name, tensor] of Object.entries<Tensor>(kept)) {
      program.copy(tensor, tensors[name]!);
      restoring.copy(tensor, tensors[name]!);
    }
    const { parameters, constants, size } = work;
    program.dispatch<string>(work.kernel, { bind: tensors, parameters, constants, ...size });
    await gpu.finish();
    const first = await timed(async () => {
      await program.compile();
      program.run();
      await gpu.finish();
    });
    await check?.();
    const dispatches = quick ? 1 : await enough(gpu, program, signal);
    const seconds: number[] = [];
    let rounds = repeat;
    while (seconds.length < rounds) {
      requireGoing(signal);
      const whole = await submission(gpu, program, dispatches);
      // Long ones vary little, and a table has many rows.
      if (whole > LONG_ROUND) rounds = Math.min(repeat, 2);
      // An empty submission where nothing is put back.
      const rest = await submission(gpu, restoring, dispatches);
      seconds.push(Math.max(LEAST_SECONDS, (whole - rest) / dispatches));
    }
    return { ...timingOf(seconds), dispatches, firstSeconds: first.seconds };
  } finally {
    scope.destroy();
  }
}

/** Warms up, and finds how many dispatches make a submission long enough. */
async function enough(gpu: Gpu, program: Program, signal: AbortSignal | undefined): Promise<number> {
  for (let dispatches = 1; ; ) {
    requireGoing(signal);
    const seconds = await submission(gpu, program, dispatches);
    if (seconds >= LONG_ENOUGH || dispatches >= MOST_DISPATCHES) return dispatches;
    const factor = Math.min(16, Math.max(2, (1.2 * LONG_ENOUGH) / seconds));
    dispatches = Math.min(MOST_DISPATCHES, Math.ceil(dispatches * factor));
  }
}

async function submission(gpu: Gpu, program: Program, dispatches: number): Promise<number> {
  const { seconds } = await timed(async () => {
    program.run(dispatches);
    await gpu.finish();
  });
  return seconds;
}

/** @throws HashgnnError if the kernel disagrees with its twin: a wrong kernel is not timed */
export async function requireRight(gpu: Gpu, work: KernelCase): Promise<void> {
  const { ok, message } = await judgeCase(gpu, work);
  gpu.throwIfFailed();
  if (!ok) {
    throw new HashgnnError(`${work.kernel} disagrees with its twin: ${message}`, {
      where: gpu.name,
      fix: 'run hashgnn doctor, which tests every kernel on this adapter',
    });
  }
}
