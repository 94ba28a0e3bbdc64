import { type Gpu, GpuError, GpuLostError, type Tensor, type TensorScope } from '../gpu/index.js';
import type { BindingInfo } from '../gpu/shader.js';
import type { Writable } from '../reference/types.js';
import type { Data, KernelCase, Tolerance } from './case.js';
import { selfTestCases } from './cases.js';

/** How one kernel compares with its CPU twin on one adapter. */
export interface SelfTestResult {
  readonly kernel: string;
  /** False only where the kernel was run, or should have run, and is wrong. */
  readonly ok: boolean;
  /** The kernel was not run; `message` says why. */
  readonly skipped: boolean;
  readonly cases: number;
  /** The largest difference of an element from its twin's, over all cases; NaN where something was no number. */
  readonly worstError: number;
  /** Compiling and running all cases, the twins left out. */
  readonly milliseconds: number;
  readonly message: string;
}

const USUAL: Tolerance = { absolute: 1e-6, relative: 1e-5 };
const EXACT: Tolerance = { absolute: 0, relative: 0 };

/**
 * Runs the cases of every kernel that this device knows and judges the results by the kernels' CPU twins.
 *
 * @param onResult told of each kernel as soon as it is judged
 * @param cases instead of `selfTestCases()`
 */
export async function runSelfTest(
  gpu: Gpu,
  onResult: (result: SelfTestResult) => void = () => {},
  cases: readonly KernelCase[] = selfTestCases(),
): Promise<SelfTestResult[]> {
  const results: SelfTestResult[] = [];
  let broken: GpuError | undefined;
  for (const kernel of gpu.shaders.kernels()) {
    const own = cases.filter((candidate) => candidate.kernel === kernel);
    let result = emptyResult(kernel);
    const obstacle = broken
      ? `not run: the device failed before (${broken.message})`
      : own.length === 0
        ? 'not run: there is no case for it'
        : lackOf(gpu, kernel, Math.max(...own.map((one) => one.lanes)));
    if (obstacle !== undefined) {
      // After a failure of the device nothing can be said of the rest, and that is not well.
      result = { ...result, ok: broken === undefined, skipped: true, message: obstacle };
    } else {
      for (const one of own) result = merge(result, await judgeCase(gpu, one));
      broken = failureOf(gpu);
    }
    results.push(result);
    onResult(result);
  }
  return results;
}

/** One line: how many kernels agree with their twins, or which do not. */
export function summarise(results: readonly SelfTestResult[]): string {
  const wrong = results.filter(({ ok }) => !ok);
  const skipped = results.filter(({ ok, skipped }) => ok && skipped).length;
  const agree = results.length - wrong.length - skipped;
  const rest = skipped > 0 ? `; ${skipped} not run` : '';
  if (wrong.length === 0) return `${agree} kernels agree with their CPU twins${rest}`;
  const names = wrong.map(({ kernel }) => kernel).join(', ');
  return `${wrong.length} of ${results.length} kernels do not agree with their CPU twins: ${names}${rest}`;
}

function emptyResult(kernel: string): SelfTestResult {
  return { kernel, ok: true, skipped: false, cases: 0, worstError: 0, milliseconds: 0, message: '' };
}

/** Why the device cannot run a kernel whose subgroups need `lanes` lanes at least; undefined where it can. */
export function lackOf(gpu: Gpu, kernel: string, lanes: number): string | undefined {
  let enables: readonly string[];
  try {
    enables = gpu.shaders.get(kernel).enables;
  } catch {
    return undefined; // Running it tells what is wrong with the shader.
  }
  const missing = enables.find((feature) => feature === 'subgroups' && !gpu.features.has('subgroups'));
  if (missing) return `not run: it needs ${missing}, which this device lacks or was not asked for`;
  const smallest = gpu.adapter.subgroupSize?.[0] ?? 0;
  if (lanes > smallest) return `not run: it needs subgroups of ${lanes} lanes, and here they have ${smallest}`;
  return undefined;
}

function failureOf(gpu: Gpu): GpuError | undefined {
  try {
    gpu.throwIfFailed();
    return undefined;
  } catch (error) {
    return error instanceof GpuError ? error : new GpuLostError(String(error));
  }
}

/** How one case went; `milliseconds` are those of compiling and running, the twin left out. */
export type Verdict = Pick<SelfTestResult, 'ok' | 'worstError' | 'milliseconds' | 'message'>;

function merge(result: SelfTestResult, verdict: Verdict): SelfTestResult {
  return {
    ...result,
    ok: result.ok && verdict.ok,
    cases: result.cases + 1,
    worstError: Math.max(result.worstError, verdict.worstError),
    milliseconds: result.milliseconds + verdict.milliseconds,
    message: result.message || verdict.message,
  };
}

/** Runs one case and judges what it wrote by its twin; errors of any kind are a verdict too. */
export async function judgeCase(gpu: Gpu, one: KernelCase): Promise<Verdict> {
  const scope = gpu.scope();
  const start = performance.now();
  try {
    const written = gpu.shaders
      .get(one.kernel)
      .bindings.filter(({ access, name }) => access === 'read_write' && !one.ignore.includes(name));
    const tensors = tensorsOf(scope, one);
    const program = scope.own(gpu.program(`self-test of ${one.kernel}`));
    program.dispatch<string>(one.kernel, {
      bind: tensors,
      parameters: one.parameters,
      constants: one.constants,
      ...one.size,
    });
    await program.compile();
    program.run();
    const actual = Object.fromEntries(
      await Promise.all(written.map(async ({ name }) => [name, await tensors[name]!.read()] as const)),
    ) as Record<string, Data>;
    const milliseconds = performance.now() - start;
    return { ...judge(one, written, actual), milliseconds };
  } catch (error) {
    const { message, details } = error as GpuError;
    const where = details?.where ? ` (${details.where})` : '';
    return {
      ok: false,
      worstError: Number.NaN,
      milliseconds: performance.now() - start,
      message: `${one.what}: ${message}${where}`,
    };
  } finally {
    scope.destroy();
  }
}

/** Tensors of what each binding of a case holds before. */
export function tensorsOf(scope: TensorScope, { inputs }: KernelCase): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries<Data>(inputs).map(([name, data]) => [name, tensorOf(scope, name, data)] as const),
  );
}

function tensorOf(scope: TensorScope, name: string, data: Data): Tensor {
  const label = `self-test ${name}`;
  if (data instanceof Float32Array) return scope.tensor('f32', [data.length], label, data);
  if (data instanceof Int32Array) return scope.tensor('i32', [data.length], label, data);
  return scope.tensor('u32', [data.length], label, data);
}

function judge(
  one: KernelCase,
  written: readonly BindingInfo[],
  actual: Record<string, Data>,
): Omit<Verdict, 'milliseconds'> {
  const bindings: Record<string, Writable> = Object.fromEntries(
    Object.entries<Data>(one.inputs).map(([name, data]) => [
      name,
      data instanceof Float32Array ? Float64Array.from(data) : data.slice(),
    ]),
  );
  one.twin(bindings, one.parameters, one.constants);
  one.canonical(bindings);
  one.canonical(actual);
  let worstError = 0;
  let message = '';
  for (const { name, element } of written) {
    const tolerance = element === 'f32' ? (one.tolerance[name] ?? USUAL) : EXACT;
    const [found, expected] = [actual[name]!, bindings[name]!];
    for (let index = 0; index < expected.length; index += 1) {
      const error = Math.abs(found[index]! - expected[index]!);
      // NaN stays once it is there.
      worstError = Math.max(worstError, error);
      if (!message && !(error <= tolerance.absolute + tolerance.relative * Math.abs(expected[index]!))) {
        message = `${one.what}: ${name}[${index}] is ${found[index]}, its twin says ${expected[index]}`;
      }
    }
  }
  return { ok: message === '', worstError, message };
}
