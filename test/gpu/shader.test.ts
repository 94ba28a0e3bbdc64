import { describe, expect, test } from 'vitest';
import { Gpu, ShaderError, ShaderLibrary } from '../../src/gpu/index.js';
import { useGpu } from '../support/gpu.js';
import { fixtureShaders } from './fixtures.js';

const gpu = useGpu({ shaders: fixtureShaders() });

/** What compiling a kernel that binds `output` alone rejects with. */
async function failureOf(name: string): Promise<ShaderError> {
  using output = gpu().tensor('f32', [4], 'output');
  using program = gpu().program('faulty');
  try {
    program.dispatch<string>(name, { bind: { output }, parameters: {}, workgroups: 1 });
    await program.compile();
  } catch (error) {
    expect(error).toBeInstanceOf(ShaderError);
    return error as ShaderError;
  }
  return expect.fail(`${name} compiled`);
}

describe('a shader that does not compile is told with its place', () => {
  test('file, line and column', async () => {
    const { message, details } = await failureOf('fixture/no_such_function');
    expect(message).toMatch(/^fixture\/no_such_function does not compile: .*no_such_function/);
    expect(details.where).toBe('shaders/fixture/no_such_function.wgsl:7:15');
  });

  test('of the imported file, where the fault is there', async () => {
    const { message, details } = await failureOf('fixture/imports_fault');
    expect(message).toMatch(/return statement type/);
    expect(details.where).toBe('shaders/lib/fault.wgsl:4:3');
  });

  test('and the line, where it does not even parse', async () => {
    const { message, details } = await failureOf('fixture/unparsable');
    expect(message).toMatch(/does not parse/);
    // A line number of the expanded text would mislead.
    expect(message).not.toMatch(/line/i);
    expect(details.where).toBe('shaders/fixture/unparsable.wgsl:7');
  });
});

test('an import that does not exist is told with the line that asks for it', async () => {
  const { message, details } = await failureOf('fixture/imports_nothing');
  expect(message).toBe('there is no shader lib/no_such_file');
  expect(details.where).toBe('shaders/fixture/imports_nothing.wgsl:3');
});

test('a kernel that does not exist is told by its path', async () => {
  const { message, details } = await failureOf('fixture/no_such_kernel');
  expect(message).toBe('there is no shader fixture/no_such_kernel');
  expect(details.where).toBe('shaders/fixture/no_such_kernel.wgsl');
});

test('a shader that breaks a rule of the house is refused', async () => {
  expect((await failureOf('fixture/scalar_storage')).message).toBe('storage variable output is not an array');
  expect((await failureOf('fixture/no_entry')).message).toBe(
    'the shader has no compute entry point with a workgroup size',
  );
});

test('a shader whose feature the device lacks is refused by name', async () => {
  const source = new Map([...fixtureShaders()].map(([name, text]) => [name, `enable f16;\n${text}`]));
  using small = await Gpu.open({ profile: 'portable', shaders: source });
  using visits = small.tensor('u32', [1], 'visits');
  using program = small.program('f16');
  program.dispatch<string>('fixture/visit', { bind: { visits }, parameters: { count: 1 }, workgroups: 1 });
  await expect(program.compile()).rejects.toThrow(
    /fixture\/visit needs the feature (shader-)?f16, which this device lacks/,
  );
});

test('a compile error leaves the device usable', async () => {
  await failureOf('fixture/no_such_function');
  using values = gpu().tensor('u32', [2], 'values', new Uint32Array([3, 4]));
  expect([...(await values.read())]).toEqual([3, 4]);
});

test('every shader of the package compiles on this device, or needs a feature that it lacks', async () => {
  const failures: string[] = [];
  for (const name of gpu().shaders.kernels()) {
    if (name.startsWith('fixture/')) continue;
    const widths = gpu()
      .shaders.get(name)
      .compiled.map((parameter) => [parameter.name, 68]);
    const kernel = gpu().kernel(name, Object.fromEntries(widths));
    if (kernel.shader.enables.some((feature) => !gpu().device.features.has(feature as GPUFeatureName))) continue;
    await kernel.pipeline().catch((error: unknown) => failures.push(`${name}: ${error}`));
  }
  expect(failures).toEqual([]);
});

test('an import stands once in the text however often it is asked for, and knows its own lines', () => {
  const library = new ShaderLibrary(
    new Map([
      ['a/b', '#import one\n#import two\n// of a/b\n@compute @workgroup_size(2, 3) fn main() {}'],
      ['lib/one', '#import two\n// of one'],
      ['lib/two', '// of two'],
    ]),
  );
  const { code, origin, workgroupSize } = library.get('a/b');
  expect(code.split('\n').filter((line) => line.startsWith('// of'))).toEqual(['// of two', '// of one', '// of a/b']);
  const places = code.split('\n').map((line, index) => `${line}@${origin(index + 1)}`);
  expect(places).toContain('// of two@shaders/lib/two.wgsl:1');
  expect(places).toContain('// of one@shaders/lib/one.wgsl:2');
  expect(places).toContain('// of a/b@shaders/a/b.wgsl:3');
  expect(workgroupSize).toEqual([2, 3]);
});
