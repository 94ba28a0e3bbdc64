/** Many short trainings and searches in one process, and what they leave of its memory. */
import type { Dataset } from '../../src/data/index.js';
import type { Gpu } from '../../src/gpu/index.js';
import { BusyError, HammingIndex } from '../../src/search/index.js';
import { resolveOptions } from '../../src/train/options.js';
import { Trainer } from '../../src/train/trainer.js';
import { codesOf } from '../search/support.js';

/** Of the process, in bytes: at the end of the warm-up and of the rest. */
export interface Growth {
  readonly warm: number;
  readonly end: number;
  /** Bytes of tensors that lived at the end, of those at the beginning. */
  readonly liveBytes: number;
}

/** What the process holds, once nothing is left to be collected. */
async function resident(): Promise<number> {
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage().rss;
}

/** Runs work `times` times, of which the first fifth warms up. */
async function grow(gpu: Gpu, times: number, work: (time: number) => Promise<void>): Promise<Growth> {
  const before = gpu.memory().live;
  let warm = 0;
  for (let time = 0; time < times; time += 1) {
    if (time === Math.floor(times / 5)) warm = await resident();
    await work(time);
  }
  return { warm, end: await resident(), liveBytes: gpu.memory().live - before };
}

const OPTIONS = {
  ...{ steps: 4, batchSize: 32, bits: 16, inputWidth: 16, widths: [16, 12], fanouts: [3, 2], candidates: 50 },
};

export function trainMany(gpu: Gpu, dataset: Dataset, times: number): Promise<Growth> {
  return grow(gpu, times, async (time) => {
    // Others in turn, so that programs and kernels are not the same ones again.
    const fanouts = time % 3 === 0 ? 'all' : OPTIONS.fanouts;
    using trainer = await Trainer.create(gpu, dataset, resolveOptions({ ...OPTIONS, seed: time, fanouts }));
    await trainer.advance(4);
    await trainer.validate();
    if (time % 50 === 0) await trainer.state();
  });
}

/** @returns searches that gave something else than alone, too */
export async function searchMany(
  gpu: Gpu,
  { times, callers, waiting }: { times: number; callers: number; waiting: number },
): Promise<Growth & { searches: number; wrong: number; rejected: number }> {
  const [count, bits, k] = [2000, 64, 10];
  const codes = codesOf(count, bits, 300, 5);
  const asked = Array.from({ length: 16 }, (_, at) => codesOf(1 + (at % 4), bits, 300, 20 + at));
  const index = await HammingIndex.create(gpu, { codes, count, bits }, { waiting });
  try {
    const alone: Int32Array[] = [];
    for (const users of asked) alone.push((await index.search(users, k)).ids);
    let [wrong, rejected, searches] = [0, 0, 0];
    const growth = await grow(gpu, Math.ceil(times / callers), async (time) => {
      const all = Array.from({ length: callers }, async (_, caller) => {
        const which = (time * 7 + caller) % asked.length;
        try {
          const { ids } = await index.search(asked[which]!, k);
          searches += 1;
          if (!ids.every((id, at) => id === alone[which]![at])) wrong += 1;
        } catch (error) {
          if (!(error instanceof BusyError)) throw error;
          rejected += 1;
        }
      });
      await Promise.all(all);
    });
    return { ...growth, searches, wrong, rejected };
  } finally {
    index.destroy();
  }
}
