/** Results of benches made by hand, as the benches would write them. */
import type { AllCeilings } from '../../bench/ceilings.js';
import type { Cost } from '../../bench/kernels/case.js';
import type { KernelBenchResult, KernelRow } from '../../bench/kernels/index.js';
import type { SearchBenchResult } from '../../bench/search/index.js';
import type { MeasuredRow } from '../../bench/search/measure.js';
import type { Table4Result } from '../../bench/search/table4.js';
import type { StepBenchResult, StepRow, StepTime, TrainBenchResult } from '../../bench/train/index.js';

const common = {
  ...{ adapter: 'llvmpipe', driver: 'Mesa 25', versions: { node: '22.0.0', memory: '3 GiB, 1 GiB free' }, seed: 0 },
};

/** Round numbers: 10 GB/s copied, 100 GFLOP/s, 200 G bitwise operations and 20 G popcounts a second. */
export const CEILINGS: AllCeilings = {
  ...{ operationsPerSecond: 200e9, bytesPerSecond: 10e9, flopsPerSecond: 100e9, popcountsPerSecond: 20e9 },
  gathers: [
    { tableBytes: 2 ** 18, bytesPerSecond: 8e9 },
    { tableBytes: 2 ** 26, bytesPerSecond: 4e9 },
  ],
};

const timing = (seconds: number, spread = 0.02) => ({ seconds, spread, all: [seconds] });

/** A row that moves a megabyte and does a million multiplications and additions, unless told. */
export function kernelRow(
  kernel: string,
  seconds: number,
  {
    spread = 0.01,
    cost: given = {},
    ...more
  }: Partial<Omit<KernelRow, 'cost'>> & { spread?: number; cost?: Partial<Cost> } = {},
): KernelRow {
  const plain: Cost = { bytes: 1e6, operations: 1e6, access: 'copy', arithmetic: 'multiply_add' };
  const cost: Cost = { ...plain, ...given };
  const bytesPerSecond = cost.bytes / seconds;
  const operationsPerSecond = cost.operations / seconds;
  return {
    ...{ kernel, size: 'small', what: 'layer 1', shape: '4 × 4', notRun: null, checked: 'small', cost },
    time: { ...timing(seconds, spread), dispatches: 1, firstSeconds: seconds },
    ...{ bytesPerSecond, operationsPerSecond },
    share: {
      bytes: bytesPerSecond / CEILINGS.bytesPerSecond,
      operations: operationsPerSecond / CEILINGS.flopsPerSecond,
    },
    ...more,
  };
}

/** A row that could not be measured. */
export const kernelNotRun = (kernel: string, notRun: string): KernelRow => ({
  ...{ kernel, size: 'small', what: '', shape: '', notRun, checked: null, time: null, cost: null },
  ...{ bytesPerSecond: null, operationsPerSecond: null, share: null },
});

export const kernels = (
  rows: readonly KernelRow[],
  more: Partial<KernelBenchResult> & Record<string, unknown> = {},
): KernelBenchResult => ({ ...common, repeat: 7, quick: false, ceilings: CEILINGS, kernels: rows, ...more });

/** @param peer its seconds, if it has one */
export const searchRow = (name: string, seconds: number, peer?: number): MeasuredRow => ({
  ...{ name, database: 2048, queries: 10, bits: 32, k: 5, ours: timing(seconds) },
  peer:
    peer === undefined
      ? null
      : { ...timing(peer), name: 'faiss.IndexBinaryFlat', version: '1.7.3', threads: 2, way: { threads: 2 } },
  ...{ ratio: peer === undefined ? null : peer / seconds, atLeast: 2, aim: 4 },
  ...{ pairsPerSecond: 20480 / seconds, share: { operations: 0.5, bytes: 0.1 } },
});

export const search = (
  rows: readonly MeasuredRow[],
  more: Partial<SearchBenchResult> & Record<string, unknown> = {},
): SearchBenchResult => ({
  ...common,
  peer: { faiss: '1.7.3', numpy: '1.24.2', python: '3.11.2', threads: 2 },
  ...{ quick: false, ceilings: { operationsPerSecond: 200e9, bytesPerSecond: 10e9 }, rows, ...more },
});

/** One data set of Table 4, all three searches in so many seconds. */
export const table4 = (dataset: string, seconds: number, peer?: number): Table4Result => {
  const row = (kind: string) => searchRow(`${dataset}-${kind}`, seconds, peer);
  const ones = { continuous: 1, hierarchical: 1, hamming: 1 };
  return {
    ...{ dataset, users: 10, items: 2048 },
    searches: { continuous: row('continuous'), hierarchical: row('hierarchical'), hamming: row('hamming') },
    ratios: { ours: ones, peer: peer === undefined ? null : ones, paper: ones },
  };
};

export const alibaba = (seconds: number): NonNullable<SearchBenchResult['alibaba']> => ({
  ...{ database: 9, queries: 8, bits: 32, k: 7, seconds, pairsPerSecond: 72 / seconds, paperSeconds: 4163.9 },
  checked: [0, 3, 7],
});

/** A step of 256 edges in so many milliseconds. */
export const stepTime = (ms: number, spread = 0.02): StepTime => ({
  ...{ ms, spread, stepsPerSecond: 1000 / ms, edgesPerSecond: 256_000 / ms },
});

const groups = { parameters: 10, moments: 20, graph: 5, batch: 30, lists: 4, encoding: 3, best: 10, other: 1 };
const memory: TrainBenchResult['memory'] = {
  predicted: {
    ...{ groups, live: 83, searches: 17, peak: 100 },
    largest: { label: 'input features', shape: [5, 2], bytes: 40, group: 'parameters' },
  },
  ...{ liveBytes: 83, peakBytes: 95 },
};

/** Ours takes 50 ms a step, the straight port 60 and the best of it 20; encoding 90 against 30. */
export const train = (more: Partial<TrainBenchResult> & Record<string, unknown> = {}): TrainBenchResult => ({
  ...{ ...common, quick: false, dataset: { name: 'ml', nodes: 9746, edges: 629875 } },
  peer: { torch: '1.13.0', numpy: '1.24.2', python: '3.11.2', threads: 2, blas: 'openblas' },
  ours: stepTime(50),
  port: stepTime(60),
  best: stepTime(20, 0.3),
  encode: { ours: { ms: 90, spread: 0.02 }, peer: { ms: 30, spread: 0.02 } },
  ratios: { port: 1.2, best: 0.4, encode: 1 / 3 },
  ...{ distinctNodes: [1500, 6000, 9000], variants: { dense: 'tiles', gather: 'columns' } as const },
  ...{ memory, toBest: null, ...more },
});

export const stepRow = (kernel: string, label: string, milliseconds: number, spread = 0.02) => ({
  ...{ kernel, label, milliseconds, longest: milliseconds / 2, spread },
});

/** Shares are found from the times. */
export function step(
  rows: readonly Omit<StepRow, 'share'>[],
  more: Partial<StepBenchResult> & Record<string, unknown> = {},
): StepBenchResult {
  const milliseconds = rows.reduce((sum, row) => sum + row.milliseconds, 0);
  return {
    ...{ ...common, dataset: { name: 'ml', nodes: 9746, edges: 629875 }, milliseconds },
    rows: rows.map((row) => ({ ...row, share: row.milliseconds / milliseconds })),
    ...more,
  };
}
