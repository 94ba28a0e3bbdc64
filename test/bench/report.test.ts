import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { reportOf } from '../../bench/report/index.js';
import { hashgnn } from '../support/cli.js';
import { classesOf, find, type Markup, number, readMarkup } from '../support/markup.js';
import {
  alibaba,
  kernelNotRun,
  kernelRow,
  kernels,
  search,
  searchRow,
  step,
  stepRow,
  table4,
  train,
} from '../support/results.js';

const root = mkdtempSync(join(tmpdir(), 'hashgnn-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let written = 0;
function write(value: unknown, name = `${++written}.json`): string {
  const file = join(root, name);
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  return file;
}

/** The page of some results, read again. */
async function pageOf(...results: unknown[]): Promise<Markup> {
  return readMarkup((await reportOf(results.map((result) => write(result)))).html);
}

/** The pictures of a page by what they are called. */
const picture = (page: Markup, title: RegExp) =>
  find(page, 'svg').find(({ attributes }) => title.test(attributes['aria-label']!))!;

/** The rows of a picture of bars: label, and width and text of each bar. */
const barsOf = (svg: Markup) =>
  find(svg, 'g', 'row').map((row) => {
    const [label, ...texts] = find(row, 'text').map(({ text }) => text);
    return { label, widths: find(row, 'rect').map((bar) => number(bar, 'width')), texts };
  });

const cellsOf = (table: Markup) => find(table, 'tr').map((row) => row.children.map(({ text }) => text));

const tableOf = (page: Markup, caption: string) =>
  find(page, 'table').find((table) => find(table, 'caption')[0]?.text === caption)!;

test('a section for each result, and nothing from outside', async () => {
  const made = { format: 1, date: '2026-01-02T03:04:05.000Z', command: 'hashgnn bench kernels --out k.json' };
  const results = [
    kernels([kernelRow('a/b', 1)], made),
    step([stepRow('a/b', 'x', 1)]),
    train(),
    search([searchRow('million', 1, 2)], { versions: { node: '24.0.0' } }),
  ];
  const files = results.map((result) => write(result));
  const { html, sections } = await reportOf(files);
  expect(sections.map(({ kind }) => kind)).toEqual(['kernels', 'step', 'train', 'search']);
  expect(html).not.toMatch(/https?:|\bsrc=|url\(|@import|<script|<link|<img/);
  const page = readMarkup(html);
  expect(find(page, 'section')).toHaveLength(4);
  const headings = find(page, 'h2').map(({ text }) => text);
  expect(headings).toEqual(sections.map(({ kind }, at) => `bench ${kind}, ${files[at]!.split('/').at(-1)}`));
  // What the links name is there, once.
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const link of find(page, 'a')) expect(ids).toContain(link.attributes.href!.slice(1));

  const facts = Object.fromEntries(
    find(tableOf(page, 'How it was measured'), 'tr').map(({ children: [name, ...values] }) => [name!.text, values]),
  );
  expect(facts.adapter!.map(({ text, attributes }) => [text, attributes.colspan])).toEqual([['llvmpipe', '4']]);
  expect(facts.node!.map(({ text }) => text)).toEqual(['22.0.0', '22.0.0', '22.0.0', '24.0.0']);
  expect(facts.date!.map(({ text }) => text)).toEqual([made.date, ...Array(3).fill('not noted in the file')]);
  expect(facts.command![0]!.text).toBe(made.command);
  expect(facts.seed![0]!.text).toBe('0');
});

test('who cannot see the pictures has their titles and tables with headers', async () => {
  const page = await pageOf(
    kernels([kernelRow('a/b', 1)]),
    step([stepRow('a/b', 'x', 1)]),
    train(),
    search([searchRow('million', 1, 2)], { table4: [table4('gowalla', 1, 2)] }),
  );
  const pictures = find(page, 'svg');
  expect(pictures.length).toBeGreaterThanOrEqual(7);
  for (const svg of pictures) {
    expect(svg.attributes.role).toBe('img');
    expect(svg.children[0]!.name).toBe('title');
    expect(svg.children[0]!.text).toBe(svg.attributes['aria-label']);
    expect(svg.attributes['aria-label']).not.toBe('');
  }
  const titles = pictures.map(({ attributes }) => attributes['aria-label']);
  expect(new Set(titles).size).toBe(titles.length);
  for (const table of find(page, 'table')) {
    expect(find(table, 'caption')).toHaveLength(1);
    for (const { attributes } of find(find(table, 'thead')[0]!, 'th')) expect(attributes.scope).toBe('col');
    for (const row of find(find(table, 'tbody')[0]!, 'tr')) expect(row.children[0]!.attributes.scope).toBe('row');
  }
});

describe('bench kernels', () => {
  /** A million bytes in a millisecond: 1 GB/s. */
  const dot = (kernel: string, operations: number, seconds = 1e-3) =>
    kernelRow(kernel, seconds, { cost: { operations } });

  /** Where a mark stands: the middle of its circle. */
  const placesOf = (svg: Markup) =>
    Object.fromEntries(
      find(svg, 'g', 'kernel').map((one) => {
        const [circle] = find(one, 'circle');
        return [one.children[0]!.text.split(',')[0], { x: number(circle!, 'cx'), y: number(circle!, 'cy') }];
      }),
    );
  const tickAt = (svg: Markup, axis: 'x' | 'y', text: string) => {
    const tick = find(svg, 'text', `${axis}-tick`).find((one) => one.text === text)!;
    // Labels of the y axis hang a little, so that their middle is at the line.
    return number(tick, axis) - (axis === 'y' ? 4 : 0);
  };

  test('dots lie where the logarithms put them, by the labels of the axes', async () => {
    const rows = [
      dot('aggregate/one', 1e6),
      dot('aggregate/ten', 1e7),
      dot('aggregate/between', 10 ** 6.5),
      dot('aggregate/slow', 1e6, 1e-2),
      dot('aggregate/far', 2e8, 1e-2),
    ];
    const svg = picture(await pageOf(kernels(rows)), /beside the limits/);
    const place = placesOf(svg);
    const [x1, x10, x100] = ['1', '10', '100'].map((text) => tickAt(svg, 'x', text)) as [number, number, number];
    const [y01, y1, y10] = ['0.1', '1', '10'].map((text) => tickAt(svg, 'y', text)) as [number, number, number];
    expect(x10 - x1).toBeGreaterThan(50);
    expect(y1 - y10).toBeGreaterThan(50);
    const close = (value: number) => expect.closeTo(value, 1);
    // One operation a byte and 10⁶ in a millisecond; ten times both; √10 times both; the first ten times slower.
    expect(place['aggregate/one']).toEqual({ x: close(x1), y: close(y1) });
    expect(place['aggregate/ten']).toEqual({ x: close(x10), y: close(y10) });
    expect(place['aggregate/between']).toEqual({ x: close((x1 + x10) / 2), y: close((y1 + y10) / 2) });
    expect(place['aggregate/slow']).toEqual({ x: close(x1), y: close(y01) });
    // 200 operations a byte and 20 GOP/s.
    const two = Math.log10(2);
    const far = { x: close(x100 + two * (x100 - x10)), y: close(y10 + two * (y10 - y1)) };
    expect(place['aggregate/far']).toEqual(far);
  });

  test('roofs are where the ceilings are, and a kernel at a limit is on its line', async () => {
    // 10 GB/s copied and 4 gathered; 100 GFLOP/s, 200 G bitwise operations and 20 G popcounts.
    const rows = [
      kernelRow('aggregate/copies', 1e-4, { cost: { operations: 2e5 } }),
      kernelRow('aggregate/gathers', 2.5e-4, { cost: { operations: 3e6, access: { tableBytes: 2 ** 26 } } }),
    ];
    const svg = picture(await pageOf(kernels(rows)), /beside the limits/);
    const roofs: Roof[] = [...find(svg, 'line', 'roof'), ...find(svg, 'line', 'gather')].map((line) => ({
      title: line.children[0]!.text,
      from: { x: number(line, 'x1'), y: number(line, 'y1') },
      to: { x: number(line, 'x2'), y: number(line, 'y2') },
    }));
    expect(roofs.map(({ title }) => title)).toEqual([
      'bitwise operations: 200 GOP/s',
      'multiply and add: 100 GOP/s',
      'popcounts: 20.0 GOP/s',
      'copied: 10.0 GB/s',
      'gathered, table of 64.0 MiB: 4.00 GB/s',
    ]);
    const [bitwise, multiply, popcount, copied, gathered] = roofs as [Roof, Roof, Roof, Roof, Roof];
    // Copying ten bytes' operations a nanosecond comes to 100 GOP/s at ten operations a byte.
    expect(multiply.from).toEqual({
      x: expect.closeTo(tickAt(svg, 'x', '10'), 1),
      y: expect.closeTo(tickAt(svg, 'y', '100'), 1),
    });
    expect(popcount.from.x).toBeCloseTo(tickAt(svg, 'x', '2'), 1);
    expect(copied.to).toEqual(bitwise.from);
    for (const flat of [bitwise, multiply, popcount]) expect(flat.to.y).toBe(flat.from.y);
    const place = placesOf(svg);
    for (const [line, name] of [
      [copied, 'aggregate/copies'],
      [gathered, 'aggregate/gathers'],
    ] as const) {
      const { x, y } = place[name]!;
      const along = (x - line.from.x) / (line.to.x - line.from.x);
      expect(along).toBeGreaterThan(0);
      expect(along).toBeLessThan(1);
      expect(y).toBeCloseTo(line.from.y + along * (line.to.y - line.from.y), 0);
    }
  });
  type Roof = { title: string; from: { x: number; y: number }; to: { x: number; y: number } };

  test('every row is a bar as long as its time and a line of the table, every size by itself', async () => {
    const rows = [
      kernelRow('dense/short', 0.01),
      kernelRow('hash/long', 0.04),
      kernelNotRun('search/lanes', 'it needs subgroups of 8 lanes'),
      kernelRow('ceiling/copy', 0.02, { cost: { operations: 0 } }),
      kernelRow('dense/elsewhere', 0.08, { size: 'gowalla' }),
    ];
    const page = await pageOf(kernels(rows));
    const small = barsOf(picture(page, /Time of a dispatch at size small/));
    expect(small.map(({ label }) => label)).toEqual([
      'hash/long  layer 1',
      'ceiling/copy  layer 1',
      'dense/short  layer 1',
    ]);
    const [long, , short] = small;
    expect(long!.widths[0]).toBeGreaterThan(100);
    expect(long!.widths[0]! / short!.widths[0]!).toBeCloseTo(4, 1);
    expect(long!.texts[0]).toBe('40.0 ms');
    // Of bytes 0.1 GB/s of 10, more than of operations: a hundred MFLOP/s of 100 G.
    expect(short!.texts[1]).toBe('1.0 % of bytes');
    expect(short!.widths[1]! / long!.widths[1]!).toBeCloseTo(4, 1);
    expect(barsOf(picture(page, /Time of a dispatch at size gowalla/)).map(({ texts }) => texts[0])).toEqual([
      '80.0 ms',
    ]);
    // What has no operations is not among the dots, and it is said.
    const dots = find(picture(page, /Kernels of size small/), 'g', 'kernel').map((one) => one.children[0]!.text);
    expect(dots.map((text) => text.split(',')[0])).toEqual(['dense/short', 'hash/long']);
    expect(find(page, 'p').map(({ text }) => text)).toContain(
      'Without operations, so not among the dots: ceiling/copy.',
    );

    const table = cellsOf(tableOf(page, 'Every kernel at every size')).slice(1);
    expect(table.map((cells) => cells.slice(0, 4))).toEqual([
      ['dense/short', 'small', 'layer 1, 4 × 4', '10.0 ms'],
      ['hash/long', 'small', 'layer 1, 4 × 4', '40.0 ms'],
      ['search/lanes', 'small', 'not run, it needs subgroups of 8 lanes'],
      ['ceiling/copy', 'small', 'layer 1, 4 × 4', '20.0 ms'],
      ['dense/elsewhere', 'gowalla', 'layer 1, 4 × 4', '80.0 ms'],
    ]);
    const ceilings = cellsOf(tableOf(page, 'Measured in the same run'));
    expect(ceilings).toContainEqual(['gathering rows of a table of 64.0 MiB', '4.00', 'GB/s read']);
  });

  test('rooms have a colour and a shape each, and the legend names those that there are', async () => {
    const names = [
      'aggregate/a',
      'dense/a',
      'hash/a',
      'loss/a',
      'optim/a',
      'sample/a',
      'search/a',
      'ceiling/a',
      'scan/a',
      'x/a',
    ];
    const svg = picture(await pageOf(kernels(names.map((name) => kernelRow(name, 1)))), /beside the limits/);
    const marks = find(svg, 'g', 'kernel').map((one) => one.children[1]!);
    const colours = marks.map((one) => classesOf(one).at(-1));
    expect(colours).toEqual([...names.slice(0, 8).map((name) => name.split('/')[0]), 'other', 'other']);
    const shapes = marks.map(({ name, attributes: { points = '' } }) => {
      const numbers = points.split(' ').map(Number);
      return name + numbers.map((value, at) => (value - numbers[at % 2]!).toFixed(0)).join(' ');
    });
    expect(new Set(shapes).size).toBe(9);
    const texts = find(svg, 'text').map(({ text }) => text);
    for (const text of [...names.slice(0, 8).map((name) => name.split('/')[0]), 'scan, x'])
      expect(texts).toContain(text);
    // The style sheet has a colour for every mark, by day and by night.
    const [style] = find(await pageOf(kernels([])), 'style');
    for (const name of new Set(colours)) expect(style!.text.split(`--${name}:#`)).toHaveLength(3);
  });

  test('a result in which nothing could be measured has its table', async () => {
    const page = await pageOf(kernels([kernelNotRun('a/b', 'it needs subgroups')]));
    expect(cellsOf(tableOf(page, 'Every kernel at every size'))).toHaveLength(2);
    expect(find(page, 'svg')).toEqual([]);
  });
});

test('bench step: dispatches of one kernel together, then each by itself', async () => {
  const rows = [stepRow('a/b', 'layer 0', 6), stepRow('c/d', 'c/d', 4), stepRow('a/b', 'layer 1', 2, 0.5)];
  const page = await pageOf(step(rows));
  const kernels = barsOf(picture(page, /by kernel/));
  expect(kernels.map(({ label, texts }) => [label, texts[0]])).toEqual([
    ['a/b  2 times', '8.00 ms, 67 %'],
    ['c/d', '4.00 ms, 33 %'],
  ]);
  expect(kernels[0]!.widths[0]! / kernels[1]!.widths[0]!).toBeCloseTo(2, 1);
  const dispatches = barsOf(picture(page, /by dispatch/));
  expect(dispatches.map(({ label }) => label)).toEqual(['a/b  layer 0', 'c/d', 'a/b  layer 1']);
  expect(dispatches[0]!.widths[0]! / dispatches[2]!.widths[0]!).toBeCloseTo(3, 1);
  expect(cellsOf(tableOf(page, 'Every dispatch of a step')).at(-1)).toEqual([
    'a/b',
    'layer 1',
    '2.00',
    '50 %',
    '16.7 %',
    '1.00',
  ]);
});

test('bench train: ours and both ways of the peer on one scale, and the encoding', async () => {
  const page = await pageOf(train());
  const steps = barsOf(picture(page, /time of a training step/));
  expect(steps.map(({ label, texts }) => [label, texts[0]])).toEqual([
    ['ours', '50.0 ms'],
    ['PyTorch, straight port', '60.0 ms, 1.20 times ours'],
    ['PyTorch, the best of it', '20.0 ms, 0.40 times ours'],
  ]);
  const widths = steps.map((row) => row.widths[0]!);
  expect(widths.map((width) => width / widths[0]!)).toEqual([1, expect.closeTo(1.2, 2), expect.closeTo(0.4, 2)]);
  const encodings = barsOf(picture(page, /encoding/));
  expect(encodings[0]!.widths[0]! / encodings[1]!.widths[0]!).toBeCloseTo(3, 1);
  expect(page.text).toContain('peer: PyTorch 1.13.0 with 2 threads and openblas');

  const alone = { peer: null, port: null, best: null, ratios: null, encode: { ...train().encode, peer: null } };
  const ours = await pageOf(train({ ...alone, quick: true }));
  expect(
    find(ours, 'svg')
      .flatMap(barsOf)
      .map(({ label }) => label),
  ).toEqual(['ours', 'ours']);
  expect(ours.text).toMatch(/without a peer[\s\S]*a quick run: its times say nothing/);
});

test('bench search: each search beside its peer, Table 4 and the Alibaba search', async () => {
  const more = { table4: [table4('gowalla', 1, 2)], alibaba: alibaba(138) };
  const page = await pageOf(search([searchRow('million', 0.02, 0.1), searchRow('one-query', 0.004, 0.002)], more));
  const rows = barsOf(picture(page, /ours and of the peer/));
  expect(rows.map(({ label, texts }) => [label!.trim(), texts[0]])).toEqual([
    ['million  ours', '20.0 ms'],
    ['faiss.IndexBinaryFlat', '100 ms, 5.00 times ours'],
    ['one-query  ours', '4.00 ms'],
    ['faiss.IndexBinaryFlat', '2.00 ms, 0.50 times ours'],
  ]);
  const [fast, peer, slow, other] = rows.map((row) => row.widths[0]!) as [number, number, number, number];
  expect(peer / fast).toBeCloseTo(5, 1);
  expect(slow / other).toBeCloseTo(2, 1);
  expect(slow).toBe(peer);
  expect(cellsOf(tableOf(page, 'Every search'))).toHaveLength(3);
  expect(cellsOf(tableOf(page, 'Three searches of all users'))[1]).toEqual([
    'gowalla, 10 × 2,048',
    'ours',
    '1.00 s',
    '1.00 s',
    '1.00 s',
    '1.00 : 1.00 : 1.00',
  ]);
  expect(page.text).toMatch(/Alibaba, 9 × 8 × 32, the best 7: 2 min 18 s/);

  // Without a peer all are on one scale.
  const alone = await pageOf(search([searchRow('a', 0.3), searchRow('b', 0.1)], { peer: null }));
  const [a, b] = barsOf(picture(alone, /Time of ours$/)).map((row) => row.widths[0]!);
  expect(a! / b!).toBeCloseTo(3, 1);
  expect(find(await pageOf(search([], { peer: null, alibaba: alibaba(1) })), 'svg')).toEqual([]);
});

test('text from a result is text on the page', async () => {
  const nasty = 'a/<script>alert("1") & </title>';
  const result = kernels([kernelRow(nasty, 1, { what: '<b>', size: '<i>' }), kernelNotRun('c/d', nasty)], {
    ...{ adapter: nasty, versions: { [nasty]: nasty }, command: nasty, date: nasty },
  });
  const files = [
    write(result, 'a <b> & "c".json'),
    write(step([stepRow(nasty, '<p>', 1)])),
    write(train({ dataset: { name: nasty, nodes: 1, edges: 1 } })),
    write(search([searchRow(nasty, 1, 2)])),
  ];
  const page = readMarkup((await reportOf(files)).html);
  for (const name of ['script', 'b', 'i']) expect(find(page, name)).toEqual([]);
  expect(find(page, 'h2')[0]!.text).toBe('bench kernels, a <b> & "c".json');
  expect(cellsOf(tableOf(page, 'Every kernel at every size'))[1]!.slice(0, 3)).toEqual([nasty, '<i>', '<b>, 4 × 4']);
  expect(find(page, 'g', 'kernel')[0]!.children[0]!.text).toContain(nasty);
  expect(barsOf(picture(page, /by dispatch/))[0]!.label).toBe(`${nasty}  <p>`);
});

describe('the command', () => {
  const good = () => write(kernels([kernelRow('a/b', 1)]));

  test('writes the page and says where', async () => {
    const out = join(root, 'page.html');
    const files = [good(), write(train())];
    const printed = await hashgnn('bench', 'report', ...files, '--out', out);
    expect(printed).toMatchObject({ status: 0, out: '' });
    expect(printed.err).toContain(`2 results in ${out}`);
    expect(readFileSync(out, 'utf8')).toBe((await reportOf(files)).html);
    const json = await hashgnn('bench', 'report', ...files, '-o', out, '--json');
    const sections = [
      { file: files[0], kind: 'kernels' },
      { file: files[1], kind: 'train' },
    ];
    expect(JSON.parse(json.out)).toEqual({ page: out, sections });
  });

  test.each<[string, () => string, RegExp]>([
    ['a missing file', () => join(root, 'nothing.json'), /there is no such file/],
    ['a folder', () => root, /folder/],
    ['no JSON', () => write('{"kernels": ['), /this is not JSON/],
    ['other JSON', () => write({ lines: [] }), /no result of bench kernels/],
    ['a format to come', () => write(train({ format: 2 })), /the format of this result is 2/],
    [
      'an access that is none',
      () => write(kernels([kernelRow('a/b', 1, { cost: { access: 'x' as never } })])),
      /kernels\[0\]\.cost\.access is not an object/,
    ],
    ['no shares', () => write(kernels([kernelRow('a/b', 1, { share: null })])), /kernels\[0\]\.share is not an object/],
    ['no dispatches', () => write(step([], { milliseconds: 1 })), /rows is empty/],
    ['no times', () => write(step([])), /milliseconds is not a number above 0/],
    ['no ratio', () => write(train({ ratios: { port: 1 } as never })), /ratios\.best is missing/],
    [
      'a table that lacks a search',
      () => write(search([], { table4: [{ ...table4('a', 1), searches: {} as never }] })),
      /table4\[0\]\.searches\.continuous is missing/,
    ],
  ])('%s is refused by its name, and no page is written', async (_, make, message) => {
    const folder = mkdtempSync(join(root, 'out-'));
    const out = join(folder, 'page.html');
    const bad = make();
    const { status, out: printed, err } = await hashgnn('bench', 'report', good(), bad, '--out', out);
    expect({ status, printed, left: readdirSync(folder) }).toEqual({ status: 1, printed: '', left: [] });
    expect(err).toMatch(message);
    expect(err).toContain(bad);
    expect(err).toMatch(/to mend it: /);
    expect(err).not.toMatch(/ {4}at |defect/);
    // A page of before stays.
    writeFileSync(out, 'before');
    await hashgnn('bench', 'report', bad, '--out', out);
    expect(readFileSync(out, 'utf8')).toBe('before');
  });

  test('a result is not written over, and what is missing is told', async () => {
    const file = good();
    const before = readFileSync(file, 'utf8');
    const over = await hashgnn('bench', 'report', file, '--out', join(root, 'x', '..', file.split('/').at(-1)!));
    expect(over.status).toBe(2);
    expect(over.err).toMatch(/take the place of a result[\s\S]*to mend it/);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect((await hashgnn('bench', 'report', file)).err).toMatch(/--out/);
    expect((await hashgnn('bench', 'report', '--out', 'x.html')).status).toBe(2);
    mkdirSync(join(root, 'folder'));
    const folder = await hashgnn('bench', 'report', file, '--out', join(root, 'folder'));
    expect(folder.status).toBe(1);
    expect(folder.err).toMatch(/cannot write the file/);
    const nowhere = join(root, 'none', 'page.html');
    expect((await hashgnn('bench', 'report', file, '--out', nowhere)).err).toContain(nowhere);
    expect(existsSync(nowhere)).toBe(false);
  });
});
