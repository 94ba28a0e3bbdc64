import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lineAt, ROOT, readFiles, type SourceFile, withoutComments } from './files.js';

const kernels = readFiles(['shaders'], /\.wgsl$/).filter((file) => !file.path.startsWith('shaders/lib/'));

/** Marks of a shader's text, which a message that merely names an attribute does not have. */
const WGSL =
  /@compute\s+@|@compute\b[^;\n]*\n?[^;\n]*\bfn\s|\bvar<(storage|workgroup|private|uniform)[,>]|@group\(\d+\)\s*@binding|\boverride\s+[^;=\n]*=[^;\n]*;`/g;

/** What a kernel's file lacks. */
function faults({ path, text }: SourceFile): string[] {
  const found: string[] = [];
  const parts = /^shaders\/([a-z][a-z0-9]*)\/([a-z][a-z0-9_]*)(\.[a-z0-9_]+)?\.wgsl$/.exec(path);
  if (!parts) found.push(`${path} is not shaders/<group>/<name>.wgsl, or <name>.<variant>.wgsl, in lower case`);
  const header = /^(?:\/\/[^\n]*\n)+|^\/\*[\s\S]*?\*\//.exec(text)?.[0] ?? '';
  const words = header.replace(/[/*]/g, ' ').trim().split(/\s+/).filter(Boolean);
  if (words.length < 10) found.push(`${path} does not begin with a comment that says what it computes`);
  const code = withoutComments(text);
  const entries = [...code.matchAll(/@compute\b[^;{}]*?\bfn\s+(\w+)/g)].map((match) => match[1]);
  if (code.split('@compute').length !== 2 || entries[0] !== 'main') {
    found.push(`${path} has the entries [${entries.join(', ')}] instead of main alone`);
  }
  if (/\batomic\w*\s*<\s*f(16|32)\s*>/.test(code)) found.push(`${path} has a floating-point atomic`);
  return found;
}

/** A variable in a block within a function that is given no value. */
const UNSET = /^ {3,}var\s+\w+\s*:[^=;]*;/gm;

/** Such variables: in a loop they are to be zero at each turn, and through Dawn and lavapipe were so at the first alone. */
function unset({ path, text }: SourceFile): string[] {
  return [...withoutComments(text).matchAll(UNSET)].map((match) => `${path}:${lineAt(text, match.index)}${match[0]}`);
}

test('variables in loops are given a value at each turn', () => {
  expect(readFiles(['shaders'], /\.wgsl$/).flatMap(unset)).toEqual([]);
  const loop = 'fn f() {\n  for (var i = 0; i < 3; i++) {\n    var sum: vec2f;\n    var other = vec2f();\n  }\n}\n';
  expect(unset({ path: 'a.wgsl', text: loop })).toEqual(['a.wgsl:3    var sum: vec2f;']);
});

test('every kernel begins with its comment and has one entry, main', () => {
  expect(kernels.flatMap(faults)).toEqual([]);
});

test('every kernel has its twin on the processor, which its variants share', () => {
  const twin = (path: string) => path.replace(/^shaders\/(\w+)\/(\w+)\..*$/, 'src/reference/$1/$2.ts');
  expect(kernels.map((kernel) => twin(kernel.path)).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test('there is no WGSL in TypeScript', () => {
  const found = readFiles(['src', 'bench'], /\.ts$/)
    .filter((file) => file.path !== 'src/gpu/generated.ts')
    .flatMap((file) => {
      const text = withoutComments(file.text);
      return [...text.matchAll(WGSL)].map((match) => `${file.path}:${lineAt(text, match.index)} ${match[0]}`);
    });
  expect(found).toEqual([]);
});

test('WGSL planted in TypeScript is found, an attribute named in a message is not', () => {
  expect('const s = `@compute @workgroup_size(64)\\nfn main() {}`'.match(WGSL)).not.toBe(null);
  expect('const s = `@group(0) @binding(1) var<storage, read> x: array<f32>;`'.match(WGSL)).toHaveLength(2);
  expect('const s = `override SIZE: u32 = 64;`'.match(WGSL)).not.toBe(null);
  expect("throw new Error('the shader has no @compute entry');".match(WGSL)).toBe(null);
});

describe('a planted fault is found', () => {
  const header = '// Adds one to each element of `values` [n], float32; one invocation an element. Cost: n.\n';
  const body = '@compute @workgroup_size(64)\nfn main() {}\n';

  test('a sound kernel has none', () => {
    expect(faults({ path: 'shaders/dense/add_one.wgsl', text: header + body })).toEqual([]);
  });

  test.each([
    ['no header', body, 'comment'],
    ['a header that says nothing', `// Kernel.\n${body}`, 'comment'],
    ['no entry', header, 'entries'],
    ['two entries', header + body + body.replace('main', 'other'), 'entries'],
    ['an entry of another name', header + body.replace('main', 'run'), 'entries'],
    ['an entry that is only a comment', `${header}// @compute fn main() {}\n`, 'entries'],
    ['a float atomic', `${header}var<workgroup> sum: atomic<f32>;\n${body}`, 'atomic'],
  ])('%s', (_, text, what) => {
    const found = faults({ path: 'shaders/dense/add_one.wgsl', text });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(what);
  });

  test('a file in no group', () => {
    expect(faults({ path: 'shaders/add.wgsl', text: header + body })).toHaveLength(1);
  });
});
