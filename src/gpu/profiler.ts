import { median } from '../base/median.js';
import type { Gpu } from './gpu.js';
import { type Cost, largestShare, type Program } from './program.js';

/** How long one recorded dispatch takes. */
export interface KernelTime extends Cost {
  readonly label: string;
  readonly kernel: string;
  /** Median milliseconds of one dispatch. */
  readonly milliseconds: number;
  /** The slowest less the fastest, in milliseconds. */
  readonly range: number;
  /** Milliseconds of the largest part that it is cut into, which is what a display driver's watchdog sees; as its workgroups' share. */
  readonly longest: number;
}

/** The most queries that WebGPU allows in a set. */
const MAX_QUERIES = 4096;

/**
 * Times each dispatch of a compiled program by itself, in the program's order, so that every dispatch sees the data
 * that it would see in a run. The program is run `repeats` times and its effects stay.
 *
 * Hardware adapters are timed by timestamps. Software drivers are timed by wall clock around a submission, less that of
 * an empty one, since their timestamps say when the host reached a command and not how long it took.
 *
 * @param clock which of the two, instead of the one that suits the adapter
 */
export async function profile(
  gpu: Gpu,
  program: Program,
  repeats = 5,
  clock: 'timestamps' | 'wall' = gpu.features.has('timestamp-query') && !gpu.adapter.software ? 'timestamps' : 'wall',
): Promise<KernelTime[]> {
  const samples: number[][] = program.dispatches.map(() => []);
  const fits = samples.length > 0 && samples.length * 2 <= MAX_QUERIES;
  const time = clock === 'timestamps' && fits ? byTimestamps : byWallClock;
  for (let repeat = 0; repeat < repeats; repeat += 1) await time(gpu, program, samples);
  return program.dispatches.map(({ label, kernel, cost, parts }, index) => ({
    label,
    kernel: kernel.shader.name,
    milliseconds: median(samples[index]!),
    longest: median(samples[index]!) * largestShare({ parts }),
    // NaN like the median where no sample says anything.
    range: samples[index]!.length > 0 ? Math.max(...samples[index]!) - Math.min(...samples[index]!) : Number.NaN,
    ...cost,
  }));
}

async function byWallClock(gpu: Gpu, program: Program, samples: number[][]): Promise<void> {
  await gpu.finish();
  const empties: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    const start = performance.now();
    gpu.device.queue.submit([gpu.device.createCommandEncoder().finish()]);
    await gpu.finish();
    empties.push(performance.now() - start);
  }
  const overhead = median(empties);
  for (const [index, dispatch] of program.dispatches.entries()) {
    const start = performance.now();
    program.runOne(dispatch);
    await gpu.finish();
    samples[index]!.push(Math.max(0, performance.now() - start - overhead));
  }
}

async function byTimestamps(gpu: Gpu, program: Program, samples: number[][]): Promise<void> {
  const { device } = gpu;
  const count = program.dispatches.length * 2;
  const querySet = device.createQuerySet({ type: 'timestamp', count });
  const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
  const resolved = device.createBuffer({ label: 'timestamps', size: count * 8, usage });
  try {
    program.dispatches.forEach((dispatch, index) => {
      program.runOne(dispatch, {
        querySet,
        beginningOfPassWriteIndex: index * 2,
        endOfPassWriteIndex: index * 2 + 1,
      });
    });
    const encoder = device.createCommandEncoder();
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    device.queue.submit([encoder.finish()]);
    const stamps = new BigInt64Array(count);
    const use = (contents: ArrayBuffer) => stamps.set(new BigInt64Array(contents, 0, count));
    await gpu.readBuffers([{ buffer: resolved, offset: 0, bytes: count * 8, label: 'timestamps', use }]);
    for (let index = 0; index * 2 < count; index += 1) {
      const nanoseconds = Number(stamps[index * 2 + 1]! - stamps[index * 2]!);
      // Some drivers report an end before the beginning now and then: such a sample says nothing.
      if (nanoseconds >= 0) samples[index]!.push(nanoseconds / 1e6);
    }
  } finally {
    querySet.destroy();
    resolved.destroy();
  }
}
