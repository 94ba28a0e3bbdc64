/** The bench of kernels as people read it. */
import { type Align, formatBytes, formatCount, formatSeconds, table } from '../../src/cli/output.js';
import type { AllCeilings } from '../ceilings.js';
import { formatGiga, formatShare } from '../format.js';
import type { KernelBenchResult, KernelRow } from './index.js';
import type { Size } from './sizes.js';

/** Columns of the table. */
export const HEADER = [
  'kernel',
  'size',
  'shape',
  'time',
  '±',
  'bytes',
  'operations',
  'GB/s',
  'of most',
  'Gop/s',
  'of most',
  'twin at',
];
export const ALIGN = HEADER.map((_, column): Align => (column < 3 || column === HEADER.length - 1 ? 'left' : 'right'));
/** The widest of what is only known once it is measured. */
const WIDEST = ['59 min 59 s', '100 %', '1023 MiB', '99.9 G', '999', '100 %', '999', '100 %', 'movielens'];
const WIDEST_SHAPE = 52;

/** Operations in thousands, millions and milliards, with three figures. */
function formatOperations(count: number): string {
  if (count < 1000) return String(Math.round(count));
  const power = Math.min(4, Math.floor(Math.log10(Number(count.toPrecision(3))) / 3));
  const value = count / 1000 ** power;
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${['', 'k', 'M', 'G', 'T'][power]}`;
}

/** A row of the table; where nothing was measured the reason stands in place of the shape. */
export function cellsOf(row: KernelRow): string[] {
  const { time, cost, share } = row;
  if (!time || !cost || !share) {
    const shape = row.what ? `${row.what}: ` : '';
    return [row.kernel, row.size, `${shape}not run, ${row.notRun}`];
  }
  const none = cost.operations === 0;
  return [
    row.kernel,
    row.size,
    `${row.what}, ${row.shape}`,
    formatSeconds(time.seconds),
    formatShare(time.spread),
    formatBytes(cost.bytes),
    none ? '' : formatOperations(cost.operations),
    formatGiga(row.bytesPerSecond!),
    formatShare(share.bytes),
    none ? '' : formatGiga(row.operationsPerSecond!),
    none ? '' : formatShare(share.operations),
    row.checked!,
  ];
}

/** The table row by row, as rows are finished: the columns are as wide as the widest row that is likely to come. */
export class KernelTable {
  readonly #widest: readonly string[];

  constructor(kernels: readonly string[], sizes: readonly Pick<Size, 'name'>[]) {
    const longest = (names: readonly string[]) =>
      names.reduce((one, other) => (other.length > one.length ? other : one), '');
    this.#widest = [longest(kernels), longest(sizes.map(({ name }) => name)), 'x'.repeat(WIDEST_SHAPE), ...WIDEST];
  }

  /** Header and rule. */
  header(): string {
    return this.#lines([]).slice(0, 2).join('\n');
  }

  line(row: KernelRow): string {
    const cells = cellsOf(row);
    // A reason may be longer than any shape, and has the line to itself.
    if (!row.time)
      return `${this.#lines([cells.slice(0, 2)])
        .at(-1)!
        .padEnd(this.#reasonAt())}${cells[2]}`;
    return this.#lines([cells]).at(-1)!;
  }

  /** All at once. */
  whole(rows: readonly KernelRow[]): string {
    return [this.header(), ...rows.map((row) => this.line(row))].join('\n');
  }

  #reasonAt(): number {
    return this.#widest[0]!.length + this.#widest[1]!.length + 4;
  }

  #lines(rows: readonly (readonly string[])[]): string[] {
    return table([HEADER, this.#widest, ...rows], { align: ALIGN }).split('\n');
  }
}

/** What was measured of the adapter. */
export function describeCeilings(name: string, ceilings: AllCeilings): string {
  const rate = (value: number) => formatCount(Number((value / 1e9).toPrecision(3)));
  return [
    `${name}: at most`,
    `  ${rate(ceilings.bytesPerSecond)} GB/s copied; gathered from tables of ${ceilings.gathers
      .map(({ tableBytes, bytesPerSecond }) => `${formatBytes(tableBytes)} ${rate(bytesPerSecond)}`)
      .join(', ')} GB/s;`,
    `  ${rate(ceilings.flopsPerSecond)} GFLOP/s, ${rate(ceilings.operationsPerSecond)} G bitwise operations/s, ` +
      `${rate(ceilings.popcountsPerSecond)} G popcounts/s`,
  ].join('\n');
}

/** What stands under the table. */
export function describeSummary({ kernels: rows, quick }: KernelBenchResult): string {
  const measured = rows.filter(({ time }) => time !== null);
  const names = new Set(measured.map(({ kernel }) => kernel));
  const parts = [
    `${measured.length} measurements of ${names.size} kernels, each first compared with its CPU twin` +
      (measured.some(({ size, checked }) => size !== checked) ? ', at the size in the last column' : ''),
  ];
  const reasons = new Map<string, Set<string>>();
  for (const { kernel, size, notRun } of rows) {
    if (notRun === null) continue;
    const reason = `${size}: ${notRun}`;
    reasons.set(reason, (reasons.get(reason) ?? new Set()).add(kernel));
  }
  for (const [reason, kernels] of reasons) parts.push(`not run, ${reason}: ${[...kernels].join(', ')}`);
  if (quick) parts.push('a quick run: its sizes are small, and its times say nothing');
  return parts.join('\n');
}
