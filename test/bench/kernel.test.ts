import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { compare, eachScalar, fill, fromHalf, toHalf } from '../../bench/kernel/bytes.js';
import { type Layout, reflectForeign } from '../../src/gpu/index.js';
import { hashgnn } from '../support/cli.js';

// A driver that compiles for the first time may take long.
vi.setConfig({ testTimeout: 120_000 });

const root = mkdtempSync(join(tmpdir(), 'hashgnn-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** y = a x + y. */
const SAXPY = `struct Parameters { count: u32, a: f32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
override WORKGROUP: u32 = 64;
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < parameters.count) { y[id.x] += parameters.a * x[id.x]; }
}
`;
const ENTRY = '@compute @workgroup_size(64)\nfn main() {';
const Y = '@group(0) @binding(0) var<storage, read_write> y: array<u32>;\n';

function write(name: string, text: string): string {
  const file = join(root, name);
  writeFileSync(file, text);
  return file;
}

const saxpy = write('saxpy.wgsl', SAXPY);
const SIZES = ['--size', 'x=1000', '--size', 'y=1000', '--set', 'count=1000', '--set', 'parameters.a=2'];
const GIVEN = [...SIZES, '--invocations', '1000'];
const QUICK = ['--repeat', '2'];

const bench = (...args: string[]) => hashgnn('bench', 'kernel', ...args);

async function measured(...args: string[]) {
  const done = await bench(...args, ...QUICK, '--json');
  expect(done.status, done.err).toBe(0);
  return JSON.parse(done.out);
}

test('a shader with a uniform, a constant and two arrays: one JSON object, the same in the file', async () => {
  const out = join(root, 'kernel.json');
  const result = await measured(saxpy, ...GIVEN, '--constant', 'WORKGROUP=128', '--operations', '2000', '--out', out);
  expect(result).toMatchObject({
    ...{ file: saxpy, entry: 'main', workgroups: [8, 1, 1], workgroupSize: [128, 1, 1], seed: 0 },
    bindings: [
      { name: 'parameters', access: 'uniform', bytes: 16 },
      { name: 'x', access: 'read', bytes: 4000 },
      { name: 'y', access: 'read_write', bytes: 4000 },
    ],
  });
  expect(result.adapter).toBeTruthy();
  expect(result.all).toHaveLength(2);
  expect(result.seconds).toBeGreaterThan(0);
  expect(result.bytesPerSecond).toBeCloseTo(8016 / result.seconds, 0);
  expect(result.operationsPerSecond).toBeCloseTo(2000 / result.seconds, 0);
  expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(result);
});

test('for people: the time, the buffers and the rates, also with --quiet', async () => {
  const done = await bench(saxpy, ...GIVEN, ...QUICK, '--operations', '2e3', '--quiet');
  expect(done).toMatchObject({ status: 0, out: '' });
  expect(done.err).toMatch(
    /a dispatch[\s\S]*16 × 1 × 1 of 64 × 1 × 1[\s\S]*x +read +3\.91 KiB[\s\S]*GB\/s[\s\S]*GFLOP\/s/,
  );
});

test('structs, atomics, halves, several entries, a numbered constant and an import of ours', async () => {
  const file = write(
    'rich.wgsl',
    `enable f16;
#import random
alias Place = vec3<f32>;
struct Item { place: Place, weights: mat2x2f, half: vec4<f16> }
struct Items { head: atomic<u32>, tail: array<Item> }
struct Options { origin: vec2f, inner: vec4u }
@group(0) @binding(3) var<storage, read_write> items: Items;
@group(0) @binding(1) var<uniform> options: Options;
@group(0) @binding(9) var<uniform> scale: f32;
@id(7) override FAST: bool = false;
@compute @workgroup_size(4, 2, 1)
fn second(@builtin(global_invocation_id) id: vec3u) {
  atomicAdd(&items.head, options.inner.w);
  if (FAST) { items.tail[id.x].place.x = scale + options.origin.x; }
}
@compute @workgroup_size(1)
fn first() {}
`,
  );
  const uniforms = ['--set', 'options.origin=1,2', '--set', 'inner=1,2,3,4', '--set', 'scale=0.5'];
  const rest = ['--entry', 'second', '--constant', 'FAST=true', '--workgroups', '3,2,1', '--size', 'items=100'];
  const done = await bench(file, ...uniforms, ...rest, ...QUICK, '--json');
  // Not every adapter has halves, and then it must be said.
  if (done.status !== 0) expect(done.err).toMatch(/enables f16/);
  else {
    expect(JSON.parse(done.out)).toMatchObject({
      ...{ entry: 'second', workgroups: [3, 2, 1], workgroupSize: [4, 2, 1] },
      bindings: [
        { name: 'options', bytes: 32 },
        { name: 'items', bytes: 16 + 48 * 100 },
        { name: 'scale', bytes: 16 },
      ],
    });
  }
});

describe('beside another shader', () => {
  const other = write(
    'other.wgsl',
    SAXPY.replace('binding(1)', 'binding(4)').replace(
      'y[id.x] += parameters.a * x[id.x]',
      'y[id.x] = fma(parameters.a, x[id.x], y[id.x])',
    ),
  );

  test('the same outputs: both timed, and the ratio', async () => {
    const result = await measured(saxpy, ...GIVEN, '--against', other, '--against-constant', 'WORKGROUP=32');
    expect(result.against).toMatchObject({ file: other, workgroupSize: [32, 1, 1], workgroups: [32, 1, 1] });
    expect(result.against).toMatchObject({ compared: 1000 });
    expect(result.against.all).toHaveLength(2);
    expect(result.against.ratio).toBeCloseTo(result.against.seconds / result.seconds);
    const told = await bench(saxpy, ...GIVEN, ...QUICK, '--against', other);
    expect(told.err).toMatch(/1000 values compared[\s\S]*times that/);
  });

  test('other outputs: the buffer, the place and both values, and nothing is timed', async () => {
    const wrong = write('wrong.wgsl', SAXPY.replace('{ y[id.x]', '{ if (id.x == 7) { return; } y[id.x]'));
    const done = await bench(saxpy, ...GIVEN, '--fill', 'x=3', '--fill', 'y=1', '--against', wrong);
    expect(done.status).toBe(1);
    expect(done.err).toMatch(/y\[7\] is 7 by .*saxpy\.wgsl and 1 by .*wrong\.wgsl; 1 of 1000 values differ/);
    const allowed = await bench(saxpy, ...GIVEN, ...QUICK, '--fill', 'x=3', '--against', wrong, '--tolerance', '9');
    expect(allowed.status, allowed.err).toBe(0);
  });

  test.each([
    ['of another name', SAXPY.replaceAll('x: array', 'z: array').replace('x[id', 'z[id'), /uses no buffer x/],
    [
      'of another type',
      SAXPY.replace('x: array<f32>', 'x: array<vec2f>').replace('x[id.x]', 'x[id.x].x'),
      /x is storage/,
    ],
    [
      'more than the first',
      `${SAXPY.replace('* x[', '* z[0] * x[')}@group(0) @binding(5) var<storage> z: array<f32>;`,
      /buffer z/,
    ],
  ])('buffers %s', async (_, text, message) => {
    const done = await bench(saxpy, ...GIVEN, '--against', write('unlike.wgsl', text));
    expect(done.status).toBe(1);
    expect(done.err).toMatch(message);
    expect(done.err).toMatch(/to mend it/);
  });
});

describe('what does not fit is one clear error', () => {
  const workgroups = ['--workgroups', '1'];
  test.each<[string, string | undefined, readonly string[], number, RegExp]>([
    ['a missing file', undefined, workgroups, 1, /no such file/],
    ['a syntax error', `${Y}${ENTRY} y[0] = ; }`, workgroups, 1, /does not compile[\s\S]*bad\.wgsl:3:\d+/],
    ['a type error', `${Y}${ENTRY}\n y[0] = 1.5f; }`, workgroups, 1, /cannot assign[\s\S]*bad\.wgsl:4:/],
    ['an import that does not exist', `#import nothing\n${ENTRY} }`, workgroups, 1, /lib\/nothing[\s\S]*bad\.wgsl:1/],
    ['no entry', 'fn main() {}', workgroups, 1, /no compute entry/],
    [
      'several entries',
      `${ENTRY} }\n${ENTRY.replace('main', 'other')} }`,
      workgroups,
      2,
      /2 .*main, other[\s\S]*--entry/,
    ],
    ['an entry that does not exist', `${ENTRY} }`, [...workgroups, '--entry', 'run'], 2, /no compute entry point run/],
    ['a buffer without a size', SAXPY, ['--size', 'x=9', ...workgroups], 2, /length of y [\s\S]*--size y=N/],
    ['a size of an unknown name', SAXPY, [...GIVEN, '--size', 'z=1'], 2, /no buffer z[\s\S]*x, y/],
    [
      'a size of a fixed buffer',
      SAXPY,
      [...GIVEN, '--size', 'parameters=1'],
      2,
      /parameters has a fixed size, 8 bytes/,
    ],
    ['a fill of an unknown name', SAXPY, [...GIVEN, '--fill', 'z=1'], 2, /--fill z/],
    ['a fill that is none', SAXPY, [...GIVEN, '--fill', 'x=nothing'], 2, /zero, random, ramp/],
    ['a size that is none', SAXPY, [...GIVEN, '--size', 'x=-1'], 2, /whole number/],
    [
      'a size beyond the limits',
      SAXPY,
      [...GIVEN, '--size', 'x=99999999999'],
      1,
      /399999999996 bytes.*binds \d+[\s\S]*--size x=\d+ is/,
    ],
    ['an unknown constant', SAXPY, [...GIVEN, '--constant', 'TILE=1'], 2, /no override constant TILE[\s\S]*WORKGROUP/],
    ['a constant of another type', SAXPY, [...GIVEN, '--constant', 'WORKGROUP=1.5'], 2, /WORKGROUP is u32/],
    [
      'a workgroup whose size is computed from constants',
      `override HALF: u32 = WORKGROUP / 2;\n${SAXPY.replace('size(WORKGROUP', 'size(HALF')}`,
      [...GIVEN, '--constant', 'WORKGROUP=16'],
      1,
      /HALF, whose default is computed[\s\S]*--constant HALF=/,
    ],
    ['a workgroup beyond the limits', SAXPY, [...GIVEN, '--constant', 'WORKGROUP=65536'], 1, /65536 invocations/],
    ['an unknown member', SAXPY, [...GIVEN, '--set', 'parameters.b=1'], 2, /parameters\.b[\s\S]*parameters\.count/],
    ['a member of another type', SAXPY, [...GIVEN, '--set', 'count=-1'], 2, /count is u32/],
    ['two numbers for one', SAXPY, [...GIVEN, '--set', 'count=1,2'], 2, /needs 1 number/],
    [
      'a member that is not set',
      SAXPY,
      ['--size', 'x=9', '--size', 'y=9', '--set', 'a=1', ...workgroups],
      2,
      /parameters\.count is not given/,
    ],
    ['no workgroups', SAXPY, SIZES, 2, /--workgroups[\s\S]*--invocations/],
    ['both workgroups and invocations', SAXPY, [...GIVEN, ...workgroups], 2, /twice/],
    ['too many workgroups', SAXPY, [...SIZES, '--workgroups', '1,70000'], 2, /1 × 70000 × 1 workgroups: .* 65535/],
    ['too many invocations', SAXPY, [...SIZES, '--invocations', '99999999'], 2, /workgroups: the device allows/],
    [
      'a group other than 0',
      `${Y.replace('group(0)', 'group(1)')}${ENTRY} y[0] = 1; }`,
      workgroups,
      1,
      /y is in group 1/,
    ],
    [
      'a texture',
      `@group(0) @binding(0) var t: texture_2d<f32>;\n${Y.replace('binding(0)', 'binding(1)')}${ENTRY} y[0] = u32(textureLoad(t, vec2u(), 0).x); }`,
      workgroups,
      1,
      /t is a texture, which is not supported/,
    ],
    ['nothing to be against', SAXPY, [...GIVEN, '--against-entry', 'main'], 2, /--against FILE/],
    [
      'a constant without a value',
      `override N: u32;\n${Y}${ENTRY} y[0] = N; }`,
      [...workgroups, '--size', 'y=1'],
      1,
      /no pipeline|N/,
    ],
  ])('%s', async (_, text, args, status, message) => {
    const file = text === undefined ? join(root, 'none.wgsl') : write('bad.wgsl', text);
    const done = await bench(file, ...args, '--json');
    expect(done.err).toMatch(message);
    expect(done.status, done.err).toBe(status);
    expect(done.err).not.toMatch(/defect|\n {4}at /);
    expect(Object.keys(JSON.parse(done.out))).toEqual(['error']);
  });

  test('a loop without end is ended at the time limit', async () => {
    const endless = `${Y}${ENTRY} while (y[0] < 100) { y[1] += 1; } }`;
    const file = write('endless.wgsl', endless);
    const started = performance.now();
    const done = await bench(file, '--size', 'y=64', '--fill', 'y=zero', '--workgroups', '1', '--time-limit', '1.5');
    expect(done.status).toBe(1);
    expect(done.err).toMatch(/the shader did not end within 1\.5 s[\s\S]*--time-limit/);
    expect(performance.now() - started).toBeLessThan(60_000);
  });
});

describe('plain bytes', () => {
  const scalar = (type: 'f32' | 'f16' | 'u32'): Layout => ({ kind: 'scalar', type });
  const array = (type: 'f32' | 'f16' | 'u32', stride: number): Layout => ({
    ...{ kind: 'array', count: 0, stride },
    element: scalar(type),
  });

  test('every half is read and written alike, and numbers between two go to the nearer', () => {
    for (let bits = 0; bits < 65536; bits += 1) {
      const value = fromHalf(bits);
      if (!Number.isNaN(value)) expect(toHalf(value)).toBe(bits);
    }
    expect(fromHalf(toHalf(1 / 3))).toBeCloseTo(1 / 3, 3);
    expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, Number.NaN].map(toHalf)).toEqual([
      0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 0x7e00,
    ]);
  });

  test('filling repeats by seed, tells buffers apart, and keeps to its range', () => {
    const filled = (how: string, seed: number, stream: number, layout = array('f32', 4)) => {
      const bytes = new Uint8Array(4000);
      fill(bytes, layout, how, seed, stream);
      return bytes;
    };
    expect(filled('random', 1, 0)).toEqual(filled('random', 1, 0));
    expect(filled('random', 1, 0)).not.toEqual(filled('random', 2, 0));
    expect(filled('random', 1, 0)).not.toEqual(filled('random', 1, 1));
    const floats = new Float32Array(filled('random', 1, 0).buffer);
    expect(Math.min(...floats)).toBeLessThan(-0.9);
    expect(floats.every((value) => value >= -1 && value < 1)).toBe(true);
    const whole = new Uint32Array(filled('random', 1, 0, array('u32', 4)).buffer);
    expect(new Set(whole).size).toBe(16);
    expect([...new Float32Array(filled('ramp', 0, 0).buffer).subarray(0, 3)]).toEqual([0, 1, 2]);
    expect([...new Float32Array(filled('2.5', 0, 0).buffer).subarray(0, 2)]).toEqual([2.5, 2.5]);
  });

  test('what counts as equal: integers exactly, floats within the tolerance, NaN and infinities like themselves', () => {
    const differ = (one: number[], other: number[]) =>
      compare(
        new Uint8Array(Float32Array.from(one).buffer),
        new Uint8Array(Float32Array.from(other).buffer),
        array('f32', 4),
        1e-5,
      );
    expect(differ([1, Number.NaN, 1e10, 0], [1.00001, Number.NaN, 1e10 + 1e4, 1e-6])).toMatchObject({
      count: 0,
      of: 4,
    });
    const { POSITIVE_INFINITY: infinity } = Number;
    expect(differ([1, infinity, 5], [1, 1e30, Number.NaN])).toMatchObject({ count: 2, index: 1 });
    const whole = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
    expect(compare(whole(1e9), whole(1e9 + 1), array('u32', 4), 1).count).toBe(1);
  });

  test('padding is left out, and vectors and matrices lie where WGSL puts them', () => {
    const code = `struct S { a: vec3f, b: u32, m: mat3x3f, }\n@group(0) @binding(0) var<storage, read_write> s: array<S>;\n${ENTRY} s[0].b = 1; }`;
    const [binding] = reflectForeign(code, 'a.wgsl', undefined, {}).bindings;
    expect(binding).toMatchObject({ fixedBytes: 0, stride: 64 });
    const places: number[] = [];
    eachScalar(binding!.layout, 0, 64, (at) => places.push(at));
    expect(places).toEqual([0, 4, 8, 12, 16, 20, 24, 32, 36, 40, 48, 52, 56]);
  });
});
