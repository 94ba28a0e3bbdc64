import { createHash } from 'node:crypto';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { makeFolder, readJson, writeJson } from '../base/files.js';
import type { Gpu } from '../gpu/index.js';
import { type Tuning, tune } from '../layers/tuning.js';
import { possibleVariants } from '../layers/variants.js';

/** A tuning, and where it comes from. */
export interface KeptTuning extends Tuning {
  /** Measured now, or taken from the file. */
  readonly source: 'measured' | 'file';
  /** When it was measured. */
  readonly date: string;
  readonly file: string;
  /** Why it could not be kept; it is measured again next time. */
  readonly notKept?: string;
}

const FORMAT = 'hashgnn-tuning';

interface Entry extends Tuning {
  readonly date: string;
  /** Digest of the kernels that were timed. */
  readonly kernels: string;
}

/** `tuning.json` in `HASHGNN_CACHE`, or else in `hashgnn` in the user's cache folder: `XDG_CACHE_HOME`, or `~/.cache`. */
export function tuningFile(): string {
  const { HASHGNN_CACHE, XDG_CACHE_HOME } = process.env;
  return join(HASHGNN_CACHE || join(XDG_CACHE_HOME || join(os.homedir(), '.cache'), 'hashgnn'), 'tuning.json');
}

/**
 * The variants of kernels that this adapter does best with: as they were measured before with the same adapter, driver and
 * kernels, or measured now and kept for the next time. A file that cannot be read or written costs the measuring and
 * nothing else.
 * @param again measures in any case
 * @throws GpuError where the device fails
 */
export async function keptTuning(
  gpu: Gpu,
  { again = false, file = tuningFile() }: { again?: boolean; file?: string } = {},
): Promise<KeptTuning> {
  const name = adapterKey(gpu);
  const kernels = kernelsDigest(gpu);
  const entries = await readEntries(file);
  const entry = entries[name];
  if (!again && isEntry(entry) && entry.kernels === kernels && isPossible(gpu, entry)) {
    const { variants, measured, date } = entry;
    return { variants, measured, date, source: 'file', file };
  }
  const tuning = await tune(gpu);
  const date = new Date().toISOString();
  const kept = { ...tuning, date, source: 'measured' as const, file };
  try {
    await makeFolder(dirname(file));
    const adapters = { ...entries, [name]: { ...tuning, date, kernels } satisfies Entry };
    await writeJson(file, { format: FORMAT, version: 1, adapters });
  } catch (error) {
    return { ...kept, notKept: (error as Error).message };
  }
  return kept;
}

/**
 * Adapter and driver, since the description of a Vulkan adapter holds the driver's name and version; and what the device
 * was opened with, which may be less than the adapter has.
 */
function adapterKey({ adapter: { vendor, architecture, device, description }, features }: Gpu): string {
  return [vendor, architecture, device, description, ...features].join(' | ');
}

/** Of the text of all kernels that were timed, what they import included. */
function kernelsDigest({ shaders }: Gpu): string {
  const hash = createHash('sha256');
  for (const name of shaders.kernels()) {
    if (/^(aggregate|dense)\//.test(name)) hash.update(`${name}\n${shaders.expand(name, name).code}\n`);
  }
  return hash.digest('hex');
}

async function readEntries(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const content = (await readJson(file)) as { format?: unknown; version?: unknown; adapters?: unknown };
    const { format, version, adapters } = content;
    const known = format === FORMAT && version === 1 && typeof adapters === 'object' && adapters !== null;
    return known ? (adapters as Record<string, unknown>) : {};
  } catch {
    // There is none yet, or it is damaged: it will be written anew.
    return {};
  }
}

function isEntry(entry: unknown): entry is Entry {
  const { variants, measured, date, kernels } = (entry ?? {}) as Partial<Entry>;
  const times = (list: unknown) =>
    Array.isArray(list) &&
    list.every((each) => typeof each?.variant === 'string' && typeof each?.milliseconds === 'number');
  return (
    typeof kernels === 'string' &&
    typeof date === 'string' &&
    typeof variants === 'object' &&
    variants !== null &&
    times(measured?.dense) &&
    times(measured?.gather)
  );
}

function isPossible(gpu: Gpu, { variants }: Entry): boolean {
  const possible = possibleVariants(gpu);
  return possible.dense.includes(variants.dense) && possible.gather.includes(variants.gather);
}
