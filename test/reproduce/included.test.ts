import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
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
import { find, readMarkup } from '../support/markup.js';
import { useReproductionFolder } from '../support/reproduction.js';

const gpu = useGpu();
const { root, data } = useReproductionFolder();
/** What one folder gives in which everything is trained. */
let whole: Results;

const profile: Profile = {
  ...PROFILES.quick,
  ...{ data: ['ml-1m' as const], seeds: [0, 1], shorten: { protocol: 0.004, best: 0.004, literal: 0.002 } },
};
/** Figure 4 draws curves, Table 2 the rest. */
const exhibits = EXHIBITS.filter(({ name }) => name === 'table2' || name === 'fig4');

const request = (out: string, more: Partial<ReproduceRequest> = {}): ReproduceRequest => ({
  ...{
    exhibits,
    profile,
    profileName: 'test',
    models: ['hashgnn-nr', 'hashgnn'],
    data: data(),
    out: join(root(), out),
  },
  ...more,
});

/** Results alone, as somebody sends them, with something changed. */
async function sent(name: string, change: (results: Results) => unknown): Promise<string> {
  const path = join(root(), `${name}.json`);
  await writeFile(path, JSON.stringify(change(structuredClone(whole))));
  return path;
}

const trainNothing = {
  onRun: ({ id }: { id: string }): undefined => {
    throw new Error(`${id} was begun`);
  },
};
const withoutOrigin = ({ runs, comparisons, orderings }: Results) => ({
  runs: runs.map(({ from: _from, ...run }) => run),
  comparisons,
  orderings,
});

beforeAll(async () => {
  await reproduce(gpu(), request('whole'));
  // As JSON has it.
  whole = JSON.parse(await readFile(join(root(), 'whole', 'results.json'), 'utf8')) as Results;
});

test('parts from elsewhere give the report of one folder with everything, and nothing is trained', async () => {
  const isBest = ({ role }: { role: string }) => role === 'best';
  const parts = await Promise.all([
    sent('best', (all) => ({ ...all, runs: all.runs.filter(isBest), comparisons: [] })),
    sent('paper', (all) => ({ ...all, runs: all.runs.filter((run) => !isBest(run)) })),
  ]);
  const results = await reproduce(gpu(), request('parts', { include: parts }), trainNothing);
  expect(results.unfinished).toEqual([]);
  expect(withoutOrigin(results)).toEqual(withoutOrigin(whole));
  expect(new Set(results.runs.map(({ role, from }) => `${role} ${from!.results}`))).toEqual(
    new Set([`best ${parts[0]}`, `protocol ${parts[1]}`]),
  );
  expect(results.runs.every(({ from }) => from!.sameOptions)).toBe(true);
  expect(results.times.runs).toEqual(whole.times.runs);
  const page = readMarkup(await readFile(join(root(), 'parts', 'report.html'), 'utf8'));
  expect(page.text).toContain(`${whole.runs.filter(isBest).length} of ${parts[0]}`);
  expect(page.text).not.toContain('by another version');
  const [header, first] = (await readFile(join(root(), 'parts', 'csv', 'runs.csv'), 'utf8')).split('\n');
  expect(header).toMatch(/,from$/);
  expect(parts.some((path) => first!.endsWith(`,${path}`))).toBe(true);
});

test('users are compared anew where a folder has the runs beside its results', async () => {
  await mkdir(join(root(), 'folder'));
  await cp(join(root(), 'whole', 'runs'), join(root(), 'folder', 'runs'), { recursive: true });
  await writeFile(join(root(), 'folder', 'results.json'), JSON.stringify({ ...whole, comparisons: [] }));
  const results = await reproduce(gpu(), request('anew', { include: [join(root(), 'folder')] }), trainNothing);
  expect(whole.comparisons.length).toBeGreaterThan(0);
  expect(results.comparisons).toEqual(whole.comparisons);
});

test('a comparison stands only where it speaks of the runs that are shown', async () => {
  const other = await sent('other', (all) => {
    const runs = all.runs.map((run) =>
      run.role === 'protocol' && run.model === 'hashgnn' && run.seed === 1
        ? {
            ...run,
            metrics: {
              ...run.metrics,
              masked: { ...run.metrics.masked, hamming: { ...run.metrics.masked.hamming, 'HR@50': 0.9 } },
            },
          }
        : run,
    );
    return { ...all, runs, comparisons: [] };
  });
  const told = await sent('told', (all) => all);
  const results = await reproduce(gpu(), request('spoken', { include: [other, told] }), trainNothing);
  const about = ({ role, masking, search }: (typeof results.comparisons)[number]) => `${role} ${masking} ${search}`;
  expect(results.comparisons.map(about)).toEqual(
    whole.comparisons.map(about).filter((one) => one !== 'protocol masked hamming'),
  );
});

test('what is not the same training is trained here, and what is here is not taken from elsewhere', async () => {
  const [first, second, third, fourth] = whole.runs;
  const others = await sent('others', (all) => ({
    ...all,
    runs: [
      { ...first, steps: first!.steps + 1 },
      { ...second, seed: 7 },
      { ...third, changes: { bits: 16 } },
      { ...fourth, id: 'of-another-version' },
      ...all.runs.slice(4),
    ],
    times: { ...all.times, runs: { ...all.times.runs, 'of-another-version': all.times.runs[fourth!.id] } },
  }));
  const trained: string[] = [];
  const events = {
    onRun: ({ id }: { id: string }) => {
      trained.push(id);
      return undefined;
    },
  };
  const results = await reproduce(gpu(), request('mixed', { include: [others] }), events);
  expect(trained).toEqual([first!.id, second!.id, third!.id]);
  expect(results.runs.map(({ metrics }) => metrics)).toEqual(whole.runs.map(({ metrics }) => metrics));
  expect(results.runs.map(({ from }) => from?.sameOptions)).toEqual([
    ...[undefined, undefined, undefined, false],
    ...whole.runs.slice(4).map(() => true),
  ]);
  const page = readMarkup(await readFile(join(root(), 'mixed', 'report.html'), 'utf8'));
  expect(page.text).toContain('1 of these, whose presets may have set some options otherwise');

  const own = await reproduce(gpu(), request('whole', { include: [others] }), trainNothing);
  expect(own.runs.filter(({ from }) => from)).toEqual([]);

  const elsewhere = await sent('elsewhere', (all) => ({
    ...all,
    data: all.data.map((one) => ({ ...one, fingerprint: 'of other interactions' })),
  }));
  const none = await reproduce(gpu(), request('none', { include: [elsewhere], reportOnly: true }));
  expect([none.runs, none.unfinished.length]).toEqual([[], whole.runs.length]);
});

test('a curve that a figure draws is taken from the first that has it', async () => {
  const bare = await sent('bare', (all) => ({ ...all, runs: all.runs.map(({ curve: _curve, ...run }) => run) }));
  const full = await sent('curves', (all) => all);
  const results = await reproduce(gpu(), request('curved', { include: [bare, full] }), trainNothing);
  expect(withoutOrigin(results).runs).toEqual(withoutOrigin(whole).runs);
  for (const { curve, from } of results.runs) expect(from!.results).toBe(curve ? full : bare);
  expect(results.runs.some(({ curve }) => curve)).toBe(true);
});

test('pictures are files that need nothing else', async () => {
  for (const name of ['fig4', 'table2-ml-1m-paper', 'table2-ml-1m-best']) {
    const text = await readFile(join(root(), 'whole', 'figures', `${name}.svg`), 'utf8');
    expect(text).not.toMatch(/var\(|NaN|undefined/);
    const [svg] = readMarkup(text).children;
    expect(svg!.attributes.xmlns).toBe('http://www.w3.org/2000/svg');
    // It is the page's picture, with a margin.
    const page = find(readMarkup(await readFile(join(root(), 'whole', 'report.html'), 'utf8')), 'svg');
    const shown = page.find(({ attributes }) => attributes['aria-label'] === svg!.attributes['aria-label'])!;
    expect(find(svg!, 'text').map(({ text }) => text)).toEqual(find(shown, 'text').map(({ text }) => text));
    expect(Number(svg!.attributes.width)).toBeGreaterThan(Number(shown.attributes.width));
  }
});

describe('the command', () => {
  const refused = async (path: string) => {
    const out = join(root(), 'refused');
    const found = await hashgnn('reproduce', 'table2', '--data', data(), '--out', out, '--include', path);
    expect(found).toMatchObject({ status: 1, out: '' });
    expect(found.err).not.toMatch(/defect/);
    await expect(stat(out)).rejects.toThrow();
    return found.err;
  };

  test('takes several', async () => {
    const paths = await Promise.all([
      sent('one', (all) => ({ ...all, runs: all.runs.slice(0, 1) })),
      sent('rest', (all) => ({ ...all, runs: all.runs.slice(1) })),
    ]);
    const include = paths.flatMap((path) => ['--include', path]);
    const args = [
      '--data',
      data(),
      '--out',
      join(root(), 'several'),
      '--seeds',
      '0,1',
      '--shorten',
      '0.04',
      ...include,
    ];
    const found = await hashgnn('reproduce', 'table2', ...args, '--presets', 'paper', '--report-only', '--json');
    expect(found.status, found.err).toBe(0);
    const { runs } = JSON.parse(found.out) as Results;
    const protocol = whole.runs.filter(({ role }) => role === 'protocol');
    expect(runs.map(({ id }) => id)).toEqual(protocol.map(({ id }) => id));
    expect(new Set(runs.map(({ from }) => from!.results))).toEqual(new Set(paths));
  });

  test.each<[string, RegExp, (all: Results) => unknown]>([
    ['a list', /no results of hashgnn reproduce, or those of another version/, () => []],
    ['null', /no results of hashgnn reproduce/, () => null],
    ['a later version', /or those of another version/, (all) => ({ ...all, version: 2 })],
    ['no runs', /cannot be included: runs is not a list/, ({ runs: _runs, ...all }) => all],
    [
      'a run without a metric',
      /runs\[0\]\.metrics\.masked\.hamming\.HR@50 is missing/,
      (all) => {
        delete (all.runs[0]!.metrics.masked.hamming as Record<string, number>)['HR@50'];
        return all;
      },
    ],
    [
      'a run without times',
      /times\.runs\.ml-1m_.* is missing/,
      (all) => ({ ...all, times: { ...all.times, runs: {} } }),
    ],
    [
      'a curve that is a text',
      /runs\[0\]\.curve is not an object/,
      (all) => ({ ...all, runs: [{ ...all.runs[0], curve: 'up' }] }),
    ],
  ])('%s is refused with the place, and nothing is left', async (name, message, change) => {
    const path = await sent('wrong', change);
    const err = await refused(path);
    expect(err, name).toMatch(message);
    expect(err).toContain(path);
  });

  test('a file that is not there, and a folder without results, are named', async () => {
    expect(await refused(join(root(), 'nowhere'))).toContain(join(root(), 'nowhere'));
    expect(await refused(data())).toContain(join(data(), 'results.json'));
  });
});
