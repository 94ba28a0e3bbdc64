/** A dataset as a page: its statistics, plots of its degrees, the split, what was read and removed. */
import { compactTick } from '../base/drawing.js';
import { type DegreeHistogram, lorenzOf, tailOf } from '../data/degrees.js';
import type { DatasetStatistics, DatasetSummary, SideStatistics, TimeHistogram } from '../data/index.js';
import { PARTS } from '../data/statistics.js';
import { type LinePanel, lineCharts, type Series } from '../page/lines.js';
import { type Colours, facts, htmlTable, page, paragraph, points, type Section, sectionLinks } from '../page/page.js';
import { type BarRow, barChart } from '../page/svg.js';
import {
  coldRows,
  degreeRows,
  describeLeakCheck,
  describeSplit,
  formatClass,
  formatMoment,
  percent,
  type Removed,
  removedBy,
  SIDES,
  tableOne,
  whereKnown,
} from './dataset_text.js';
import { formatBytes, formatCount } from './output.js';

const COLOURS: Colours = { users: ['#2a78d6', '#3987e5'], items: ['#d95926', '#eb6834'] };

/** One file of HTML that needs nothing from outside. */
export function datasetPage(summary: DatasetSummary, statistics: DatasetStatistics): string {
  const { times } = summary.statistics;
  const sections: Section[] = [
    { id: 'degrees', title: 'Degrees', body: degrees(statistics) },
    { id: 'split', title: 'Split', body: split(summary, statistics) },
    { id: 'training', title: 'Training interactions', body: training(statistics) },
    ...(times ? [{ id: 'times', title: 'Interactions over time', body: overTime(times) }] : []),
    { id: 'read', title: 'What was read and removed', body: read(summary) },
  ];
  return page(`Dataset ${summary.name}`, intro(summary, sections), sections, COLOURS);
}

function intro(summary: DatasetSummary, sections: readonly Section[]): string {
  const table = facts('Statistics', [
    ...tableOne(summary),
    ['split', describeSplit(summary)],
    ...whereKnown(summary),
    ['fingerprint', summary.fingerprint],
  ]);
  return [table, sectionLinks(sections)].join('\n');
}

// ------------------------------------------------------------------------------------------------------------- degrees

function degrees(statistics: DatasetStatistics): string {
  const lines = (pointsOf: (histogram: DegreeHistogram) => [number, number][]): Series[] =>
    SIDES.map((name) => ({ name, colour: name, points: thinned(pointsOf(statistics[name].histogram)) }));
  const equal: Series = {
    name: 'if all had as many',
    colour: 'peer',
    dashed: true,
    points: [
      [0, 0],
      [1, 1],
    ],
  };
  const panels: LinePanel[] = [
    {
      title: 'Users and items with at least so many interactions',
      across: 'interactions',
      series: lines(tailOf),
      low: 1,
      log: true,
    },
    {
      title: 'Share of the interactions that those with most have',
      across: 'share of the users, of the items',
      series: [...lines(lorenzOf), equal],
      low: 0,
    },
  ];
  const [header, ...rows] = degreeRows(statistics) as [string[], ...string[][]];
  return [
    paragraph(
      'Interactions over all parts of the split. A power law is a straight line in the picture on the left; in that ' +
        'on the right, the further a line is above the dashed one, the more a few have of all.',
    ),
    lineCharts('Degrees of users and items', panels),
    htmlTable('Degrees of users and items', header, rows, ['left', 'right', 'right']),
  ].join('\n');
}

/** Points that a line has at most, about: more are not seen. */
const POINTS = 240;

/** So many points as a line needs, the first and the last among them, closer where x is small. */
export function thinned(line: readonly [x: number, y: number][]): [x: number, y: number][] {
  if (line.length <= POINTS) return [...line];
  const low = Math.log(line.find(([x]) => x > 0)![0]);
  const step = (Math.log(line.at(-1)![0]) - low) / POINTS;
  let last = Number.NaN;
  return line.filter(([x], index) => {
    const place = Math.floor((Math.log(x) - low) / step);
    if (place === last && index < line.length - 1) return false;
    last = place;
    return true;
  });
}

// --------------------------------------------------------------------------------------------------------------- split

function split(summary: DatasetSummary, statistics: DatasetStatistics): string {
  const { interactions } = summary.statistics;
  const rows = PARTS.map((part): BarRow => {
    const counts = [
      ['interactions', summary.split[part], interactions],
      ...SIDES.map((name) => [name, statistics[name].inPart[part], statistics[name].count] as const),
    ] as const;
    return {
      label: part,
      tooltip: `${part}: ${counts.map(([name, count]) => `${formatCount(count)} ${name}`).join(', ')}`,
      fill: 'ours',
      bars: counts.map(([, count, all]) => ({
        value: count / all,
        text: `${formatCount(count)}, ${percent(count / all)}`,
      })),
    };
  });
  const panels = ['interactions', ...SIDES].map((name) => ({ title: `${name} in it` }));
  return [
    paragraph(`The split: ${describeSplit(summary)}.`),
    paragraph(`The ${describeLeakCheck(summary)}.`),
    barChart('Parts of the split', panels, rows),
  ].join('\n');
}

const HELD = ['valid', 'test'] as const;

function training(statistics: DatasetStatistics): string {
  const [header, ...rows] = coldRows(statistics) as [string[], ...string[][]];
  return [
    paragraph(
      'How much there is to learn from: users and items by their number of training interactions, and how many of the ' +
        'interactions that validate and test are theirs.',
    ),
    ...SIDES.map((name) =>
      barChart(
        `${name} by their training interactions`,
        [
          { title: name, axis: compactTick },
          ...HELD.map((part) => ({ title: `their ${part} interactions`, axis: compactTick })),
        ],
        classRows(name, statistics[name]),
      ),
    ),
    htmlTable('Who has nothing to learn from', header, rows, ['left', 'right', 'right', 'right', 'right']),
  ].join('\n');
}

function classRows(name: (typeof SIDES)[number], { byTraining }: SideStatistics): BarRow[] {
  return byTraining.map((one) => ({
    label: formatClass(one),
    tooltip: `${formatCount(one.nodes)} ${name} with ${formatClass(one)} training interactions`,
    fill: name,
    bars: [one.nodes, ...HELD.map((part) => one[part])].map((value) => ({ value, text: formatCount(value) })),
  }));
}

// ---------------------------------------------------------------------------------------------------------- over time

function overTime(times: TimeHistogram): string {
  const { from, period } = times;
  const rows = times.train.map((_, at): BarRow => {
    const counts = PARTS.map((part) => times[part][at]!);
    const label = formatMoment(from + at * period, period);
    return {
      label,
      tooltip: `from ${label} on: ${PARTS.map((part, which) => `${formatCount(counts[which]!)} ${part}`).join(', ')}`,
      fill: 'ours',
      bars: counts.map((value) => ({ value, text: formatCount(value) })),
    };
  });
  const panels = PARTS.map((part) => ({ title: part, axis: compactTick }));
  return [
    paragraph(
      `Interactions of each part by when they were, in periods of ${formatPeriod(period)} from the time named on (UTC).`,
    ),
    barChart('Interactions over time', panels, rows),
  ].join('\n');
}

function formatPeriod(seconds: number): string {
  const [length, unit] = (
    [
      [86_400, 'day'],
      [3600, 'hour'],
      [60, 'minute'],
      [1, 'second'],
    ] as const
  ).find(([length]) => seconds % length === 0)!;
  return seconds === length ? `one ${unit}` : `${formatCount(seconds / length)} ${unit}s`;
}

// ------------------------------------------------------------------------------------------------------- what was read

function read(summary: DatasetSummary): string {
  const { sources, filters } = summary;
  const files = sources.map(({ part, path, bytes, compression, encoding, layout, rows }) => [
    ...[path, part, formatCount(rows), formatBytes(bytes), compression, encoding],
    layout,
  ]);
  const { badRows } = filters;
  const steps = removedBy(summary);
  return [
    htmlTable('Sources', ['file', 'part', 'rows', 'size', 'packed', 'encoding', 'read as'], files, [
      'left',
      'left',
      'right',
      'right',
    ]),
    ...(badRows.count === 0
      ? []
      : [
          paragraph(`${formatCount(badRows.count)} rows could not be read and were left out; the first:`),
          points(badRows.first),
        ]),
    ...(steps.length === 0
      ? [paragraph('Every row counts: no filter removed any.')]
      : removal(filters.rowsRead, steps)),
  ].join('\n');
}

/** @param steps at least one */
function removal(rowsRead: number, steps: readonly Removed[]): string[] {
  let left = rowsRead;
  const bars = [{ rows: 0, what: 'rows read', more: '' }, ...steps].map(({ rows, what, more }): BarRow => {
    left -= rows;
    return {
      label: what,
      tooltip: `${what}${more}`,
      fill: 'ours',
      bars: [left, rows].map((value) => ({ value, text: formatCount(value) })),
    };
  });
  return [
    barChart(
      'What each filter left and removed',
      ['left', 'removed'].map((title) => ({ title, axis: compactTick })),
      bars,
    ),
    htmlTable(
      'What each filter removed, in their order',
      ['', 'rows'],
      steps.map(({ what, more, rows }) => [`${what}${more}`, formatCount(rows)]),
      ['left', 'right'],
    ),
  ];
}
