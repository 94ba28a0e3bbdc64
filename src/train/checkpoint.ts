import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { readBytes, writeFileAtomic } from '../base/files.js';
import type { Variants } from '../layers/variants.js';
import { resolveOptions, type TrainOptions } from './options.js';
import { decodeSafeTensors, encodeSafeTensors, type SafeTensor } from './safetensors.js';
import type { ValidationRecord } from './trainer.js';

/** A training between two steps, whole: what is needed to go on to the same bytes as without a break. */
export interface Checkpoint {
  readonly step: number;
  /** Of training, before. */
  readonly seconds: number;
  readonly best: ValidationRecord | undefined;
  readonly options: TrainOptions;
  /** Of kernels. */
  readonly variants: Variants;
  /** Fingerprint of the dataset. */
  readonly data: string;
  /** SHA-256 of `metrics.jsonl` at this step. */
  readonly metrics: string;
  /** Parameters, Adam's moments, the best parameters, the losses; see `Trainer.state`. */
  readonly tensors: ReadonlyMap<string, SafeTensor>;
}

/** Another version of hashgnn has written the file: it is not damaged, and nothing else in the folder will do. */
class OtherVersionError extends InputError {}

/** The newest checkpoint in a run folder, and the one before it. */
export const CHECKPOINT = 'checkpoint.safetensors';
export const PREVIOUS_CHECKPOINT = 'checkpoint.previous.safetensors';

const FORMAT = 'hashgnn-checkpoint';
/** 2: with a checksum. */
const VERSION = 2;
/** Stands in the place of the checksum while the file is summed up. */
const NO_SUM = '0'.repeat(64);
/** `update` takes less than 2 GiB. */
const PIECE = 2 ** 30;

/**
 * A checkpoint as a .safetensors file. Everything but the tensors is text in its metadata; `sha256` there is the SHA-256 of
 * the whole file with zeros in its own place.
 */
export function encodeCheckpoint({ tensors, ...rest }: Checkpoint): Uint8Array<ArrayBuffer> {
  const metadata = {
    format: FORMAT,
    version: String(VERSION),
    sha256: NO_SUM,
    step: String(rest.step),
    seconds: String(rest.seconds),
    best: JSON.stringify(rest.best ?? null),
    options: JSON.stringify(rest.options),
    variants: JSON.stringify(rest.variants),
    data: rest.data,
    metrics: rest.metrics,
  };
  const bytes = encodeSafeTensors({ tensors, metadata });
  const place = placeOf(bytes, NO_SUM);
  bytes.set(new TextEncoder().encode(sumOf(bytes, place)), place);
  return bytes;
}

/**
 * @param where the file, for errors
 * @throws InputError where the file is damaged anywhere, is no checkpoint or of a newer version
 */
export function decodeCheckpoint(bytes: Uint8Array, where: string): Checkpoint {
  const { tensors, metadata } = decodeSafeTensors(bytes, where);
  const { format, version, sha256 = '' } = metadata;
  if (format !== FORMAT) throw damaged('it does not say that it is one', where);
  if (Number(version) !== VERSION) {
    const which = Number(version) > VERSION ? 'a newer' : 'an older';
    throw new OtherVersionError(`${which} version of hashgnn has written this checkpoint`, {
      where,
      fix: 'use that version, or train into another folder',
    });
  }
  const place = placeOf(bytes, sha256);
  if (place < 0 || sumOf(bytes, place) !== sha256) throw damaged('its checksum does not hold', where);
  try {
    const [step, seconds] = [Number(metadata.step), Number(metadata.seconds)];
    if (!Number.isSafeInteger(step) || step < 0 || !Number.isFinite(seconds)) throw new Error('step or seconds');
    return {
      ...{ step, seconds, tensors, data: metadata.data!, metrics: metadata.metrics! },
      best: (JSON.parse(metadata.best!) as ValidationRecord | null) ?? undefined,
      options: resolveOptions(JSON.parse(metadata.options!) as Record<string, unknown>, where),
      variants: JSON.parse(metadata.variants!) as Variants,
    };
  } catch (cause) {
    throw damaged('its metadata cannot be read', where, cause);
  }
}

/** Saves a checkpoint and keeps the one before it. @throws HashgnnError where it cannot be written; both stay as they are */
export async function saveCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  const [newest, previous] = [join(folder, CHECKPOINT), join(folder, PREVIOUS_CHECKPOINT)];
  await writeFileAtomic(newest, encodeCheckpoint(checkpoint), previous);
}

/**
 * The newest checkpoint of a run folder that can be read, or nothing where there is none yet.
 * @param onDamaged told why the newest one is not taken
 * @throws InputError where there are some and none can be read; of the newest one
 */
export async function loadCheckpoint(
  folder: string,
  onDamaged: (error: InputError) => void = () => {},
): Promise<Checkpoint | undefined> {
  let first: InputError | undefined;
  for (const name of [CHECKPOINT, PREVIOUS_CHECKPOINT]) {
    const path = join(folder, name);
    if (!(await stat(path).catch(() => undefined))) continue;
    try {
      const checkpoint = decodeCheckpoint(await readBytes(path), path);
      if (first) onDamaged(first);
      return checkpoint;
    } catch (error) {
      if (!(error instanceof InputError) || error instanceof OtherVersionError) throw error;
      first ??= error;
    }
  }
  if (first) throw first;
  return undefined;
}

function damaged(what: string, where: string, cause?: unknown): InputError {
  return new InputError(`the checkpoint is damaged: ${what}`, {
    where,
    fix: 'delete it, and the run goes on from the one before it, or from the beginning',
    cause,
  });
}

/** SHA-256 of a file with zeros in the place of its checksum. */
function sumOf(bytes: Uint8Array, place: number): string {
  const hash = createHash('sha256');
  const add = (begin: number, end: number) => {
    for (let at = begin; at < end; at += PIECE) hash.update(bytes.subarray(at, Math.min(end, at + PIECE)));
  };
  add(0, place);
  hash.update(NO_SUM);
  add(place + NO_SUM.length, bytes.length);
  return hash.digest('hex');
}

/** Where a checksum stands in the header; −1 where it does not. */
function placeOf(bytes: Uint8Array, sum: string): number {
  const header = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const found = Buffer.from(bytes.buffer, bytes.byteOffset, 8 + header).indexOf(`"sha256":"${sum}"`);
  return found < 0 || sum.length !== NO_SUM.length ? -1 : found + '"sha256":"'.length;
}
