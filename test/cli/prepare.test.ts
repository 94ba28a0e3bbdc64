import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { register as generate } from '../../src/cli/commands/generate.js';
import { register as prepare } from '../../src/cli/commands/prepare.js';
import { main } from '../../src/cli/main.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hashgnn-cli-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command line in the test's folder and catches what it prints. */
async function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      printed[stream] += text;
      return true;
    });
  }
  const status = await main(args, [prepare, generate]);
  vi.restoreAllMocks();
  return { status, ...printed };
}

describe('hashgnn generate and prepare', () => {
  it('go from nothing to a dataset, and say the statistics, the split, the leak check and the next command', async () => {
    const file = join(folder, 'demo.tsv.gz');
    const out = join(folder, 'demo');
    const made = await run('generate', '--users', '50', '--items', '40', '--interactions', '600', '--out', file);
    expect(made).toMatchObject({ status: 0, stdout: '' });
    expect(
      gunzipSync(await readFile(file))
        .toString()
        .split('\n'),
    ).toHaveLength(602);
    const done = await run('prepare', file, '--out', out);
    expect(done).toMatchObject({ status: 0, stdout: '' });
    expect(done.stderr).toMatch(/tsv, 3 columns with a header/);
    expect(done.stderr).toMatch(/users +50\n/);
    expect(done.stderr).toMatch(/interactions +600\n/);
    expect(done.stderr).toMatch(/leak check passed: 0 of 600 pairs/);
    expect(done.stderr).toMatch(new RegExp(`next: hashgnn train ${out} --out runs/demo\n`));
  });

  it('print one object with --json: the content of dataset.json', async () => {
    const file = join(folder, 'in.csv');
    const out = join(folder, 'out');
    await writeFile(file, `${Array.from({ length: 30 }, (_, index) => `${index % 3},${index}`).join('\n')}\n`);
    const { status, stdout } = await run('prepare', file, '-o', out, '--json', '--seed', '3', '--test-ratio', '0.5');
    expect(status).toBe(0);
    const { sha256, ...content } = JSON.parse(await readFile(join(out, 'dataset.json'), 'utf8'));
    expect(JSON.parse(stdout)).toEqual(content);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.parse(stdout).split).toMatchObject({ seed: 3, testRatio: 0.5, test: 15 });
  });

  it('read several files, patterns and columns by place, and print what each filter removed', async () => {
    await writeFile(join(folder, 'a.csv'), '2019-01-01,u1,i1,buy\n2019-01-02,u1,i2,pv\n');
    await writeFile(join(folder, 'b.csv'), '2019-02-01,u1,i3,buy\n2019-03-01,u2,i1,buy\nrubbish\n');
    const columns = ['--time-column', '1', '--user-column', '2', '--item-column', '3', '--behaviour-column', '4'];
    const filters = ['--behaviours', 'buy', '--until', '2019-02-15', '--skip-bad-rows'];
    const split = ['--split', 'by-time', '--test-from', '2019-02-01', '--memory', '800MiB'];
    const out = join(folder, 'out');
    const pattern = join(folder, '[ab].csv');
    const { status, stderr } = await run('prepare', pattern, '-o', out, ...columns, ...filters, ...split);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toMatch(/rows read: 4/);
    expect(stderr).toMatch(/bad rows left out: 1; the first:\n {2}.*b\.csv, line 3: one column/);
    expect(stderr).toMatch(/ {2}1 of other behaviours than buy/);
    expect(stderr).toMatch(/ {2}1 not from the beginning until 2019-02-15/);
    expect(stderr).toMatch(/split by time: from 2019-02-01 on/);
  });

  it('generate the same bytes for the same seed, and keep a file that exists', async () => {
    const [one, two] = [join(folder, 'a.tsv.gz'), join(folder, 'b.tsv.gz')];
    const sizes = ['--users', '30', '--items', '20', '--interactions', '200', '--seed', '7'];
    await run('generate', ...sizes, '--out', one);
    await run('generate', ...sizes, '--out', two);
    expect(await readFile(one)).toEqual(await readFile(two));
    const again = await run('generate', ...sizes, '--out', one);
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/exists already/);
  });

  it.each([
    [['prepare', 'x.tsv'], 2, /--out/],
    [['prepare', '--out', 'OUT'], 2, /no interactions are named/],
    [['prepare', 'IN', '--out', 'OUT', '--format', 'xml'], 2, /movielens, csv, tsv, lightgcn/],
    [['prepare', 'IN', '--out', 'OUT', '--colour', 'red'], 2, /unknown option '--colour'/],
    [['prepare', 'IN', '--out', 'OUT', '--min-rating', 'high'], 2, /Expected a number/],
    [['prepare', 'IN', '--out', 'OUT', '--memory', 'much'], 2, /Expected a size/],
    [['prepare', 'IN', '--out', 'OUT', '--split', 'thrice'], 2, /by-user, overall/],
    [['prepare', 'missing.tsv', '--out', 'OUT'], 1, /missing\.tsv/],
    [['prepare', 'IN', '--out', '.'], 1, /not empty/],
    [['generate', '--out', 'OUT', '--users', '10', '--items', '10', '--interactions', '99'], 2, /--interactions is 99/],
  ])('%j ends with status %i and leaves nothing', async (args, status, message) => {
    const file = join(folder, 'in.tsv');
    await writeFile(file, '1\t2\n');
    const replaced = args.map((arg) => ({ IN: file, OUT: join(folder, 'out'), '.': folder })[arg] ?? arg);
    const result = await run(...replaced);
    expect(result.status).toBe(status);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/\bat .*:\d+:\d+/);
    expect(await readdir(folder)).toEqual(['in.tsv']);
  });
});
