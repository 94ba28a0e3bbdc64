import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { fetchText, type TransferOptions, transfer } from '../../src/download/transfer.js';
import {
  type Answer,
  begun,
  cut,
  type FileServer,
  hangUp,
  serve,
  serveFiles,
  status,
  tagOf,
} from '../support/file_server.js';

let server: FileServer;
beforeAll(async () => {
  server = await serveFiles();
});
afterAll(() => server.close());

let folder: string;
let part: string;
/** What was reported. */
let told: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hashgnn-transfer-'));
  part = join(folder, 'file.part');
  told = [];
  server.files.set('/file', content);
  server.requests.length = 0;
});
afterEach(async () => {
  server.answers.clear();
  await rm(folder, { recursive: true, force: true });
});

const content = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 31) % 251));
/** As many tries as pauses, and hardly any waiting. */
const patience = { silence: 60_000, pauses: [1, 1] };

const fetched = ({ progress, ...options }: TransferOptions = {}, path = '/file') =>
  transfer(`${server.url}${path}`, part, {
    patience,
    report: (text) => told.push(text),
    progress: (bytes, total) => {
      progress?.(bytes, total);
      server.taken(bytes);
    },
    ...options,
  });
const answering = (...answers: Answer[]) => server.answers.set('/file', answers);
const ranges = () => server.requests.map(({ headers }) => headers.range);
const has = async () => (await readFile(part)).equals(content);

describe('a file comes whole', () => {
  test('at once, with its progress', async () => {
    const progress: [number, number | undefined][] = [];
    await fetched({ progress: (bytes, total) => progress.push([bytes, total]) });
    expect(await has()).toBe(true);
    expect(progress[0]).toEqual([0, content.length]);
    expect(progress.at(-1)).toEqual([content.length, content.length]);
    expect(told).toEqual([]);
    // Packed for the way it would have no length and no place to go on from.
    expect(server.requests[0]!.headers['accept-encoding']).toBe('identity');
  });

  test('over connections that break off, each going on where the last stopped', async () => {
    const rest: Answer = (response, whole, _, { turns }) => {
      turns.set(50_000, () => response.socket?.end());
      const range = `bytes 30000-${whole.length - 1}/${whole.length}`;
      response.writeHead(206, { etag: tagOf(whole), 'content-range': range, 'content-length': 70_000 });
      response.write(whole.subarray(30_000, 50_000));
    };
    answering(cut(30_000), rest);
    await fetched();
    expect(await has()).toBe(true);
    expect(ranges()).toEqual([undefined, 'bytes=30000-', 'bytes=50000-']);
    expect(server.requests.map(({ headers }) => headers['if-range'])).toEqual([
      ...[undefined, tagOf(content), tagOf(content)],
    ]);
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(/^the connection broke off: .*; trying again in 1\.00 ms$/);
  });

  test('over a server that gives less of the rest than it is asked for', async () => {
    const some: Answer = (response, whole) => {
      const headers = { etag: tagOf(whole), 'content-range': `bytes 1000-1999/${whole.length}` };
      response.writeHead(206, { ...headers, 'content-length': 1000 }).end(whole.subarray(1000, 2000));
    };
    answering(cut(1000), some);
    await fetched();
    expect(await has()).toBe(true);
    expect(ranges()).toEqual([undefined, 'bytes=1000-', 'bytes=2000-']);
  });

  test('in a later call, by the time of the last change where there is no tag', async () => {
    const time = 'Tue, 01 Mar 2022 10:00:00 GMT';
    const weak = () => ({ etag: 'W/"weak"', 'last-modified': time });
    answering(cut(5000, weak), hangUp, hangUp);
    await expect(fetched()).rejects.toThrow(/^the connection broke off/);
    expect((await readFile(part)).length).toBe(5000);
    server.requests.length = 0;
    // This server takes the tag only, so it sends the whole file.
    await fetched();
    expect(server.requests[0]!.headers).toMatchObject({ range: 'bytes=5000-', 'if-range': time });
    expect(await has()).toBe(true);
  });

  test('where the part is whole already, without a request', async () => {
    await fetched();
    await fetched();
    expect(server.requests).toHaveLength(1);
  });

  test('from another address, by which it is sent on', async () => {
    server.files.set('/moved', content);
    answering(...[1, 2].map((): Answer => (response) => response.writeHead(302, { location: '/moved' }).end()));
    server.answers.set('/moved', [cut(2000)]);
    await fetched();
    expect(await has()).toBe(true);
    expect(server.requests.map(({ path, headers }) => [path, headers.range])).toEqual([
      ...[
        ['/file', undefined],
        ['/moved', undefined],
      ],
      ...[
        ['/file', 'bytes=2000-'],
        ['/moved', 'bytes=2000-'],
      ],
    ]);
  });

  test('packed for the way against our wish, but then there is nothing to go on with', async () => {
    const packed = gzipSync(content);
    const headers = { etag: '"packed"', 'content-encoding': 'gzip', 'content-length': packed.length };
    answering((response) => response.writeHead(200, headers).end(packed));
    await fetched();
    expect(await has()).toBe(true);
    expect(await readdir(folder)).toEqual(['file.part']);
  });

  test('of unknown length', async () => {
    answering((response) => response.writeHead(200).end(content));
    await fetched();
    expect(await has()).toBe(true);
  });
});

describe('a file is begun anew', () => {
  test('where the server cannot go on', async () => {
    answering(cut(4000), (response, whole) => response.writeHead(200, { etag: tagOf(whole) }).end(whole));
    await fetched();
    expect(await has()).toBe(true);
    expect(told.at(-1)).toMatch(/begun anew$/);
  });

  test('where it has changed meanwhile', async () => {
    answering(cut(4000), (response, _, ...rest) => serve(response, changed, ...rest));
    const changed = Buffer.from('something else');
    await fetched();
    expect(await readFile(part)).toEqual(changed);
    expect(told.at(-1)).toMatch(/begun anew$/);
  });

  test('where the server has nothing from there on, or sends another part', async () => {
    const other: Answer = (response) =>
      response.writeHead(206, { 'content-range': 'bytes 0-9/100000' }).end(content.subarray(0, 10));
    for (const answer of [status(416), other]) {
      answering(cut(4000), answer);
      await fetched();
      expect(await has()).toBe(true);
      await rm(part);
    }
  });

  test('where nothing is known of the part, or it is of another address', async () => {
    await writeFile(part, 'half of something');
    await fetched();
    expect(await has()).toBe(true);
    answering(cut(4000), hangUp, hangUp);
    await rm(part);
    await expect(fetched()).rejects.toThrow();
    server.files.set('/other', content);
    server.requests.length = 0;
    await fetched({}, '/other');
    expect(ranges()).toEqual([undefined]);
  });

  test('where the server says nothing to know the file by', async () => {
    answering(cut(4000, () => ({})));
    await fetched();
    expect(ranges()).toEqual([undefined, undefined]);
    expect(await has()).toBe(true);
  });
});

describe('a failure is told, with what helps', () => {
  const late = status(503, { 'retry-after': '0' });
  test.each<[string, Answer[], RegExp, RegExp, number]>([
    ['no such file', [status(404)], /has no such file \(404 Not Found\)/, /publisher's page/, 1],
    ['not allowed', [status(403)], /refuses to give the file \(403 Forbidden\)/, /--from/, 1],
    ['not now', [late, late, late], /cannot serve the file now \(503/, /later/, 3],
    ['cut off each time', [cut(10), hangUp, hangUp], /connection broke off/, /run the command again/, 3],
  ])('%s', async (_, answers, message, fix, tries) => {
    answering(...answers);
    await expect(fetched()).rejects.toMatchObject({
      message: expect.stringMatching(message),
      exitCode: 1,
      details: { where: `${server.url}/file`, fix: expect.stringMatching(fix) },
    });
    expect(server.requests).toHaveLength(tries);
  });

  test('a server that sends round in circles', async () => {
    const round: Answer = (response) => response.writeHead(301, { location: '/file' }).end();
    answering(...Array.from({ length: 30 }, () => round));
    await expect(fetched()).rejects.toThrow(/sends from one address to the next/);
  });

  test('a server that sends from a secure address to one that is not', async () => {
    const answer = Object.defineProperty(new Response('anything'), 'url', { value: `${server.url}/file` });
    const asking = vi.spyOn(globalThis, 'fetch').mockResolvedValue(answer);
    await expect(transfer('https://secure.example.org/file', part, { patience })).rejects.toMatchObject({
      message: `the server sends to an address without encryption: ${server.url}/file`,
      details: { where: 'https://secure.example.org/file' },
    });
    asking.mockRestore();
    expect(await readdir(folder)).toEqual([]);
  });

  test('a server that is not there', async () => {
    const gone = await serveFiles();
    await gone.close();
    await expect(transfer(`${gone.url}/file`, part, { patience })).rejects.toMatchObject({
      message: 'the server refuses the connection',
      details: { where: `${gone.url}/file`, fix: expect.stringMatching(/check the network/) },
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a port that is not for files, and an address that is sent on to something else', async () => {
    await expect(transfer('http://127.0.0.1:9/file', part, { patience })).rejects.toMatchObject({
      message: 'no file can be asked for there: bad port',
      details: { where: 'http://127.0.0.1:9/file', fix: 'name another address with --from' },
    });
    answering((response) => response.writeHead(302, { location: 'ftp://127.0.0.1/file' }).end());
    await expect(fetched()).rejects.toThrow(/^no file can be asked for there: .*scheme/);
    expect(server.requests).toHaveLength(1);
  });

  test('a proxy that is not used', async () => {
    const gone = await serveFiles();
    await gone.close();
    vi.stubEnv('HTTPS_PROXY', 'http://proxy:3128');
    await expect(transfer(`${gone.url}/file`, part, { patience })).rejects.toMatchObject({
      details: { fix: expect.stringMatching(/NODE_USE_ENV_PROXY=1/) },
    });
    vi.unstubAllEnvs();
  });

  test('a server that falls silent, in the middle and at once', async () => {
    answering(
      begun(3000),
      () => {},
      () => {},
    );
    await expect(fetched({ patience: { silence: 50, pauses: [1, 1] } })).rejects.toThrow(
      'the server was silent for 50.0 ms',
    );
    expect((await readFile(part)).length).toBe(3000);
    await fetched();
    expect(await has()).toBe(true);
  });

  test('a pause that the server asks for, but not a longer one than a minute', async () => {
    answering(status(429, { 'retry-after': '86400' }));
    const abort = new AbortController();
    const report = (text: string) => {
      told.push(text);
      abort.abort();
    };
    await expect(fetched({ report, signal: abort.signal })).rejects.toMatchObject({ exitCode: 130 });
    expect(told).toEqual([expect.stringMatching(/\(429 Too Many Requests\); trying again in 1 min 00 s$/)]);
  });

  test('a disk that has no room for what is to come', async () => {
    answering((response) => response.writeHead(200, { 'content-length': 2 ** 60 }).write('x'));
    await expect(fetched()).rejects.toMatchObject({
      message: expect.stringMatching(/^1024 PiB are to come, and the disk has .* free$/),
      details: { where: folder, fix: expect.stringMatching(/--out/) },
    });
  });

  test('a disk that gets full: what has come stays, and is gone on with', async () => {
    const handle = await open(join(folder, 'any'), 'w');
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    const { write } = prototype;
    let room = 1;
    const writing = vi.spyOn(prototype, 'write').mockImplementation(function (this: typeof handle, piece: never) {
      // What is written first is what is known of the part.
      if (room-- > 0 || (piece as Uint8Array).length < 1000) return write.call(this, piece) as ReturnType<typeof write>;
      return Promise.reject(Object.assign(new Error('write'), { code: 'ENOSPC' }));
    } as never);
    try {
      await expect(fetched()).rejects.toMatchObject({
        message: 'cannot write the file: no space is left on the disk',
        details: { where: part },
      });
    } finally {
      writing.mockRestore();
    }
    await fetched();
    expect(await has()).toBe(true);
  });
});

describe('Ctrl-C', () => {
  test('keeps what has come, and a later call goes on with it', async () => {
    const abort = new AbortController();
    answering(begun(7000));
    const progress = (bytes: number) => bytes === 7000 && abort.abort();
    await expect(fetched({ signal: abort.signal, progress })).rejects.toMatchObject({
      exitCode: 130,
      message: 'interrupted: what has come is kept, and the same command goes on with it',
    });
    await fetched();
    expect(ranges()).toEqual([undefined, 'bytes=7000-']);
    expect(await has()).toBe(true);
  });

  test('before anything was asked', async () => {
    await expect(fetched({ signal: AbortSignal.abort() })).rejects.toMatchObject({ exitCode: 130 });
    expect(server.requests).toEqual([]);
  });
});

test('a small text comes as it is, and a long one is refused', async () => {
  server.files.set('/text', Buffer.from('0123  file\n'));
  expect(await fetchText(`${server.url}/text`, { patience })).toBe('0123  file\n');
  await expect(fetchText(`${server.url}/file`, { patience })).rejects.toThrow(/too long/);
});
