import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { unpackMembers } from '../../src/download/archive.js';
import { type ZipMember, zipOf } from '../support/zip.js';

let folder: string;
let archive: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hashgnn-zip-'));
  await mkdir(join(folder, 'out'));
  archive = join(folder, 'a.zip');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const WANTED = 'a/data.txt';
const data = 'user\titem\n'.repeat(1000);
const good: ZipMember = { name: WANTED, content: data };

async function unpack(bytes: Buffer, options?: Parameters<typeof unpackMembers>[2]): Promise<void> {
  await writeFile(archive, bytes);
  await unpackMembers(archive, new Map([[WANTED, join(folder, 'out', 'data.txt')]]), options);
}

test('a member gets the place that was named, and nothing else is written', async () => {
  await unpack(zipOf([{ name: 'a/', content: '', mode: 0o40755 }, { name: 'a/other', content: 'x' }, good]));
  expect(await readFile(join(folder, 'out', 'data.txt'), 'utf8')).toBe(data);
  expect(await readdir(join(folder, 'out'))).toEqual(['data.txt']);
});

describe('refused, with nothing written:', () => {
  const other = (name: string): ZipMember => ({ name, content: 'x' });
  test.each<[string, Buffer, RegExp, object?]>([
    ['a name that leads out of the folder', zipOf([other('../evil'), good]), /damaged or unsafe: .*\.\.\/evil/],
    ['a name that does so on the way', zipOf([other('a/../../evil'), good]), /damaged or unsafe/],
    ['a name from the root', zipOf([other('/etc/evil'), good]), /damaged or unsafe: absolute path/],
    ['a name of Windows', zipOf([other('..\\evil'), good]), /damaged or unsafe: invalid characters/],
    ['a drive of Windows', zipOf([other('C:/evil'), good]), /damaged or unsafe: absolute path/],
    ['a link in the place of the file', zipOf([{ ...good, mode: 0o120777 }]), /is a link or a folder/],
    ['a device in the place of the file', zipOf([{ ...good, mode: 0o020666 }]), /is a link or a folder/],
    ['two members of one name', zipOf([good, { ...good, content: 'other' }]), /has two members a\/data\.txt/],
    ['no such member', zipOf([other('b')]), /has no member a\/data\.txt/],
    ['a member that is too large', zipOf([good]), /would have 9\.77 KiB, and 512 B at most/, { largest: 512 }],
    ['a member that is larger than it says', zipOf([{ ...good, said: { size: 100 } }]), /damaged or unsafe/],
    ['a member that is smaller than it says', zipOf([{ ...good, said: { size: 20_000 } }]), /damaged or unsafe/],
    ['another checksum', zipOf([{ ...good, said: { crc: 1 } }]), /checksum of the member a\/data\.txt does not hold/],
    ['an encrypted member', zipOf([{ ...good, encrypted: true }]), /is encrypted/],
    ['half an archive', zipOf([good]).subarray(0, 60), /damaged or unsafe/],
    ['a page in its place', Buffer.from('<html>Not found</html>'), /damaged or unsafe/],
  ])('%s', async (_, bytes, message, options) => {
    await expect(unpack(bytes, options)).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringMatching(message),
      details: { where: archive, fix: 'delete the file and download it again' },
    });
    expect(await readdir(join(folder, 'out'))).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(['a.zip', 'out']);
  });

  test('an archive that is not there, as any file', async () => {
    const missing = unpackMembers(join(folder, 'none.zip'), new Map([[WANTED, join(folder, 'out', 'x')]]));
    await expect(missing).rejects.toThrow('cannot read the file: there is no such file');
  });
});

test('an interruption leaves nothing', async () => {
  const signal = AbortSignal.abort();
  await expect(unpack(zipOf([good]), { signal })).rejects.toMatchObject({ exitCode: 130 });
  expect(await readdir(join(folder, 'out'))).toEqual([]);
});
