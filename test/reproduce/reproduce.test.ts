import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/base/errors.js';
import { formatShare } from '../../src/reproduce/exhibits/look.js';
import {
  EXHIBITS,
  PROFILES,
  type Profile,
  type ReproduceRequest,
  type Results,
  reproduce,
} from '../../src/reproduce/index.js';
import { hashgnn } from '../support/cli.js';
import { useGpu } from '../support/gpu.js';
import { find, type Markup, readMarkup } from '../support/markup.js';
import { useReproductionFolder } from '../support/reproduction.js';

const gpu = useGpu();
/** Of a process beside the first one. */
const another = useGpu();
const { root, data } = useReproductionFolder();

/** A few steps of a few systems: what is written, not how good it is. */
const profile: Profile = {
  ...PROFILES.quick,
  seeds: [0, 1],
  shorten: { protocol: 0.004, best: 0.004, literal: 0.002 },
  alibabaSize: 0.00005,
  lambdas: [0.5],
  triplets: [5],
  bits: [16, 32],
  fixed: [0.6],
};
const models = ['hashgnn-nr', 'hashgnn'];

const request = (out: string, more: Partial<ReproduceRequest> = {}): ReproduceRequest => ({
  ...{ exhibits: EXHIBITS, profile, profileName: 'test', models, data: data(), out: join(root(), out) },
  ...more,
});

const read = async (out: string, name: string) => readFile(join(root(), out, name), 'utf8');
const withoutTimes = async (out: string) => {
  const { times, ...rest } = JSON.parse(await read(out, 'results.json')) as Results;
  expect(Object.keys(times.runs)).toHaveLength(rest.runs.length);
  return rest;
};

const cellsOf = (table: Markup) => find(table, 'tr').map((row) => row.children.map(({ text }) => text));
const tableOf = (page: Markup, caption: RegExp) =>
  find(page, 'table').find((table) => caption.test(find(table, 'caption')[0]?.text ?? ''))!;

describe('everything on tiny data', () => {
  test('interrupted in a training, it goes on from there and gives the results of one without a break', async () => {
    await reproduce(gpu(), request('whole'));

    const controller = new AbortController();
    let trained = 0;
    const begun = reproduce(gpu(), request('broken', { signal: controller.signal }), {
      onRun: () => ({
        events: {
          onStep: () => {
            trained += 1;
            if (trained === 4) controller.abort();
          },
        },
        end: () => {},
      }),
    });
    await expect(begun).rejects.toThrow(InterruptedError);
    await expect(begun).rejects.toMatchObject({ exitCode: 130, details: { fix: /the same command/ } });
    const partial = await withoutTimes('broken');
    expect(partial.unfinished.length).toBeGreaterThan(0);
    expect(readMarkup(await read('broken', 'report.html')).text).toContain('still to be done');

    await reproduce(gpu(), request('broken'));
    expect(await withoutTimes('broken')).toEqual(await withoutTimes('whole'));

    // Once more there is nothing to do: no run is touched.
    const [run] = await readdir(join(root(), 'whole', 'runs'));
    const before = await stat(join(root(), 'whole', 'runs', run!, 'evaluation.json'));
    const results = await reproduce(gpu(), request('whole'), {
      onRun: ({ id }) => {
        throw new Error(`${id} was begun again`);
      },
    });
    expect(results.unfinished).toEqual([]);
    expect((await stat(join(root(), 'whole', 'runs', run!, 'evaluation.json'))).mtimeMs).toBe(before.mtimeMs);
  });

  test('the page shows the numbers of results.json, in markup and pictures that are whole', async () => {
    const { runs, yardsticks, orderings, comparisons, missing } = await withoutTimes('whole');
    const page = readMarkup(await read('whole', 'report.html'));
    for (const { name } of EXHIBITS)
      expect(find(page, 'section').map(({ attributes }) => attributes.id)).toContain(name);
    expect(find(page, 'svg').length).toBeGreaterThan(5);
    expect(page.text).not.toMatch(/NaN|undefined|Infinity/);
    for (const { what } of missing) expect(page.text).toContain(what);

    const table = cellsOf(tableOf(page, /^MovieLens, the paper’s protocol.*: hierarchical search$/));
    const row = table.find(([name]) => name === 'HashGNN')!;
    const own = runs.filter(
      ({ data, model, role, changes }) =>
        `${data} ${model} ${role}` === 'ml-1m hashgnn protocol' && Object.keys(changes).length === 0,
    );
    expect(own.map(({ seed }) => seed)).toEqual([0, 1]);
    const [a, b] = own.map(({ metrics }) => metrics.unmasked.hierarchical['HR@50']!) as [number, number];
    expect(row.slice(1, 6)).toEqual([
      ...['.248', '.373', '.325', '.431'],
      `${formatShare((a + b) / 2)} ± ${formatShare(Math.abs(a - b) / Math.SQRT2)}`,
    ]);
    const popular = table.find(([name]) => name === 'popularity')!;
    const yardstick = yardsticks.find((one) => one.data === 'ml-1m' && one.width === 32)!;
    expect(popular[9]).toBe(formatShare(yardstick.popularity.masked['HR@50']!));
    const claims = orderings.filter(({ data, role }) => `${data} ${role}` === 'ml-1m protocol');
    const verdicts = cellsOf(tableOf(page, /^Claims of the paper on MovieLens, the paper’s protocol/)).flat();
    for (const [word, holds] of [
      ['holds', true],
      ['does not', false],
    ] as const) {
      expect(verdicts.filter((text) => text === word)).toHaveLength(claims.filter((one) => one.holds === holds).length);
    }
    expect(cellsOf(tableOf(page, /^Every run/)).slice(2)).toHaveLength(runs.length);

    // The comparison's difference is that of the means.
    const paired = comparisons.find(
      ({ data, role, masking, search, other }) =>
        `${data} ${role} ${masking} ${search} ${other}` === 'ml-1m protocol masked hamming hashgnn-nr',
    )!;
    const mean = (model: string) => {
      const values = runs
        .filter((run) => run.data === 'ml-1m' && run.role === 'protocol' && run.model === model)
        .filter(({ changes }) => Object.keys(changes).length === 0)
        .map(({ metrics }) => metrics.masked.hamming['HR@50']!);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    expect(paired).toMatchObject({ seeds: 2, users: own[0]!.users });
    expect(paired.difference).toBeCloseTo(mean('hashgnn') - mean('hashgnn-nr'), 6);
  });

  test('CSV files have the same numbers', async () => {
    const { runs } = await withoutTimes('whole');
    const lines = (await read('whole', 'csv/runs.csv')).trim().split('\n');
    expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual(runs.map(({ id }) => id));
    const table2 = (await read('whole', 'csv/table2.csv')).trim().split('\n');
    expect(table2.filter((line) => line.includes('HashGNN,unmasked,hierarchical,HR@50'))[0]).toMatch(/,2,0\.248$/);
    expect((await readdir(join(root(), 'whole', 'csv'))).sort()).toEqual(
      [...EXHIBITS.map(({ name }) => `${name}.csv`), 'orderings.csv', 'runs.csv', 'significance.csv'].sort(),
    );
  });

  test('Figures 5 and 7 compare values of an option on one seed, also where a value was run with several', async () => {
    const { runs, orderings } = await withoutTimes('whole');
    const own = runs.filter(({ data, model, role }) => `${data} ${model} ${role}` === 'ml-1m hashgnn protocol');
    const falling = own.filter(({ changes }) => Object.keys(changes).length === 0);
    expect(falling.map(({ seed }) => seed)).toEqual([0, 1]);
    const [first, second] = falling.map(({ metrics }) => metrics.unmasked.hierarchical['HR@50']!);
    expect(first).not.toBe(second);
    expect(await read('whole', 'csv/fig7.csv')).toContain(`p falls,unmasked,hierarchical,${first}\n`);
    const fig5 = await read('whole', 'csv/fig5.csv');
    for (const line of [`λ,0.5,HashGNN,paper`, `triplets,5,HashGNN,paper`, `K,32,HashGNN,paper`]) {
      expect(fig5).toContain(`${line},hierarchical,unmasked,${first}\n`);
    }
    const narrow = own.find(({ bits }) => bits === 16)!.metrics.unmasked.hierarchical['HR@50']!;
    const claim = orderings.find(({ says, masking }) => says === 'K = 32 is above K = 16' && masking === 'unmasked')!;
    expect(claim.ours).toBeCloseTo(first! - narrow, 12);
  });

  test('a run that fails is named, and the others go on', async () => {
    const table2 = EXHIBITS.filter(({ name }) => name === 'table2');
    const out = request('failing', {
      exhibits: table2,
      models: ['graphsage', 'hashgnn'],
      profile: { ...profile, seeds: [0] },
    });
    // Somebody's file where the run's folder would be.
    const planned: string[] = [];
    await reproduce(gpu(), out, { onRun: ({ id }) => void planned.push(id) });
    await rm(join(root(), 'failing', 'runs', planned[0]!), { recursive: true });
    await mkdir(join(root(), 'failing', 'runs', planned[0]!));
    await writeFile(join(root(), 'failing', 'runs', planned[0]!, 'mine.txt'), 'mine');
    const results = await reproduce(gpu(), out);
    expect(results.failed).toEqual([{ id: planned[0], why: expect.stringMatching(/empty/) }]);
    expect(results.runs.map(({ id }) => id)).toEqual(planned.slice(1));
    expect(readMarkup(await read('failing', 'report.html')).text).toContain(`${planned[0]} failed`);
  });
});

test('of Figure 5 the widths are shown where the best configuration alone was run', async () => {
  const { runs } = await reproduce(
    gpu(),
    request('widths', {
      ...{
        exhibits: EXHIBITS.filter(({ name }) => name === 'fig5'),
        roles: ['best'],
        models: ['hashgnn', 'graphsage'],
      },
      profile: { ...profile, data: ['ml-1m'], allWithBest: true },
    }),
  );
  expect(runs.map(({ model, bits }) => `${model} ${bits}`).toSorted()).toEqual(
    ['hashgnn 16', 'hashgnn 32', 'graphsage 16', 'graphsage 32'].toSorted(),
  );
  const page = readMarkup(await read('widths', 'report.html'));
  const [, ...rows] = cellsOf(tableOf(page, /^Codes against embeddings over K, HR@50, masked/));
  expect(rows.map(([system, , bits]) => `${system} ${bits}`)).toEqual([
    'HashGNN 16',
    'HashGNN 32',
    'GraphSage 16',
    'GraphSage 32',
  ]);
  const [, ...lines] = (await read('widths', 'csv/fig5.csv')).trim().split('\n');
  expect(lines).toHaveLength(runs.length * 2 * 3);
  for (const { model, bits, metrics } of runs) {
    const system = model === 'hashgnn' ? 'HashGNN' : 'GraphSage';
    expect(lines).toContain(`K,${bits},${system},best,exact,unmasked,${metrics.unmasked.exact['HR@50']}`);
  }
});

describe('several at once', () => {
  const few = {
    exhibits: EXHIBITS.filter(({ name }) => name === 'table2'),
    profile: { ...profile, data: ['ml-1m'] },
  } as const;

  beforeAll(async () => {
    await reproduce(gpu(), request('alone', few));
  });

  test('in one folder share the runs, and both give the results of one alone', async () => {
    const begun: string[] = [];
    const words: string[] = [];
    const events = {
      onWords: (text: string) => words.push(text),
      onRun: ({ id }: { id: string }) => {
        begun.push(id);
        return undefined;
      },
    };
    const both = await Promise.all([gpu(), another()].map((one) => reproduce(one, request('shared', few), events)));
    const { runs, ...whole } = await withoutTimes('alone');
    expect(begun.toSorted()).toEqual(runs.map(({ id }) => id).toSorted());
    for (const { times: _times, ...results } of both) {
      expect(JSON.parse(JSON.stringify(results))).toEqual({ runs, ...whole });
    }
    expect(await withoutTimes('shared')).toEqual({ runs, ...whole });
    expect(words.filter((text) => text.startsWith('waiting for '))).not.toEqual([]);
  });

  test('waiting for a run of another process can be interrupted, and its run is taken over when it is gone', async () => {
    const { runs } = await withoutTimes('alone');
    const taken = join(root(), 'taken', 'runs', runs[1]!.id);
    await mkdir(taken, { recursive: true });
    const owner = { pid: process.pid, host: 'another-machine', start: '1' };
    await writeFile(join(taken, '.lock'), JSON.stringify(owner));
    const controller = new AbortController();
    const interrupted = reproduce(gpu(), request('taken', { ...few, signal: controller.signal }), {
      onWords: (text) => {
        if (text.startsWith(`waiting for ${runs[1]!.id}: process`)) controller.abort();
      },
    });
    await expect(interrupted).rejects.toThrow(InterruptedError);
    expect((await withoutTimes('taken')).unfinished).toEqual([runs[1]!.id]);

    const going = reproduce(gpu(), request('taken', few), {
      onWords: () => void rm(join(taken, '.lock'), { force: true }),
    });
    expect((await going).unfinished).toEqual([]);
    expect(await withoutTimes('taken')).toEqual(await withoutTimes('alone'));
  });
});

test('where only generated data is there, it is made in a fresh folder', async () => {
  const exhibits = EXHIBITS.filter(({ name }) => name === 'table1');
  const results = await reproduce(gpu(), request('generated', { exhibits, data: undefined }));
  expect(results.data.map(({ name, generated }) => [name, generated])).toEqual([['alibaba', true]]);
  expect(results.missing.map(({ what }) => what)).toEqual([expect.stringContaining('no --data')]);
});

describe('the command', () => {
  const json = (text: string) => JSON.parse(text);

  test('runs a table and prints its results', async () => {
    const out = join(root(), 'command');
    const args = ['reproduce', 'table2', '--data', data(), '--out', out, '--models', 'graphsage', '--shorten', '0.01'];
    const some = await hashgnn(...args, '--presets', 'best', '--json');
    expect(json(some.out).runs.map(({ preset }: { preset: string }) => preset)).toEqual(['best']);
    const { runs, unfinished } = json((await hashgnn(...args, '--report-only', '--json')).out);
    expect(runs).toEqual(json(some.out).runs);
    expect(unfinished).toEqual([expect.stringContaining('ml-1m_graphsage_paper_seed-0')]);
    const done = await hashgnn(...args, '--json');
    expect(done.status, done.err).toBe(0);
    expect(done.err).toContain('2 runs, 1 of them finished before');
    // By the paper's protocol and with the best configuration.
    expect(json(done.out).runs).toHaveLength(2);
    expect(json(done.out)).toEqual(json(await readFile(join(out, 'results.json'), 'utf8')));
    expect(done.err).toMatch(/1\/2 graphsage on ml-1m, paper, seed 0/);
  });

  test.each<[string, number, RegExp, string[]]>([
    [
      'no data',
      1,
      /no data set is there: MovieLens: no --data[\s\S]*mend it: get it with `hashgnn download ml-1m` \(from https:.*\), and name --data downloads/,
      ['table2'],
    ],
    [
      'a preset that the table does not have',
      1,
      /nothing is left to train for table2\n.*where: --models and --presets\n.*mend it: leave one of them out/,
      ['table2', '--presets', 'text'],
    ],
    [
      'a folder without data sets',
      1,
      /no folder ml-1m or [\s\S]*`hashgnn download ml-1m --out ml-1m` \(from https:..grouplens/,
      ['fig5', '--data', '.'],
    ],
    ['an unknown table', 2, /table9/, ['table9']],
    ['an unknown system', 2, /no system "bert"/, ['table2', '--models', 'bert']],
    [
      'an unknown preset',
      2,
      /no table has the preset "worst"[\s\S]*paper, best, text/,
      ['table2', '--presets', 'worst'],
    ],
    ['seeds that are none', 2, /whole numbers from 0/, ['table2', '--seeds', '1,x']],
    ['a share that is none', 2, /above 0/, ['table3', '--alibaba-size', '2']],
  ])('%s is refused with a reason, and nothing is left', async (_, status, message, args) => {
    const out = join(root(), 'refused');
    const found = await hashgnn('reproduce', ...args, '--out', out, '--quiet');
    expect(found).toMatchObject({ status, out: '' });
    expect(found.err).toMatch(message);
    expect(found.err).not.toMatch(/defect/);
    await expect(stat(out)).rejects.toThrow();
  });
});
