/** The section of `bench kernels`: a roofline and bars for each size, then everything. */
import { formatBytes, formatSeconds } from '../../src/cli/output.js';
import { heading, htmlTable, paragraph, points } from '../../src/page/page.js';
import { type BarRow, barChart, millisecondTick, shareTick } from '../../src/page/svg.js';
import type { AllCeilings } from '../ceilings.js';
import { formatGiga, formatShare } from '../format.js';
import type { KernelBenchResult } from '../kernels/index.js';
import { ALIGN, cellsOf, describeSummary, HEADER } from '../kernels/report.js';
import { hasIntensity, type MeasuredKernel, measuredOf, roofline } from './roofline.js';
import { roomOf } from './rooms.js';

export function kernelsBody(result: KernelBenchResult): string {
  const { kernels, ceilings } = result;
  const rows = measuredOf(kernels);
  const sizes = [...new Set(rows.map(({ size }) => size))];
  return [
    points(describeSummary(result).split('\n')),
    heading(3, 'What the adapter can do at most'),
    ceilingTable(ceilings),
    ...sizes.flatMap((size, at) =>
      sizeParts(
        size,
        at === 0,
        ceilings,
        rows.filter((row) => row.size === size),
      ),
    ),
    heading(3, 'All measurements'),
    htmlTable('Every kernel at every size', HEADER, kernels.map(cellsOf), ALIGN),
  ].join('\n');
}

function ceilingTable({ gathers, ...most }: AllCeilings): string {
  const rows = [
    ['copying', formatGiga(most.bytesPerSecond), 'GB/s read and written'],
    ...gathers.map(({ tableBytes, bytesPerSecond }) => [
      ...[`gathering rows of a table of ${formatBytes(tableBytes)}`, formatGiga(bytesPerSecond), 'GB/s read'],
    ]),
    ['multiplications and additions', formatGiga(most.flopsPerSecond), 'GOP/s'],
    ['bitwise operations', formatGiga(most.operationsPerSecond), 'GOP/s'],
    ['popcounts', formatGiga(most.popcountsPerSecond), 'GOP/s'],
  ];
  return htmlTable('Measured in the same run', ['what', 'rate', 'unit'], rows, ['left', 'right', 'left']);
}

const HOW_TO_READ_DOTS =
  'A dot is a kernel: how many operations it needs for a byte, and how many it does in a second. Lines are what the ' +
  'adapter can do at most: what copying (solid) and gathering from the largest table (dashed) let through, and how fast ' +
  'it computes. Rest the pointer on a dot for its numbers; some of those that take the most time have their names ' +
  'beside them.';
const HOW_TO_READ_BARS =
  'The time of one dispatch, and how much of what the adapter can do that is: of its bytes or of its operations, ' +
  'whichever is more.';

/** @param explained whether to say how the pictures are read */
function sizeParts(size: string, explained: boolean, ceilings: AllCeilings, rows: readonly MeasuredKernel[]): string[] {
  const parts = [heading(3, `Size ${size}`)];
  const explain = (text: string) => (explained ? [paragraph(text)] : []);
  if (rows.some(hasIntensity)) {
    const title = `Kernels of size ${size} beside the limits of the adapter`;
    parts.push(heading(4, 'Beside the limits of the adapter'), ...explain(HOW_TO_READ_DOTS));
    parts.push(roofline(title, ceilings, rows));
  }
  const still = new Set(rows.filter((row) => !hasIntensity(row)).map(({ kernel }) => kernel));
  if (still.size > 0) parts.push(paragraph(`Without operations, so not among the dots: ${[...still].join(', ')}.`));
  parts.push(heading(4, 'By time'), ...explain(HOW_TO_READ_BARS));
  parts.push(barChart(`Time of a dispatch at size ${size}, and its share of what is possible`, PANELS, barsOf(rows)));
  return parts;
}

const PANELS = [
  { title: 'time of a dispatch', axis: millisecondTick },
  { title: 'of what is possible', axis: shareTick },
];

/** The slowest first. */
function barsOf(rows: readonly MeasuredKernel[]): BarRow[] {
  return [...rows]
    .sort((one, other) => other.time.seconds - one.time.seconds)
    .map(({ kernel, what, shape, time, share }) => {
      const limit = share.bytes >= share.operations ? 'bytes' : 'operations';
      return {
        ...{ label: kernel, note: what, tooltip: `${kernel}, ${what}, ${shape}`, fill: roomOf(kernel).name },
        bars: [
          { value: 1000 * time.seconds, text: formatSeconds(time.seconds) },
          { value: share[limit], text: `${formatShare(share[limit])} of ${limit}` },
        ],
      };
    });
}
