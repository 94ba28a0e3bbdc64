import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Output } from '../../src/cli/output.js';
import { Stages } from '../../src/cli/stages.js';
import { CATALOGUE, type PublishedSet, readDataset } from '../../src/data/index.js';
import { hashgnn } from '../support/cli.js';
import { begun, type FileServer, serveFiles } from '../support/file_server.js';
import { zipOf } from '../support/zip.js';

let interrupt = new AbortController();
vi.mock('../../src/cli/interrupt.js', () => ({ interruptSignal: () => interrupt.signal }));

let server: FileServer;
let root: string;
beforeAll(async () => {
  server = await serveFiles();
  root = await mkdtemp(join(tmpdir(), 'hashgnn-cli-download-'));
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true, force: true });
});
let folders = 0;
let out: string;
beforeEach(() => {
  out = join(root, `${folders++}`);
  interrupt = new AbortController();
  server.requests.length = 0;
  server.answers.clear();
  server.files.clear();
});
afterEach(() => vi.restoreAllMocks());

const ROWS = 24;
const rows = (row: (n: number) => string) => Array.from({ length: ROWS }, (_, n) => `${row(n)}\n`).join('');
const [user, item] = [(n: number) => 1 + (n % 4), (n: number) => 1 + Math.floor(n / 4)];
const latin = (text: string) => Buffer.from(text, 'latin1');
const movies = (genres: string) =>
  Array.from({ length: 6 }, (_, n) => `${n + 1}::Café ${n} (1995)::${genres}\n`).join('');

/** What the publishers' files are like, by their names; of archives the members. */
const MINIATURES: Readonly<Record<string, Readonly<Record<string, Buffer>>>> = {
  'ml-100k': {
    'ml-100k.zip': zipOf([
      { name: 'ml-100k/', content: '', mode: 0o40755 },
      { name: 'ml-100k/u.data', content: rows((n) => `${user(n)}\t${item(n)}\t3\t${881250949 + n}`) },
      {
        name: 'ml-100k/u.item',
        content: latin(
          Array.from({ length: 6 }, (_, n) => `${n + 1}|Café ${n} (1995)|01-Jan-1995||http://x/?Caf%E9|0|1\n`).join(''),
        ),
      },
      { name: 'ml-100k/README', content: 'terms' },
    ]),
  },
  'ml-1m': {
    'ml-1m.zip': zipOf([
      { name: 'ml-1m/movies.dat', content: latin(movies('Comedy|Drama')) },
      { name: 'ml-1m/ratings.dat', content: rows((n) => `${user(n)}::${item(n)}::5::${978300760 + n}`) },
      { name: 'ml-1m/README', content: 'terms' },
      { name: 'ml-1m/users.dat', content: '1::F::1::10::48067\n' },
    ]),
  },
  'ml-10m': {
    'ml-10m.zip': zipOf([
      { name: 'ml-10M100K/movies.dat', content: movies('Comedy') },
      { name: 'ml-10M100K/ratings.dat', content: rows((n) => `${user(n)}::${item(n)}::4.5::${838985046 + n}`) },
      { name: 'ml-10M100K/README.html', content: '<p>terms' },
    ]),
  },
  gowalla: {
    'train.txt': Buffer.from([1, 2, 3, 4].map((one) => `${one} 1 2 3 4\n`).join('')),
    'test.txt': Buffer.from([1, 2, 3, 4].map((one) => `${one} 5 6\n`).join('')),
  },
  'gowalla-checkins': {
    'loc-gowalla_totalCheckins.txt.gz': gzipSync(
      rows((n) => `${user(n)}\t2010-10-19T23:55:${10 + n}Z\t30.2359091167\t-97.7951395833\t${item(n)}`),
    ),
  },
  pinterest: {
    'pinterest-20.train.rating': Buffer.from(
      [1, 2, 3, 4].map((one) => [1, 2, 3, 4, 5].map((other) => `${one}\t${other}\t1\t0\n`).join('')).join(''),
    ),
    'pinterest-20.test.rating': Buffer.from([1, 2, 3, 4].map((one) => `${one}\t6\t1\t0\n`).join('')),
  },
};

const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex');

/** Puts the miniature of a set on the server; the options that fetch it from there. */
function served(name: string): string[] {
  const files = Object.entries(MINIATURES[name]!);
  for (const [file, content] of files) server.files.set(`/mirror/${file}`, content);
  return [
    '--from',
    `${server.url}/mirror`,
    ...files.flatMap(([file, content]) => ['--sha256', `${file}=${digest(content)}`]),
  ];
}
const download = (name: string, ...args: string[]) => hashgnn('download', name, '--out', out, ...served(name), ...args);

describe('hashgnn download', () => {
  test.each(CATALOGUE.map((set) => [set.name, set] as const))(
    '%s: the command that it names at the end prepares what was fetched',
    async (name, { title, page, terms, prepare }) => {
      const { status, out: json, err } = await download(name, '--accept-licence', '--json');
      expect(status).toBe(0);
      expect(err).toContain(`the terms of ${name}: ${terms.summary}\nin full: ${terms.address}\n`);
      const result = JSON.parse(json);
      expect(result).toMatchObject({ name, folder: out });
      const record = JSON.parse(await readFile(join(out, 'download.json'), 'utf8'));
      expect(record).toMatchObject({ name, page, terms: terms.address, unpacked: result.unpacked });
      expect(title).toMatch(/./);

      const [hash, command, ...args] = (result.prepare as string).split(' ');
      expect([hash, command, ...args.slice(-2)]).toEqual(['hashgnn', 'prepare', '--out', `datasets/${name}`]);
      const dataset = join(out, 'dataset');
      const prepared = await hashgnn('prepare', ...args.slice(0, -1), dataset, '--json');
      expect(prepared.status).toBe(0);
      const { users, items, interactions } = JSON.parse(prepared.out).statistics;
      expect([users, items, interactions]).toEqual([4, 6, ROWS]);
      const { itemTitles } = await readDataset(dataset);
      expect(itemTitles?.[0]).toBe(prepare.items === undefined ? undefined : 'Café 0 (1995)');
    },
  );

  test('says to people what came and what comes next, and the second time fetches nothing', async () => {
    const { status, out: json, err } = await download('ml-1m', '--accept-licence');
    expect([status, json]).toEqual([0, '']);
    expect(err).toContain(`fetching ${server.url}/mirror/ml-1m.zip\nunpacking ml-1m.zip\n`);
    expect(err).toContain(`${out}: MovieLens 1M: 1,000,209 ratings`);
    expect(err).toMatch(/^ {2}ml-1m\.zip: \d+ B, SHA-256 [0-9a-f]{64}; its checksum is that of --sha256$/m);
    expect(err).toMatch(/^ {2}unpacked: README, ratings\.dat, movies\.dat$/m);
    expect(err).toMatch(
      new RegExp(`\n\nnext: hashgnn prepare ${out}/ratings\\.dat --items .* --out datasets/ml-1m\n$`),
    );
    server.requests.length = 0;
    // Nothing is fetched, so nobody is asked.
    const again = await download('ml-1m', '-q');
    expect(again.status).toBe(0);
    expect(again.err.startsWith(`${out}: MovieLens`)).toBe(true);
    expect(server.requests).toEqual([]);
  });

  test('says where nobody states a checksum', async () => {
    served('pinterest');
    const args = ['download', 'pinterest', '--out', out, '--from', `${server.url}/mirror/`, '--accept-licence'];
    const { status, err } = await hashgnn(...args);
    expect(status).toBe(0);
    expect(err.match(/nobody states its checksum: this one is recorded/g)).toHaveLength(2);
  });

  test('keeps nothing of a file without its checksum', async () => {
    served('ml-1m');
    const args = ['download', 'ml-1m', '--out', out, '--from', `${server.url}/mirror`, '--accept-licence', '--json'];
    const { status, out: json, err } = await hashgnn(...args);
    expect(status).toBe(1);
    expect(err).toMatch(/^hashgnn: the checksum of ml-1m\.zip does not hold: .* by TensorFlow Datasets/m);
    expect(JSON.parse(json).error.message).toMatch(/does not hold/);
    await expect(stat(out)).rejects.toThrow('ENOENT');
  });

  test('interrupted keeps the part, says how to go on, and goes on', async () => {
    const args = ['--accept-licence'];
    const whole = MINIATURES['ml-1m']!['ml-1m.zip']!;
    server.answers.set('/mirror/ml-1m.zip', [begun(100)]);
    const running = download('ml-1m', ...args);
    await vi.waitFor(async () => expect((await stat(join(out, 'ml-1m.zip.part'))).size).toBe(100));
    interrupt.abort();
    const { status, err } = await running;
    expect(status).toBe(130);
    expect(err).toMatch(/interrupted: what has come is kept, and the same command goes on with it/);
    expect((await readdir(out)).sort()).toEqual(['ml-1m.zip.part', 'ml-1m.zip.part.json']);
    interrupt = new AbortController();
    expect((await download('ml-1m', ...args)).status).toBe(0);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=100-']);
    expect(await readFile(join(out, 'ml-1m.zip'))).toEqual(whole);
  });

  test('a folder with a space in its name can be read by the next command', async () => {
    out = join(root, "it's mine");
    const { err } = await download('gowalla', '--accept-licence');
    expect(err).toContain(`hashgnn prepare '${root}/it'\\''s mine/train.txt' '`);
  });
});

describe('the terms', () => {
  test('are shown and nothing is fetched where nobody can be asked', async () => {
    const { status, out: json, err } = await download('ml-1m', '--json', '--quiet');
    expect(status).toBe(2);
    expect(err).toMatch(/^hashgnn: nobody is there to accept the terms of ml-1m: For research\./);
    expect(err).toMatch(/where: https:.*README\.txt\n {2}to mend it: read them .* again with --accept-licence\n$/);
    expect(JSON.parse(json).error.message).toContain('Passing the data on');
    expect(server.requests).toEqual([]);
    await expect(stat(out)).rejects.toThrow('ENOENT');
  });

  /** Somebody at a terminal who types this; undefined ends the input. */
  function typing(text: string | undefined): void {
    const input = Object.assign(new PassThrough(), { isTTY: true });
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as never);
    vi.spyOn(process, 'stderr', 'get').mockReturnValue(Object.assign(process.stderr, { isTTY: true }));
    if (text === undefined) input.end();
    else input.write(text);
  }
  afterEach(() => {
    Reflect.deleteProperty(process.stderr, 'isTTY');
  });

  test.each([
    ['y\n', 0],
    ['YES\n', 0],
    ['n\n', 1],
    ['\n', 1],
    ['yes please\n', 1],
    [undefined, 1],
  ])('are asked about at a terminal: %j ends with %i', async (text, expected) => {
    typing(text);
    const { status, err } = await download('ml-1m');
    expect(status).toBe(expected);
    expect(err).toContain('Passing the data on');
    expect(err).toContain('Do you accept them? [y/N] ');
    if (expected === 0) return;
    expect(err).toMatch(/hashgnn: nothing was fetched: the terms of ml-1m were not accepted/);
    expect(server.requests).toEqual([]);
  });

  test('Ctrl-C is no answer', async () => {
    typing('');
    interrupt.abort();
    expect((await download('ml-1m')).status).toBe(130);
    expect(server.requests).toEqual([]);
  });
});

describe('the list', () => {
  test('has every set with what it is, its size, its page and its terms', async () => {
    const { status, out: json, err } = await hashgnn('download', '--list');
    expect([status, json]).toEqual([0, '']);
    for (const { name, title, page, terms } of CATALOGUE) {
      expect(err).toContain(`${name}  ${title}\n  size: `);
      expect(err).toContain(`  page: ${page}\n  terms: ${terms.summary} (${terms.address})`);
    }
    expect(err).toMatch(/^ml-1m .*\n {2}size: 5\.64 MiB$/m);
    expect(err).toMatch(/^pinterest .*\n {2}size: not known before$/m);
  });

  test('is one object with --json, and of one set where that is named', async () => {
    const { out: json } = await hashgnn('download', '--list', '--json');
    expect(JSON.parse(json).sets.map(({ name }: PublishedSet) => name)).toEqual(CATALOGUE.map(({ name }) => name));
    const one = JSON.parse((await hashgnn('download', 'gowalla', '--list', '--json')).out);
    expect(one.sets).toEqual([
      {
        ...{
          name: 'gowalla',
          title: expect.any(String),
          page: 'https://github.com/kuandeng/LightGCN',
          bytes: 6_005_973,
        },
        terms: { summary: expect.any(String), address: expect.any(String) },
        files: ['train.txt', 'test.txt'].map((file) => ({
          address: expect.stringMatching(new RegExp(`^https://.*/${file}$`)),
          bytes: expect.any(Number),
          checksum: { algorithm: 'md5', digest: expect.any(String), source: expect.stringMatching(/RecZoo/) },
        })),
        prepare: 'hashgnn prepare downloads/gowalla/train.txt downloads/gowalla/test.txt --out datasets/gowalla',
      },
    ]);
  });
});

describe('wrong usage', () => {
  const hex = 'a'.repeat(64);
  test.each([
    [['download'], /no data set is named\n {2}to mend it: name one of ml-100k, ml-1m/],
    [['download', 'ml-2m'], /ml-2m cannot be fetched by name\n {2}to mend it: name one of ml-100k/],
    [['download', 'ml-1m', '--from', 'mirror'], /Expected http:\/\/ or https:/],
    [['download', 'ml-1m', '--from', 'file:///x'], /Expected http:\/\/ or https:/],
    [['download', 'ml-1m', '--from', 'http://me:secret@x/'], /without a user/],
    [['download', 'ml-1m', '--sha256', 'abc'], /Expected 64 hexadecimal digits/],
    [['download', 'ml-1m', '--sha256', `other.zip=${hex}`], /names other\.zip, which ml-1m has not[\s\S]*ml-1m\.zip/],
    [['download', 'gowalla', '--sha256', hex], /does not say of which file[\s\S]*the files are train\.txt, test\.txt/],
  ])('%j', async (args, message) => {
    const { status, err } = await hashgnn(...args);
    expect(status).toBe(2);
    expect(err).toMatch(message);
  });

  test('a checksum needs no name where there is one file', async () => {
    served('ml-1m');
    const from = [
      '--from',
      `${server.url}/mirror`,
      '--sha256',
      digest(MINIATURES['ml-1m']!['ml-1m.zip']!).toUpperCase(),
    ];
    expect((await hashgnn('download', 'ml-1m', '--accept-licence', '--out', out, ...from)).status).toBe(0);
  });
});

test('long stages show rate and time left and how they end, short ones nothing', async () => {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  let now = 0;
  const shown = new Stages(new Output(), () => now);
  const update = (at: number, stage: string, done: number, total?: number) => {
    now = at;
    shown.update(stage, done, total, 'KiB');
  };
  const working = shown.during(async () => {
    update(0, 'a.zip', 0, 1000);
    update(1900, 'a.zip', 100, 1000);
    update(2000, 'a.zip', 200, 1000);
    update(5000, 'a.zip', 500, 1000);
    shown.say('unpacking');
    update(6000, 'b.zip', 10);
    update(7000, 'b.zip', 20);
    update(7000, 'c.zip', 0);
    update(10_000, 'c.zip', 30);
    throw new Error('no more');
  });
  await expect(working).rejects.toThrow('no more');
  expect(written.join('').split('\n')).toEqual([
    ...['a.zip  200/1,000  20%', 'a.zip  500/1,000  50%  100 KiB/s  5.00 s left', 'a.zip  done in 5.00 s', 'unpacking'],
    ...['c.zip  30', 'c.zip  stopped after 3.00 s', ''],
  ]);
});
