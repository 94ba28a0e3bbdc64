import { describe, expect, test, vi } from 'vitest';
import { Gpu } from '../../src/gpu/index.js';
import { loadShaders } from '../../src/gpu/platform.js';
import { runSelfTest, selfTestCases, summarise } from '../../src/selftest/index.js';
import { useGpu } from '../support/gpu.js';

// A driver that compiles every kernel for the first time may take a minute.
vi.setConfig({ testTimeout: 240_000 });

const gpu = useGpu();
const shaders = loadShaders();
const kernels = [...shaders.keys()].filter((name) => !name.startsWith('lib/')).sort();

test('every kernel has a case, and every case a kernel', () => {
  const covered = new Set(selfTestCases().map(({ kernel }) => kernel));
  expect([...covered].sort()).toEqual(kernels);
});

test('cases are the same every time', () => {
  const inputs = () => selfTestCases().map((one) => one.inputs);
  expect(inputs()).toEqual(inputs());
});

test('every kernel agrees with its twin on this device, or says what it lacks', async () => {
  const told: string[] = [];
  const results = await runSelfTest(gpu(), ({ kernel }) => told.push(kernel));
  expect(results.filter(({ ok }) => !ok)).toEqual([]);
  expect(told).toEqual(kernels);
  expect(results.map(({ kernel }) => kernel)).toEqual(kernels);
  for (const { kernel, skipped, message, cases } of results) {
    const runnable =
      !gpu().shaders.get(kernel).enables.includes('subgroups') || (gpu().adapter.subgroupSize?.[0] ?? 0) >= 8;
    expect({ kernel, skipped }).toEqual({ kernel, skipped: !runnable });
    if (runnable) expect(cases).toBeGreaterThan(0);
    else expect(message).toMatch(/^not run: it needs /);
  }
  expect(summarise(results)).toMatch(/^\d+ kernels agree with their CPU twins/);
});

test('what a device lacks is said of each kernel that needs it', async () => {
  using portable = await Gpu.open({ profile: 'portable' });
  const results = await runSelfTest(portable);
  expect(results.filter(({ ok }) => !ok)).toEqual([]);
  const skipped = results.filter((result) => result.skipped);
  expect(skipped.map(({ kernel }) => kernel)).toEqual(
    kernels.filter((name) => gpu().shaders.get(name).enables.includes('subgroups')),
  );
  expect(new Set(skipped.map(({ message }) => message))).toEqual(
    new Set(['not run: it needs subgroups, which this device lacks or was not asked for']),
  );
});

/** The kernels that the self-test finds wrong where these shaders take the place of the package's. */
async function foundWrong(planted: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  using faulty = await Gpu.open({ shaders: planted });
  const cases = selfTestCases().filter(({ kernel }) => planted.has(kernel));
  const results = await runSelfTest(faulty, undefined, cases);
  const judged = results.filter(({ kernel }) => planted.has(kernel));
  expect(summarise(judged)).toMatch(/do not agree/);
  return new Map(judged.filter(({ ok }) => !ok).map(({ kernel, message }) => [kernel, message]));
}

describe('a planted fault is found', () => {
  test('whichever kernel does nothing at all', async () => {
    const idle = new Map(
      kernels.map((name) => [name, shaders.get(name)!.replace(/(fn main\([^{]*\{)/, '$1\n  if (true) { return; }')]),
    );
    using probe = await Gpu.open();
    const runnable = kernels.filter(
      (name) => !probe.shaders.get(name).enables.includes('subgroups') || (probe.adapter.subgroupSize?.[0] ?? 0) >= 8,
    );
    expect([...(await foundWrong(idle)).keys()]).toEqual(runnable);
  });

  test.each([
    ['hash/sign', '>=', '>'],
    ['aggregate/mean_sampled_backward', 'sum += output_gradient[own', 'sum -= output_gradient[own'],
    ['loss/pairs_backward', 'guided_gradient[index] = scale[0] * sum', 'guided_gradient[index] = -scale[0] * sum'],
    ['optim/adam', 'index >= parameters.count', 'index > parameters.count'],
    ['scan/exclusive', 'sums[parameters.count] = sum', 'sums[parameters.count] = sum + 1u'],
    ['sample/negatives', 'PURPOSE_NEGATIVES', 'PURPOSE_SHUFFLE'],
  ])('in %s: %s as %s', async (kernel, right, wrong) => {
    const source = shaders.get(kernel)!;
    expect(source).toContain(right);
    const found = await foundWrong(new Map([[kernel, source.replaceAll(right, wrong)]]));
    expect([...found.keys()]).toEqual([kernel]);
    expect(found.get(kernel)).toMatch(/\[\d+\] is .*, its twin says /);
  });

  test('where a shader does not compile, with its place', async () => {
    const found = await foundWrong(new Map([['hash/sign', shaders.get('hash/sign')!.replace('select(', 'selcet(')]]));
    expect(found.get('hash/sign')).toMatch(/selcet.*\(shaders\/hash\/sign\.wgsl:\d+:\d+\)/);
  });
});

test('once the device has failed nothing is called well any more', async () => {
  using lost = await Gpu.open();
  lost.device.destroy();
  await lost.device.lost;
  const results = await runSelfTest(lost);
  expect(results.every(({ ok }) => !ok)).toBe(true);
  expect(results[5]?.message).toMatch(/^not run: the device failed before/);
});

test('a kernel without a case is not called well in silence', async () => {
  const results = await runSelfTest(gpu(), undefined, []);
  expect(results.every(({ skipped, message }) => skipped && message === 'not run: there is no case for it')).toBe(true);
  expect(summarise(results)).toBe(`0 kernels agree with their CPU twins; ${kernels.length} not run`);
});
