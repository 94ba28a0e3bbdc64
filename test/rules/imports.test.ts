import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeOnly, lineAt, readFiles, type SourceFile, withoutComments } from './files.js';

/** Who may import whom: a room (folder of src) and the rooms that it may import besides itself. */
const ROOMS: Record<string, readonly string[]> = {
  base: [],
  gpu: ['base'],
  reference: ['base'],
  page: ['base'],
  data: ['base'],
  download: ['base', 'data'],
  layers: ['gpu', 'base'],
  search: ['gpu', 'base'],
  train: ['base', 'gpu', 'reference', 'data', 'layers', 'search'],
  selftest: ['base', 'gpu', 'reference'],
  reproduce: ['base', 'page', 'gpu', 'data', 'search', 'train'],
  cli: ['base', 'page', 'gpu', 'reference', 'selftest', 'data', 'download', 'layers', 'search', 'train', 'reproduce'],
};

/** What stands outside src and may be imported from there: the benches, which import rooms themselves, as commands. */
const OUTSIDE: Record<string, readonly string[]> = { cli: ['bench/'] };

/** Files in src itself (the library's front door) may import every room but the command line. */
const FRONT_DOOR = Object.keys(ROOMS).filter((room) => room !== 'cli');

/** Rooms that must also run in a browser, where there is no Node. */
const WITHOUT_NODE = ['gpu', 'layers', 'search', 'selftest'];
const PLATFORM_FILE = 'src/gpu/platform.ts';
/** The one room that uses the network. */
const NETWORK_ROOM = 'download';
const NETWORK = /^(?:node:)?(?:https?|http2|net|tls|dgram|dns|undici|ws)(?:\/|$)/;
const NETWORK_CALL = /(?<![\w.])(?:globalThis\s*\.\s*)?(?:fetch(?=\s*\()|WebSocket|EventSource|XMLHttpRequest)\b/g;
/** Tools that write source text while the project is developed; nothing at run time imports them. */
const TOOLS = 'src/gpu/codegen/';

const IMPORT = /\b(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?(['"])([^'"\n]+)\1|\bimport\s*\(\s*(['"`])([^'"`\n]+)\3/g;

/** Every module that a file imports, with the line. */
function importsOf(file: SourceFile): { specifier: string; line: number }[] {
  const text = withoutComments(file.text);
  return [...text.matchAll(IMPORT)].map((match) => ({
    specifier: match[2] ?? match[4] ?? '',
    line: lineAt(text, match.index),
  }));
}

const roomOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1];

/** Every breach of the rules in a file of src, as `file:line what`. */
function breaches(file: SourceFile): string[] {
  const found: string[] = [];
  const room = roomOf(file.path);
  if (room !== undefined && ROOMS[room] === undefined)
    return [`${file.path}:1 is in a room that this test does not know`];
  const allowed = room === undefined ? FRONT_DOOR : [room, ...(ROOMS[room] ?? [])];
  for (const { specifier, line } of importsOf(file)) {
    const here = `${file.path}:${line}`;
    if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(file.path), specifier);
      const targetRoom = roomOf(target);
      const outside = OUTSIDE[room ?? '']?.some((folder) => target.startsWith(folder));
      if (!target.startsWith('src/') && !outside) found.push(`${here} imports ${target} from outside src`);
      else if (targetRoom !== undefined && !allowed.includes(targetRoom)) found.push(`${here} imports ${targetRoom}`);
      if (target.startsWith(TOOLS) && !file.path.startsWith(TOOLS)) found.push(`${here} imports a tool at run time`);
      if (!specifier.endsWith('.js')) found.push(`${here} imports ${specifier} without .js`);
      continue;
    }
    const mayUseNode = file.path === PLATFORM_FILE || file.path.startsWith(TOOLS);
    if (room !== undefined && WITHOUT_NODE.includes(room) && specifier.startsWith('node:') && !mayUseNode) {
      found.push(`${here} imports ${specifier}: only ${PLATFORM_FILE} may`);
    }
    if (room !== NETWORK_ROOM && NETWORK.test(specifier)) found.push(`${here} uses the network: ${specifier}`);
    if (/^(@webgpu\/types|webgpu)(\/|$)/.test(specifier) && room !== 'gpu') found.push(`${here} imports ${specifier}`);
  }
  const code = codeOnly(file.text);
  if (room !== NETWORK_ROOM) {
    for (const match of code.matchAll(NETWORK_CALL)) {
      found.push(`${file.path}:${lineAt(code, match.index)} uses the network: ${match[0]}`);
    }
  }
  if (room !== 'gpu') {
    for (const match of code.matchAll(/\bGPU[A-Z]\w*|\bnavigator\s*\.\s*gpu\b/g)) {
      found.push(`${file.path}:${lineAt(code, match.index)} touches ${match[0]}`);
    }
  }
  return found;
}

test('every import in src goes the way it may, only src/gpu touches the GPU, and only src/download the network', () => {
  const files = readFiles(['src'], /\.ts$/);
  expect(files.length).toBeGreaterThan(5);
  expect(files.flatMap(breaches)).toEqual([]);
});

describe('a planted breach is found', () => {
  const plant = (path: string, text: string) => breaches({ path, text });

  test.each([
    ['src/search/index.ts', "import { Trainer } from '../train/trainer.js';", 'imports train'],
    ['src/data/split.ts', "import type { Gpu } from '../gpu/gpu.js';", 'imports gpu'],
    ['src/gpu/gpu.ts', "export * from '../layers/dense.js';", 'imports layers'],
    ['src/base/npy.ts', "import '../data/read.js';", 'imports data'],
    ['src/reference/dense.ts', "const { x } = await import('../gpu/tensor.js');", 'imports gpu'],
    ['src/index.ts', "import {\n  main,\n} from './cli/main.js';", 'imports cli'],
    ['src/train/trainer.ts', "import { main } from '../cli/main.js';", 'imports cli'],
    ['src/search/index.ts', "import { readFile } from 'node:fs/promises';", 'imports node:fs/promises'],
    ['src/train/trainer.ts', "import { create } from 'webgpu';", 'imports webgpu'],
    ['src/train/trainer.ts', 'let device: GPUDevice;', 'touches GPUDevice'],
    ['src/cli/doctor.ts', 'const gpu = navigator.gpu;', 'touches navigator.gpu'],
    ['src/cli/doctor.ts', "import x from '../../test/x.js';", 'outside src'],
    ['src/train/trainer.ts', "import x from '../../bench/x.js';", 'outside src'],
    ['src/cli/doctor.ts', "import x from './x';", 'without .js'],
    ['src/gpu/gpu.ts', "import './codegen/emit.js';", 'imports a tool'],
    ['src/data/dataset.ts', "import { downloadSet } from '../download/index.js';", 'imports download'],
    ['src/data/dataset.ts', "import { get } from 'node:https';", 'uses the network: node:https'],
    ['src/cli/doctor.ts', "const { connect } = await import('tls');", 'uses the network: tls'],
    ['src/base/files.ts', "import { request } from 'undici';", 'uses the network: undici'],
    ['src/gpu/platform.ts', 'const text = await fetch(url);', 'uses the network: fetch'],
    ['src/index_files.ts', 'await globalThis.fetch (url);', 'uses the network: globalThis.fetch'],
    ['src/cli/doctor.ts', 'const socket = new WebSocket(url);', 'uses the network: WebSocket'],
    ['src/attic/old.ts', '', 'does not know'],
  ])('%s with %s', (path, text, what) => {
    const found = plant(path, text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(what);
  });

  test('its line is told', () => {
    expect(plant('src/data/a.ts', "// one\n\nimport '../gpu/gpu.js';\n")).toEqual(['src/data/a.ts:3 imports gpu']);
  });

  test('comments, strings and allowed imports are no breach', () => {
    expect(plant('src/layers/a.ts', "// import '../train/a.js'\n/* GPUDevice */\nimport '../gpu/gpu.js';")).toEqual([]);
    expect(plant('src/layers/a.ts', "const text = 'GPUDevice'; // it's\nconst other = \"a GPUBuffer\";")).toEqual([]);
    expect(plant('src/gpu/platform.ts', "import { readFile } from 'node:fs/promises';\nimport 'webgpu';")).toEqual([]);
    expect(plant('src/cli/a.ts', "import { x } from '../train/a.js';\nimport fs from 'node:fs';")).toEqual([]);
    expect(plant('src/download/a.ts', "import 'node:http';\nawait fetch(url);")).toEqual([]);
    expect(plant('src/data/a.ts', "// fetch(url)\nrows.fetch(); prefetch(x); const fetch_ = 'http';")).toEqual([]);
    expect(plant('src/cli/a.ts', "import { x } from '../../bench/search/x.js';")).toEqual([]);
  });
});
