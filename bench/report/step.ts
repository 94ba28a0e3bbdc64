/** The section of `bench step`: where the time of a training step goes. */

import { heading, htmlTable, paragraph } from '../../src/page/page.js';
import { type BarRow, barChart, millisecondTick } from '../../src/page/svg.js';
import { formatShare } from '../format.js';
import type { StepBenchResult, StepRow } from '../train/index.js';
import { describeDataset, formatMilliseconds, STEP_ALIGN, STEP_HEADER, stepCells } from '../train/report.js';
import { roomOf } from './rooms.js';

export function stepBody(result: StepBenchResult): string {
  const { milliseconds, rows } = result;
  const kernels = byKernel(rows);
  const panels = [{ title: 'milliseconds of a step', axis: millisecondTick }];
  const bar = (time: number, share: number) => [
    { value: time, text: `${formatMilliseconds(time)}, ${formatShare(share)}` },
  ];
  return [
    paragraph(describeDataset(result)),
    paragraph(
      `All dispatches of a step, each timed by itself, take ${formatMilliseconds(milliseconds)} together: ` +
        `${rows.length} dispatches of ${kernels.length} kernels, dispatches for the same purpose taken together.`,
    ),
    heading(3, 'By kernel'),
    barChart(
      'Time of a training step by kernel',
      panels,
      kernels.map(
        ({ kernel, purposes, milliseconds: time, share }): BarRow => ({
          ...{
            label: kernel,
            note: purposes > 1 ? `${purposes} times` : '',
            tooltip: `${kernel}: ${formatShare(share)}`,
          },
          ...{ fill: roomOf(kernel).name, bars: bar(time, share) },
        }),
      ),
    ),
    heading(3, 'By dispatch'),
    barChart(
      'Time of a training step by dispatch',
      panels,
      rows.map(
        ({ kernel, label, milliseconds: time, share }): BarRow => ({
          ...{
            label: kernel,
            note: label === kernel ? '' : label,
            tooltip: `${kernel}, ${label}: ${formatShare(share)}`,
          },
          ...{ fill: roomOf(kernel).name, bars: bar(time, share) },
        }),
      ),
    ),
    heading(3, 'All measurements'),
    htmlTable('Every dispatch of a step', STEP_HEADER, rows.map(stepCells), STEP_ALIGN),
  ].join('\n');
}

/** All dispatches of a kernel together. */
interface KernelShare {
  readonly kernel: string;
  readonly purposes: number;
  readonly milliseconds: number;
  readonly share: number;
}

/** The slowest first. */
function byKernel(rows: readonly StepRow[]): KernelShare[] {
  const found = new Map<string, KernelShare>();
  for (const { kernel, milliseconds, share } of rows) {
    const before = found.get(kernel) ?? { purposes: 0, milliseconds: 0, share: 0 };
    found.set(kernel, {
      ...{ kernel, purposes: before.purposes + 1 },
      ...{ milliseconds: before.milliseconds + milliseconds, share: before.share + share },
    });
  }
  return [...found.values()].sort((one, other) => other.milliseconds - one.milliseconds);
}
