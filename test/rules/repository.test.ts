import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/main.js';
import { lineAt, ROOT, readFiles, type SourceFile } from './files.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const manifest = JSON.parse(read('package.json')) as { scripts: Record<string, string>; bin: Record<string, string> };

const own = readFiles(['src', 'test', 'bench', 'scripts', 'bin', 'shaders', 'docs'], /\.(ts|m?js|wgsl|md)$/);
const documents: SourceFile[] = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md']
  .filter((path) => existsSync(join(ROOT, path)))
  .map((path) => ({ path, text: read(path) }))
  .concat(own.filter((file) => file.path.endsWith('.md')));

// Written in pieces, so that this file does not breach its own rules.
const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`, 'g');
const LEFT_OUT = new RegExp(
  `\\b(?:describe|suite|test|it)(?:\\.\\w+)*\\.(${['on' + 'ly', 'sk' + 'ip', 'to' + 'do'].join('|')})\\b`,
  'g',
);

const places = (file: SourceFile, pattern: RegExp) =>
  [...file.text.matchAll(pattern)].map((match) => `${file.path}:${lineAt(file.text, match.index)} ${match[0]}`);

test('no test is focused or left out', () => {
  expect(own.filter((file) => file.path.endsWith('.test.ts')).flatMap((file) => places(file, LEFT_OUT))).toEqual([]);
  expect(places({ path: 'a.test.ts', text: `describe.${'on' + 'ly'}('x')` }, LEFT_OUT)).toHaveLength(1);
  expect(places({ path: 'a.test.ts', text: `test.concurrent.${'sk' + 'ip'}.each([])` }, LEFT_OUT)).toHaveLength(1);
});

test('nothing is marked as unfinished', () => {
  expect(own.concat(documents).flatMap((file) => places(file, UNFINISHED))).toEqual([]);
});

test('the lock file names no registry and npm is told none', () => {
  expect(read('package-lock.json')).not.toMatch(/"resolved"/);
  expect(read('.npmrc')).not.toMatch(/registry\s*=\s*\S*:\/\//);
  expect(read('.npmrc')).toMatch(/^omit-lockfile-registry-resolved\s*=\s*true$/m);
});

test('no file names a mirror, a registry or a place on the machine where it was written', () => {
  const hosts = ['deb.deb' + 'ian.org', 'registry.np' + 'mjs.org', 'archive.ubu' + 'ntu.com'];
  const folders = ['/wo' + 'rk/', '/ro' + 'ot/', '/ho' + 'me/'];
  const pattern = new RegExp(
    [...hosts.map((host) => host.replaceAll('.', '\\.')), ...folders.map((folder) => `(?<![\\w.)}>])${folder}`)].join(
      '|',
    ),
    'g',
  );
  const settings = ['package.json', 'package-lock.json', '.npmrc', '.ci/run'].map((path) => ({
    path,
    text: read(path),
  }));
  expect([...own, ...documents, ...settings].flatMap((file) => places(file, pattern))).toEqual([]);
  expect(places({ path: 'a', text: `'${folders[0]}x' ${hosts[0]}` }, pattern)).toHaveLength(2);
});

test('every dependency has one exact version', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  const versions = Object.values({ ...dependencies, ...devDependencies }) as string[];
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});

test('what npm runs exists', () => {
  const files = Object.values(manifest.scripts).flatMap((script) =>
    [...script.matchAll(/\bnode (\S+)/g)].map((match) => match[1]!),
  );
  expect([...files, ...Object.values(manifest.bin)].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

/** Code in a document: fenced blocks and spans between backticks. */
const codeIn = (text: string) =>
  [...text.matchAll(/```[^\n]*\n([\s\S]*?)```|`([^`\n]+)`/g)].map((match) => match[1] ?? match[2] ?? '');

/** Commands that a document tells its reader to run and that do not exist. */
function unknownCommands({ path, text }: SourceFile, commands: readonly string[]): string[] {
  return codeIn(text).flatMap((code) => [
    ...[...code.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)]
      .map((match) => match[1] ?? match[2]!)
      .filter((script) => manifest.scripts[script] === undefined)
      .map((script) => `${path}: npm run ${script}`),
    ...[...code.matchAll(/(?:^|\n|\bnpx |\$ )hashgnn ([a-z][\w-]*)/g)]
      .map((match) => match[1]!)
      .filter((command) => !commands.includes(command))
      .map((command) => `${path}: hashgnn ${command}`),
  ]);
}

describe('documents', () => {
  test('the commands that they name exist', () => {
    const commands = createProgram().commands.map((command) => command.name());
    expect(documents.flatMap((document) => unknownCommands(document, ['help', ...commands]))).toEqual([]);
  });

  test('a command that does not exist is found', () => {
    const text = '```sh\nnpm run nothing\nnpx hashgnn teach x\nhashgnn train y\n```\n`npm test`, `hashgnn evaluate`';
    expect(unknownCommands({ path: 'README.md', text }, ['train'])).toEqual([
      'README.md: npm run nothing',
      'README.md: hashgnn teach',
      'README.md: hashgnn evaluate',
    ]);
  });

  test('the files that they link to exist', () => {
    const broken = documents.flatMap((document) =>
      [...document.text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)]
        .map((match) => match[1]!)
        .filter((target) => !existsSync(join(ROOT, document.path, '..', target)))
        .map((target) => `${document.path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});
