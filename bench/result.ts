/** The JSON results of the benches as files: how each is told from the others, and what it must hold. */
import {
  above,
  amount,
  type Check,
  each,
  fields,
  isObject,
  type Json,
  list,
  nothing,
  oneOf,
  optional,
  orNull,
  text,
  truth,
} from '../src/base/checks.js';
import { InputError } from '../src/base/errors.js';
import { readJson } from '../src/base/files.js';
import type { KernelBenchResult } from './kernels/index.js';
import type { SearchBenchResult } from './search/index.js';
import { SEARCHES } from './search/table4.js';
import type { StepBenchResult, TrainBenchResult } from './train/index.js';

/** What the command line adds to a result; results of older versions are without it. */
export interface Made {
  /** Of the JSON. */
  readonly format: typeof FORMAT;
  /** When the bench ended, ISO 8601. */
  readonly date: string;
  /** The command line. */
  readonly command: string;
}

/** Raised when a result of this version could not be read as one of the version before. */
export const FORMAT = 1;

/** The results by bench. */
export interface BenchResults {
  readonly kernels: KernelBenchResult;
  readonly search: SearchBenchResult;
  readonly train: TrainBenchResult;
  readonly step: StepBenchResult;
}

/** The benches whose results can be compared and shown. */
export type BenchKind = keyof BenchResults;

/** A result of one bench with the file that it was read from. */
export interface ResultOf<Kind extends BenchKind> {
  readonly file: string;
  readonly kind: Kind;
  readonly result: BenchResults[Kind] & Partial<Made>;
}

/** A result of any bench. */
export type BenchFile = { readonly [Kind in BenchKind]: ResultOf<Kind> }[BenchKind];

const FIX = 'name a file that `hashgnn bench kernels`, `search`, `train` or `step` wrote with --out';

/** @throws InputError where the file is missing, no JSON, no result of these benches, or one that lacks something */
export async function readResult(file: string): Promise<BenchFile> {
  const value = await readJson(file);
  const kind = isObject(value) ? kindOf(value) : undefined;
  if (!isObject(value) || kind === undefined) {
    throw new InputError('this JSON is no result of bench kernels, bench search, bench train or bench step', {
      where: file,
      fix: FIX,
    });
  }
  const { format = FORMAT } = value;
  if (format !== FORMAT) {
    throw new InputError(`the format of this result is ${JSON.stringify(format)}, and only ${FORMAT} is known`, {
      where: file,
      fix: 'use the version of hashgnn that wrote it, or run the bench again with this one',
    });
  }
  const wrong = CHECKS[kind](value, '');
  if (wrong !== undefined) {
    throw new InputError(`this result of bench ${kind} cannot be used: ${wrong}`, {
      where: file,
      fix: 'run the bench again with this version of hashgnn, or take the file as it was written',
    });
  }
  return { file, kind, result: value } as unknown as BenchFile;
}

function kindOf({ kernels, rows, ceilings, dataset, encode }: Json): BenchKind | undefined {
  if (Array.isArray(kernels)) return 'kernels';
  if (Array.isArray(rows)) return isObject(dataset) ? 'step' : isObject(ceilings) ? 'search' : undefined;
  return isObject(encode) ? 'train' : undefined;
}

// ---------------------------------------------------------------------------------------------------------- checking

const common = {
  ...{ adapter: text, driver: text, versions: each(text), seed: amount },
  ...{ date: optional(text), command: optional(text) },
};
const timing = fields({ seconds: above, spread: amount });
const milliseconds = fields({ ms: above, spread: amount });
const stepTime = fields({ ms: above, spread: amount, stepsPerSecond: above, edgesPerSecond: above });
const dataset = fields({ name: text, nodes: amount, edges: amount });

const unmeasured = fields({ kernel: text, size: text, what: text, shape: text, notRun: text, time: nothing });
const measured = fields({
  ...{ kernel: text, size: text, what: text, shape: text, notRun: nothing, checked: text, time: timing },
  cost: fields({
    ...{ bytes: above, operations: amount, arithmetic: oneOf('multiply_add', 'logic', 'popcount') },
    access: (value, place) => (value === 'copy' ? undefined : fields({ tableBytes: amount })(value, place)),
  }),
  ...{ bytesPerSecond: amount, operationsPerSecond: amount, share: fields({ bytes: amount, operations: amount }) },
});

const shape = { database: above, queries: above, bits: above, k: above, candidates: optional(above) };
const searchRow = fields({
  ...{ name: text, ...shape, ours: timing, ratio: orNull(above), atLeast: orNull(above), aim: orNull(above) },
  peer: orNull((value, place) => fields({ name: text })(value, place) ?? timing(value, place)),
  ...{ pairsPerSecond: amount, share: fields({ operations: amount, bytes: amount }) },
});
const bySearch = (inner: Check) => fields(Object.fromEntries(SEARCHES.map((search) => [search, inner])));

const bySearchOfRun = (inner: Check) => fields({ hamming: inner, hierarchical: inner, exact: inner });
const spent = fields({ training: amount, validating: amount });

const CHECKS: Readonly<Record<BenchKind, Check>> = {
  kernels: fields({
    ...{ ...common, quick: truth },
    ceilings: fields({
      ...{ operationsPerSecond: above, bytesPerSecond: above, flopsPerSecond: above, popcountsPerSecond: above },
      gathers: list(fields({ tableBytes: above, bytesPerSecond: above })),
    }),
    kernels: list((row, place) => (isObject(row) && row.notRun !== null ? unmeasured : measured)(row, place)),
  }),
  search: fields({
    ...{ ...common, quick: truth },
    peer: orNull(fields({ faiss: text, numpy: text, python: text, threads: above })),
    ceilings: fields({ operationsPerSecond: above, bytesPerSecond: above }),
    rows: list(searchRow),
    table4: optional(
      list(
        fields({
          ...{ dataset: text, users: above, items: above, searches: bySearch(searchRow) },
          ratios: fields({ ours: bySearch(above), peer: orNull(bySearch(above)), paper: bySearch(above) }),
        }),
      ),
    ),
    alibaba: optional(
      fields({ ...shape, seconds: above, pairsPerSecond: above, paperSeconds: above, checked: list(amount) }),
    ),
  }),
  train: fields({
    ...{ ...common, quick: truth, dataset, ours: stepTime },
    ...{ port: orNull(stepTime), best: orNull(stepTime) },
    peer: orNull(fields({ torch: text, numpy: text, python: text, threads: above, blas: text })),
    encode: fields({ ours: milliseconds, peer: orNull(milliseconds) }),
    ratios: orNull(fields({ port: above, best: above, encode: above })),
    ...{ distinctNodes: list(above), variants: each(text) },
    memory: fields({ predicted: fields({ live: above, peak: above }), liveBytes: above, peakBytes: above }),
    toBest: orNull(
      fields({
        ...{ step: above, steps: above, evaluateEvery: above, hr: bySearchOfRun(amount) },
        ...{ seconds: spent, total: spent },
      }),
    ),
  }),
  step: fields({
    ...{ ...common, dataset, milliseconds: above },
    rows: (value, place) =>
      Array.isArray(value) && value.length === 0
        ? `${place} is empty`
        : list(fields({ kernel: text, label: text, milliseconds: amount, spread: amount, share: amount }))(
            value,
            place,
          ),
  }),
};
