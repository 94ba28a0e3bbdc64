/** `hashgnn bench kernels`: every kernel at the sizes of real data sets, beside what the adapter can do at most. */
import { UsageError } from '../../src/base/errors.js';
import type { Gpu } from '../../src/gpu/index.js';
import { lackOf } from '../../src/selftest/index.js';
import { type AllCeilings, CEILINGS, measureCeilings } from '../ceilings.js';
import { requireGoing } from '../search/measure.js';
import type { BenchCase, Cost } from './case.js';
import { casesOf } from './cases.js';
import { type KernelTiming, requireRight, timeCase } from './measure.js';
import { Setting } from './setting.js';
import { QUICK, SIZES, type Size, selectSizes } from './sizes.js';

export interface KernelBenchOptions {
  /** Names of kernels, with `*` for anything: `dense/*`; all unless told. */
  readonly kernels?: readonly string[] | undefined;
  /** Sizes by name; all unless told. */
  readonly sizes?: readonly string[] | undefined;
  /** Submissions whose median counts. */
  readonly repeat: number;
  /** Of the graph and all arrays. */
  readonly seed: number;
  /** Everything once at a tiny size. */
  readonly quick?: boolean | undefined;
  /** Versions to note in the result. */
  readonly versions?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is told while the bench runs. */
export interface KernelBenchEvents {
  /** Kernels and sizes that will be measured. */
  onPlan?(kernels: readonly string[], sizes: readonly Size[]): void;
  onCeilings?(ceilings: AllCeilings): void;
  onStep?(kernel: string, size: string): void;
  onRow?(row: KernelRow): void;
}

/** One case of a kernel at one size. */
export interface KernelRow {
  readonly kernel: string;
  readonly size: string;
  /** Which of the kernel's cases, and its numbers; empty where the kernel was not run. */
  readonly what: string;
  readonly shape: string;
  /** Why nothing was measured; null where it was. */
  readonly notRun: string | null;
  /** The size at which the kernel was compared with its twin: this one, or `small` where the twin would take too long. */
  readonly checked: string | null;
  readonly time: KernelTiming | null;
  readonly cost: Cost | null;
  readonly bytesPerSecond: number | null;
  readonly operationsPerSecond: number | null;
  /** Shares of this adapter's ceilings, 1 for as much as it can do. */
  readonly share: { readonly bytes: number; readonly operations: number } | null;
}

export interface KernelBenchResult {
  readonly adapter: string;
  readonly driver: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly repeat: number;
  readonly quick: boolean;
  readonly ceilings: AllCeilings;
  readonly kernels: readonly KernelRow[];
}

/** Of the work that ceilings are measured by, in a quick run. */
const QUICK_CEILINGS = 2 ** -8;
/** Steps of a twin that take about a second or two; a longer one is run at the small size. */
const MOST_TWIN_STEPS = 3e8;
/** Why a kernel has no row of its own at a size. */
export const NO_CASE = 'no case at this size';

/**
 * @throws UsageError where no kernel has a name like one that was asked for, or a size is unknown; HashgnnError where a
 * kernel disagrees with its twin; InterruptedError
 */
export async function benchKernels(
  gpu: Gpu,
  options: KernelBenchOptions,
  events: KernelBenchEvents = {},
): Promise<KernelBenchResult> {
  const { repeat, seed, quick, signal } = options;
  const kernels = selectKernels(gpu.shaders.kernels(), options.kernels);
  const chosen = selectSizes(options.sizes);
  const sizes = quick ? [QUICK] : chosen;
  events.onPlan?.(kernels, sizes);
  const ceilings = await measureCeilings(gpu, quick ? QUICK_CEILINGS : 1, CEILINGS);
  events.onCeilings?.(ceilings);
  const rows: KernelRow[] = [];
  const tell = (row: KernelRow) => {
    rows.push(row);
    events.onRow?.(row);
  };
  const small = new Setting(SIZES[0]!, seed);
  /** Cases of the small size that were checked. */
  const checked = new Set<string>();
  for (const size of sizes) {
    const setting = size === small.size ? small : new Setting(size, seed);
    for (const kernel of kernels) {
      requireGoing(signal);
      events.onStep?.(kernel, size.name);
      // What the device lacks holds for all of a kernel's cases, and need not wait for their arrays.
      const cases = casesOf(kernel, setting);
      if (cases.length === 0) tell(unmeasured(kernel, size, NO_CASE));
      for (const one of cases) {
        const lack = lackOf(gpu, kernel, one.lanes);
        if (lack !== undefined) {
          tell({ ...unmeasured(kernel, size, lack), what: one.what, shape: one.shape });
          continue;
        }
        const work = one.make();
        const large = one.twinSteps > MOST_TWIN_STEPS;
        const key = `${kernel} ${one.what}`;
        const check = async () => {
          if (!large) await requireRight(gpu, work);
          else if (!checked.has(key)) {
            await requireRight(gpu, likeCase(one, small).make());
            checked.add(key);
          }
        };
        const time = await timeCase(gpu, one, work, { repeat: quick ? 1 : repeat, quick, signal, check });
        tell(rowOf(one, { size: size.name, checked: large ? small.size.name : size.name, time, ceilings }));
      }
    }
  }
  return {
    adapter: gpu.adapter.device || gpu.name,
    driver: gpu.adapter.description,
    versions: options.versions ?? {},
    seed,
    repeat,
    quick: quick ?? false,
    ceilings,
    kernels: rows,
  };
}

/** The same case at another size. */
function likeCase({ kernel, what }: BenchCase, setting: Setting): BenchCase {
  return casesOf(kernel, setting).find((one) => one.what === what)!;
}

function rowOf(
  { kernel, what, shape, cost }: BenchCase,
  { size, checked, time, ceilings }: { size: string; checked: string; time: KernelTiming; ceilings: AllCeilings },
): KernelRow {
  const bytesPerSecond = cost.bytes / time.seconds;
  const operationsPerSecond = cost.operations / time.seconds;
  const most = {
    multiply_add: ceilings.flopsPerSecond,
    logic: ceilings.operationsPerSecond,
    popcount: ceilings.popcountsPerSecond,
  };
  return {
    ...{ kernel, size, what, shape, notRun: null, checked, time, cost, bytesPerSecond, operationsPerSecond },
    share: {
      bytes: bytesPerSecond / bytesCeiling(cost, ceilings),
      operations: operationsPerSecond / most[cost.arithmetic],
    },
  };
}

/** Of gathers that of the largest table that is no larger, since a smaller one may lie in a nearer cache. */
function bytesCeiling({ access }: Cost, { bytesPerSecond, gathers }: AllCeilings): number {
  if (access === 'copy') return bytesPerSecond;
  return (gathers.findLast(({ tableBytes }) => tableBytes <= access.tableBytes) ?? gathers[0]!).bytesPerSecond;
}

function unmeasured(kernel: string, { name }: Size, notRun: string): KernelRow {
  return {
    ...{ kernel, size: name, what: '', shape: '', notRun: notRun.replace(/^not run: /, '') },
    ...{ checked: null, time: null, cost: null, bytesPerSecond: null, operationsPerSecond: null, share: null },
  };
}

/**
 * The kernels whose names fit one of the patterns, in the order of the names.
 * @throws UsageError where a pattern fits none
 */
export function selectKernels(known: readonly string[], patterns: readonly string[] | undefined): string[] {
  if (patterns === undefined) return [...known];
  const tests = patterns.map((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    const expression = new RegExp(`^${parts.join('.*')}$`);
    if (!known.some((name) => expression.test(name))) {
      throw new UsageError(`no kernel is named ${pattern || '""'}`, {
        where: '--kernels',
        fix: `name some of shaders/, * standing for anything: ${known[0]}, ${known[0]!.split('/')[0]}/*`,
      });
    }
    return expression;
  });
  return known.filter((name) => tests.some((expression) => expression.test(name)));
}
