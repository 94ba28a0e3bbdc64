import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findData } from '../../src/reproduce/data_sets.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-data-sets-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const settings = (folder: string | undefined) => ({
  ...{ folder, out: join(root, 'prepared'), alibabaSize: 0.001 },
  report: () => {},
});

test.each(['ml-1m', 'gowalla', 'pinterest'] as const)(
  '%s that is not there is named with its download',
  async (name) => {
    const folder = join(root, 'my sets');
    expect(await findData(name, settings(folder))).toEqual({
      lacking: expect.stringContaining(`no folder ${name}`),
      fix: expect.stringContaining(`get it with \`hashgnn download ${name} --out '${folder}/${name}'\` (from https://`),
    });
    expect(await findData(name, settings(undefined))).toEqual({
      lacking: expect.stringContaining('no --data'),
      fix: expect.stringMatching(
        new RegExp(`\`hashgnn download ${name}\` \\(from https://.*, and name --data downloads$`),
      ),
    });
  },
);

test('what was downloaded is prepared, of all its files', async () => {
  const folder = join(root, 'sets');
  await mkdir(join(folder, 'gowalla'), { recursive: true });
  const lists = (items: string) => Array.from({ length: 10 }, (_, user) => `${user} ${items}\n`).join('');
  await writeFile(join(folder, 'gowalla', 'train.txt'), lists('0 1 2 3 4 5'));
  await writeFile(join(folder, 'gowalla', 'test.txt'), lists('6 7 8 9'));
  const found = await findData('gowalla', settings(folder));
  expect(found).toMatchObject({
    ...{ name: 'gowalla', generated: false, split: '30 % of each user’s interactions test, seed 1' },
    dataset: { userCount: 10, itemCount: 10, summary: { statistics: { interactions: 100 } } },
  });
});
