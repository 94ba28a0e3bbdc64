/** The package as it would be published: what is in it, and that it works in a project that has nothing else. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../rules/files.js';

const run = promisify(execFile);
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>;
};

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

let root: string;
/** A project with the package and its dependencies. */
let project: string;
/** Paths in the package. */
let packed: string[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-package-'));
  project = join(root, 'project');
  // What npm would run first; from here, so that it says nothing between the lines of JSON.
  await run(process.execPath, [join(ROOT, 'scripts', 'prepack.mjs')]);
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const pack = ['pack', '--offline', '--ignore-scripts', '--json', '--pack-destination', root];
  const { stdout } = await run(npm, pack, { cwd: ROOT, maxBuffer: 2 ** 24 });
  const [{ filename, files }] = JSON.parse(stdout);
  packed = files.map((file: { path: string }) => file.path);

  // As npm lays them out; the dependencies are those of this clone, since a test asks no registry.
  const modules = join(project, 'node_modules');
  await mkdir(modules, { recursive: true });
  await run('tar', ['-xzf', join(root, filename), '-C', modules]);
  await run('mv', [join(modules, 'package'), join(modules, 'hashgnn')]);
  for (const name of Object.keys(manifest.dependencies)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), join(modules, name), 'dir');
  }
  await writeFile(join(project, 'package.json'), '{ "name": "project", "type": "module", "private": true }');
}, 120_000);

afterAll(() => rm(root, { recursive: true, force: true }));

/** Whether the package at `path` finds another by name, there or further up. */
function lockedFor(path: string, name: string): boolean {
  if (lock.packages[`${path === '' ? '' : `${path}/`}node_modules/${name}`]) return true;
  return path !== '' && lockedFor(path.slice(0, Math.max(0, path.lastIndexOf('/node_modules/'))), name);
}

const filesBelow = (folder: string, ending: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name).replaceAll('\\', '/'));

describe('the package', () => {
  test('holds what it needs, and nothing else', () => {
    const sources = ['src', 'bench']
      .flatMap((folder) => filesBelow(folder, '.ts'))
      .filter((path) => !/\.d\.ts$/.test(path));
    const compiled = sources.flatMap((source) => [source.replace(/ts$/, 'js'), source.replace(/ts$/, 'd.ts')]);
    const expected = [
      ...['LICENSE', 'README.md', 'package.json', 'bin/chatter.js', 'bin/hashgnn.js'],
      ...filesBelow('shaders', '.wgsl'),
      ...filesBelow('bench/peers', '.py'),
      ...compiled.map((path) => `dist/${path}`),
    ];
    expect([...packed].sort()).toEqual(expected.sort());
  });

  test('depends on few packages, all locked by digest, none of which needs a script at its installation', () => {
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(7);
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
    const { '': own, ...packages } = lock.packages;
    expect(own).toMatchObject({ version: manifest.version });
    expect(Object.entries(packages).filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ''))).toEqual([]);
    const needed = Object.entries(packages).filter(([, { dev }]) => !dev);
    // It takes a mark of quarantine off its library on macOS; elsewhere it does nothing, and setup leaves it out.
    const scripted = needed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
    expect(scripted).toEqual(['node_modules/webgpu']);
    expect(readFileSync(join(ROOT, 'scripts', 'setup.mjs'), 'utf8')).toContain('--ignore-scripts');
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });

  test('has a lock file for every platform, as `npm ci` demands', () => {
    // npm leaves out the variants for other platforms that it does not find at the time.
    const missing = Object.entries(lock.packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !lockedFor(path, name)),
    );
    expect(missing).toEqual([]);
  });

  test('works in a project that has nothing else: a search, and the command', async () => {
    const program = `
      import { Gpu, HammingIndex } from 'hashgnn';
      const gpu = await Gpu.open();
      const index = await HammingIndex.create(gpu, { codes: Uint8Array.of(0, 255, 15, 14), count: 4, bits: 8 });
      const { ids, distances } = await index.search(Uint8Array.of(12), 3);
      console.log(JSON.stringify([[...ids], [...distances]]));
      index.destroy();
      gpu.destroy();`;
    await writeFile(join(project, 'search.js'), program);
    const { stdout } = await run(process.execPath, ['search.js'], { cwd: project });
    expect(JSON.parse(stdout)).toEqual([
      [3, 0, 2],
      [1, 2, 2],
    ]);
    const command = join(project, 'node_modules', 'hashgnn', manifest.bin.hashgnn);
    expect((await run(process.execPath, [command, '--version'], { cwd: project })).stdout).toBe(
      `${manifest.version}\n`,
    );
    const generate = ['generate', '--users', '30', '--items', '20', '--interactions', '200', '--out', 'a.tsv'];
    for (const args of [generate, ['prepare', 'a.tsv', '--out', 'data', '--quiet']]) {
      await run(process.execPath, [command, ...args], { cwd: project });
    }
    expect(existsSync(join(project, 'data', 'dataset.json'))).toBe(true);
  }, 60_000);

  test('has types that a strict project compiles against', async () => {
    await writeFile(
      join(project, 'search.ts'),
      `import { Gpu, HammingIndex, type HammingResult } from 'hashgnn';
       export async function nearest(codes: Uint8Array): Promise<HammingResult> {
         const gpu = await Gpu.open();
         const index = await HammingIndex.create(gpu, { codes, count: codes.length, bits: 8 });
         return index.search(codes, 1);
       }`,
    );
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const args = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--skipLibCheck'];
    const compiled = run(process.execPath, [compiler, ...args, 'search.ts'], { cwd: project });
    expect((await compiled.catch((error) => error)).stdout).toBe('');
  }, 60_000);
});
