/** Datasets in words: what `prepare` and `inspect` say of them, and the page of `inspect` too. */
import type { DatasetStatistics, DatasetSummary, SideStatistics, TrainingClass } from '../data/index.js';
import { boundsOf, classOf, PARTS, QUANTILES, TOPS } from '../data/statistics.js';
import { formatBytes, formatCount, table } from './output.js';

export const SIDES = ['users', 'items'] as const;

/** A share in percent, to three figures. */
export const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`;

/** A dataset as people read it: statistics, what was removed, the split, the leak check. */
export function describeDataset(summary: DatasetSummary): string {
  const { statistics, filters, split } = summary;
  const degree = ({ min, median, max }: { min: number; median: number; max: number }) =>
    `${formatCount(min)} / ${formatCount(median)} / ${formatCount(max)}`;
  const share = (count: number) => `${((100 * count) / statistics.interactions).toFixed(2)} %`;
  const lines = [
    table(
      [
        [summary.name, ''],
        ...tableOne(summary),
        ['interactions a user (min / median / max)', degree(statistics.userDegree)],
        ['interactions an item', degree(statistics.itemDegree)],
        ...whereKnown(summary),
      ],
      { align: ['left', 'right'] },
    ),
    '',
    `rows read: ${formatCount(filters.rowsRead)}, from ${formatBytes(summary.sources.reduce((sum, { bytes }) => sum + bytes, 0))}`,
  ];
  const { badRows } = filters;
  if (badRows.count > 0) {
    lines.push(
      `bad rows left out: ${formatCount(badRows.count)}; the first:`,
      ...badRows.first.map((bad) => `  ${bad}`),
    );
  }
  for (const { rows, what, more } of removedBy(summary)) lines.push(`  ${formatCount(rows)} ${what}${more}`);
  lines.push(
    '',
    `split ${describeSplit(summary)}`,
    table([
      ['part', 'interactions', 'share'],
      ...PARTS.map((part) => [part, formatCount(split[part]), share(split[part])]),
    ]),
    describeLeakCheck(summary),
    `users with test items: ${formatCount(split.usersWithTest)}`,
  );
  if (split.usersWithoutTrain > 0) lines.push(`users without training items: ${formatCount(split.usersWithoutTrain)}`);
  if (split.itemsWithoutTrain > 0) lines.push(`items without training users: ${formatCount(split.itemsWithoutTrain)}`);
  if (split.valid === 0) lines.push('nothing validates: too few interactions for the share');
  return lines.join('\n');
}

/** What the paper's Table 1 has of a data set. */
export function tableOne({ statistics }: DatasetSummary): [name: string, value: string][] {
  return [
    ['users', formatCount(statistics.users)],
    ['items', formatCount(statistics.items)],
    ['interactions', formatCount(statistics.interactions)],
    ['density', `${(100 * statistics.density).toPrecision(4)} %`],
  ];
}

/** Times and titles, of the datasets that have them. */
export function whereKnown({ statistics, titledItems }: DatasetSummary): [name: string, value: string][] {
  const { times } = statistics;
  return [
    ...(times ? [['times', `${formatMoment(times.first)} to ${formatMoment(times.last)}`] as [string, string]] : []),
    ...(titledItems === null ? [] : [['items with a title', formatCount(titledItems)] as [string, string]]),
  ];
}

/**
 * A date, in UTC, with as much of the time of day as begins of periods of such a length need.
 * @param seconds since 1970
 * @param period in seconds; a day unless told
 */
export function formatMoment(seconds: number, period = 86_400): string {
  const text = new Date(1000 * seconds).toISOString().replace('T', ' ');
  return text.slice(0, period % 86_400 === 0 ? 10 : period % 60 === 0 ? 16 : 19);
}

/** What one step of the preparation removed, and what else there is to say of it. */
export interface Removed {
  readonly rows: number;
  readonly what: string;
  /** Goes on after `what`; may be empty. */
  readonly more: string;
}

/** What merging and the filters that removed something or were asked for removed, in the order in which they did. */
export function removedBy({ filters }: DatasetSummary): Removed[] {
  const { degreeFilter, minUserDegree, minItemDegree } = filters;
  const removed = [
    { rows: filters.rowsOfOtherBehaviours, what: `of other behaviours than ${filters.behaviours?.join(', ')}` },
    { rows: filters.rowsBelowMinRating, what: `rated below ${filters.minRating}` },
    {
      rows: filters.rowsOutsideDates,
      what: `not from ${filters.from ?? 'the beginning'} until ${filters.until ?? 'the end'}`,
    },
    { rows: filters.sampledOut.rows, what: `of ${formatCount(filters.sampledOut.users)} users that were not drawn` },
    { rows: filters.duplicatesMerged, what: 'repeated pairs merged' },
    { rows: filters.overlapRemoved.valid, what: 'validation pairs that are training pairs too' },
    { rows: filters.overlapRemoved.test, what: 'test pairs that are training or validation pairs too' },
  ]
    .filter(({ rows }) => rows > 0)
    .map((one) => ({ ...one, more: '' }));
  if (minUserDegree === null && minItemDegree === null) return removed;
  const [users, items] = [formatCount(degreeFilter.users), formatCount(degreeFilter.items)];
  return [
    ...removed,
    {
      rows: degreeFilter.interactions,
      what: `below the minimum degree of users ${minUserDegree ?? 1}, items ${minItemDegree ?? 1}`,
      more: `, with ${users} users and ${items} items (rounds: ${degreeFilter.rounds})`,
    },
  ];
}

/** How the parts were made. */
export function describeSplit({ split }: DatasetSummary): string {
  const rest = `${split.validRatio} of the rest validates`;
  const kinds: Record<typeof split.kind, string> = {
    'by-user': `drawn by user with seed ${split.seed}: ${split.testRatio} tests, ${rest}`,
    overall: `drawn from all with seed ${split.seed}: ${split.testRatio} tests, ${rest}`,
    'leave-last-out': `by user: the last interaction tests, ${rest}, drawn with seed ${split.seed}`,
    'leave-random-out': `drawn by user with seed ${split.seed}: one interaction tests, ${rest}`,
    'by-time': `by time: from ${split.testFrom} on interactions test, ${rest}, drawn by user with seed ${split.seed}`,
    given: 'as given',
    'given-valid-drawn': `as given; ${split.validRatio} of training validates, drawn by user with seed ${split.seed}`,
  };
  return kinds[split.kind];
}

/** A dataset where a pair stands in two parts is neither written nor read. */
export const describeLeakCheck = ({ split, statistics }: DatasetSummary) =>
  `leak check passed: ${split.sharedPairs} of ${formatCount(statistics.interactions)} pairs stand in two parts`;

// ------------------------------------------------------------------------------------------------------------- degrees

/** What `inspect` finds beyond `describeDataset`, as people read it. */
export function describeStatistics(statistics: DatasetStatistics): string {
  return [
    table(degreeRows(statistics), { align: ['left', 'right', 'right'] }),
    table(degreeBars(statistics), { align: ['right', 'right', 'left', 'right', 'left'] }),
    table(coldRows(statistics), { align: ['left', 'right', 'right', 'right', 'right'] }),
  ].join('\n\n');
}

/** The degrees of users and items beside each other: header and rows. */
export function degreeRows({ users, items }: DatasetStatistics): string[][] {
  const row = (name: string, of: (side: SideStatistics) => string) => [name, of(users), of(items)];
  return [
    ['interactions', 'a user', 'an item'],
    row('mean', ({ mean }) => mean.toFixed(1)),
    row('least', ({ min }) => formatCount(min)),
    ...QUANTILES.map((share, at) =>
      row(`${percent(share)} have at most`, ({ quantiles }) => formatCount(quantiles[at]!.degree)),
    ),
    row('most', ({ max }) => formatCount(max)),
    ...TOPS.map((share, at) =>
      row(`held by the ${percent(share)} with most`, ({ tops }) => `${(100 * tops[at]!.interactions).toFixed(1)} %`),
    ),
    row('Gini', ({ gini }) => gini.toFixed(3)),
  ];
}

/** `0`, `1`, `2–4`, `5–9`, … */
export const formatClass = ({ least, most }: Pick<TrainingClass, 'least' | 'most'>) =>
  least === most ? formatCount(least) : `${formatCount(least)}–${formatCount(most)}`;

/** Letters of the longest bar. */
const BAR = 24;

/** How many users and items have how many interactions, with bars: header and rows. */
function degreeBars({ users, items }: DatasetStatistics): string[][] {
  const first = classOf(Math.min(users.min, items.min));
  const last = classOf(Math.max(users.max, items.max));
  const cellsOf = ({ histogram }: SideStatistics) => {
    const nodes = new Array<number>(last + 1).fill(0);
    for (const [degree, count] of histogram) nodes[classOf(degree)]! += count;
    const most = Math.max(...nodes);
    return nodes.map((count) => [formatCount(count), '█'.repeat(Math.ceil((BAR * count) / most))]);
  };
  const sides = [cellsOf(users), cellsOf(items)];
  const rows = Array.from({ length: last - first + 1 }, (_, at) => [
    formatClass(boundsOf(first + at)),
    ...sides.flatMap((cells) => cells[first + at]!),
  ]);
  return [['interactions', 'users', '', 'items', ''], ...rows];
}

/** Who has no training interaction, and what is asked of them: header and rows. */
export function coldRows(statistics: DatasetStatistics): string[][] {
  return [
    ['without training interactions', 'of them', 'of all', 'valid', 'test'],
    ...SIDES.map((name) => {
      const { byTraining, count } = statistics[name];
      const [{ nodes, valid, test }] = byTraining as [TrainingClass];
      return [name, ...[nodes, count, valid, test].map(formatCount)];
    }),
  ];
}
