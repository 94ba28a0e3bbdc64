/** The memory of a training as people read it. */
import { type MemoryPrediction, NAMES } from '../train/memory.js';
import type { RunResult } from '../train/run_folder.js';
import { formatBytes } from './output.js';

/** What was predicted, the larger parts first. */
export function describeMemory({ groups, live, peak }: MemoryPrediction): string {
  const parts = Object.entries(groups)
    .sort(([, a], [, b]) => b - a)
    .map(([group, bytes]) => `${NAMES[group as keyof typeof groups]} ${formatBytes(bytes)}`);
  return `GPU memory, predicted: ${formatBytes(live)} held, ${formatBytes(peak)} at most (${parts.join(', ')})`;
}

/** What there was, beside what was predicted. */
export function describeUse({ predicted, liveBytes, peakBytes }: RunResult['memory']): string {
  return (
    `GPU memory: ${formatBytes(liveBytes)} held (predicted ${formatBytes(predicted.live)}), ` +
    `${formatBytes(peakBytes)} at most (predicted ${formatBytes(predicted.peak)})`
  );
}
