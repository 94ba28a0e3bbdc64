/**
 * The one file of the GPU rooms that knows Node: where WebGPU comes from and where the shaders lie. In a browser the
 * same three functions would return `navigator.gpu`, the browser's own constants and fetched text.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GpuUnavailableError } from './errors.js';

let instance: GPU | undefined;
let chosen: string | undefined;
let users = 0;

/**
 * The process's WebGPU entry point. It is created once and shared; the caller keeps the result for as long as any of
 * its devices lives (a collected instance takes the process down) and calls `releaseWebgpu` after destroying them.
 *
 * @param adapterName as printed by `hashgnn doctor`
 * @throws GpuUnavailableError where the process already uses an adapter that was chosen otherwise
 */
export async function acquireWebgpu(adapterName?: string): Promise<GPU> {
  if (!instance) {
    const { create, globals } = await loadModule();
    Object.assign(globalThis, globals);
    const options = [
      // Without these, Dawn rounds timestamps to 100 µs, too coarse for kernels.
      'enable-dawn-features=allow_unsafe_apis',
      'disable-dawn-features=timestamp_quantization',
    ];
    if (adapterName) options.push(`adapter=${adapterName}`);
    instance = create(options);
    chosen = adapterName;
  } else if (adapterName !== undefined && adapterName !== chosen) {
    throw new GpuUnavailableError(`this process already uses ${chosen ?? 'another adapter'} and not ${adapterName}`, {
      fix: 'close all devices first, or use another process',
    });
  }
  users += 1;
  return instance;
}

/** Gives back what `acquireWebgpu` lent; after the last one the process can exit by itself. */
export function releaseWebgpu(): void {
  users -= 1;
  if (users === 0) instance = undefined;
}

/** What `patiently` naps on: nobody ever wakes it. */
const pillow = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;
let waitingSince = 0;
let napping = false;

/**
 * Waits for a promise of WebGPU without taking a core away from the work. While one is pending, Dawn's binding asks at
 * every turn of the event loop whether it is settled: a busy loop, which on a software driver costs half of a small
 * machine. Here each turn ends with a nap, an eighth of the time waited so far, but from a tenth of a millisecond to one:
 * short waits stay short, and long ones cost nothing. Other callbacks are delayed by a nap at the most.
 */
export async function patiently<T>(promise: Promise<T>): Promise<T> {
  waiting += 1;
  waitingSince = performance.now();
  // One loop of naps serves all who wait; it may still be turning from the wait before.
  if (!napping) setImmediate(nap);
  napping = true;
  try {
    return await promise;
  } finally {
    waiting -= 1;
  }
}

function nap(): void {
  napping = waiting > 0;
  if (!napping) return;
  Atomics.wait(pillow, 0, 0, Math.min(1, Math.max(0.1, (performance.now() - waitingSince) / 8)));
  setImmediate(nap);
}

/** An adapter that Dawn sees; its name, or a part of it, can be asked for with `GpuOptions.adapter`. */
export interface AdapterName {
  readonly name: string;
  readonly backend: string;
}

/** All adapters that Dawn sees. Reading them spends the process's one instance: use a child process. */
export async function listAdapters(): Promise<AdapterName[]> {
  const { create } = await loadModule();
  try {
    // There is no such adapter, and the error names those that there are.
    await create(['adapter=__list__']).requestAdapter();
  } catch (error) {
    return [...String(error).matchAll(/\* backend: '([^']*)', name: '([^']*)'/g)].map((match) => ({
      name: match[2]!,
      backend: match[1]!,
    }));
  }
  return [];
}

async function loadModule(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new GpuUnavailableError(`the WebGPU binding could not be loaded: ${reason}`, {
      fix: /GLIBC/.test(String(reason))
        ? 'this system’s C library is older than the binding needs: use Debian 12, Ubuntu 22.04 or newer'
        : 'run npm ci, on Linux, macOS or Windows with an x64 or arm64 processor',
      cause: error,
    });
  }
}

/** All WGSL below `shaders/`, by path without the ending: `dense/forward`, `lib/grid`, … */
export function loadShaders(): Map<string, string> {
  const root = shaderFolder();
  const shaders = new Map<string, string>();
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.wgsl')) continue;
    shaders.set(entry.slice(0, -'.wgsl'.length).replaceAll('\\', '/'), readFileSync(join(root, entry), 'utf8'));
  }
  return shaders;
}

function shaderFolder(): string {
  // The sources run from src/gpu, the build from dist/src/gpu: both lie below the package's root.
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'shaders', 'lib'))) return join(folder, 'shaders');
    if (folder === dirname(folder)) {
      throw new GpuUnavailableError('the folder shaders/ is missing from the package', {
        fix: 'install hashgnn again',
      });
    }
  }
}
