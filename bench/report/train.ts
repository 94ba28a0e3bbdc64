/** The section of `bench train`: the step and the encoding beside PyTorch. */

import { heading, htmlTable, paragraph, points } from '../../src/page/page.js';
import { type BarRow, barChart, millisecondTick } from '../../src/page/svg.js';
import { formatRatio } from '../format.js';
import type { TrainBenchResult } from '../train/index.js';
import {
  describeDataset,
  formatMilliseconds,
  summaryLines,
  TRAIN_ALIGN,
  TRAIN_HEADER,
  trainCells,
  trainLines,
} from '../train/report.js';

export function trainBody(result: TrainBenchResult): string {
  return [
    paragraph(describeDataset(result)),
    ...trainLines(result).flatMap(({ what, lines }) => {
      const rows = lines.map(({ who, time, ratio }): BarRow => {
        const text = [
          formatMilliseconds(time.ms),
          ...(ratio === undefined ? [] : [`${formatRatio(ratio)} times ours`]),
        ];
        return {
          ...{ label: who, tooltip: `${who}: ${text.join(', ')}`, fill: ratio === undefined ? 'ours' : 'peer' },
          bars: [{ value: time.ms, text: text.join(', ') }],
        };
      });
      return [
        heading(3, `${what[0]!.toUpperCase()}${what.slice(1)}`),
        barChart(`The time of ${what}`, [{ title: 'median, milliseconds', axis: millisecondTick }], rows),
        htmlTable(`The time of ${what}`, [what, ...TRAIN_HEADER], lines.map(trainCells), TRAIN_ALIGN),
      ];
    }),
    points(summaryLines(result)),
  ].join('\n');
}
