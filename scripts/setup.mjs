// Brings a clone into a state in which everything runs, and does nothing, quickly and silently, when nothing is missing:
//   1. Node is new enough;
//   2. the npm packages are those of package-lock.json;
//   3. Dawn, the WebGPU implementation, sees an adapter; if it sees none, a software Vulkan driver is installed where
//      that is possible, and the exact commands are printed where it is not;
//   4. dist/ is built from the present sources.
//
// `node scripts/setup.mjs` does all of it (`npm start` and `npm test` begin with it); `node scripts/setup.mjs driver`
// installs only the driver and writes nothing into the clone, so that it can be run with sudo.
//
// Runs before node_modules exists: nothing but Node may be imported here. Everything is said on standard error.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DRIVER_PACKAGE, mayBeTooOld, parseOsRelease, parseSources, planDriver } from './apt.mjs';
import { firstLines, lastLines, runQuietly, withCleanup } from './run.mjs';

export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** A reason to stop, said in sentences; the process ends with status 1. */
export class SetupError extends Error {}

/** @param {string} text */
const say = (text) => void process.stderr.write(`setup: ${text}\n`);

/** @param {string} file */
function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** @param {string | Buffer} content */
const sha256 = (content) => createHash('sha256').update(content).digest('hex');

// ---------------------------------------------------------------------------------------------------- Node's version

/**
 * @param {string} version such as `20.19.0`
 * @returns {string | undefined} what is wrong, if anything
 */
export function nodeProblem(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return undefined;
  return `hashgnn needs Node 20.19 or newer, and this is Node ${version}: install a newer one (https://nodejs.org)`;
}

// -------------------------------------------------------------------------------------------------------- npm packages

/**
 * @typedef {{ packages?: string, adapter?: { key: string, name: string } }} Stamp
 * What an earlier run found, kept in node_modules and so gone with it.
 */

/** @param {string} root */
const stampFile = (root) => path.join(root, 'node_modules', '.hashgnn-stamp');

/**
 * @param {string} root
 * @returns {Stamp}
 */
export function readStamp(root) {
  try {
    return JSON.parse(readText(stampFile(root)) ?? '{}');
  } catch {
    return {};
  }
}

/**
 * @param {string} root
 * @param {Stamp} changes
 */
export function writeStamp(root, changes) {
  const text = `${JSON.stringify({ ...readStamp(root), ...changes }, null, 2)}\n`;
  const temporary = `${stampFile(root)}.${process.pid}`;
  fs.writeFileSync(temporary, text);
  fs.renameSync(temporary, stampFile(root));
}

/**
 * Whether what npm says it installed (`installed`, its own node_modules/.package-lock.json) is what `lock` asks for.
 * Optional packages for other platforms may be missing.
 * @param {string} lock text of package-lock.json
 * @param {string | undefined} installed
 * @param {{ platform: string, arch: string }} machine
 */
export function packagesMatch(lock, installed, machine) {
  if (installed === undefined) return false;
  try {
    const want = JSON.parse(lock).packages;
    const have = JSON.parse(installed).packages;
    return Object.entries(want).every(([name, entry]) => {
      if (name === '' || entry.link) return true;
      if (have[name]) return have[name].version === entry.version;
      const fits = (/** @type {string[] | undefined} */ list, /** @type {string} */ value) =>
        !list || list.includes(value);
      // Which C library a package is for is left to npm.
      const meant = fits(entry.os, machine.platform) && fits(entry.cpu, machine.arch) && !entry.libc;
      return Boolean(entry.optional) && (!entry.os || !meant);
    });
  } catch {
    return false;
  }
}

/** @param {string} lock text of package-lock.json */
const packagesKey = (lock) => sha256(`${process.platform} ${process.arch}\n${lock}`);

/** @param {string} root */
async function installPackages(root) {
  const lock = readText(path.join(root, 'package-lock.json'));
  if (lock === undefined) throw new SetupError('package-lock.json is missing: this is not a complete clone');
  const installed = readText(path.join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined || readStamp(root).packages !== packagesKey(lock)) {
    if (!packagesMatch(lock, installed, process)) {
      say('installing the npm packages of package-lock.json …');
      const started = Date.now();
      // Not `npm ci`, which deletes all packages where one has changed. This installs the locked versions just the same,
      // and whether it did is checked below.
      const args = ['install', '--no-save', '--include=dev', '--include=optional', '--loglevel=error'];
      // The one install script among the packages lifts macOS' quarantine from the GPU add-on.
      if (process.platform !== 'darwin') args.push('--ignore-scripts');
      const npm = process.env.npm_execpath ?? '';
      const outcome = /npm-cli\.c?js$/.test(npm)
        ? await runQuietly(process.execPath, [npm, ...args], { cwd: root })
        : await runQuietly('npm', args, { cwd: root, shell: process.platform === 'win32' });
      if (outcome.missing) throw new SetupError('npm is missing: install it beside Node, then run the command again');
      if (outcome.code !== 0) {
        const output = firstLines(outcome.stderr || outcome.stdout);
        throw new SetupError(`npm could not install the packages (npm install, status ${outcome.code}):\n${output}`);
      }
      if (!packagesMatch(lock, readText(path.join(root, 'node_modules', '.package-lock.json')), process)) {
        throw new SetupError('npm installed other packages than package-lock.json names: it does not fit package.json');
      }
      say(`npm packages installed (${seconds(started)})`);
    }
    writeStamp(root, { packages: packagesKey(lock) });
  }
  linkCommand(root);
}

/**
 * Puts `hashgnn` among the commands that `npx` finds in the clone; npm links the commands of dependencies only.
 * @param {string} root
 */
function linkCommand(root) {
  if (process.platform === 'win32') return;
  const link = path.join(root, 'node_modules', '.bin', 'hashgnn');
  const target = path.join('..', '..', 'bin', 'hashgnn.js');
  try {
    if (fs.readlinkSync(link) === target) return;
  } catch {
    // No such link yet.
  }
  fs.mkdirSync(path.dirname(link), { recursive: true });
  fs.rmSync(link, { force: true });
  fs.symlinkSync(target, link);
}

/** @param {number} started milliseconds since the epoch */
const seconds = (started) => `${((Date.now() - started) / 1000).toFixed(1)} s`;

// ---------------------------------------------------------------------------------------------------------- the adapter

/**
 * One clear sentence out of what the loader says when the native add-on cannot be loaded.
 * @param {string} message
 * @param {{ platform: string, arch: string, glibc?: string }} machine
 */
export function explainLoadError(message, machine) {
  const what = 'the GPU add-on (npm package webgpu) cannot be loaded';
  const glibc = /version [`'"]GLIBC_([\d.]+)' not found/.exec(message);
  if (glibc) {
    const here = machine.glibc ? `, and this system has ${machine.glibc}` : '';
    return `${what}: it needs the C library glibc ${glibc[1]} or newer${here}. Debian 12, Ubuntu 22.04 and later have it`;
  }
  if (/GLIBCXX_|CXXABI_/.test(message)) {
    return `${what}: this system's C++ library is too old. Debian 12, Ubuntu 22.04 and later have a newer one`;
  }
  if (/ld-linux|symbol not found|Error loading shared library|Error relocating/.test(message)) {
    return `${what}: it is made for the C library glibc, which this system does not use`;
  }
  if (/Cannot find module .*dawn\.node|ENOENT.*dawn\.node/s.test(message)) {
    return `${what}: there is none for ${machine.platform} on ${machine.arch}`;
  }
  const library = /(lib[\w.+-]+\.so[\w.]*): cannot open shared object file/.exec(message);
  if (library) return `${what}: the library ${library[1]} is missing on this system`;
  return `${what}: ${message.split('\n')[0]}`;
}

/**
 * What an answer of the probe depends on: the package, the variables that choose a driver, the drivers installed.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} [folders] folders of Vulkan driver manifests
 */
export function adapterKey(root, env, folders = driverFolders(env)) {
  const version = JSON.parse(readText(path.join(root, 'node_modules', 'webgpu', 'package.json')) ?? '{}').version;
  const variables = Object.entries(env)
    .filter(([name]) => /^(VK_|DAWN_|LP_|MESA_|LIBGL_)/.test(name))
    .sort();
  const drivers = folders.map((folder) => {
    try {
      return fs.readdirSync(folder).map((name) => [folder, name, fs.statSync(path.join(folder, name)).mtimeMs]);
    } catch {
      return [folder];
    }
  });
  return sha256(JSON.stringify([process.platform, process.arch, version, variables, drivers]));
}

/** @param {NodeJS.ProcessEnv} env */
function driverFolders(env) {
  if (process.platform !== 'linux') return [];
  const data = env.XDG_DATA_HOME ?? path.join(os.homedir(), '.local', 'share');
  return ['/etc', '/usr/share', '/usr/local/share', data].map((folder) => path.join(folder, 'vulkan', 'icd.d'));
}

/**
 * Asks Dawn for an adapter, in a process of its own.
 * @param {string} root
 * @returns {Promise<{ name: string } | { none: string }>} the adapter, or what was seen instead
 */
async function probe(root) {
  const runtime = process.env.XDG_RUNTIME_DIR ? undefined : fs.mkdtempSync(path.join(os.tmpdir(), 'hashgnn-'));
  const tidy = () => {
    if (runtime) fs.rmSync(runtime, { recursive: true, force: true });
  };
  const env = runtime ? { ...process.env, XDG_RUNTIME_DIR: runtime } : process.env;
  const outcome = await withCleanup(tidy, () =>
    runQuietly(process.execPath, [path.join(root, 'scripts', 'probe.mjs')], { cwd: root, env, timeout: 120_000 }),
  );
  const line = outcome.stdout.trim().split('\n').at(-1) ?? '';
  /** @type {{ adapter?: string | null, error?: string }} */
  let answer = {};
  try {
    answer = JSON.parse(line);
  } catch {
    // The process died before it could answer.
  }
  if (answer.adapter) return { name: answer.adapter };
  if (answer.error !== undefined && /dawn\.node|GLIBC|CXXABI|shared (object|library)|symbol/i.test(answer.error)) {
    throw new SetupError(explainLoadError(answer.error, { ...pickMachine(), glibc: glibcVersion() }));
  }
  // Without the positions in Dawn's own sources.
  const chatter = lastLines(outcome.stderr.replace(/^\s+at .*$/gm, ''), 8);
  if (answer.adapter === null) return { none: chatter || '    (Dawn gave no reason)' };
  if (answer.error !== undefined) return { none: `    ${answer.error}` };
  const how = outcome.signal ? `signal ${outcome.signal}` : `status ${outcome.code}`;
  return { none: `    the process that asked Dawn for an adapter ended with ${how}${chatter ? `\n${chatter}` : ''}` };
}

const pickMachine = () => ({ platform: process.platform, arch: process.arch });

function glibcVersion() {
  const { header } = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return header?.glibcVersionRuntime;
}

/** @param {string} root */
async function ensureAdapter(root) {
  if (readStamp(root).adapter?.key === adapterKey(root, process.env)) return;
  let found = await probe(root);
  if ('none' in found) {
    say('Dawn sees no GPU adapter on this machine; what it said:');
    process.stderr.write(`${found.none}\n`);
    const chosen = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].find((name) => process.env[name]);
    if (chosen) {
      throw new SetupError(
        `${chosen} names the driver to use (${process.env[chosen]}), and it gives no adapter: unset or mend it`,
      );
    }
    await installDriver(root, true);
    found = await probe(root);
    if ('none' in found) {
      const { os: system } = readMachine(root);
      const age = mayBeTooOld(system) ? ` The ${DRIVER_PACKAGE} of ${system.name} may be too old for it.` : '';
      throw new SetupError(
        `the driver is installed, but Dawn still sees no adapter.${age} What it said:\n${found.none}`,
      );
    }
    say(`adapter: ${found.name} (software: everything runs on the processor)`);
  }
  writeStamp(root, { adapter: { key: adapterKey(root, process.env), name: found.name } });
}

// ----------------------------------------------------------------------------------------------------------- the driver

/** The machine's own apt source files, by name; unreadable ones are left out. */
function readAptFiles() {
  const folder = '/etc/apt/sources.list.d';
  /** @type {string[]} */
  let names = [];
  try {
    names = fs.readdirSync(folder).filter((name) => /^[\w.-]+\.(list|sources)$/.test(name));
  } catch {
    // No such folder: everything is in sources.list.
  }
  const files = [
    ['sources.list', '/etc/apt/sources.list'],
    ...names.sort().map((name) => [name, path.join(folder, name)]),
  ];
  return files.flatMap(([name = '', file = '']) => {
    const text = readText(file);
    return text === undefined ? [] : [{ name, text }];
  });
}

/** @param {string} root */
function readMachine(root) {
  const onPath = (process.env.PATH ?? '')
    .split(path.delimiter)
    .some((folder) => fs.existsSync(path.join(folder, 'apt-get')));
  return {
    platform: process.platform,
    os: parseOsRelease(readText('/etc/os-release') ?? readText('/usr/lib/os-release') ?? ''),
    isRoot: process.getuid?.() === 0,
    hasAptGet: onPath,
    entries: readAptFiles().flatMap(({ name, text }) => parseSources(name, text)),
    node: process.execPath,
    script: path.relative(process.cwd(), path.join(root, 'scripts', 'setup.mjs')),
  };
}

/**
 * Installs a software Vulkan driver, or says how a person can.
 * @param {string} root
 * @param {boolean} heedVariable whether HASHGNN_NO_INSTALL forbids it
 */
async function installDriver(root, heedVariable) {
  const plan = planDriver({ ...readMachine(root), mayInstall: !(heedVariable && process.env.HASHGNN_NO_INSTALL) });
  if (plan.kind === 'tell') {
    const commands = plan.commands.map((command) => `    ${command}`).join('\n');
    throw new SetupError(commands ? `${plan.why}. Run this, then the same command again:\n${commands}` : plan.why);
  }
  say(`installing a software Vulkan driver: ${plan.what} …`);
  const started = Date.now();
  // Sources, package lists and downloads of this one installation live in a folder of their own and go with it: the
  // machine's own apt configuration stays as it is, whether or not its lists are fresh.
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hashgnn-apt-'));
  await withCleanup(
    () => fs.rmSync(folder, { recursive: true, force: true }),
    async () => {
      // apt downloads as a user of its own, who has to get at the folder.
      fs.chmodSync(folder, 0o755);
      for (const name of ['parts', 'lists/partial', 'cache/archives/partial']) {
        fs.mkdirSync(path.join(folder, name), { recursive: true });
      }
      for (const { name, text } of readAptFiles()) {
        fs.writeFileSync(path.join(folder, 'parts', name === 'sources.list' ? 'main.list' : name), text);
      }
      if (plan.sources) fs.writeFileSync(path.join(folder, 'parts', 'hashgnn-suite.sources'), plan.sources);
      const settings = {
        'Dir::Etc::sourcelist': '/dev/null',
        'Dir::Etc::sourceparts': path.join(folder, 'parts'),
        'Dir::State::lists': path.join(folder, 'lists'),
        'Dir::Cache': path.join(folder, 'cache'),
        'Acquire::Languages': 'none',
        'Acquire::Retries': '3',
        'DPkg::Lock::Timeout': '120',
        'Dpkg::Use-Pty': '0',
      };
      const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
      const apt = (/** @type {string[]} */ ...args) => runQuietly('apt-get', ['-q', ...options, ...args], { env });
      // One broken archive of some other vendor makes this fail though the lists that matter are there: judge by the
      // installation.
      const update = await apt('update');
      const install = await apt(
        'install',
        '--yes',
        '--no-install-recommends',
        '--no-remove',
        ...(plan.suite ? ['--target-release', plan.suite] : []),
        ...['-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'],
        DRIVER_PACKAGE,
      );
      if (install.code !== 0) {
        const output = lastLines([update.stderr, install.stderr || install.stdout].join('\n'));
        throw new SetupError(`apt-get could not install ${plan.what} (status ${install.code}):\n${output}`);
      }
    },
  );
  say(`driver installed (${seconds(started)}); the machine's apt sources and package lists are as they were`);
}

// ------------------------------------------------------------------------------------------------------------ the build

const BUILD_INPUTS = ['src', 'bench', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

/**
 * A digest of everything that dist/ is built from.
 * @param {string} root
 * @param {string[]} [inputs] files and folders
 */
export function sourceKey(root, inputs = BUILD_INPUTS) {
  const hash = createHash('sha256');
  const add = (/** @type {string} */ name) => {
    const file = path.join(root, name);
    const stats = fs.statSync(file, { throwIfNoEntry: false });
    if (!stats) return;
    if (stats.isDirectory()) {
      for (const entry of fs.readdirSync(file).sort()) add(path.posix.join(name, entry));
    } else if (!/\.(md|wgsl)$/.test(name)) {
      const content = fs.readFileSync(file);
      hash.update(`${name}\0${content.length}\0`).update(content);
    }
  };
  for (const input of inputs) add(input);
  return hash.digest('hex');
}

/** @param {string} root */
async function build(root) {
  const stamp = path.join(root, 'dist', '.hashgnn-stamp');
  const key = sourceKey(root);
  if (readText(stamp) === key) return;
  say('compiling to dist/ …');
  const started = Date.now();
  fs.rmSync(path.join(root, 'dist'), { recursive: true, force: true });
  const outcome = await runQuietly(process.execPath, [compiler(root), '-p', 'tsconfig.build.json'], { cwd: root });
  if (outcome.code !== 0) {
    throw new SetupError(`the sources do not compile:\n${lastLines(outcome.stdout + outcome.stderr, 40)}`);
  }
  fs.writeFileSync(stamp, key);
  say(`compiled (${seconds(started)})`);
}

/** @param {string} root */
export const compiler = (root) => path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');

// -------------------------------------------------------------------------------------------------------------- running

/**
 * Does what is missing.
 * @param {string} [root]
 * @throws {SetupError} with sentences for the person who ran it
 */
export async function setup(root = ROOT) {
  const problem = nodeProblem(process.versions.node);
  if (problem) throw new SetupError(problem);
  await installPackages(root);
  await ensureAdapter(root);
  await build(root);
}

/**
 * Runs `work`; a reason to stop is printed and ends the process with status 1.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function orStop(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exit(1);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  await orStop(() => (process.argv[2] === 'driver' ? installDriver(ROOT, false) : setup()));
}
