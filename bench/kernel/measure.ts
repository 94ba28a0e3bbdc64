/** The measuring itself, in a process of its own: compile, compare where there is something to compare with, time. */
import { InputError, UsageError } from '../../src/base/errors.js';
import {
  compileForeign,
  type ForeignBinding,
  ForeignBuffers,
  ForeignKernel,
  type ForeignShader,
  Gpu,
  type Grid,
  reflectForeign,
} from '../../src/gpu/index.js';
import { timed, timingOf } from '../timing.js';
import { compare } from './bytes.js';
import type { Job, KernelBenchResult, Side } from './job.js';
import { constantsOf, gridFor, type Planned, planBuffers, requireSameBindings } from './plan.js';

/** A measurement this long is far above what the submission costs and the clock resolves. */
const LONG_ENOUGH = 0.005;
/** More dispatches than this in one submission would take long to encode. */
const MOST_DISPATCHES = 16_384;

/** Told before each piece of work; `limited`: the shader or its compiler works. `done`: the share done so far. */
export type OnStep = (step: string, limited: boolean, done: number) => void;

interface Compiled {
  readonly side: Side;
  readonly shader: ForeignShader;
  readonly grid: Grid;
  /** Dispatches of one measurement. */
  dispatches: number;
  readonly all: number[];
  /** Starts `times` dispatches and waits for them; seconds by the wall clock. */
  run(times: number): Promise<number>;
}

/** @throws HashgnnError where anything does not fit, or both sides do not write the same */
export async function measure(job: Job, onStep: OnStep): Promise<KernelBenchResult> {
  onStep('opening the adapter', false, 0);
  const sides = [job.ours, ...(job.against ? [job.against] : [])];
  const nameOf = (index: number) => `given/${index}`;
  using gpu = await Gpu.open({
    ...(job.adapter !== undefined && { adapter: job.adapter }),
    shaders: new Map(sides.map(({ text }, index) => [nameOf(index), text])),
    features: ['shader-f16'],
  });
  onStep('compiling', true, 0);
  const read = await Promise.all(
    sides.map(async (side, index) => readSide(await compileForeign(gpu, nameOf(index), side.file), side)),
  );
  const [ours, other] = read;
  if (other) requireSameBindings(ours!.shader, other.shader, [sides[0]!.file, sides[1]!.file]);
  const grids = read.map(({ side, shader }) => gridFor(gpu, job, side, shader));
  onStep('filling the buffers', false, 0);
  const planned = planBuffers(gpu, job, ours!.shader);
  const sizes = planned.map(({ name, access, bytes }) => ({
    name,
    bytes: bytes.length,
    uniform: access === 'uniform',
  }));
  const buffers = await ForeignBuffers.create(gpu, sizes);
  try {
    onStep('compiling', true, 0);
    const compiled: Compiled[] = [];
    for (const [index, { side, source, shader, constants }] of read.entries()) {
      const kernel = await ForeignKernel.create(source, shader, constants, buffers);
      const grid = grids[index]!;
      const run = async (times: number) => {
        const { seconds } = await timed(() => {
          kernel.run(grid, times);
          return gpu.finish();
        });
        return seconds / times;
      };
      compiled.push({ side, shader, grid, dispatches: 1, all: [], run });
    }
    return await race(gpu, job, planned, buffers, compiled, onStep);
  } finally {
    buffers.destroy();
  }
}

function readSide(source: Awaited<ReturnType<typeof compileForeign>>, side: Side) {
  const { code, file } = source;
  // The constants are needed for the workgroup's size, and are known only once the shader is read.
  const { overrides } = reflectForeign(code, file, side.entry, {});
  const constants = constantsOf(overrides, side);
  return { side, source, constants, shader: reflectForeign(code, file, side.entry, constants) };
}

async function race(
  gpu: Gpu,
  job: Job,
  planned: readonly Planned[],
  buffers: ForeignBuffers,
  compiled: readonly Compiled[],
  onStep: OnStep,
): Promise<KernelBenchResult> {
  const [ours, other] = compiled;
  const written = writtenBy(compiled);
  const changed = planned.filter(({ name }) => written.has(name));
  const reset = async (all: readonly Planned[]) => {
    for (const { name, bytes } of all) buffers.write(name, bytes);
    await gpu.finish();
  };
  await reset(planned);
  let compared = 0;
  if (other) {
    if (changed.length === 0) {
      throw new InputError('neither shader can write a buffer, so that there is nothing to compare', {
        where: job.ours.file,
        fix: 'declare what is computed as a storage buffer with read_write access',
      });
    }
    const outputs: Uint8Array[][] = [];
    for (const { side, run } of compiled) {
      onStep(`comparing: ${side.file}`, true, 0);
      await run(1);
      onStep('comparing', false, 0);
      const contents: Uint8Array[] = [];
      for (const { name } of changed) contents.push(await buffers.read(name));
      outputs.push(contents);
      await reset(changed);
    }
    compared = requireSameOutputs(job, changed, outputs[0]!, outputs[1]!);
  }
  for (const kernel of compiled) await warmUp(kernel, () => reset(changed), onStep);
  for (let round = 0; round < job.repeat; round += 1) {
    for (const { side, run, all, dispatches } of compiled) {
      // Each measurement begins with the same contents, whatever the one before has made of them.
      onStep(side.file, false, round / job.repeat);
      await reset(changed);
      onStep(side.file, true, round / job.repeat);
      all.push(await run(dispatches));
    }
  }
  onStep('done', false, 1);
  const timing = timingOf(ours!.all);
  const bytes = planned.reduce((sum, buffer) => sum + buffer.bytes.length, 0);
  return {
    file: job.ours.file,
    entry: ours!.shader.entry,
    adapter: gpu.name,
    driver: gpu.adapter.description,
    workgroups: ours!.grid,
    workgroupSize: ours!.shader.workgroupSize,
    bindings: planned.map(({ name, access, bytes: contents }) => ({ name, access, bytes: contents.length })),
    dispatches: ours!.dispatches,
    ...timing,
    bytesPerSecond: bytes / timing.seconds,
    ...(job.operations !== undefined && { operationsPerSecond: job.operations / timing.seconds }),
    floats: planned.some(({ access, layout }) => access !== 'uniform' && /"f(16|32)"/.test(JSON.stringify(layout))),
    ...(other && { against: againstOf(other, timing.seconds, compared) }),
    seed: job.seed,
  };
}

function againstOf(other: Compiled, seconds: number, compared: number): KernelBenchResult['against'] {
  const timing = timingOf(other.all);
  const { side, shader, grid, dispatches } = other;
  return {
    file: side.file,
    entry: shader.entry,
    workgroups: grid,
    workgroupSize: shader.workgroupSize,
    dispatches,
    ...timing,
    ratio: timing.seconds / seconds,
    compared,
  };
}

function writtenBy(compiled: readonly Compiled[]): ReadonlySet<string> {
  const isWritten = ({ access }: ForeignBinding) => access === 'read_write';
  return new Set(compiled.flatMap(({ shader }) => shader.bindings.filter(isWritten).map(({ name }) => name)));
}

/** Runs a kernel until it is warm, and finds how many dispatches make a measurement long enough. */
async function warmUp(kernel: Compiled, reset: () => Promise<void>, onStep: OnStep): Promise<void> {
  const { side, run } = kernel;
  const step = async (times: number) => {
    onStep(`warming up: ${side.file}`, false, 0);
    await reset();
    onStep(`warming up: ${side.file}`, true, 0);
    return run(times);
  };
  await step(1);
  for (;;) {
    const { dispatches } = kernel;
    const whole = (await step(dispatches)) * dispatches;
    if (whole >= LONG_ENOUGH || dispatches >= MOST_DISPATCHES) return;
    // A tenth more than needed, since the submission's share falls; a short first one tells little.
    const wanted = Math.ceil(dispatches * Math.min(16, (1.1 * LONG_ENOUGH) / whole));
    kernel.dispatches = Math.min(MOST_DISPATCHES, Math.max(dispatches + 1, wanted));
  }
}

/** @returns how many values were compared @throws InputError naming the first value that differs */
function requireSameOutputs(
  job: Job,
  changed: readonly Planned[],
  ours: readonly Uint8Array[],
  other: readonly Uint8Array[],
): number {
  let compared = 0;
  for (const [place, { name, layout }] of changed.entries()) {
    const { index, values, count, of } = compare(ours[place]!, other[place]!, layout, job.tolerance);
    if (count > 0) {
      throw new InputError(
        `the shaders do not write the same: ${name}[${index}] is ${values[0]} by ${job.ours.file} and ${values[1]} by ` +
          `${job.against!.file}; ${count} of ${of} values differ`,
        {
          where: `buffer ${name}, value ${index}, counting the scalars`,
          fix: `nothing was timed; floats may differ by ${job.tolerance}, relative and absolute (--tolerance)`,
        },
      );
    }
    compared += of;
  }
  if (compared === 0) throw new UsageError('there is no value to compare', { where: job.ours.file });
  return compared;
}
