/**
 * What `hashgnn doctor` asks of the GPU, run as a process of its own: a driver can write to standard error or end the
 * process, and listing adapters spends the one instance that a process has. Prints lines of JSON (`ProbeLine`).
 *
 *     node probe.js list
 *     node probe.js test [adapter]
 */
import { HashgnnError } from '../base/errors.js';
import { type AdapterDescription, type AdapterName, Gpu, listAdapters } from '../gpu/index.js';
import { runSelfTest, type SelfTestResult } from '../selftest/index.js';

/** The limits that matter to this library, all numbers. */
export const LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** An open device as doctor describes it. */
export interface DeviceReport extends AdapterDescription {
  readonly name: string;
  readonly limits: Readonly<Record<(typeof LIMITS)[number], number>>;
  /** Features that the library asked for and got. */
  readonly features: readonly string[];
  readonly adapterFeatures: readonly string[];
}

export type ProbeLine =
  | { readonly adapters: readonly AdapterName[] }
  | { readonly device: DeviceReport }
  | { readonly result: SelfTestResult }
  | { readonly error: { readonly message: string; readonly where?: string; readonly fix?: string } };

function print(line: ProbeLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function test(adapter: string | undefined): Promise<void> {
  using gpu = await Gpu.open({ ...(adapter !== undefined && { adapter }) });
  const limits = Object.fromEntries(LIMITS.map((limit) => [limit, gpu.limits[limit]])) as DeviceReport['limits'];
  const { name, adapter: description, features, adapterFeatures } = gpu;
  print({ device: { ...description, name, limits, features: [...features], adapterFeatures } });
  await runSelfTest(gpu, (result) => print({ result }));
}

const [, , task, adapter] = process.argv;
try {
  if (task === 'list') print({ adapters: await listAdapters() });
  else await test(adapter);
} catch (error) {
  const { where, fix } = error instanceof HashgnnError ? error.details : {};
  const message = error instanceof Error ? error.message : String(error);
  print({ error: { message, ...(where !== undefined && { where }), ...(fix !== undefined && { fix }) } });
}
