import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readSealedJson, writeSealedJson } from '../../src/base/checksums.js';
import { lockFolder } from '../../src/base/lock.js';
import type { PublishedFile, PublishedSet } from '../../src/data/catalogue.js';
import { type DownloadOptions, downloadSet, isThere } from '../../src/download/index.js';
import { cut, type FileServer, hangUp, serveFiles, status } from '../support/file_server.js';
import { zipOf } from '../support/zip.js';

let server: FileServer;
let root: string;
/** Where the set goes; missing at the beginning. */
let folder: string;
let told: string[];
beforeAll(async () => {
  server = await serveFiles();
  root = await mkdtemp(join(tmpdir(), 'hashgnn-download-'));
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true, force: true });
});
let folders = 0;
beforeEach(() => {
  folder = join(root, `${folders++}`);
  told = [];
  server.requests.length = 0;
  server.files.clear();
  server.files.set('/set/a.zip', archive);
  server.files.set('/set/b.txt', text);
});
afterEach(() => server.answers.clear());

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const md5 = (content: Buffer) => createHash('md5').update(content).digest('hex');
const archive = zipOf([
  { name: 'a/README', content: 'read me' },
  { name: 'a/ratings.dat', content: '1::2::3::4\n' },
  { name: 'a/users.dat', content: 'nobody wants this' },
]);
const text = Buffer.from('1 2 3\n');
const stated = (content: Buffer) => ({ algorithm: 'sha256', digest: sha256(content), source: 'a paper' }) as const;

/** A set of an archive with a known checksum and a file without. */
function set(zip: Partial<PublishedFile> = {}): PublishedSet {
  return {
    ...{ name: 'tiny', title: 'Tiny', page: 'https://tiny.example.org', prepare: { files: ['ratings.dat'] } },
    terms: { summary: 'None.', address: 'https://tiny.example.org/terms' },
    files: [
      {
        address: `${server.url}/set/a.zip`,
        checksum: stated(archive),
        members: ['a/README', 'a/ratings.dat'],
        ...zip,
      },
      { address: `${server.url}/set/b.txt` },
    ],
  };
}

const patience = { silence: 60_000, pauses: [1] };
const download = (options: DownloadOptions = {}, which = set()) =>
  downloadSet(which, folder, {
    patience,
    report: (line) => told.push(line),
    progress: (_, bytes) => server.taken(bytes),
    ...options,
  });
const paths = () => server.requests.map(({ path }) => path);
const NAMES = ['README', 'a.zip', 'b.txt', 'download.json', 'ratings.dat'];

describe('a download', () => {
  test('brings all files, checks them, unpacks what is wanted and records what came', async () => {
    const done = await download();
    expect((await readdir(folder)).sort()).toEqual(NAMES);
    expect(await readFile(join(folder, 'ratings.dat'), 'utf8')).toBe('1::2::3::4\n');
    const files = [
      {
        ...{ name: 'a.zip', address: `${server.url}/set/a.zip`, bytes: archive.length, sha256: sha256(archive) },
        ...{ agreesWith: ['a paper'], fetched: true },
      },
      {
        ...{ name: 'b.txt', address: `${server.url}/set/b.txt`, bytes: text.length, sha256: sha256(text) },
        ...{ agreesWith: [], fetched: true },
      },
    ];
    const unpacked = {
      README: sha256(Buffer.from('read me')),
      'ratings.dat': sha256(Buffer.from('1::2::3::4\n')),
    };
    expect(done).toEqual({ name: 'tiny', folder, files, unpacked });
    expect(await readSealedJson(join(folder, 'download.json'))).toEqual({
      ...{ format: 1, name: 'tiny', page: 'https://tiny.example.org', terms: 'https://tiny.example.org/terms' },
      files: Object.fromEntries(files.map(({ name, agreesWith: _, fetched: __, ...known }) => [name, known])),
      unpacked,
    });
  });

  test('that is done already fetches nothing, and checks all the same', async () => {
    expect(await isThere(set(), folder)).toBe(false);
    await download();
    expect(await isThere(set(), folder)).toBe(true);
    server.requests.length = 0;
    const again = await download();
    expect(paths()).toEqual([]);
    expect(again.files.map(({ fetched }) => fetched)).toEqual([false, false]);
    expect(again.files[1]!.agreesWith).toEqual(['download.json of earlier']);
  });

  test('takes files that came another way, and unpacks what is missing or was changed', async () => {
    await download();
    await rm(join(folder, 'download.json'));
    await rm(join(folder, 'README'));
    await writeFile(join(folder, 'ratings.dat'), 'changed');
    server.requests.length = 0;
    await download();
    expect(paths()).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(NAMES);
    expect(await readFile(join(folder, 'ratings.dat'), 'utf8')).toBe('1::2::3::4\n');
  });

  test('goes on after a failure with what has come', async () => {
    server.answers.set('/set/b.txt', [cut(3), hangUp]);
    await expect(download()).rejects.toThrow(/connection broke off/);
    expect((await readdir(folder)).sort()).toEqual([
      ...['README', 'a.zip', 'b.txt.part', 'b.txt.part.json', 'download.json', 'ratings.dat'],
    ]);
    server.requests.length = 0;
    await download();
    expect(server.requests.map(({ path, headers }) => [path, headers.range])).toEqual([['/set/b.txt', 'bytes=3-']]);
    expect((await readdir(folder)).sort()).toEqual(NAMES);
    expect(await readFile(join(folder, 'b.txt'))).toEqual(text);
  });

  test('after Ctrl-C too', async () => {
    const abort = new AbortController();
    const progress = (file: string, bytes: number) => file === 'b.txt' && bytes === text.length && abort.abort();
    await expect(download({ signal: abort.signal, progress })).rejects.toMatchObject({ exitCode: 130 });
    expect(await readdir(folder)).not.toContain('b.txt');
    server.requests.length = 0;
    // It had come whole.
    await download();
    expect(paths()).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(NAMES);
  });

  test('from another place has the same files and checksums, and asks nobody else', async () => {
    server.files.clear();
    server.files.set('/mirror/of%20it/a.zip', archive);
    server.files.set('/mirror/of%20it/b.txt', text);
    const files = set({ md5Address: `${server.url}/set/a.zip.md5` });
    await download({ from: new URL(`${server.url}/mirror/of it`) }, files);
    expect(paths()).toEqual(['/mirror/of%20it/a.zip', '/mirror/of%20it/b.txt']);
    server.files.set('/mirror/of%20it/a.zip', Buffer.from('something else'));
    await rm(join(folder, 'a.zip'));
    await expect(download({ from: new URL(`${server.url}/mirror/of it/`) }, files)).rejects.toThrow(/a paper/);
  });

  test('is one at a time in a folder', async () => {
    const lock = await lockFolder(folder);
    await expect(download()).rejects.toThrow(/is writing into this folder/);
    await lock.release();
    expect(paths()).toEqual([]);
  });

  test('leaves no folder where nothing came', async () => {
    server.answers.set('/set/a.zip', [status(404)]);
    await expect(download()).rejects.toThrow(/no such file/);
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });
});

describe('a checksum that does not hold', () => {
  const other = zipOf([
    { name: 'a/README', content: 'new' },
    { name: 'a/ratings.dat', content: '5::6::7::8\n' },
  ]);

  test('leaves nothing, under no name', async () => {
    server.files.set('/set/a.zip', other);
    await expect(download()).rejects.toMatchObject({
      name: 'InputError',
      message: `the checksum of a.zip does not hold: its SHA-256 is ${sha256(other)}, and ${sha256(archive)} by a paper`,
      details: { fix: `download it again; if you trust what came, say --sha256 a.zip=${sha256(other)}` },
    });
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  test('is taken where the user wants this one, and its members take the place of the earlier ones', async () => {
    await download();
    await rm(join(folder, 'a.zip'));
    server.files.set('/set/a.zip', other);
    const done = await download({ sha256: new Map([['a.zip', sha256(other)]]) });
    expect(done.files[0]!.agreesWith).toEqual(['--sha256']);
    expect(await readFile(join(folder, 'ratings.dat'), 'utf8')).toBe('5::6::7::8\n');
  });

  test('of the user holds against everything else', async () => {
    await expect(download({ sha256: new Map([['a.zip', '0'.repeat(64)]]) })).rejects.toThrow(/by --sha256$/);
  });

  test('of a file that is there is told, and the file stays', async () => {
    await download();
    await writeFile(join(folder, 'a.zip'), 'damaged');
    await expect(download()).rejects.toMatchObject({
      message: expect.stringMatching(/^the checksum of a\.zip does not hold/),
      details: { where: join(folder, 'a.zip'), fix: expect.stringMatching(/^delete the file and download it again/) },
    });
    expect(await readFile(join(folder, 'a.zip'), 'utf8')).toBe('damaged');
  });

  test('of a file that nobody states one of: the first download is remembered', async () => {
    await download();
    await rm(join(folder, 'b.txt'));
    server.files.set('/set/b.txt', Buffer.from('2 3 4\n'));
    await expect(download()).rejects.toThrow(new RegExp(`and ${sha256(text)} by download\\.json of earlier$`));
    expect(await readdir(folder)).not.toContain('b.txt');
  });
});

describe('the publisher’s own checksum', () => {
  const withMd5 = () => set({ md5Address: `${server.url}/set/a.zip.md5` });

  test('is compared with too', async () => {
    server.files.set('/set/a.zip.md5', Buffer.from(`MD5 (a.zip) = ${md5(archive)}\n`));
    const { files } = await download({}, withMd5());
    expect(files[0]!.agreesWith).toEqual(['a paper', 'the publisher']);
  });

  test('tells where the publisher has changed the file', async () => {
    server.files.set('/set/a.zip', text);
    server.files.set('/set/a.zip.md5', Buffer.from(`${md5(text).toUpperCase()}  a.zip`));
    await expect(download({}, withMd5())).rejects.toThrow(/so the publisher has changed the file$/);
  });

  test('is enough to refuse a file', async () => {
    server.files.set('/set/a.zip.md5', Buffer.from(md5(text)));
    await expect(download({}, withMd5())).rejects.toThrow(
      `its MD5 is ${md5(archive)}, and ${md5(text)} by the publisher`,
    );
  });

  test('may be missing, or none', async () => {
    await download({}, withMd5());
    expect(told).toContainEqual(expect.stringMatching(/own checksum cannot be had.*no such file/));
    await rm(join(folder, 'a.zip'));
    server.files.set('/set/a.zip.md5', Buffer.from('gone'));
    await download({}, withMd5());
    expect(told.at(-3)).toBe(`${server.url}/set/a.zip.md5 holds no MD5: not compared with it`);
  });
});

describe('refused:', () => {
  test('a folder of another set', async () => {
    await download();
    await expect(download({}, { ...set(), name: 'other' })).rejects.toMatchObject({
      message: 'another data set was downloaded into this folder: "tiny"',
      details: { fix: 'name another folder with --out' },
    });
  });

  test('a record that was changed, or is newer', async () => {
    await download();
    const path = join(folder, 'download.json');
    const record = await readSealedJson(path);
    await writeSealedJson(path, { ...record, format: 2 });
    await expect(download()).rejects.toThrow('a newer version of hashgnn has downloaded this');
    await writeFile(path, '{}');
    await expect(download()).rejects.toThrow(/the checksum in the file does not hold/);
  });

  test('an archive with the right checksum that would write outside, and nothing of it is written', async () => {
    const evil = zipOf([
      { name: '../evil', content: 'x' },
      { name: 'a/README', content: '' },
    ]);
    server.files.set('/set/a.zip', evil);
    const which = set({ checksum: stated(evil), members: ['a/README'] });
    await expect(download({}, which)).rejects.toThrow(/damaged or unsafe/);
    expect((await readdir(folder)).sort()).toEqual(['a.zip', 'download.json']);
    expect(await readdir(root)).not.toContain('evil');
  });
});
