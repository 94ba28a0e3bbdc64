/** `hashgnn bench compare`: what changed from one result of a bench to another, beyond the noise. */
import { InputError, UsageError } from '../src/base/errors.js';
import { readJson } from '../src/base/files.js';
import { formatSeconds, table } from '../src/cli/output.js';

/** The benches whose results can be compared. */
export type BenchKind = 'kernels' | 'search';

/** One measurement of a result. */
export interface Measurement {
  readonly name: string;
  readonly shape: string;
  /** Median. */
  readonly seconds: number;
  /** (slowest − fastest) / median */
  readonly spread: number;
}

/** What a result says of where and how it was measured, and its measurements. */
export interface BenchFile {
  readonly file: string;
  readonly kind: BenchKind;
  readonly adapter: string;
  readonly driver: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly seed: number | null;
  readonly quick: boolean;
  /** What the adapter itself could do at most, a second. */
  readonly ceilings: Readonly<Record<string, number>>;
  readonly measurements: readonly Measurement[];
}

export interface ComparedRow {
  readonly name: string;
  readonly shape: string;
  readonly first: Omit<Measurement, 'name' | 'shape'>;
  readonly second: Omit<Measurement, 'name' | 'shape'>;
  /** The second's median by the first's: below 1 it became faster. */
  readonly ratio: number;
  /** How far apart medians may be by chance: the larger spread, 0.05 at least. */
  readonly noise: number;
  readonly verdict: 'faster' | 'slower' | 'same';
}

export interface Comparison {
  readonly kind: BenchKind;
  readonly files: readonly [first: string, second: string];
  /** What makes times of the two hard to compare. */
  readonly warnings: readonly string[];
  readonly rows: readonly ComparedRow[];
  /** Rows of one file only, by name and shape. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

/** Medians this close are the same, however small the spreads. */
const LEAST_NOISE = 0.05;
/** Ceilings this far apart tell of a machine that was busy, hot or another one. */
const CEILING_NOISE = 0.1;
/** What `versions` tells that changes from minute to minute. */
const PASSING = new Set(['memory']);
const FIX = 'name two files that `hashgnn bench kernels --out` or `hashgnn bench search --out` wrote';

/**
 * Compares two results by name and shape. A row changed where the larger median is above the smaller one by more than
 * the larger of the two spreads, and by more than 5 %.
 * @throws InputError where a file is missing, no JSON or no result of these benches; UsageError where they are of two kinds
 */
export async function compareFiles(first: string, second: string): Promise<Comparison> {
  const files = [await readResult(first), await readResult(second)] as const;
  return compareResults(...files);
}

export function compareResults(first: BenchFile, second: BenchFile): Comparison {
  if (first.kind !== second.kind) {
    throw new UsageError('these are results of two different benches', {
      where: `${first.file} is of bench ${first.kind}, ${second.file} of bench ${second.kind}`,
      fix: 'name two results of the same bench',
    });
  }
  const others = byKey(second.measurements);
  const rows: ComparedRow[] = [];
  const onlyFirst: string[] = [];
  for (const [key, one] of byKey(first.measurements)) {
    const other = others.get(key);
    if (!other) {
      onlyFirst.push(labelOf(one));
      continue;
    }
    others.delete(key);
    rows.push(compareRow(one, other));
  }
  return {
    kind: first.kind,
    files: [first.file, second.file],
    warnings: warningsOf(first, second),
    rows,
    onlyFirst,
    onlySecond: [...others.values()].map(labelOf),
  };
}

function compareRow(first: Measurement, second: Measurement): ComparedRow {
  const ratio = second.seconds / first.seconds;
  const noise = Math.max(first.spread, second.spread, LEAST_NOISE);
  const changed = Math.max(ratio, 1 / ratio) - 1 > noise;
  const timeOf = ({ seconds, spread }: Measurement) => ({ seconds, spread });
  return {
    ...{ name: first.name, shape: first.shape, first: timeOf(first), second: timeOf(second), ratio, noise },
    verdict: !changed ? 'same' : ratio < 1 ? 'faster' : 'slower',
  };
}

const labelOf = ({ name, shape }: Measurement) => `${name}, ${shape}`;

/** By name and shape; what comes twice is told apart by its place among its equals. */
function byKey(measurements: readonly Measurement[]): Map<string, Measurement> {
  const found = new Map<string, Measurement>();
  for (const one of measurements) {
    let number = 1;
    while (found.has(`${labelOf(one)} ${number}`)) number += 1;
    found.set(`${labelOf(one)} ${number}`, one);
  }
  return found;
}

function warningsOf(first: BenchFile, second: BenchFile): string[] {
  const names = new Set([...Object.keys(first.versions), ...Object.keys(second.versions)]);
  const compared: [what: string, one: unknown, other: unknown][] = [
    ['the adapter', first.adapter, second.adapter],
    ['the driver', first.driver, second.driver],
    ...[...names]
      .filter((name) => !PASSING.has(name))
      .map((name): [string, unknown, unknown] => [name, first.versions[name], second.versions[name]]),
    ['the seed', first.seed, second.seed],
  ];
  const warnings = compared
    .filter(([, one, other]) => one !== other)
    .map(
      ([what, one, other]) => `${what} differs: ${one ?? 'unknown'} in the first, ${other ?? 'unknown'} in the second`,
    );
  for (const [name, one] of Object.entries(first.ceilings)) {
    const other = second.ceilings[name];
    if (other === undefined || Math.max(one / other, other / one) - 1 <= CEILING_NOISE) continue;
    warnings.push(
      `the adapter itself had another speed: ${name} ${one.toPrecision(3)} in the first, ${other.toPrecision(3)} in the ` +
        'second; was the machine busy?',
    );
  }
  const quick = [first, second].filter((one) => one.quick).map(({ file }) => file);
  if (quick.length > 0) warnings.push(`${quick.join(' and ')}: a quick run, whose times say nothing`);
  return warnings;
}

// ----------------------------------------------------------------------------------------------------------- reading

/** @throws InputError where the file is missing, no JSON, or no result of these benches */
export async function readResult(file: string): Promise<BenchFile> {
  const value = await readJson(file);
  const refuse = (what: string): never => {
    throw new InputError(what, { where: file, fix: FIX });
  };
  if (!isObject(value) || !isObject(value.ceilings)) return refuse('this JSON is no result of a bench');
  const { kernels, rows, table4 = [], alibaba } = value;
  const kind: BenchKind = Array.isArray(kernels)
    ? 'kernels'
    : Array.isArray(rows)
      ? 'search'
      : refuse('this JSON is no result of bench kernels or bench search');
  const lists: Json[] =
    kind === 'kernels'
      ? (kernels as unknown[]).flatMap(kernelMeasurement)
      : [
          ...(rows as unknown[]).flatMap(searchMeasurements),
          ...(Array.isArray(table4) ? table4 : []).flatMap((one) =>
            isObject(one) && isObject(one.searches) ? Object.values(one.searches).flatMap(searchMeasurements) : [{}],
          ),
          // One search, once: it has no spread.
          ...(isObject(alibaba) ? [{ ...measurementOf('alibaba', searchShape(alibaba), alibaba), spread: 0 }] : []),
        ];
  const wrong = lists.findIndex((one) => !isMeasurement(one));
  if (wrong >= 0)
    refuse(`measurement ${wrong + 1} of this result of bench ${kind} lacks its name, shape, time or spread`);
  const text = (name: string) => (typeof value[name] === 'string' ? value[name] : 'unknown');
  return {
    file,
    kind,
    adapter: text('adapter'),
    driver: text('driver'),
    versions: isObject(value.versions) ? (value.versions as Record<string, string>) : {},
    seed: typeof value.seed === 'number' ? value.seed : null,
    quick: value.quick === true,
    ceilings: Object.fromEntries(
      Object.entries(value.ceilings).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    ),
    measurements: lists as unknown as Measurement[],
  };
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMeasurement({ name, shape, seconds, spread }: Json): boolean {
  const time = typeof seconds === 'number' && seconds > 0 && typeof spread === 'number' && spread >= 0;
  return time && typeof name === 'string' && typeof shape === 'string';
}

const measurementOf = (name: unknown, shape: unknown, time: unknown): Json =>
  isObject(time) ? { name, shape, seconds: time.seconds, spread: time.spread } : {};

/** A row of bench kernels, unless it was not run. */
function kernelMeasurement(row: unknown): Json[] {
  if (!isObject(row)) return [{}];
  if (typeof row.notRun === 'string') return [];
  return [measurementOf(row.kernel, `${row.size}: ${row.what}, ${row.shape}`, row.time)];
}

const searchShape = ({ database, queries, bits, k }: Json) => `${database} × ${queries} × ${bits}, k = ${k}`;

/** A row of bench search, and its peer, by which one sees whether the machine itself became faster. */
function searchMeasurements(row: unknown): Json[] {
  if (!isObject(row)) return [{}];
  const ours = measurementOf(row.name, searchShape(row), row.ours);
  return row.peer ? [ours, measurementOf(`${row.name}, peer`, searchShape(row), row.peer)] : [ours];
}

// ---------------------------------------------------------------------------------------------------------- printing

/** The comparison as people read it. */
export function describeComparison({ files, rows, onlyFirst, onlySecond }: Comparison): string {
  const percent = (share: number) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
  const header = ['row', 'shape', 'first', '±', 'second', '±', 'second / first', 'change'];
  const lines = rows.map(({ name, shape, first, second, ratio, verdict }) => [
    ...[name, shape, formatSeconds(first.seconds), percent(first.spread)],
    ...[formatSeconds(second.seconds), percent(second.spread)],
    ...[ratio.toFixed(ratio < 9.95 ? 2 : 1), verdict === 'same' ? '' : verdict],
  ]);
  const counted = (wanted: ComparedRow['verdict']) => rows.filter(({ verdict }) => verdict === wanted).length;
  const parts =
    rows.length > 0
      ? [
          table([header, ...lines], {
            align: ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'left'],
          }),
          '',
          `of ${rows.length} ${rows.length === 1 ? 'row' : 'rows'} in both ${counted('faster')} became faster, ${counted('slower')} slower, and ` +
            `${counted('same')} stayed the same within the larger spread or 5 %`,
        ]
      : ['no row is in both files'];
  for (const [file, only] of [
    [files[0], onlyFirst],
    [files[1], onlySecond],
  ] as const) {
    if (only.length > 0) parts.push(`only in ${file}:`, ...only.map((label) => `  ${label}`));
  }
  return parts.join('\n');
}
