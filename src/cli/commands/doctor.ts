/** `hashgnn doctor`: what GPU there is, what it can do, whether the kernels are right on it, and what would be better. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { HashgnnError } from '../../base/errors.js';
import type { AdapterName } from '../../gpu/index.js';
import { type SelfTestResult, summarise } from '../../selftest/index.js';
import { packageVersion } from '../main.js';
import {
  formatBytes,
  formatCount,
  formatSeconds,
  Output,
  type OutputOptions,
  outputOptions,
  table,
} from '../output.js';
import type { DeviceReport, ProbeLine } from '../probe.js';
import { Reported } from '../reported.js';

interface Options extends OutputOptions {
  readonly adapter?: string;
}

/** What can be known of the machine without its GPU. */
export interface Machine {
  readonly platform: string;
  /** Variables that choose or shape a Vulkan driver. */
  readonly variables: Readonly<Record<string, string>>;
  /** Installed Vulkan drivers, by the names of their manifests. */
  readonly manifests: readonly string[];
  /** Device files of GPUs. */
  readonly devices: readonly string[];
}

/** A finding and what can be done about it. */
export interface Advice {
  readonly what: string;
  readonly fix?: string;
}

/** Everything that doctor knows; the object of `--json`. */
export interface DoctorReport {
  readonly ok: boolean;
  readonly versions: Readonly<Record<string, string>>;
  readonly adapters: readonly AdapterName[];
  /** The adapter in use and why it is that one. */
  readonly adapter: (DeviceReport & { readonly why: string }) | null;
  readonly features: readonly { name: string; present: boolean; used: boolean; brings: string }[];
  readonly memory: readonly string[];
  readonly advice: readonly Advice[];
  readonly driverMessages: readonly string[];
  readonly selfTest: { readonly summary: string; readonly kernels: readonly SelfTestResult[] } | null;
}

/** Optional features: what each would bring. */
const FEATURES = {
  subgroups: 'the variants of the dense layers that hand values round inside a subgroup',
  'timestamp-query': 'the GPU’s own clock in profiles of single kernels (hardware only)',
  'shader-f16': 'nothing yet: all arithmetic is in float32',
} as const;

/** WebGPU's default limits, which every adapter has, and what each limits here. */
const LIMITS: Readonly<Record<keyof DeviceReport['limits'], readonly [number, string]>> = {
  maxStorageBufferBindingSize: [128 * 2 ** 20, 'bytes of one tensor: embeddings, codes, edges'],
  maxBufferSize: [256 * 2 ** 20, 'bytes of one buffer'],
  maxStorageBuffersPerShaderStage: [8, 'tensors of one kernel; no kernel needs more than 8'],
  maxComputeInvocationsPerWorkgroup: [256, 'invocations of a workgroup; no kernel needs more than 256'],
  maxComputeWorkgroupStorageSize: [16384, 'bytes shared in a workgroup; no kernel needs more than 16 KiB'],
  maxComputeWorkgroupsPerDimension: [65535, 'workgroups along one dimension; larger grids are folded'],
};

/** What drivers say whenever they are looked at, and where Dawn was when it said something. */
const CHATTER =
  /artificially reduced|XDG_RUNTIME_DIR|not a conformant vulkan|^MESA(-\w+)?: (info|warning|debug)|^\s*at /i;

const DRIVER_FIX =
  'install a Vulkan driver: `npm run setup` in a clone finds out which and installs a software driver where it may';

export function register(program: Command): void {
  const command = program
    .command('doctor')
    .description('show the GPU adapters and what they can do, and test every kernel on the one in use')
    .option('--adapter <name>', 'GPU to test, by its name or a part of it');
  outputOptions(command).action(async (options: Options) => {
    const output = new Output(options);
    const report = await examine(options.adapter, (text) => output.say(text));
    output.result(report, describeReport(report));
    if (!report.ok) throw new Reported(1);
  });
}

/** Looks at the machine and its GPU, and runs the self-test. */
async function examine(wanted: string | undefined, say: (text: string) => void): Promise<DoctorReport> {
  const machine = readMachine();
  const listing = await probe(['list'], () => {});
  const adapters = listing.lines.flatMap((line) => ('adapters' in line ? line.adapters : []));
  const kernels: SelfTestResult[] = [];
  let device: DeviceReport | undefined;
  let failure: Advice | undefined;
  const test = await probe(['test', ...(wanted === undefined ? [] : [wanted])], (line) => {
    if ('device' in line) {
      device = line.device;
      say(`testing every kernel on ${device.name}; the first time its driver compiles them all, which takes a while …`);
    } else if ('result' in line) {
      kernels.push(line.result);
    } else if ('error' in line) {
      const { message, where, fix } = line.error;
      failure = { what: where ? `${message} (${where})` : message, ...(fix !== undefined && { fix }) };
    }
  });
  const driverMessages = [...new Set([...listing.messages, ...test.messages])];
  const died = test.ending ?? (device ? undefined : listing.ending);
  if (died !== undefined) {
    const last = kernels.at(-1)?.kernel;
    const when = !device
      ? 'while an adapter was looked for'
      : `in the self-test, after ${last ?? 'the device was opened'}`;
    failure = {
      what: `the GPU driver or the GPU add-on ended its process ${when}: ${died}`,
      fix: 'update the driver, or choose another adapter or driver (--adapter, VK_DRIVER_FILES)',
    };
  }
  if (!device && died === undefined) failure = explainFailure(failure, machine, adapters, driverMessages);
  const selfTest = device ? { summary: summarise(kernels), kernels } : null;
  return {
    ok: device !== undefined && failure === undefined && kernels.every(({ ok }) => ok),
    versions: versions(),
    adapters,
    adapter: device ? { ...device, why: explainChoice(device, adapters, wanted) } : null,
    features: device ? describeFeatures(device) : [],
    memory: device ? describeMemory(device) : [],
    advice: [...(failure ? [failure] : []), ...(device ? adviseOn(device, machine, kernels) : [])],
    driverMessages,
    selfTest,
  };
}

/** What to say where no device could be opened: the error itself, unless something better is known. */
function explainFailure(
  failure: Advice | undefined,
  machine: Machine,
  adapters: readonly AdapterName[],
  messages: readonly string[],
): Advice {
  if (!failure || /^(no WebGPU adapter|there is no adapter)/.test(failure.what)) {
    if (adapters.length === 0) return explainNoAdapter(machine, messages);
    const what = failure?.what.replace(/ \(.*/s, '') ?? 'no adapter was opened';
    return { what, fix: `name one of those that there are: ${adapters.map(({ name }) => name).join('; ')}` };
  }
  return failure;
}

// ------------------------------------------------------------------------------------------------- processes of its own

interface Probed {
  readonly lines: readonly ProbeLine[];
  /** What the driver wrote, its usual chatter left out. */
  readonly messages: readonly string[];
  /** How the process ended, where it did not end well. */
  readonly ending: string | undefined;
}

function probe(args: readonly string[], onLine: (line: ProbeLine) => void): Promise<Probed> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [probeFile(), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const lines: ProbeLine[] = [];
    const messages: string[] = [];
    createInterface(child.stdout).on('line', (text) => {
      try {
        const line = JSON.parse(text) as ProbeLine;
        lines.push(line);
        onLine(line);
      } catch {
        messages.push(text); // Something that a driver printed.
      }
    });
    createInterface(child.stderr).on('line', (text) => {
      if (text.trim() && !CHATTER.test(text)) messages.push(text.replace(/^Warning: /, ''));
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ lines, messages, ending: signal ?? (code === 0 ? undefined : `status ${code}`) });
    });
  });
}

/** The compiled probe: beside the compiled commands, or below dist/ where the sources run. */
function probeFile(): string {
  const here = dirname(dirname(fileURLToPath(import.meta.url)));
  const file = [join(here, 'probe.js'), join(dirname(dirname(here)), 'dist', 'src', 'cli', 'probe.js')].find(
    existsSync,
  );
  if (!file) throw new HashgnnError('hashgnn is not built', { where: here, fix: 'run `npm run setup` in the clone' });
  return file;
}

// ---------------------------------------------------------------------------------------------------------- the machine

function readMachine(): Machine {
  const list = (folder: string, pattern: RegExp) => {
    try {
      return readdirSync(folder)
        .filter((name) => pattern.test(name))
        .map((name) => join(folder, name));
    } catch {
      return [];
    }
  };
  const data = process.env.XDG_DATA_HOME ?? join(os.homedir(), '.local', 'share');
  const folders = ['/etc', '/usr/share', '/usr/local/share', data].map((folder) => join(folder, 'vulkan', 'icd.d'));
  return {
    platform: process.platform,
    variables: Object.fromEntries(
      Object.entries(process.env).filter((entry): entry is [string, string] =>
        /^(VK_(DRIVER|ICD)_|LP_)/.test(entry[0]),
      ),
    ),
    manifests: folders.flatMap((folder) => list(folder, /\.json$/)),
    devices: [...list('/dev/dri', /^renderD/), ...list('/dev', /^nvidia\d+$/)],
  };
}

/** What runs here: this package, its WebGPU, Node and the machine. */
export function versions(): Record<string, string> {
  let webgpu = 'unknown';
  try {
    const main = createRequire(import.meta.url).resolve('webgpu');
    webgpu = (JSON.parse(readFileSync(join(dirname(main), 'package.json'), 'utf8')) as { version: string }).version;
  } catch {
    // Not installed, which the probe tells.
  }
  const processor = os.cpus()[0]?.model.trim() || 'unknown processor';
  return {
    hashgnn: packageVersion(),
    node: process.versions.node,
    webgpu,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    processors: `${os.availableParallelism()} × ${processor}`,
    memory: `${formatBytes(os.totalmem())}, ${formatBytes(os.freemem())} free`,
  };
}

// ------------------------------------------------------------------------------------------------------------- judgement

/** Why there is no adapter, from what the driver said and what is installed. */
export function explainNoAdapter(machine: Machine, messages: readonly string[]): Advice {
  const chosen = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].find((name) => machine.variables[name] !== undefined);
  const refusal = messages.find((text) => /Vulkan \S+ required|shaderUniform\w*ArrayDynamicIndexing/i.test(text));
  if (refusal) {
    return {
      what: `a Vulkan driver is installed, but Dawn refuses it as too old or too small: ${refusal.trim()}`,
      fix: 'install a newer driver; Mesa 25 is new enough, which on Debian 12 comes from backports: `npm run setup` does it',
    };
  }
  if (chosen) {
    return {
      what: `${chosen} names the driver to use (${machine.variables[chosen]}), and it gives no adapter`,
      fix: `unset or mend ${chosen}`,
    };
  }
  if (machine.platform !== 'linux') {
    return { what: 'no WebGPU adapter was found', fix: 'update the graphics driver of this system' };
  }
  if (machine.manifests.length === 0) return { what: 'no Vulkan driver is installed', fix: DRIVER_FIX };
  return {
    what: `Vulkan drivers are installed (${machine.manifests.join(', ')}), but none of them gives an adapter`,
    fix: `install libvulkan1 if it is missing, or another driver: ${DRIVER_FIX}`,
  };
}

/** Why this adapter and no other. */
export function explainChoice(
  device: Pick<DeviceReport, 'software'>,
  adapters: readonly AdapterName[],
  wanted: string | undefined,
): string {
  if (wanted !== undefined) return `it was asked for by --adapter ${wanted}`;
  if (adapters.length < 2) return 'it is the only one';
  return device.software ? 'no hardware adapter is among them' : 'hardware comes before software, the fastest first';
}

/** What would be better on this machine. */
export function adviseOn(device: DeviceReport, machine: Machine, kernels: readonly SelfTestResult[]): Advice[] {
  const advice: Advice[] = [];
  const wrong = kernels.filter(({ ok }) => !ok).map(({ kernel }) => kernel);
  if (wrong.length > 0) {
    advice.push({
      what: `results on this adapter cannot be trusted: ${wrong.join(', ')}`,
      fix: 'update the driver or choose another adapter; if it stays so, report it with the output of `hashgnn doctor --json`',
    });
  }
  if (device.software) {
    advice.push({
      what: 'this is a software driver: shaders run on the processor, and a GPU would be many times faster',
      fix:
        machine.devices.length > 0
          ? `there is a GPU (${machine.devices.join(', ')}): install its Vulkan driver, from its maker or Mesa`
          : 'no GPU was found on this machine; use one that has a GPU and its Vulkan driver for large data',
    });
    if (/swiftshader/i.test(`${device.name} ${device.device}`)) {
      advice.push({
        what: 'SwiftShader is much slower at compute than Mesa’s lavapipe',
        fix: 'unset VK_DRIVER_FILES and VK_ICD_FILENAMES, or run `npm run setup` to install lavapipe',
      });
    }
  }
  return advice;
}

function describeFeatures(device: DeviceReport): DoctorReport['features'] {
  return Object.entries(FEATURES).map(([name, brings]) => ({
    name,
    present: device.adapterFeatures.includes(name),
    used: device.features.includes(name),
    brings,
  }));
}

function describeMemory(device: DeviceReport): string[] {
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  const rows = Math.floor(limit / (32 * 4));
  return [
    `one tensor holds ${formatBytes(limit)} at most: embeddings of 32 dimensions for ${formatCount(rows)} users and items`,
    device.software
      ? `tensors lie in the machine’s own memory, of which ${formatBytes(os.freemem())} are free`
      : 'WebGPU does not tell how much memory the GPU has; an allocation that fails is reported as such',
  ];
}

// -------------------------------------------------------------------------------------------------------------- printing

/** The report as a person reads it. */
export function describeReport(report: DoctorReport): string {
  const { adapter, selfTest } = report;
  const parts = [
    section(
      'Versions',
      table([['', ''], ...Object.entries(report.versions)])
        .split('\n')
        .slice(2),
    ),
    section(
      'Adapters',
      report.adapters.length > 0
        ? report.adapters.map(({ name, backend }) => `${isSame(name, adapter) ? '→' : ' '} ${name}  (${backend})`)
        : ['none'],
    ),
  ];
  if (adapter) {
    const subgroup = adapter.subgroupSize
      ? `subgroups of ${[...new Set(adapter.subgroupSize)].join(' to ')} lanes`
      : '';
    parts.push(
      section('In use', [
        `${adapter.name}: ${adapter.why}`,
        [adapter.software ? 'software driver' : 'hardware', adapter.vendor, adapter.architecture, subgroup]
          .filter((part) => part && part !== 'software')
          .join(', '),
      ]),
      section('Limits', tableLines(['limit', 'here', 'default', 'what it limits'], limitRows(adapter))),
      section(
        'Features',
        tableLines(
          ['feature', 'adapter', 'used', 'what it brings'],
          report.features.map(({ name, present, used, brings }) => [
            name,
            present ? 'has it' : 'lacks it',
            used ? 'yes' : 'no',
            brings,
          ]),
        ),
      ),
      section('Memory', report.memory),
    );
  }
  if (!adapter && report.driverMessages.length > 0) parts.push(section('What the drivers said', report.driverMessages));
  if (selfTest) {
    const rows = selfTest.kernels.map(({ kernel, ok, skipped, cases, worstError, milliseconds }) => [
      kernel,
      skipped ? 'not run' : ok ? 'agrees' : 'DIFFERS',
      cases || '',
      skipped ? '' : formatError(worstError),
      skipped ? '' : formatSeconds(milliseconds / 1000),
    ]);
    const header = ['kernel', 'with its twin', 'cases', 'worst error', 'time'];
    const notes = selfTest.kernels
      .filter(({ message }) => message)
      .map(({ kernel, message }) => `${kernel}: ${message}`);
    parts.push(
      section('Self-test', [
        ...tableLines(header, rows, ['left', 'left', 'right', 'right', 'right']),
        ...(notes.length > 0 ? ['', ...notes] : []),
      ]),
    );
  }
  if (report.advice.length > 0) {
    parts.push(
      section(
        report.ok ? 'What would be better' : 'What is wrong, and what would be better',
        report.advice.flatMap(({ what, fix }) => [what, ...(fix ? [`  to mend it: ${fix}`] : [])]),
      ),
    );
  }
  parts.push(selfTest ? selfTest.summary : 'no adapter could be opened: nothing can run');
  return parts.join('\n\n');
}

const section = (title: string, lines: readonly string[]) =>
  [title, ...lines.map((line) => `  ${line}`.trimEnd())].join('\n');

const tableLines = (header: readonly string[], rows: readonly (readonly unknown[])[], align?: ('left' | 'right')[]) =>
  table([header, ...rows], align && { align }).split('\n');

/** The list and the device write the same name in different ways. */
function isSame(name: string, adapter: DeviceReport | null): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return adapter !== null && plain(name) === plain(adapter.device);
}

function limitRows({ limits }: DeviceReport): string[][] {
  return Object.entries(LIMITS).map(([name, [standard, what]]) => {
    const show = /^bytes/.test(what) ? formatBytes : formatCount;
    return [name, show(limits[name as keyof typeof limits]), show(standard), what];
  });
}

function formatError(error: number | null): string {
  if (error === null || Number.isNaN(error)) return '–';
  return error === 0 ? '0' : error.toExponential(1);
}
