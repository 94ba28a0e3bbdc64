/** The bench of search as people read it. */
import { type Align, formatBytes, formatCount, formatSeconds, table } from '../../src/cli/output.js';
import type { Ceilings } from '../ceilings.js';
import { formatRatio, formatShare } from '../format.js';
import type { AlibabaResult } from './alibaba.js';
import type { SearchBenchResult } from './index.js';
import type { MeasuredRow } from './measure.js';
import type { Shape } from './rows.js';
import { SEARCHES, type Table4Result } from './table4.js';

/** Columns of the table. */
export const HEADER = [
  'row',
  'database × queries × bits',
  'k',
  'ours',
  '±',
  'peer',
  '±',
  'ratio',
  'at least',
  'aim',
  'pairs/s',
  'operations',
  'bytes',
];
export const ALIGN = HEADER.map((_, column): Align => (column < 2 ? 'left' : 'right'));
/** The widest of what is only known once it is measured. */
const WIDEST = ['', '', '10000', '59 min 59 s', '100 %', '59 min 59 s', '100 %', '100.0', '12 met', '12 met'];

export const shapeOf = ({ database, queries, bits }: Shape) =>
  `${formatCount(database)} × ${formatCount(queries)} × ${formatCount(bits)}`;

export function cellsOf(row: MeasuredRow): string[] {
  const { peer, ratio, share } = row;
  const target = (wanted: number | null) =>
    wanted === null || ratio === null ? (wanted?.toString() ?? '') : `${wanted} ${ratio >= wanted ? 'met' : 'not'}`;
  return [
    row.name,
    shapeOf(row),
    String(row.k),
    formatSeconds(row.ours.seconds),
    formatShare(row.ours.spread),
    peer ? formatSeconds(peer.seconds) : '',
    peer ? formatShare(peer.spread) : '',
    ratio === null ? '' : formatRatio(ratio),
    target(row.atLeast),
    target(row.aim),
    `${formatCount(Number((row.pairsPerSecond / 1e9).toPrecision(3)))} G`,
    share.operations > 0 ? formatShare(share.operations) : '',
    formatShare(share.bytes),
  ];
}

/** The table row by row, as rows are finished: the columns are as wide as the widest row that may come. */
export class RowTable {
  readonly #widest: readonly (readonly string[])[];

  constructor(rows: readonly (Shape & { readonly name: string })[]) {
    this.#widest = rows.map((row) => [row.name, shapeOf(row), ...WIDEST.slice(2)]);
  }

  /** Header and rule. */
  header(): string {
    return this.#lines([]).slice(0, 2).join('\n');
  }

  line(row: MeasuredRow): string {
    return this.#lines([cellsOf(row)]).at(-1)!;
  }

  /** All at once. */
  whole(rows: readonly MeasuredRow[]): string {
    const lines = this.#lines(rows.map(cellsOf));
    return [...lines.slice(0, 2), ...lines.slice(2 + this.#widest.length)].join('\n');
  }

  #lines(rows: readonly (readonly string[])[]): string[] {
    return table([HEADER, ...this.#widest, ...rows], { align: ALIGN }).split('\n');
  }
}

/** What was measured of the adapter. */
export function describeCeilings(name: string, { operationsPerSecond, bytesPerSecond }: Ceilings): string {
  const operations = `${formatCount(Math.round(operationsPerSecond / 1e9))} G bitwise operations/s`;
  return `${name}: at most ${operations} and ${formatBytes(bytesPerSecond)}/s, of which the last columns are shares`;
}

/** What stands under the table. */
export function describeSummary(result: SearchBenchResult): string {
  const parts = summaryLines(result);
  if (result.table4) parts.push(`\n${table(table4Cells(result.table4), { align: TABLE4_ALIGN })}`);
  if (result.alibaba) parts.push(`\n${describeAlibaba(result.alibaba)}`);
  return parts.join('\n');
}

/** What is said of the rows. */
export function summaryLines(result: SearchBenchResult): string[] {
  const parts: string[] = [];
  const asked = result.rows.filter(({ ratio, atLeast }) => ratio !== null && atLeast !== null);
  if (asked.length > 0) {
    const met = (wanted: (row: MeasuredRow) => number) => asked.filter((row) => row.ratio! >= wanted(row)).length;
    const [least, aim] = [met((row) => row.atLeast!), met((row) => row.aim ?? Number.POSITIVE_INFINITY)];
    parts.push(
      `of ${asked.length} rows with a target ${least} are as fast as they have to be, and ${aim} reach the aim`,
    );
  }
  if (result.peer) {
    const { faiss, numpy, python, threads } = result.peer;
    parts.push(`peer: FAISS ${faiss} with ${threads} threads, NumPy ${numpy}, Python ${python}; all results agree`);
  } else if (result.rows.length > 0) parts.push('without a peer; results were checked by plain loops');
  if (result.quick) parts.push('a quick run: its sizes are small, and its times say nothing');
  return parts;
}

export const TABLE4_ALIGN: readonly Align[] = ['left', 'left', 'right', 'right', 'right', 'right'];

/** The paper's Table 4, its header first. */
export function table4Cells(results: readonly Table4Result[]): string[][] {
  const rows = results.flatMap(({ dataset, users, items, searches, ratios }) => {
    const ratio = (of: Readonly<Record<(typeof SEARCHES)[number], number>> | null) =>
      of ? SEARCHES.map((search) => formatRatio(of[search])).join(' : ') : '';
    const line = (who: string, seconds: (row: MeasuredRow) => number, of: Parameters<typeof ratio>[0]) => [
      `${dataset}, ${formatCount(users)} × ${formatCount(items)}`,
      who,
      ...SEARCHES.map((search) => formatSeconds(seconds(searches[search]))),
      ratio(of),
    ];
    return [
      line('ours', (row) => row.ours.seconds, ratios.ours),
      ...(ratios.peer ? [line('FAISS', (row) => row.peer!.seconds, ratios.peer)] : []),
      ['', 'paper', ...SEARCHES.map(() => ''), ratio(ratios.paper)],
    ];
  });
  const header = ['Table 4', '', ...SEARCHES, SEARCHES.join(' : ')];
  return [header, ...rows];
}

export function describeAlibaba({ seconds, pairsPerSecond, paperSeconds, checked, ...shape }: AlibabaResult): string {
  return [
    `Alibaba, ${shapeOf(shape)}, the best ${shape.k}: ${formatSeconds(seconds)}, ` +
      `${(pairsPerSecond / 1e9).toFixed(2)} G pairs/s; the paper took ${formatSeconds(paperSeconds)}`,
    `${checked.length} whole rankings checked by plain loops`,
  ].join('\n');
}
