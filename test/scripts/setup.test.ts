import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  mainArchives,
  mayBeTooOld,
  parseDeb822Sources,
  parseOneLineSources,
  parseOsRelease,
  parseSources,
  planDriver,
  suiteSources,
} from '../../scripts/apt.mjs';
import { lastLines, runInForeground, runQuietly } from '../../scripts/run.mjs';
import {
  adapterKey,
  explainLoadError,
  nodeProblem,
  packagesMatch,
  readStamp,
  sourceKey,
  writeStamp,
} from '../../scripts/setup.mjs';

// Hosts are made up: example.* belongs to nobody.
const CONTAINER = `Types: deb
# http://snapshot.example.org/archive/20250520T000000Z
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example.org/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;

const CLASSIC = `# deb cdrom:[Debian GNU/Linux 12.0.0 _Bookworm_]/ bookworm main
deb cdrom:[Debian]/ bookworm main
deb http://ftp.example.net/debian/ bookworm main non-free-firmware
deb-src http://ftp.example.net/debian/ bookworm main
deb http://ftp.example.net/debian/ bookworm-updates main # trailing words
deb http://security.example.net/debian-security bookworm-security main
`;

const VENDORS = `deb [arch=amd64,arm64 signed-by=/etc/apt/keyrings/vendor.gpg] https://apt.example.com bookworm main
deb [signed-by=/etc/apt/keyrings/pg.asc] https://pg.example.com/apt bookworm-pgdg main
deb https://docker.example.com/linux/debian bookworm stable
`;

const INLINE_KEY = `Enabled: yes
Types: deb deb-src
URIs: https://mirror.example.org/debian/
Suites: bookworm
 bookworm-updates
Components: main contrib
Architectures: amd64
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBFit2ioBEADh
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: https://old.example.org/debian/
Suites: bookworm
Components: main
`;

const uris = (entries: { uris: string[] }[]) => entries.flatMap((entry) => entry.uris);

describe('apt sources', () => {
  test('stanzas are read with comments between their lines', () => {
    const [main, security, ...rest] = parseDeb822Sources(CONTAINER);
    expect(rest).toEqual([]);
    expect(main).toEqual({
      types: ['deb'],
      uris: ['http://mirror.example.org/debian'],
      suites: ['bookworm', 'bookworm-updates'],
      components: ['main'],
      options: { 'Signed-By': '/usr/share/keyrings/debian-archive-keyring.gpg' },
    });
    expect(security?.suites).toEqual(['bookworm-security']);
  });

  test('continued fields and keys written out are kept; disabled stanzas are not', () => {
    const entries = parseDeb822Sources(INLINE_KEY);
    expect(uris(entries)).toEqual(['https://mirror.example.org/debian/']);
    expect(entries[0]?.suites).toEqual(['bookworm', 'bookworm-updates']);
    expect(entries[0]?.options['Signed-By']).toMatch(
      /^\n -----BEGIN [\s\S]*\n \.\n mQIN[\s\S]*END PGP PUBLIC KEY BLOCK-----$/,
    );
  });

  test('lines are read with and without options; comments are not', () => {
    expect(uris(parseOneLineSources(CLASSIC)).filter((uri) => uri.startsWith('http'))).toHaveLength(4);
    expect(parseOneLineSources(VENDORS)[0]).toEqual({
      types: ['deb'],
      uris: ['https://apt.example.com'],
      suites: ['bookworm'],
      components: ['main'],
      options: { Architectures: 'amd64 arm64', 'Signed-By': '/etc/apt/keyrings/vendor.gpg' },
    });
    expect(parseOneLineSources('# deb http://a.example b main\n\nnonsense')).toEqual([]);
  });

  test('a file is read by its ending, as apt does', () => {
    expect(parseSources('debian.sources', CONTAINER)).toHaveLength(2);
    expect(parseSources('sources.list', CLASSIC).length).toBeGreaterThan(2);
    expect(parseSources('debian.sources.disabled', CONTAINER)).toEqual([]);
  });

  test("only the distribution's own archive counts, whatever else is there", () => {
    const entries = [...parseOneLineSources(VENDORS), ...parseDeb822Sources(CONTAINER)];
    expect(uris(mainArchives(entries, 'bookworm'))).toEqual(['http://mirror.example.org/debian']);
    const classic = [...parseOneLineSources(VENDORS), ...parseOneLineSources(CLASSIC)];
    expect(new Set(uris(mainArchives(classic, 'bookworm')))).toEqual(new Set(['http://ftp.example.net/debian/']));
  });

  test('the suite is taken from the same mirror, with its key', () => {
    expect(suiteSources(parseDeb822Sources(CONTAINER), 'bookworm', 'bookworm-backports')).toBe(
      'Types: deb\nURIs: http://mirror.example.org/debian\nSuites: bookworm-backports\nComponents: main\n' +
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n',
    );
    const inline = suiteSources(parseDeb822Sources(INLINE_KEY), 'bookworm', 'bookworm-backports');
    expect(parseDeb822Sources(inline)).toEqual([
      {
        ...parseDeb822Sources(INLINE_KEY)[0],
        types: ['deb'],
        suites: ['bookworm-backports'],
        components: ['main'],
      },
    ]);
  });

  test('two lines of one mirror give one stanza, and a suite that is there already none', () => {
    const classic = parseOneLineSources(CLASSIC);
    expect(suiteSources(classic, 'bookworm', 'bookworm-backports').match(/Types:/g)).toHaveLength(1);
    const own = [...classic, ...parseOneLineSources('deb http://ftp.example.net/debian bookworm-backports main')];
    expect(suiteSources(own, 'bookworm', 'bookworm-backports')).toBe('');
  });

  test('no mirror, no suite', () => {
    expect(suiteSources([], 'bookworm', 'bookworm-backports')).toBe('');
    expect(suiteSources(parseOneLineSources('deb cdrom:[x]/ bookworm main'), 'bookworm', 'bookworm-backports')).toBe(
      '',
    );
  });
});

describe('the driver', () => {
  const debian = (version: string, codename: string) =>
    parseOsRelease(
      `PRETTY_NAME="Debian GNU/Linux ${version}"\nVERSION_ID="${version}"\nVERSION_CODENAME=${codename}\nID=debian\n`,
    );
  const ubuntu = (version: string) =>
    parseOsRelease(`NAME="Ubuntu"\nVERSION_ID="${version}"\nID=ubuntu\nID_LIKE=debian\n`);
  const bookworm = {
    platform: 'linux',
    os: debian('12', 'bookworm'),
    isRoot: true,
    hasAptGet: true,
    entries: parseDeb822Sources(CONTAINER),
  };

  test('os-release is read with quotes and without', () => {
    expect(ubuntu('24.04')).toEqual({ id: 'ubuntu', like: ['debian'], version: '24.04', codename: '', name: 'Ubuntu' });
    expect(parseOsRelease('')).toEqual({ id: '', like: [], version: '', codename: '', name: 'this system' });
  });

  test('root on Debian 12 gets it from backports', () => {
    expect(planDriver(bookworm)).toEqual({
      kind: 'install',
      what: 'mesa-vulkan-drivers from bookworm-backports',
      suite: 'bookworm-backports',
      sources: suiteSources(bookworm.entries, 'bookworm', 'bookworm-backports'),
    });
  });

  test('root on Debian 12 that has backports already needs no further source', () => {
    const entries = [
      ...bookworm.entries,
      ...parseOneLineSources('deb http://mirror.example.org/debian bookworm-backports main'),
    ];
    expect(planDriver({ ...bookworm, entries })).toMatchObject({
      kind: 'install',
      suite: 'bookworm-backports',
      sources: '',
    });
  });

  test.each([
    ['Debian 13', debian('13', 'trixie')],
    ['Debian without a number', parseOsRelease('ID=debian\nVERSION_CODENAME=forky')],
    ['Ubuntu 24.04', ubuntu('24.04')],
    ['a relative of Ubuntu', parseOsRelease('ID=linuxmint\nID_LIKE="ubuntu debian"')],
  ])('root on %s gets the plain package', (_, os) => {
    expect(planDriver({ ...bookworm, os })).toMatchObject({
      kind: 'install',
      what: 'mesa-vulkan-drivers',
      suite: undefined,
      sources: '',
    });
  });

  test('without root the commands are printed: the same work with sudo', () => {
    const plan = planDriver({ ...bookworm, isRoot: false, node: '/opt/node', script: 'scripts/setup.mjs' });
    expect(plan).toMatchObject({ kind: 'tell', commands: ['sudo /opt/node scripts/setup.mjs driver'] });
    const plain = planDriver({ ...bookworm, os: ubuntu('24.04'), isRoot: false });
    expect(plain).toMatchObject({
      kind: 'tell',
      commands: ['sudo apt-get update', 'sudo apt-get install -y --no-install-recommends mesa-vulkan-drivers'],
    });
  });

  test('root who forbids it is told the commands without sudo', () => {
    const plan = planDriver({ ...bookworm, mayInstall: false });
    expect(plan).toMatchObject({ kind: 'tell', commands: ['node scripts/setup.mjs driver'] });
  });

  test('Debian 12 without a mirror in its sources is told so', () => {
    const plan = planDriver({ ...bookworm, entries: [] });
    expect(plan.kind).toBe('tell');
    expect(plan).toHaveProperty('why', expect.stringContaining('name no mirror'));
  });

  test.each([
    ['darwin', /Metal/],
    ['win32', /Direct3D/],
    ['freebsd', /freebsd/],
  ])('%s is told why nothing can be installed', (platform, why) => {
    const plan = planDriver({ ...bookworm, platform, hasAptGet: false });
    expect(plan).toMatchObject({ kind: 'tell', why: expect.stringMatching(why), commands: [] });
  });

  test.each([
    ['ID=fedora', 'sudo dnf install mesa-vulkan-drivers vulkan-loader'],
    ['ID=rocky\nID_LIKE="rhel centos fedora"', 'sudo dnf install mesa-vulkan-drivers vulkan-loader'],
    ['ID=manjaro\nID_LIKE=arch', 'sudo pacman -S vulkan-swrast vulkan-icd-loader'],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"', 'sudo zypper install libvulkan_lvp libvulkan1'],
  ])('a Linux without apt-get (%s) is told its own command', (release, command) => {
    const plan = planDriver({ ...bookworm, os: parseOsRelease(release), hasAptGet: false });
    expect(plan).toMatchObject({ kind: 'tell', commands: [command] });
  });

  test('systems whose package may be too old are known', () => {
    expect([debian('11', 'bullseye'), ubuntu('22.04')].map(mayBeTooOld)).toEqual([true, true]);
    expect([debian('12', 'bookworm'), debian('', 'sid'), ubuntu('24.04')].map(mayBeTooOld)).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('sentences', () => {
  test.each([
    ['20.18.3', false],
    ['18.20.4', false],
    ['20.19.0', true],
    ['22.0.0', true],
    ['100.1.0', true],
  ])('Node %s is new enough: %s', (version, enough) => {
    expect(nodeProblem(version) === undefined).toBe(enough);
  });

  const machine = { platform: 'linux', arch: 'x64', glibc: '2.31' };
  test.each([
    [
      "/lib/libc.so.6: version `GLIBC_2.34' not found (required by /x/dawn.node)",
      /needs the C library glibc 2\.34 or newer, and this system has 2\.31/,
    ],
    ["libstdc++.so.6: version `GLIBCXX_3.4.30' not found (required by dawn.node)", /C\+\+ library is too old/],
    ['Error loading shared library ld-linux-x86-64.so.2: No such file (needed by dawn.node)', /does not use/],
    ["Cannot find module '/x/dist/linux-riscv64/dawn.node'\nRequire stack:\n- /x", /none for linux on x64/],
    ['libfoo.so.1: cannot open shared object file: No such file or directory', /library libfoo\.so\.1 is missing/],
    ['something else\nwith a tail', /cannot be loaded: something else$/],
  ])('the loader saying "%s" becomes one sentence', (message, sentence) => {
    const text = explainLoadError(message, machine);
    expect(text).toMatch(sentence);
    expect(text).not.toContain('\n');
  });

  test('only the last lines of a long output are shown', () => {
    expect(lastLines('a\n\nb\nc\n', 2)).toBe('    b\n    c');
  });
});

describe('what an earlier run found', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'hashgnn-setup-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test('is kept beside the packages, grows, and is empty when missing or broken', () => {
    expect(readStamp(root)).toEqual({});
    mkdirSync(join(root, 'node_modules'));
    writeStamp(root, { packages: 'a' });
    writeStamp(root, { adapter: { key: 'k', name: 'n' } });
    expect(readStamp(root)).toEqual({ packages: 'a', adapter: { key: 'k', name: 'n' } });
    writeFileSync(join(root, 'node_modules/.hashgnn-stamp'), '{"pack');
    expect(readStamp(root)).toEqual({});
  });

  test('about the adapter holds for one driver choice, one set of drivers and one version of Dawn', () => {
    const drivers = join(root, 'icd.d');
    mkdirSync(drivers);
    mkdirSync(join(root, 'node_modules/webgpu'), { recursive: true });
    const version = (number: string) =>
      writeFileSync(join(root, 'node_modules/webgpu/package.json'), `{"version":"${number}"}`);
    const key = (env: NodeJS.ProcessEnv = {}) => adapterKey(root, env, [drivers]);
    version('1.0.0');
    const first = key();
    expect(key({ HOME: '/elsewhere' })).toBe(first);
    expect(key({ VK_DRIVER_FILES: '/x.json' })).not.toBe(first);
    expect(key({ LP_NATIVE_VECTOR_WIDTH: '512' })).not.toBe(first);
    version('1.0.1');
    expect(key()).not.toBe(first);
    version('1.0.0');
    expect(key()).toBe(first);
    writeFileSync(join(drivers, 'lvp_icd.json'), '{}');
    expect(key()).not.toBe(first);
  });

  test('about the build holds until a source changes, appears or goes', () => {
    mkdirSync(join(root, 'src'));
    writeFileSync(join(root, 'src/a.ts'), 'one');
    const first = sourceKey(root);
    expect(sourceKey(root)).toBe(first);
    writeFileSync(join(root, 'src/b.ts'), '');
    expect(sourceKey(root)).not.toBe(first);
    rmSync(join(root, 'src/b.ts'));
    expect(sourceKey(root)).toBe(first);
    writeFileSync(join(root, 'src/a.ts'), 'two');
    expect(sourceKey(root)).not.toBe(first);
    writeFileSync(join(root, 'src/a.ts'), 'one');
    writeFileSync(join(root, 'tsconfig.json'), '{}');
    expect(sourceKey(root)).not.toBe(first);
  });
});

describe('installed packages', () => {
  const lock = (packages: object) => JSON.stringify({ packages: { '': { name: 'hashgnn' }, ...packages } });
  const machine = { platform: 'linux', arch: 'x64' };

  test('fit when every locked version is there', () => {
    const wanted = lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0' } });
    expect(packagesMatch(wanted, wanted, machine)).toBe(true);
    expect(packagesMatch(wanted, lock({ 'node_modules/a': { version: '1.0.0' } }), machine)).toBe(false);
    const other = lock({ 'node_modules/a': { version: '1.0.1' }, 'node_modules/b': { version: '2.0.0' } });
    expect(packagesMatch(wanted, other, machine)).toBe(false);
    expect(packagesMatch(wanted, undefined, machine)).toBe(false);
    expect(packagesMatch(wanted, '{', machine)).toBe(false);
  });

  test('may lack optional ones for other platforms, not those for this one', () => {
    const wanted = lock({ 'node_modules/a-mac': { version: '1.0.0', optional: true, os: ['darwin'], cpu: ['arm64'] } });
    expect(packagesMatch(wanted, lock({}), machine)).toBe(true);
    expect(packagesMatch(wanted, lock({}), { platform: 'darwin', arch: 'arm64' })).toBe(false);
  });
});

describe('running programs', () => {
  const node = process.execPath;

  test('quietly: output, status, signals and missing programs are told as a shell does', async () => {
    const outcome = await runQuietly(node, ['-e', 'console.log("out"); console.error("err"); process.exit(3)']);
    expect(outcome).toMatchObject({ code: 3, signal: null, stdout: 'out\n', stderr: 'err\n', missing: false });
    expect(await runQuietly(node, ['-e', 'process.kill(process.pid, "SIGABRT")'])).toMatchObject({
      code: 134,
      signal: 'SIGABRT',
    });
    expect(await runQuietly(join(tmpdir(), 'no-such-program'), [])).toMatchObject({ code: 127, missing: true });
  });

  test('in the foreground: the exit status is passed on', async () => {
    expect(await runInForeground(node, ['-e', 'process.exit(7)'])).toBe(7);
    expect(await runInForeground(node, ['-e', 'process.kill(process.pid, "SIGINT")'])).toBe(130);
  });
});
