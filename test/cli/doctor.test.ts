import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  adviseOn,
  type DoctorReport,
  describeReport,
  explainChoice,
  explainNoAdapter,
  type Machine,
} from '../../src/cli/commands/doctor.js';
import type { SelfTestResult } from '../../src/selftest/index.js';

const ROOT = resolve(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'hashgnn-doctor-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** `hashgnn doctor` as a person runs it. */
function doctor(args: string[], env: NodeJS.ProcessEnv = {}): Promise<{ status: number; out: string; err: string }> {
  return new Promise((done) => {
    const command = [join(ROOT, 'bin', 'hashgnn.js'), 'doctor', ...args];
    execFile(process.execPath, command, { cwd: scratch, env: { ...process.env, ...env } }, (error, out, err) => {
      done({ status: error ? Number(error.code) : 0, out, err });
    });
  });
}

const STACK = /\n\s+at .*[(/]/;
const kernels = readdirSync(join(ROOT, 'shaders'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.wgsl') && !file.startsWith('lib'))
  .map((file) => file.slice(0, -'.wgsl'.length).replaceAll('\\', '/'))
  .sort();

// A driver that compiles every kernel for the first time may take a minute.
describe('on this machine', { timeout: 240_000 }, () => {
  let listing: ReturnType<typeof doctor>;
  beforeAll(() => {
    listing = doctor(['--json']);
  });

  test('one JSON object tells the adapter, its limits and features, and every kernel’s verdict', async () => {
    const { status, out } = await listing;
    const report = JSON.parse(out) as DoctorReport;
    expect(report.adapters.length).toBeGreaterThan(0);
    expect(report.adapter?.name).not.toBe('');
    expect(report.adapter?.why).not.toBe('');
    expect(report.adapter?.limits.maxStorageBuffersPerShaderStage).toBeGreaterThanOrEqual(8);
    expect(report.features.map(({ name }) => name)).toEqual(['subgroups', 'timestamp-query', 'shader-f16']);
    expect(report.versions).toMatchObject({ node: process.versions.node, webgpu: expect.stringMatching(/^\d/) });
    expect(report.selfTest?.kernels.map(({ kernel }) => kernel)).toEqual(kernels);
    expect(report.selfTest?.kernels.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(status).toBe(0);
  });

  test('people read the same on standard error, without drivers’ chatter, of an adapter named in part', async () => {
    const [adapter] = JSON.parse((await listing).out).adapters as DoctorReport['adapters'];
    const part = adapter!.name.slice(0, 5);
    const { out, err } = await doctor(['--adapter', part]);
    expect(out).toBe('');
    for (const title of ['Versions', 'Adapters', 'In use', 'Limits', 'Features', 'Memory', 'Self-test']) {
      expect(err).toMatch(new RegExp(`^${title}$`, 'm'));
    }
    expect(err).toContain(`it was asked for by --adapter ${part}`);
    for (const kernel of kernels) expect(err).toContain(kernel);
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/kernels (agree|do not agree) with their CPU twins/);
    expect(err).not.toMatch(/artificially reduced|XDG_RUNTIME_DIR/);
  });

  test('an adapter that does not exist is told with those that there are', async () => {
    const { status, err } = await doctor(['--adapter', 'no such adapter']);
    expect(status).toBe(1);
    expect(err).toMatch(
      /there is no adapter named no such adapter\n\s+to mend it: name one of those that there are: \S/,
    );
    expect(err).not.toMatch(STACK);
  });
});

describe('without an adapter', () => {
  test('it says what was seen and how to mend it, ends with 1 and shows no stack', async () => {
    const nothing = join(scratch, 'no-driver.json');
    const { status, out, err } = await doctor([], { VK_DRIVER_FILES: nothing });
    expect(status).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(/VK_DRIVER_FILES names the driver to use \(.*no-driver\.json\), and it gives no adapter/);
    expect(err).toMatch(/to mend it: unset or mend VK_DRIVER_FILES/);
    expect(err.trimEnd().split('\n').at(-1)).toBe('no adapter could be opened: nothing can run');
    expect(err).not.toMatch(STACK);
  });

  test('--json is one object all the same', async () => {
    const { status, out } = await doctor(['--json'], { VK_DRIVER_FILES: join(scratch, 'no-driver.json') });
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false, adapter: null, selfTest: null });
    expect(JSON.parse(out).advice[0].fix).toMatch(/VK_DRIVER_FILES/);
  });

  test('a driver that is no driver is no reason for a stack either', async () => {
    const manifest = join(scratch, 'broken.json');
    writeFileSync(
      manifest,
      '{ "file_format_version": "1.0.0", "ICD": { "library_path": "/dev/null", "api_version": "1.3.0" } }',
    );
    const { status, err } = await doctor([], { VK_DRIVER_FILES: manifest });
    expect(status).toBe(1);
    expect(err).toMatch(/to mend it: /);
    expect(err).not.toMatch(STACK);
  });
});

const machine: Machine = { platform: 'linux', variables: {}, manifests: [], devices: [] };
const refusal = 'Vulkan shaderUniform*ArrayDynamicIndexing required.';

describe('the reason why there is none', () => {
  test.each([
    [
      'a driver that Dawn refuses',
      { manifests: ['/usr/share/vulkan/icd.d/lvp_icd.json'] },
      [refusal],
      /refuses it as too old/,
      /Mesa 25/,
    ],
    ['a refused driver that was chosen', { variables: { VK_DRIVER_FILES: 'a.json' } }, [refusal], /refuses/, /newer/],
    ['a chosen driver', { variables: { VK_ICD_FILENAMES: 'a.json' } }, [], /VK_ICD_FILENAMES .*a\.json/, /unset/],
    ['no driver', {}, [], /no Vulkan driver is installed/, /npm run setup/],
    ['drivers for other hardware', { manifests: ['/i/intel.json'] }, [], /\/i\/intel\.json/, /npm run setup/],
    ['another system', { platform: 'darwin' }, [], /no WebGPU adapter/, /graphics driver/],
  ])('%s', (_, changes, messages, what, fix) => {
    const advice = explainNoAdapter({ ...machine, ...changes } as Machine, messages);
    expect(advice.what).toMatch(what);
    expect(advice.fix).toMatch(fix);
  });
});

const agreeing: SelfTestResult = {
  kernel: 'hash/sign',
  ok: true,
  skipped: false,
  cases: 1,
  worstError: 0,
  milliseconds: 2,
  message: '',
};
const device = {
  vendor: 'mesa',
  architecture: 'software',
  device: 'llvmpipe',
  description: 'Mesa 25',
  name: 'llvmpipe',
  software: true,
  subgroupSize: [8, 8] as const,
  limits: {
    maxStorageBufferBindingSize: 2 ** 27,
    maxBufferSize: 2 ** 28,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeWorkgroupsPerDimension: 65535,
  },
  features: [],
  adapterFeatures: [],
};

describe('what would be better', () => {
  const what = (...args: Parameters<typeof adviseOn>) =>
    adviseOn(...args).map((advice) => `${advice.what} ${advice.fix}`);

  test('a software driver is called one, and an idle GPU beside it is named', () => {
    expect(what(device, machine, [agreeing]).join()).toMatch(/software driver.*no GPU was found/);
    expect(what(device, { ...machine, devices: ['/dev/nvidia0'] }, [agreeing]).join()).toMatch(
      /\/dev\/nvidia0.*Vulkan driver/,
    );
    expect(what({ ...device, name: 'SwiftShader Device' }, machine, []).join()).toMatch(/lavapipe/);
  });

  test('on hardware that computes right there is nothing', () => {
    expect(what({ ...device, software: false }, machine, [agreeing])).toEqual([]);
  });

  test('a kernel that differs comes first', () => {
    expect(what(device, machine, [{ ...agreeing, ok: false }])[0]).toMatch(/cannot be trusted: hash\/sign/);
  });
});

test('the choice of an adapter is explained', () => {
  const two = [
    { name: 'a', backend: 'vulkan' },
    { name: 'b', backend: 'vulkan' },
  ];
  expect(explainChoice({ software: true }, two.slice(1), undefined)).toMatch(/only one/);
  expect(explainChoice({ software: true }, two, undefined)).toMatch(/no hardware adapter/);
  expect(explainChoice({ software: false }, two, undefined)).toMatch(/hardware comes before software/);
  expect(explainChoice({ software: false }, two, 'b')).toMatch(/--adapter b/);
});

test('a kernel that differs, or was not run, is shown with its reason', () => {
  const report: DoctorReport = {
    ok: false,
    versions: { node: '20.19.0' },
    adapters: [{ name: 'llvmpipe', backend: 'vulkan' }],
    adapter: { ...device, why: 'it is the only one' },
    features: [],
    memory: [],
    advice: [],
    driverMessages: [],
    selfTest: {
      summary: '1 of 3 kernels do not agree',
      kernels: [
        agreeing,
        { ...agreeing, kernel: 'hash/pack', ok: false, worstError: 1, message: 'codes[3] is 1, its twin says 2' },
        {
          ...agreeing,
          kernel: 'dense/forward.subgroups',
          skipped: true,
          cases: 0,
          message: 'not run: it needs subgroups',
        },
      ],
    },
  };
  const text = describeReport(report);
  expect(text).toMatch(/hash\/sign +agrees/);
  expect(text).toMatch(/hash\/pack +DIFFERS/);
  expect(text).toMatch(/hash\/pack: codes\[3\] is 1, its twin says 2/);
  expect(text).toMatch(/dense\/forward\.subgroups +not run/);
  expect(text).toMatch(/dense\/forward\.subgroups: not run: it needs subgroups/);
  expect(text).toMatch(/→ llvmpipe/);
  expect(text.split('\n').at(-1)).toBe('1 of 3 kernels do not agree');
});
