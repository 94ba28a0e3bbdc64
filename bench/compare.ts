/** `hashgnn bench compare`: what changed from one result of a bench to another, beyond the noise. */
import { UsageError } from '../src/base/errors.js';
import { formatCount, formatSeconds, table } from '../src/cli/output.js';
import { formatRatio, formatShare } from './format.js';
import { type BenchFile, type BenchKind, readResult } from './result.js';
import type { SearchBenchResult } from './search/index.js';
import type { Shape } from './search/rows.js';
import { LEAST_SECONDS, type Timing } from './timing.js';
import type { Milliseconds, StepBenchResult, TrainBenchResult } from './train/index.js';

/** One measurement of a result. */
interface Measurement {
  readonly name: string;
  readonly shape: string;
  /** Median. */
  readonly seconds: number;
  /** (slowest − fastest) / median */
  readonly spread: number;
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

/**
 * Compares two results by name and shape. A row changed where the larger median is above the smaller one by more than
 * the larger of the two spreads, and by more than 5 %.
 * @throws InputError where a file is missing, no JSON or no result of a bench; UsageError where they are of two kinds
 */
export async function compareFiles(first: string, second: string): Promise<Comparison> {
  const files = [await readResult(first), await readResult(second)] as const;
  return compareResults(...files);
}

function compareResults(first: BenchFile, second: BenchFile): Comparison {
  if (first.kind !== second.kind) {
    throw new UsageError('these are results of two different benches', {
      where: `${first.file} is of bench ${first.kind}, ${second.file} of bench ${second.kind}`,
      fix: 'name two results of the same bench',
    });
  }
  const others = byKey(measurementsOf(second));
  const rows: ComparedRow[] = [];
  const onlyFirst: string[] = [];
  for (const [key, one] of byKey(measurementsOf(first))) {
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
  const [one, other] = [first.result, second.result];
  const compared: [what: string, one: unknown, other: unknown][] = [
    ['the adapter', one.adapter, other.adapter],
    ['the driver', one.driver, other.driver],
    ...pairs(one.versions, other.versions).filter(([name]) => !PASSING.has(name)),
    ...peerPairs(first, second),
    ['the seed', one.seed, other.seed],
  ];
  const warnings = compared
    .filter(([, one, other]) => one !== other)
    .map(
      ([what, one, other]) => `${what} differs: ${one ?? 'unknown'} in the first, ${other ?? 'unknown'} in the second`,
    );
  for (const [name, one, other] of pairs(ceilingsOf(first), ceilingsOf(second))) {
    if (typeof one !== 'number' || typeof other !== 'number') continue;
    if (Math.max(one / other, other / one) - 1 <= CEILING_NOISE) continue;
    warnings.push(
      `the adapter itself had another speed: ${name} ${one.toPrecision(3)} in the first, ${other.toPrecision(3)} in the ` +
        'second; was the machine busy?',
    );
  }
  const quick = [first, second].filter(({ result }) => 'quick' in result && result.quick).map(({ file }) => file);
  if (quick.length > 0) warnings.push(`${quick.join(' and ')}: a quick run, whose times say nothing`);
  return warnings;
}

/** The members of two objects, each name once. */
function pairs(one: object, other: object): [name: string, one: unknown, other: unknown][] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].map((name) => [name, one[name as never], other[name as never]]);
}

/** What the peers were, where both results have one. */
function peerPairs({ result: first }: BenchFile, { result: second }: BenchFile): ReturnType<typeof pairs> {
  const [one, other] = [first, second].map((result) => ('peer' in result ? result.peer : null));
  if (!one || !other) return [];
  return pairs(one, other).map(([name, ...values]) => [`the peer's ${name}`, ...values]);
}

/** What the adapter itself could do at most, a second, where the bench has measured it. */
const ceilingsOf = ({ result }: BenchFile): object => ('ceilings' in result ? result.ceilings : {});

// ------------------------------------------------------------------------------------------------------ measurements

/** Everything in a result that has a time, in its order. */
function measurementsOf(file: BenchFile): Measurement[] {
  switch (file.kind) {
    case 'kernels':
      return file.result.kernels.flatMap(({ kernel, size, what, shape, time }) =>
        time ? [measurementOf(kernel, `${size}: ${what}, ${shape}`, time)] : [],
      );
    case 'search':
      return searchMeasurements(file.result);
    case 'train':
      return trainMeasurements(file.result);
    case 'step':
      return stepMeasurements(file.result);
  }
}

const measurementOf = (name: string, shape: string, { seconds, spread }: Omit<Timing, 'all'>): Measurement => ({
  ...{ name, shape, seconds, spread },
});

const searchShape = ({ database, queries, bits, k }: Shape) => `${database} × ${queries} × ${bits}, k = ${k}`;

/** Of each row also the peer, by which one sees whether the machine itself became faster. */
function searchMeasurements({ rows, table4 = [], alibaba }: SearchBenchResult): Measurement[] {
  const all = [...rows, ...table4.flatMap(({ searches }) => Object.values(searches))];
  return [
    ...all.flatMap((row) => [
      measurementOf(row.name, searchShape(row), row.ours),
      ...(row.peer ? [measurementOf(`${row.name}, peer`, searchShape(row), row.peer)] : []),
    ]),
    // One search, once: it has no spread.
    ...(alibaba ? [measurementOf('alibaba', searchShape(alibaba), { seconds: alibaba.seconds, spread: 0 })] : []),
  ];
}

const datasetShape = ({ name, nodes, edges }: TrainBenchResult['dataset']) =>
  `${name}: ${formatCount(nodes)} nodes, ${formatCount(edges)} edges`;

function trainMeasurements({ dataset, ours, port, best, encode }: TrainBenchResult): Measurement[] {
  const times: readonly (readonly [name: string, time: Milliseconds | null])[] = [
    ['a step: ours', ours],
    ['a step: straight port', port],
    ['a step: the best of it', best],
    ['encoding: ours', encode.ours],
    ['encoding: peer', encode.peer],
  ];
  return times.flatMap(([name, time]) =>
    time ? [measurementOf(name, datasetShape(dataset), { seconds: time.ms / 1000, spread: time.spread })] : [],
  );
}

function stepMeasurements({ dataset, rows }: StepBenchResult): Measurement[] {
  const shape = datasetShape(dataset);
  return rows.map(({ kernel, label, milliseconds, spread }) => {
    // A dispatch may be too short to be told from nothing, and a ratio wants more than that.
    const seconds = Math.max(LEAST_SECONDS, milliseconds / 1000);
    return measurementOf(kernel, label === kernel ? shape : `${shape}, ${label}`, { seconds, spread });
  });
}

// ---------------------------------------------------------------------------------------------------------- printing

/** The comparison as people read it. */
export function describeComparison({ files, rows, onlyFirst, onlySecond }: Comparison): string {
  const header = ['row', 'shape', 'first', '±', 'second', '±', 'second / first', 'change'];
  const lines = rows.map(({ name, shape, first, second, ratio, verdict }) => [
    ...[name, shape, formatSeconds(first.seconds), formatShare(first.spread)],
    ...[formatSeconds(second.seconds), formatShare(second.spread)],
    ...[formatRatio(ratio), verdict === 'same' ? '' : verdict],
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
