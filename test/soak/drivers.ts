/** The same short training on two implementations of Vulkan, each in processes of its own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateInteractions, prepareDataset, writeGenerated } from '../../src/data/index.js';
import { readRun } from '../../src/train/run_folder.js';
import { ROOT } from '../rules/files.js';

/** As `npm run test:swiftshader` finds it. */
export const SWIFTSHADER = process.env.SWIFTSHADER_ICD ?? '/usr/lib/chromium/vk_swiftshader_icd.json';
export const HAS_SWIFTSHADER = existsSync(SWIFTSHADER);

export interface Agreement {
  readonly bits: number;
  /** Bits of codes that the two drivers give alike. */
  readonly same: number;
  /** Whether each driver gives the same bytes twice. */
  readonly repeats: boolean;
  /** The greatest difference of an embedding's value. */
  readonly difference: number;
  readonly adapters: readonly string[];
}

export async function compareDrivers(steps: number): Promise<Agreement> {
  const root = await mkdtemp(join(tmpdir(), 'hashgnn-drivers-'));
  try {
    const file = join(root, 'a.tsv');
    const generated = generateInteractions({ users: 400, items: 300, interactions: 12_000, seed: 5 });
    await writeGenerated(generated, file);
    const data = join(root, 'data');
    await prepareDataset({ file }, data);
    const train = async (name: string, driver: string | undefined) => {
      const run = join(root, name);
      const options = ['--steps', String(steps), '--batch-size', '512', '--evaluate-every', '0', '--quiet'];
      const env = { ...process.env, HASHGNN_CACHE: join(root, 'cache'), ...(driver && icd(driver)) };
      const args = [join(ROOT, 'bin', 'hashgnn.js'), 'train', data, '--out', run, ...options];
      await promisify(execFile)(process.execPath, args, { env });
      return { run: await readRun(run), codes: await readFile(join(run, 'codes', 'items.npy')) };
    };
    const own = [await train('own', undefined), await train('own-again', undefined)] as const;
    const other = [await train('other', SWIFTSHADER), await train('other-again', SWIFTSHADER)] as const;
    const repeats = [own, other].every(([one, two]) =>
      (['users', 'items', 'userCodes', 'itemCodes'] as const).every((part) =>
        bytesOf(one.run[part]).equals(bytesOf(two.run[part])),
      ),
    );
    const [a, b] = [own[0].run, other[0].run];
    let [bits, same, difference] = [0, 0, 0];
    for (const [one, two] of [
      [a.users, b.users],
      [a.items, b.items],
    ] as const) {
      one.forEach((value, index) => {
        bits += 1;
        if (value >= 0 === two[index]! >= 0) same += 1;
        difference = Math.max(difference, Math.abs(value - two[index]!));
      });
    }
    return { bits, same, repeats, difference, adapters: [a.result.adapter, b.result.adapter] };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const icd = (manifest: string) => ({ VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest });

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);
