/** Files of ours, damaged at random: each reading of one must end in an error for people, or in the right data. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { digestOfText } from '../../src/base/checksums.js';
import { HashgnnError } from '../../src/base/errors.js';
import { readNpy, writeJson } from '../../src/base/files.js';
import { encodeNpy } from '../../src/base/npy.js';
import { generateInteractions, prepareDataset, readDataset, writeGenerated } from '../../src/data/index.js';
import { decodeIndex, encodeIndex } from '../../src/search/index_format.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../../src/train/checkpoint.js';
import { resolveOptions } from '../../src/train/options.js';
import { recordsUpTo } from '../../src/train/run.js';
import {
  RUN_FORMAT,
  RUN_VERSION,
  type RunResult,
  readRun,
  writeEmbeddings,
  writeResult,
} from '../../src/train/run_folder.js';

/** What became of the damaged files of a format. */
export interface Damage {
  readonly files: number;
  readonly refused: number;
  /** Read as before they were damaged. */
  readonly right: number;
  /** Read as something else, or failing with an error that is no answer to a person. */
  readonly wrong: readonly string[];
}

/** Numbers from 0 to `below`, the same in every run. */
function drawing(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One to three changes: bytes changed, taken out, put in, doubled, exchanged, or everything behind cut off. */
function damaged(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  // Not `slice`, which in Node’s own kind of Uint8Array makes no copy.
  let copy: Uint8Array = new Uint8Array(bytes);
  for (let change = next(3); change >= 0; change -= 1) {
    const [place, length] = [next(copy.length + 1), next(40)];
    const [head, tail] = [copy.subarray(0, place), copy.subarray(place)];
    const kind = next(7);
    if (kind === 0) copy = Uint8Array.from([...head, ...tail.subarray(length)]);
    else if (kind === 1) copy = head.slice();
    else if (kind === 2) copy = Uint8Array.from([...head, ...Array.from({ length }, () => next(256)), ...tail]);
    else if (kind === 3) copy = Uint8Array.from([...head, ...tail.subarray(0, length), ...tail]);
    else if (kind === 4) copy.copyWithin(place, next(copy.length + 1), next(copy.length + 1));
    else if (place < copy.length) copy[place] = kind === 5 ? next(256) : copy[place]! ^ (1 << next(8));
  }
  return copy;
}

/** @param read what the bytes say */
async function damage(
  bytes: Uint8Array,
  files: number,
  seed: number,
  read: (bytes: Uint8Array) => unknown,
  isRight: (data: unknown) => boolean,
): Promise<Damage> {
  const next = drawing(seed);
  const wrong: string[] = [];
  let [refused, right] = [0, 0];
  for (let file = 0; file < files; file += 1) {
    try {
      if (isRight(await read(damaged(bytes, next)))) right += 1;
      else wrong.push(`file ${file}: other data`);
    } catch (error) {
      if (error instanceof HashgnnError && error.details.where) refused += 1;
      else wrong.push(`file ${file}: ${error}`);
    }
  }
  return { files, refused, right, wrong };
}

/** Damages every format that the library reads, `files` files of each. */
export async function damageAll(files: number, seed: number): Promise<Record<string, Damage>> {
  const root = await mkdtemp(join(tmpdir(), 'hashgnn-damage-'));
  try {
    const found: Record<string, Damage> = {};
    const options = resolveOptions({ bits: 8 });
    const metrics = '{"step":5,"loss":0.5,"seconds":0.1}\n{"step":7,"loss":0.25,"seconds":0.2}\n';

    const checkpoint: Checkpoint = {
      ...{ step: 7, seconds: 1.5, best: undefined, options, data: 'data', metrics: digestOfText(metrics) },
      variants: { dense: 'tiles', gather: 'lanes' },
      tensors: new Map([
        ['a', { shape: [2, 3], data: new Float32Array([1, -2, 3.5, 0, -0, 1e-38]) }],
        ['b', { shape: [3], data: new Uint32Array([1, 0xffffffff, 7]) }],
      ]),
    };
    found['checkpoint.safetensors'] = await damage(
      encodeCheckpoint(checkpoint),
      files,
      seed,
      (bytes) => decodeCheckpoint(bytes, 'file'),
      (data) => isDeepStrictEqual(data, checkpoint),
    );

    const contents = { bits: 40, codes: new Uint32Array(6).fill(9), ids: Int32Array.of(1, 4, 6) };
    found.index = await damage(
      Buffer.concat(await encodeIndex(contents)),
      files,
      seed,
      (bytes) => decodeIndex(bytes, 'file'),
      (data) => isDeepStrictEqual(data, contents),
    );

    // An array of anyone has no checksum: it is an array of the type and shape that were asked for, or refused.
    const lone = join(root, 'lone.npy');
    found['.npy of others'] = await damage(
      encodeNpy(new Int32Array(64).fill(3), [32, 2]),
      files,
      seed,
      async (bytes) => {
        await writeFile(lone, bytes);
        return readNpy(lone, { dtype: 'int32', shape: [null, 2] });
      },
      (read) => {
        const { data, shape } = read as { data: Int32Array; shape: number[] };
        return data instanceof Int32Array && shape.length === 2 && data.length === 2 * shape[0]!;
      },
    );

    const log = join(root, 'metrics.jsonl');
    found['metrics.jsonl'] = await damage(
      Buffer.from(metrics),
      files,
      seed,
      async (bytes) => {
        await writeFile(log, bytes);
        return recordsUpTo(log, checkpoint);
      },
      (text) => text === metrics,
    );

    const data = join(root, 'data');
    const source = join(root, 'a.tsv');
    await writeGenerated(generateInteractions({ users: 9, items: 7, interactions: 30, seed: 1 }), source);
    await prepareDataset({ file: source }, data);
    const dataset = await readDataset(data);
    for (const name of ['dataset.json', 'train.npy', 'valid.npy', 'test.npy', 'users.txt', 'items.txt']) {
      found[name] = await inPlace(join(data, name), files, seed, () => readDataset(data), dataset);
    }

    const folder = join(root, 'run');
    await mkdir(folder);
    const reference = { folder: data, name: dataset.name, fingerprint: dataset.summary.fingerprint };
    await writeJson(join(folder, 'config.json'), { ...options, dataset: reference });
    await writeFile(join(folder, 'metrics.jsonl'), metrics);
    const values = (rows: number) => Float32Array.from({ length: rows * 8 }, (_, index) => index / 7 - 2);
    const [users, items] = [dataset.userCount, dataset.itemCount];
    await writeEmbeddings(folder, {
      ...{ bits: 8, users: values(users), items: values(items) },
      ...{ userCodes: new Uint8Array(users).fill(5), itemCodes: new Uint8Array(items).fill(6) },
    });
    const result = { format: RUN_FORMAT, version: RUN_VERSION, dataset: reference, steps: 7, best: null };
    await writeResult(folder, { ...result, adapter: 'any', stepsPerSecond: 3.25 } as unknown as RunResult);
    const run = await readRun(folder);
    for (const name of Object.keys({ 'result.json': '', ...run.result.files })) {
      // The records are read above.
      if (name === 'metrics.jsonl') continue;
      found[name] = await inPlace(join(folder, name), files, seed, () => readRun(folder), run);
    }
    return found;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function inPlace(
  path: string,
  files: number,
  seed: number,
  read: () => unknown,
  right: unknown,
): Promise<Damage> {
  const bytes = new Uint8Array(await readFile(path));
  const found = await damage(
    bytes,
    files,
    seed,
    async (changed) => {
      await writeFile(path, changed);
      return read();
    },
    (data) => isDeepStrictEqual(data, right),
  );
  await writeFile(path, bytes);
  return found;
}
