import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSealedJson } from '../../src/base/checksums.js';
import { type HashgnnError, InputError, InterruptedError, UsageError } from '../../src/base/errors.js';
import { readJson, writeJson, writeNpy } from '../../src/base/files.js';
import { type Dataset, fingerprint, readDataset } from '../../src/data/dataset.js';
import { type PrepareOptions, prepareDataset } from '../../src/data/prepare.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hashgnn-prepare-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

let counter = 0;
/** Writes a file, prepares it (everything trains unless told otherwise) and reads the dataset back. */
async function prepared(content: string | Uint8Array, options: PrepareOptions = {}): Promise<Dataset> {
  const file = await written(content);
  return preparedFrom({ file, ...options });
}
async function preparedFrom(options: PrepareOptions): Promise<Dataset> {
  const out = join(folder, `out-${counter++}`);
  const summary = await prepareDataset({ testRatio: 0, validRatio: 0, ...options }, out);
  const dataset = await readDataset(out);
  expect(dataset.summary).toEqual(summary);
  return dataset;
}
async function written(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `in-${counter++}`);
  await writeFile(path, content);
  return path;
}

/** The pairs of a part by raw ids, sorted as text. */
function rawPairs(dataset: Dataset, part: 'train' | 'valid' | 'test' = 'train'): string[] {
  const edges = dataset[part];
  return Array.from({ length: edges.length / 2 }, (_, edge) =>
    JSON.stringify([dataset.userIds[edges[2 * edge]!], dataset.itemIds[edges[2 * edge + 1]!]]),
  ).sort();
}
const text = (pairs: readonly (readonly string[])[]) => [...new Set(pairs.map((pair) => JSON.stringify(pair)))].sort();
const zipped = (content: string, gzip: boolean) => (gzip ? gzipSync(content) : content);

describe('reading each format', () => {
  const character = fc.constantFrom(..."abz019 éßжあ😀_-.#%'|;:/\\[]{}()+*&");
  const id = (forbidden: RegExp) =>
    fc
      .array(character, { minLength: 1, maxLength: 6 })
      .map((characters) => characters.join(''))
      .filter((name) => name.trim() !== '' && !forbidden.test(name));
  const pairsOf = (name: fc.Arbitrary<string>) => fc.array(fc.tuple(name, name), { minLength: 1, maxLength: 30 });
  const shape = fc.record({
    gzip: fc.boolean(),
    extra: fc.constantFrom(0, 1, 2),
    lineEnd: fc.constantFrom('\n', '\r\n'),
    finalEnd: fc.boolean(),
    mark: fc.boolean(),
  });
  type Shape = { gzip: boolean; extra: number; lineEnd: string; finalEnd: boolean; mark: boolean };
  const assemble = (lines: string[], { lineEnd, finalEnd, mark }: Shape) =>
    (mark ? '\ufeff' : '') + lines.join(lineEnd) + (finalEnd ? lineEnd : '');
  const extras = (extra: number, index: number) => [String((index % 9) / 2 + 0.5), '978300760'].slice(0, extra);
  const runs = { numRuns: 25 };

  it('MovieLens "::" gives back all pairs and ids as they were', async () => {
    const colons = id(/::|^:|:$/);
    await fc.assert(
      fc.asyncProperty(pairsOf(colons), shape, async (pairs, shape) => {
        const lines = pairs.map((pair, index) => [...pair, ...extras(shape.extra, index)].join('::'));
        const dataset = await prepared(zipped(assemble(lines, shape), shape.gzip), { format: 'movielens' });
        expect(rawPairs(dataset)).toEqual(text(pairs));
      }),
      runs,
    );
  });

  it('tab-separated text gives back all pairs and ids as they were, quotes and commas in them too', async () => {
    const any = fc.oneof(id(/\t/), fc.constantFrom('"', '"a"', 'a,b', '007', '7', '1e3', 'NULL', 'a::b'));
    await fc.assert(
      fc.asyncProperty(pairsOf(any), shape, fc.boolean(), async (pairs, shape, header) => {
        const names = ['user_id:token', 'item_id:token', 'rating:float', 'timestamp:float'].slice(0, 2 + shape.extra);
        const lines = pairs.map((pair, index) => [...pair, ...extras(shape.extra, index)].join('\t'));
        if (header) lines.unshift(names.join('\t'));
        const options: PrepareOptions = { format: 'tsv', ...(!header && { header: false }) };
        const dataset = await prepared(zipped(assemble(lines, shape), shape.gzip), options);
        expect(rawPairs(dataset)).toEqual(text(pairs));
      }),
      runs,
    );
  });

  it('comma-separated text gives back all pairs and ids as they were, quoted where needed', async () => {
    const any = fc.oneof(id(/,/), fc.constantFrom('"', 'a"b', 'a,b', ',', '","', '""', '007', 'x, "y", z'));
    await fc.assert(
      fc.asyncProperty(pairsOf(any), shape, fc.boolean(), fc.boolean(), async (pairs, shape, header, always) => {
        const quoted = (name: string) => (always || /[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
        const lines = pairs.map((pair, index) => [...pair.map(quoted), ...extras(shape.extra, index)].join(','));
        if (header) lines.unshift(['userId', 'movieId', 'rating', 'timestamp'].slice(0, 2 + shape.extra).join(','));
        const options: PrepareOptions = { format: 'csv', ...(!header && { header: false }) };
        const dataset = await prepared(zipped(assemble(lines, shape), shape.gzip), options);
        expect(rawPairs(dataset)).toEqual(text(pairs));
      }),
      runs,
    );
  });

  it('adjacency lists give back all pairs and ids as they were', async () => {
    const word = id(/ /);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(word, fc.array(word, { minLength: 1, maxLength: 9 })), { minLength: 1 }),
        shape,
        async (lists, shape) => {
          const lines = lists.map(([user, items], index) => [user, ...items].join(' ') + ' '.repeat(index % 2));
          const dataset = await prepared(zipped(assemble(lines, shape), shape.gzip), { format: 'lightgcn' });
          expect(rawPairs(dataset)).toEqual(text(lists.flatMap(([user, items]) => items.map((item) => [user, item]))));
        },
      ),
      runs,
    );
  });

  it.each([
    ['movielens', '1::10::5::9783\n2::20::3::9784\n'],
    ['tsv', '196\t242\t3\t881250949\n2\t10\t1\t881250950\n'],
    ['csv', 'userId,movieId,rating,timestamp\n1,10,4.0,964982703\n'],
    ['csv', '1,10\n2,20\n'],
    ['lightgcn', '0 10 11 12\n1 10\n2 12 11\n'],
  ])('detects %s by content, whatever the name of the file, and says so', async (format, content) => {
    const said: string[] = [];
    const file = await written(content);
    const dataset = await preparedFrom({ file, report: (line) => said.push(line) });
    expect(said).toEqual([`${file}: ${dataset.summary.sources[0]!.layout}`]);
    expect(dataset.summary.sources[0]!.layout).toMatch(new RegExp(`^${format}`));
    expect(dataset.itemIds).toContain('10');
  });

  it('finds the columns by their names in any order, and takes a nameless header above numbers for one', async () => {
    const named = await prepared('timestamp,item_id,ignored,stars,user_id\n9,i1,x,5,u1\n9,i2,y,1,u2\n', {
      minRating: 2,
      minUserDegree: 1,
    });
    expect(rawPairs(named)).toEqual(['["u1","i1"]']);
    const nameless = await prepared('who\twhat\n1\t2\n3\t4\n');
    expect(nameless.userIds).toEqual(['1', '3']);
    const forced = await prepared('who\twhat\n1\t2\n3\t4\n', { header: false });
    expect(forced.userIds).toEqual(['1', '3', 'who']);
  });

  it('takes a file name full of pattern characters as it is', async () => {
    const file = join(folder, "it's [a]*?{b}.tsv");
    await writeFile(file, '1\t2\n');
    await writeFile(join(folder, "it's axx{b}.tsv"), '8\t9\n');
    await writeFile(join(folder, "it's [a]xx?{b}.tsv"), '8\t9\n');
    expect((await preparedFrom({ file })).userIds).toEqual(['1']);
  });

  it('reads a line far longer than any buffer', async () => {
    const items = Array.from({ length: 600_000 }, (_, index) => String(index));
    const dataset = await prepared(`7 ${items.join(' ')}\n8 3\n`);
    expect([dataset.itemCount, dataset.train.length]).toEqual([600_000, 1_200_002]);
  });
});

describe('numbering', () => {
  it('is by value where all ids are integers, however long, else by code point; not by order of rows', async () => {
    const ids = (names: string[]) => names.map((name) => `${name}\tx\n`).join('');
    const numeric = await prepared(ids(['10', '9', '-1', '007', '7', '12345678901234567890123']));
    expect(numeric.userIds).toEqual(['-1', '007', '7', '9', '10', '12345678901234567890123']);
    const words = await prepared(ids(['b', '10', '9', 'a', '\u{1d11e}', '\uffee', 'é', 'B']));
    expect(words.userIds).toEqual(['10', '9', 'B', 'a', 'b', 'é', '\uffee', '\u{1d11e}']);
  });

  it('and the split are the same in any order of rows', async () => {
    const rows = Array.from({ length: 200 }, (_, index) => `${index % 13}\t${(index * 7) % 31}`);
    const one = await prepared(rows.join('\n'), { testRatio: 0.3, validRatio: 0.2, seed: 9 });
    const two = await prepared(rows.toReversed().join('\n'), { testRatio: 0.3, validRatio: 0.2, seed: 9 });
    const other = await prepared(rows.join('\n'), { testRatio: 0.3, validRatio: 0.2, seed: 10 });
    expect(fingerprint(one)).toBe(fingerprint(two));
    expect(fingerprint(one)).not.toBe(fingerprint(other));
    expect(one.test.length).toBeGreaterThan(0);
  });
});

describe('filters', () => {
  it('keep rating ≥ x, merge repeated pairs, and count both', async () => {
    const rows = '1\ta\t4\n1\ta\t5\n1\tb\t3.5\n2\ta\t3\n2\tb\t1e1\n';
    const dataset = await prepared(rows, { minRating: 4 });
    expect(rawPairs(dataset)).toEqual(['["1","a"]', '["2","b"]']);
    expect(dataset.summary.filters).toMatchObject({ rowsRead: 5, rowsBelowMinRating: 2, duplicatesMerged: 1 });
  });

  it('stop where the minimum rating leaves a user nothing, unless such users may go', async () => {
    const rows = '1\ta\t4\n2\ta\t1\n2\tb\t2\n';
    await expect(prepared(rows, { minRating: 3 })).rejects.toThrow(/one user has no items after filtering.*"2"/);
    expect((await prepared(rows, { minRating: 3, minUserDegree: 1 })).userIds).toEqual(['1']);
    await expect(prepared(rows, { minRating: 5, minUserDegree: 1 })).rejects.toThrow(/leaves nothing/);
  });

  /** Removes one offender at a time, whichever comes first: the k-core does not depend on the order. */
  const core = (pairs: string[][], minUser: number, minItem: number): string[][] => {
    const few = (side: number, minimum: number) =>
      pairs.find((pair) => pairs.filter((other) => other[side] === pair[side]).length < minimum);
    const user = few(0, minUser);
    if (user)
      return core(
        pairs.filter((pair) => pair[0] !== user[0]),
        minUser,
        minItem,
      );
    const item = few(1, minItem);
    return item
      ? core(
          pairs.filter((pair) => pair[1] !== item[1]),
          minUser,
          minItem,
        )
      : pairs;
  };

  it('reach the same core as removing one offender at a time', async () => {
    const cell = fc.tuple(fc.nat(7), fc.nat(7)).map(([user, item]) => [`u${user}`, `i${item}`]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(cell, { minLength: 8, maxLength: 45 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        async (rows, minUserDegree, minItemDegree) => {
          const distinct = text(rows).map((pair) => JSON.parse(pair) as string[]);
          const expected = core(distinct, minUserDegree, minItemDegree);
          const result = prepared(rows.map((row) => row.join('\t')).join('\n'), {
            minUserDegree,
            minItemDegree,
            header: false,
          });
          if (expected.length === 0) await expect(result).rejects.toThrow(/leaves no interactions/);
          else {
            const dataset = await result;
            expect(rawPairs(dataset)).toEqual(text(expected));
            expect(dataset.summary.filters.degreeFilter.interactions).toBe(distinct.length - expected.length);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('given splits', () => {
  it('keep each pair in the first of training, validation and test, and count what went', async () => {
    const train = await written('0 1 2 3 3\n1 1\n');
    const valid = await written('0 3 4\n');
    const test = await written('0 1 4 5\n1 6 6\n2\n');
    const dataset = await preparedFrom({ train, valid, test });
    expect(rawPairs(dataset, 'train')).toEqual(
      text([
        ['0', '1'],
        ['0', '2'],
        ['0', '3'],
        ['1', '1'],
      ]),
    );
    expect(rawPairs(dataset, 'valid')).toEqual(text([['0', '4']]));
    expect(rawPairs(dataset, 'test')).toEqual(
      text([
        ['0', '5'],
        ['1', '6'],
      ]),
    );
    expect(dataset.summary.filters).toMatchObject({ duplicatesMerged: 2, overlapRemoved: { valid: 1, test: 2 } });
    expect(dataset.summary.split).toMatchObject({ kind: 'given', usersWithTest: 2, itemsWithoutTrain: 3 });
  });

  it('draw validation from training where none is given', async () => {
    const train = await written(`0 ${Array.from({ length: 50 }, (_, item) => item).join(' ')}\n`);
    const dataset = await preparedFrom({ train, test: await written('0 50 51\n'), validRatio: 0.1 });
    expect([dataset.train, dataset.valid, dataset.test].map((part) => part.length / 2)).toEqual([45, 5, 2]);
  });

  it('refuse a part that is left empty', async () => {
    const train = await written('0 1 2\n');
    await expect(preparedFrom({ train, test: await written('0 1\n') })).rejects.toThrow(/test part is empty/);
    const parts = { train, valid: await written('0 2\n'), test: await written('0 3\n') };
    await expect(preparedFrom(parts)).rejects.toThrow(/validation part is empty/);
  });
});

describe('titles', () => {
  const interactions = '1\t10\n1\t11\n2\t12\n';
  it.each([
    ['MovieLens in Latin-1', Buffer.from('10::Café (1995)::Drama|War\n12::B, the::X\n99::none::Y\n', 'latin1')],
    ['gzipped', gzipSync('10\tCafé (1995)\n12\tB, the\n')],
    ['with a RecBole header', 'item_id:token\tmovie_title:token_seq\tyear:token\n12\tB, the\t1\n10\tCafé (1995)\t2\n'],
    ['comma-separated with quotes', 'movieId,title,genres\n10,Café (1995),A|B\n12,"B, the",C\n'],
    ['separated by bars', '10|Café (1995)|01-Jan-1995||x\n12|B, the|1||y\n'],
  ])('%s are stored by item, empty where unknown', async (_, content) => {
    const dataset = await prepared(interactions, { items: await written(content) });
    expect(dataset.itemTitles).toEqual(['Café (1995)', '', 'B, the']);
    expect(dataset.summary.titledItems).toBe(2);
  });

  it('of other ids, or without a title column, are refused', async () => {
    await expect(prepared(interactions, { items: await written('a\tb\n') })).rejects.toThrow(/ids do not meet/);
    const short = await written('10\tA\n11\n');
    await expect(prepared(interactions, { items: short })).rejects.toMatchObject({
      details: { where: `${short}, line 2` },
    });
  });
});

describe('bad input', () => {
  const many = Array.from({ length: 5000 }, (_, index) => `${index}\t${index % 70}\t3`);
  const withLine = (line: number, content: string) => many.with(line - 1, content).join('\n');
  const binary = Uint8Array.from({ length: 4000 }, (_, index) => (index * 197) % 256);
  const cut = gzipSync(withLine(1, '0\t0\t3')).subarray(0, -300);

  const cases: [
    name: string,
    content: string | Uint8Array,
    line: number | undefined,
    message: RegExp,
    options?: PrepareOptions,
  ][] = [
    ['an empty file', '', undefined, /empty/],
    ['an empty gzip file', gzipSync(''), undefined, /empty/],
    ['nothing but empty lines', '\n\r\n\n', undefined, /empty lines/],
    ['a byte-order mark and nothing else', '\ufeff', undefined, /empty/],
    ['a binary file', binary, 1, /binary: it holds the byte 0x00/],
    ['a gzipped binary file', gzipSync(binary), 1, /binary/],
    ['a binary byte far below', `${withLine(1, '0\t0\t3')}\n5\t\u0000\t3`, 5001, /0x00/],
    ['a zip file', Buffer.from('PK\u0003\u0004rest'), undefined, /zip file; expected text/],
    ['a gzip file in a gzip file', gzipSync(gzipSync('1\t2\n')), 1, /binary/],
    ['UTF-16 text', Buffer.from('\ufeff1\t2\n', 'utf16le'), undefined, /UTF-16/],
    ['Latin-1 text', Buffer.from('1\ta\n2\tcafé\n', 'latin1'), 2, /not UTF-8/],
    ['a truncated gzip file', cut, undefined, /truncated/],
    ['a gzip file with a flipped byte', damaged(), undefined, /damaged|truncated/],
    ['one column on the first line', 'lonely\n', 1, /one column.*"lonely"/],
    ['one column further down', withLine(4321, '77'), 4321, /one column where 3 are expected.*"77"/],
    ['more columns', withLine(3, '1\t2\t3\t4'), 3, /4 columns where 3 are expected/],
    ['fewer columns', withLine(5000, '1\t2'), 5000, /2 columns where 3/],
    ['a word as rating', withLine(17, '1\t2\tgood'), 17, /rating "good" is not a number/],
    ['NaN as rating', withLine(18, '1\t2\tNaN'), 18, /rating "NaN"/],
    ['infinity as rating', withLine(18, '1\t2\tinf'), 18, /rating "inf"/],
    ['an underscore in a rating', withLine(18, '1\t2\t1_0'), 18, /rating "1_0"/],
    ['an empty rating', withLine(18, '1\t2\t'), 18, /rating ""/],
    ['a rating too large for a float', withLine(18, '1\t2\t1e999'), 18, /rating "1e999"/],
    ['an empty user', withLine(19, '\t2\t3'), 19, /user id is empty/],
    ['a blank item', withLine(20, '1\t  \t3'), 20, /item id is empty/],
    ['errors after empty lines', '1\t2\n\n\n3\t4\n\n5\n', 6, /one column/],
    ['errors after a header and an empty line', 'user,item\n\n1,2\n1,\n', 4, /item id is empty/],
    ['the first of several errors', `1\t2\t3\n1\t\t3\n1\n1\t2\tx\n`, 2, /item id is empty/],
    ['a carriage return inside a line', '1\t2\r3\t4\n', 1, /carriage return/],
    ['old Macintosh line ends', '1\t2\r3\t4\r', 1, /carriage return/],
    ['a header and nothing else', 'user,item\n', 1, /nothing else/],
    ['a quote that does not close', 'a,b\n"c,d\n', 2, /quoted field/],
    ['text after a closing quote', 'a,b\n"c"x,d\n', 2, /quoted field/],
    ['an adjacency list of no items', '1 2 3\n2\n', 2, /at least one item.*"2"/],
    ['five columns without a header', '1,2,3,4,5\n', 1, /5 columns without a header/],
    ['columns separated by spaces', '1 10 5\n1 11 4\n2 10 3\n', 1, /cannot be told/],
    ['another format than the named one', '1,2\n', 1, /one column/, { format: 'tsv' }],
    ['a minimum rating without ratings', '1\t2\n', undefined, /no rating column/, { minRating: 3 }],
    ['a degree that nobody has', '1\t2\n', undefined, /leaves no interactions of 1/, { minUserDegree: 2 }],
    ['nothing to test', '1\t2\n2\t3\n', undefined, /test part is empty/, { testRatio: 0.3 }],
  ];
  it.each(cases)('%s gets one clear error and leaves nothing', async (_, content, line, message, options) => {
    const file = await written(content);
    const out = join(folder, 'deep', 'out');
    const error = await prepareDataset({ file, testRatio: 0, ...options }, out).catch((error: HashgnnError) => error);
    expect(error).toBeInstanceOf(InputError);
    const { message: said, details } = error as HashgnnError;
    expect(said).toMatch(message);
    expect(said).not.toMatch(/\n/);
    expect(details.where).toBe(line === undefined ? file : `${file}, line ${line}`);
    expect(details.fix).toBeTruthy();
    expect(await readdir(folder)).toEqual([file.slice(folder.length + 1)]);
  });

  function damaged(): Uint8Array {
    const bytes = gzipSync(withLine(1, '0\t0\t3'));
    bytes[bytes.length >> 1]! ^= 0x55;
    return bytes;
  }

  it('a missing file and a folder are named', async () => {
    const file = join(folder, 'no.tsv');
    await expect(preparedFrom({ file })).rejects.toMatchObject({ name: 'InputError', details: { where: file } });
    await expect(preparedFrom({ file: folder })).rejects.toThrow(/this is a folder/);
  });

  it('an output folder that is not empty is refused and kept', async () => {
    const file = await written('1\t2\n');
    await expect(prepareDataset({ file }, folder)).rejects.toThrow(/not empty/);
    expect(existsSync(file)).toBe(true);
  });

  it.each([
    [{}, /no interactions are named/],
    [{ file: 'a', train: 'b', test: 'c' }, /exclude/],
    [{ train: 'a' }, /without --test/],
    [{ file: 'a', testRatio: 1 }, /--test-ratio/],
    [{ file: 'a', validRatio: Number.NaN }, /--valid-ratio/],
    [{ file: 'a', minUserDegree: 0 }, /--min-user-degree/],
    [{ file: 'a', seed: 1.5 }, /--seed/],
  ])('options %j are wrong usage', async (options, message) => {
    await expect(prepareDataset(options, join(folder, 'out'))).rejects.toThrow(message);
    await expect(prepareDataset(options, join(folder, 'out'))).rejects.toBeInstanceOf(UsageError);
  });

  it('an interruption ends it and leaves nothing', async () => {
    const file = await written(withLine(1, '0\t0\t3'));
    const controller = new AbortController();
    const report = () => controller.abort();
    const run = prepareDataset({ file, signal: controller.signal, report }, join(folder, 'out'));
    await expect(run).rejects.toBeInstanceOf(InterruptedError);
    expect(await readdir(folder)).toEqual([file.slice(folder.length + 1)]);
  });

  it('a gzip header with fields that the engine does not know is refused by name', async () => {
    const bytes = Buffer.from(gzipSync('1::10::5::9783\n2::20::3::9784\n'));
    // FEXTRA: two bytes of length, and so many more.
    const extra = Buffer.concat([
      bytes.subarray(0, 3),
      Buffer.from([4]),
      bytes.subarray(4, 10),
      Buffer.from([1, 0, 65]),
    ]);
    const error = await prepared(Buffer.concat([extra, bytes.subarray(10)])).catch((error: unknown) => error);
    if (error instanceof Error) {
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).details.where).toContain(folder);
    } else expect(rawPairs(error as Dataset)).toHaveLength(2);
  });

  it('damage anywhere in a file is read as some dataset or refused, never a crash or anything left behind', async () => {
    const plain = Buffer.from('1::10::5::9783\n2::20::3::9784\n3::10::1::9785\n');
    await fc.assert(
      fc.asyncProperty(fc.nat(200), fc.nat(255), fc.boolean(), async (at, byte, gzip) => {
        const bytes = Buffer.from(gzip ? gzipSync(plain) : plain);
        bytes[at % bytes.length] = byte;
        const error = await prepared(bytes).catch((error: unknown) => error);
        if (error instanceof Error) expect(error).toBeInstanceOf(InputError);
        // What gzip's checksum lets through is what was written.
        else if (gzip) expect(rawPairs(error as Dataset)).toHaveLength(gunzipSync(bytes).equals(plain) ? 3 : -1);
        expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('readDataset', () => {
  const rows = Array.from({ length: 60 }, (_, index) => `u${index % 7}\ti${(index * 5) % 23}`).join('\n');
  let out: string;
  beforeEach(async () => {
    out = join(folder, 'dataset');
    await prepareDataset({ file: await written(rows) }, out);
  });

  it('gives back what was prepared: counts, parts that are disjoint and whole, the statistics', async () => {
    const dataset = await readDataset(out);
    const { statistics } = dataset.summary;
    const all = (['train', 'valid', 'test'] as const).flatMap((part) => rawPairs(dataset, part)).sort();
    expect(all).toEqual(text(rows.split('\n').map((row) => row.split('\t'))));
    expect(statistics).toMatchObject({ users: 7, items: 23, interactions: all.length });
    expect(statistics.density).toBeCloseTo(all.length / (7 * 23));
    expect(dataset.name).toBe('dataset');
    expect(dataset.itemTitles).toBeUndefined();
    expect((await readdir(out)).sort()).toEqual([
      'dataset.json',
      'items.txt',
      'test.npy',
      'train.npy',
      'users.txt',
      'valid.npy',
    ]);
  });

  const replace = async (part: string, change: (edges: Int32Array) => Int32Array) => {
    const edges = change((await readDataset(out))[part as 'train']);
    await writeNpy(join(out, `${part}.npy`), edges, [edges.length / 2, 2]);
  };
  const damages: [name: string, damage: () => Promise<void>, message: RegExp][] = [
    ['a missing part', () => rm(join(out, 'test.npy')), /no such file/],
    ['too few edges', () => replace('test', (edges) => edges.subarray(2)), /expected \d+ edges/],
    ['an item out of range', () => replace('train', (edges) => edges.with(1, 23)), /edge 0 is \(0, 23\)/],
    ['a negative user', () => replace('train', (edges) => edges.with(0, -1)), /edge 0/],
    ['a repeated edge', () => replace('train', (edges) => edges.with(2, edges[0]!).with(3, edges[1]!)), /none twice/],
    ['unsorted edges', () => replace('train', (edges) => edges.with(0, 6)), /sorted/],
    ['a part of floats', () => writeNpy(join(out, 'valid.npy'), new Float32Array(2), [1, 2]), /int32 array.*float32/],
    ['a part of another shape', () => writeNpy(join(out, 'valid.npy'), new Int32Array(3), [1, 3]), /\(any, 2\)/],
    ['a missing id', () => writeFile(join(out, 'users.txt'), 'u0\nu1\n'), /expected 7 users/],
    ['an older format version', () => edit({ version: 1 }), /expected a hashgnn dataset of version 2/],
    ['a newer format version', () => edit({ version: 3 }), /a newer version of hashgnn has prepared/],
    ['a count that is none', () => edit({ statistics: { users: -7, items: 23 } }), /"statistics.users"/],
    ['a changed name', async () => writeJson(json(), { ...(await plain()), name: 'other' }), /a value was changed/],
    ['no seal', async () => writeJson(json(), { ...(await plain()), sha256: undefined }), /does not hold: it has none/],
    ['a changed id', async () => writeFile(ids(), (await readFile(ids(), 'utf8')).replace('i1', 'i9')), /checksum/],
    ['no JSON', () => writeFile(join(out, 'dataset.json'), '{'), /not JSON/],
    ['no dataset.json', () => rm(join(out, 'dataset.json')), /no dataset/],
    ['no folder', () => rm(out, { recursive: true }), /no such dataset folder/],
    ['another edge in range and order', () => replace('test', lastEdgeMoved), /fingerprint|stand in two/],
  ];
  const json = () => join(out, 'dataset.json');
  const ids = () => join(out, 'items.txt');
  const plain = async () => (await readJson(json())) as object;
  async function edit(change: object): Promise<void> {
    await writeSealedJson(json(), { ...(await plain()), ...change });
  }
  function lastEdgeMoved(edges: Int32Array): Int32Array {
    const last = edges.at(-1)!;
    return edges.with(-1, last === 22 ? 21 : 22);
  }
  it.each(damages)('refuses %s', async (_, damage, message) => {
    await damage();
    const error = await readDataset(out).catch((error: HashgnnError) => error);
    expect(error).toBeInstanceOf(InputError);
    expect((error as HashgnnError).message).toMatch(message);
    expect((error as HashgnnError).details.where).toContain(out);
  });

  it('refuses parts that share a pair', async () => {
    const { train, test } = await readDataset(out);
    const pair = train.slice(-2);
    // Sorted still: the pair of the last user takes the place of that user's last test pair.
    const changed = test.slice();
    changed.set(pair, test.length - 2);
    await writeNpy(join(out, 'test.npy'), changed, [changed.length / 2, 2]);
    await expect(readDataset(out)).rejects.toThrow(/stand in two|sorted/);
  });
});
