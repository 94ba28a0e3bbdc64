import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashgnn } from '../support/cli.js';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-cli-'));
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

const tiny = ['--steps', '30', '--batch-size', '64', '--bits', '16', '--input-width', '16', '--widths', '16,12'];
const few = ['--fanouts', '4,3', '--evaluate-every', '15', '--log-every', '5', '--candidates', '60', '--quiet'];

test('from interactions to recommendations on the command line, each step with one JSON object', async () => {
  const [file, data, run] = [join(root, 'a.tsv'), join(root, 'data'), join(root, 'run')];
  const size = ['--users', '120', '--items', '90', '--interactions', '2400', '--seed', '4'];
  expect((await hashgnn('generate', ...size, '--out', file)).status).toBe(0);

  const prepared = await hashgnn('prepare', file, '--out', data, '--json');
  expect(prepared.status, prepared.err).toBe(0);
  expect(JSON.parse(prepared.out).statistics).toMatchObject({ users: 120, items: 90, interactions: 2400 });

  const trained = await hashgnn('train', data, '--out', run, ...tiny, ...few, '--json');
  expect(trained.status, trained.err).toBe(0);
  const result = JSON.parse(trained.out);
  expect(result).toMatchObject({ format: 'hashgnn-run', steps: 30, seconds: { toBest: expect.any(Number) } });
  expect(result.memory.liveBytes).toBe(result.memory.predicted.live);
  expect(result.memory.peakBytes).toBeGreaterThan(result.memory.liveBytes);
  expect(result.memory.peakBytes).toBeLessThanOrEqual(result.memory.predicted.peak);

  const evaluated = await hashgnn('evaluate', run, '--json');
  expect(evaluated.status, evaluated.err).toBe(0);
  const metrics = JSON.parse(evaluated.out);
  for (const search of ['hamming', 'hierarchical', 'exact', 'popularity']) {
    for (const metric of ['HR', 'hit', 'ndcg', 'ndcg_retrieved']) {
      for (const n of [10, 20, 50, 100]) {
        expect(metrics[search][`${metric}@${n}`], `${search} ${metric}@${n}`).toBeGreaterThanOrEqual(0);
        expect(metrics[search][`${metric}@${n}`], `${search} ${metric}@${n}`).toBeLessThanOrEqual(1);
      }
    }
  }
  expect(JSON.parse(await readFile(join(run, 'result.json'), 'utf8')).test).toEqual(metrics);

  const recommended = await hashgnn('recommend', run, '--user', 'u007', '-k', '5', '--json');
  expect(recommended.status, recommended.err).toBe(0);
  expect(JSON.parse(recommended.out).items).toHaveLength(5);

  // The configuration of a run trains another one to the same bytes.
  const again = join(root, 'again');
  const repeated = await hashgnn('train', data, '--out', again, '--config', join(run, 'config.json'), '--quiet');
  expect(repeated.status, repeated.err).toBe(0);
  expect(await readFile(join(again, 'codes', 'items.npy'))).toEqual(await readFile(join(run, 'codes', 'items.npy')));

  // Taking up a run needs none of its options again, and refuses others.
  const resumed = await hashgnn('train', data, '--out', again, '--resume', '--quiet');
  expect(resumed.status, resumed.err).toBe(0);
  expect(await readFile(join(again, 'codes', 'items.npy'))).toEqual(await readFile(join(run, 'codes', 'items.npy')));
  const refused = await hashgnn('train', data, '--out', again, '--resume', '--seed', '5', '--quiet');
  expect(refused.status).toBe(1);
  expect(refused.err).toMatch(/other options: seed 0 → 5/);
});

test('NumPy alone finds the same metrics in the files of that run, and of it with refined codes', async (context) => {
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import numpy'], { stdio: 'ignore' });
  } catch {
    context.skip('python3-numpy is not installed');
  }
  const [data, run, refined] = [join(root, 'data'), join(root, 'run'), join(root, 'refined')];
  for (const args of [
    ['refine', run, '--out', refined],
    ['evaluate', refined, '--candidates', '60'],
  ]) {
    const { status, err } = await hashgnn(...args, '--quiet');
    expect(status, err).toBe(0);
  }
  for (const folder of [run, refined]) {
    const options = ['--candidates', '60', '--compare'];
    const found = execFileSync('/usr/bin/python3', ['bench/peers/evaluate.py', data, folder, ...options], {
      encoding: 'utf8',
    });
    expect(JSON.parse(found).users).toBeGreaterThan(100);
  }
});

describe('bad input gets one clear error and leaves no output', () => {
  test.each<[string, number, RegExp, (folder: string) => Promise<string[]> | string[]]>([
    ['a missing dataset', 1, /no such|missing|not there|does not exist/i, (folder) => ['train', join(folder, 'none')]],
    ['an unknown option', 2, /unknown option '--colour'/, (folder) => ['train', folder, '--colour', 'red']],
    ['an impossible value', 2, /--bits cannot be 12/, (folder) => ['train', folder, '--bits', '12']],
    ['a value that is no number', 2, /--steps cannot be/, (folder) => ['train', folder, '--steps', 'many']],
    ['an unknown model', 2, /no model "bert"/, (folder) => ['train', folder, '--model', 'bert']],
    [
      'a memory that is none',
      2,
      /--memory <MiB>.*whole number from 1/,
      (folder) => ['train', folder, '--memory', '0.5'],
    ],
    [
      'a training beyond the memory that it may take',
      1,
      /GPU memory, predicted: [\s\S]* would take \d+ bytes on the device, 1048576 are allowed; [\s\S]*mend it: lower --/,
      () => ['train', join(root, 'data'), '--memory', '1'],
    ],
    [
      'a configuration that is no JSON',
      1,
      /not JSON/,
      async (folder) => {
        await writeFile(join(folder, 'bad.json'), '{ "bits": ');
        return ['train', folder, '--config', join(folder, 'bad.json')];
      },
    ],
    [
      'a configuration with an unknown option',
      2,
      /no option bitz/,
      async (folder) => {
        await writeFile(join(folder, 'bad.json'), '{ "bitz": 8 }');
        return ['train', folder, '--config', join(folder, 'bad.json')];
      },
    ],
    [
      'a dataset whose edges have another type',
      1,
      /train\.npy[\s\S]*/,
      async (folder) => {
        const data = join(folder, 'data');
        await hashgnn(
          'generate',
          '--users',
          '30',
          '--items',
          '20',
          '--interactions',
          '200',
          '--seed',
          '1',
          '--out',
          join(folder, 'x.tsv'),
        );
        await hashgnn('prepare', join(folder, 'x.tsv'), '--out', data, '--quiet');
        await writeFile(
          join(data, 'train.npy'),
          await readFile(join(data, 'test.npy')).then((b) => b.subarray(0, 100)),
        );
        return ['train', data];
      },
    ],
  ])('%s', async (_, status, message, make) => {
    const folder = await mkdtemp(join(root, 'bad-'));
    const out = join(folder, 'out');
    const result = await hashgnn(...(await make(folder)), '--out', out);
    expect(result.status).toBe(status);
    expect(result.err).toMatch(message);
    expect(result.err).not.toMatch(/\n\s+at /);
    expect(await readdir(folder)).not.toContain('out');
  });

  test('a run whose arrays have the wrong type or shape, or belong to other data', async () => {
    const damaged = await mkdtemp(join(root, 'damaged-'));
    const run = join(damaged, 'run');
    await cp(join(root, 'run'), run, { recursive: true });
    await cp(join(run, 'embeddings', 'users.npy'), join(run, 'codes', 'users.npy'));
    const type = await hashgnn('evaluate', run);
    expect(type.status).toBe(1);
    expect(type.err).toMatch(/uint8[\s\S]*codes.users\.npy/);
    await cp(join(root, 'run', 'codes', 'items.npy'), join(run, 'codes', 'users.npy'));
    const shape = await hashgnn('recommend', run, '--user', 'u001');
    expect(shape.status).toBe(1);
    expect(shape.err).toMatch(/120[\s\S]*codes.users\.npy/);
    const file = join(damaged, 'other.tsv');
    await hashgnn(
      'generate',
      '--users',
      '120',
      '--items',
      '90',
      '--interactions',
      '2000',
      '--seed',
      '9',
      '--out',
      file,
    );
    await hashgnn('prepare', file, '--out', join(damaged, 'other'), '--quiet');
    const other = await hashgnn('evaluate', join(root, 'run'), '--data', join(damaged, 'other'));
    expect(other.status).toBe(1);
    expect(other.err).toMatch(/another dataset/);
  });

  test('an output folder that is not empty, and a run folder that is none', async () => {
    const folder = await mkdtemp(join(root, 'full-'));
    await writeFile(join(folder, 'mine.txt'), 'keep me');
    const result = await hashgnn('train', join(root, 'data'), '--out', folder, ...tiny);
    expect(result.status).toBe(1);
    expect(result.err).toMatch(/not empty/);
    expect(await readdir(folder)).toEqual(['mine.txt']);
    expect((await hashgnn('evaluate', folder)).err).toMatch(/no run folder/);
    expect((await hashgnn('recommend', join(root, 'run'), '--user', 'nobody')).err).toMatch(/no user "nobody"/);
  });
});
