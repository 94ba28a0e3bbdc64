import { describe, expect, test } from 'vitest';
import { emitTypes } from '../../src/gpu/codegen/emit.js';
import { BindingError, Gpu, type Tensor } from '../../src/gpu/index.js';
import { ShaderLibrary } from '../../src/gpu/shader.js';
import { useGpu } from '../support/gpu.js';
import { fixtureShaders } from './fixtures.js';

const gpu = useGpu({ shaders: fixtureShaders() });

interface Attempt {
  readonly bind: Record<string, Tensor>;
  readonly parameters: Record<string, number>;
  readonly constants: Record<string, number>;
}

/** Records a dispatch of fixture/mix with some of its sound arguments changed (undefined: left out). */
function attempt(
  change: (tensors: Record<'values' | 'signs' | 'output', Tensor>) => {
    bind?: Record<string, Tensor | undefined>;
    parameters?: Record<string, number | undefined>;
    constants?: Record<string, number>;
  },
): void {
  using scope = gpu().scope();
  const sound = {
    values: scope.tensor('u32', [8], 'eight numbers'),
    signs: scope.tensor('i32', [2, 4], 'eight signs'),
    output: scope.tensor('f32', [8], 'eight results'),
  };
  const changed = change(sound);
  const present = <T>(entries: Record<string, T | undefined>): Record<string, T> =>
    Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as Record<string, T>;
  const options: Attempt = {
    bind: present({ ...sound, ...changed.bind }),
    parameters: present({ count: 8, offset: -1, weight: 0.5, ...changed.parameters }),
    constants: changed.constants ?? {},
  };
  using program = gpu().program('attempt');
  program.dispatch<string>('fixture/mix', { ...options, invocations: 8 });
}

/** A BindingError with such a message. */
const binding = (pattern: RegExp) =>
  expect.objectContaining({ name: 'BindingError', message: expect.stringMatching(pattern) });

/** What `work` throws. */
function thrown(work: () => void): Error & { details?: { where?: string; fix?: string } } {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  return expect.fail('nothing was thrown');
}

test('the sound arguments that the tests below change are accepted', () => {
  expect(() => attempt(() => ({}))).not.toThrow();
});

describe('a tensor that does not fit is refused by an error that names the variable', () => {
  test('missing', () => {
    const error = thrown(() => attempt(() => ({ bind: { signs: undefined } })));
    expect(error).toBeInstanceOf(BindingError);
    expect(error.message).toMatch(/fixture\/mix is missing its tensor signs/);
    expect(error.details?.where).toBe('shaders/fixture/mix.wgsl');
  });

  test('unknown, with the names that there are', () => {
    const error = thrown(() => attempt(({ values }) => ({ bind: { vlaues: values } })));
    expect(error.message).toMatch(/no variable vlaues/);
    expect(error.details?.fix).toMatch(/values, signs, output/);
  });

  test('of another element type', () => {
    expect(() => attempt(({ output }) => ({ bind: { values: output, output: undefined } }))).toThrow(
      /eight results as values, which holds f32 and not u32/,
    );
  });

  test('whose length is no multiple of the vectors that the shader reads', () => {
    using six = gpu().tensor('i32', [6], 'six signs');
    expect(() => attempt(() => ({ bind: { signs: six } }))).toThrow(
      /six signs as signs.* 6 elements are no multiple of 4/,
    );
  });

  test('destroyed', () => {
    expect(() =>
      attempt(({ values }) => {
        values.destroy();
        return {};
      }),
    ).toThrow(/eight numbers as values, which is destroyed/);
  });

  test('on another device', async () => {
    using other = await Gpu.open();
    using foreign = other.tensor('u32', [8], 'foreigner');
    expect(() => attempt(() => ({ bind: { values: foreign } }))).toThrow(/foreigner as values.* another device/);
  });

  test('bound for reading and for writing at once', () => {
    using program = gpu().program('aliases');
    using scope = gpu().scope();
    const table = scope.tensor('f32', [4], 'one table');
    const dispatch = () =>
      program.dispatch('hash/sign', {
        bind: { embedding: table, code: table },
        parameters: { count: 4 },
        invocations: 4,
      });
    expect(dispatch).toThrow(/one table both as (embedding|code) and as (code|embedding)/);
  });
});

test('a tensor that is only read may be bound twice', async () => {
  using scope = gpu().scope();
  const words = scope.tensor('u32', [4], 'words', new Uint32Array([1, 0, 0, 0]));
  using program = gpu().program('read twice');
  const bind = {
    nodes: scope.tensor('u32', [1], 'nodes', new Uint32Array([0])),
    rows: words,
    bits: words,
    ranks: scope.tensor('u32', [2], 'ranks'),
    places: scope.tensor('u32', [1], 'places', new Uint32Array([7])),
  };
  program.dispatch('block/locate', { bind, parameters: { stride: 1 }, invocations: 1 });
  await program.compile();
  program.run();
  expect([...(await bind.places.read())]).toEqual([0]);
});

describe('a constant or parameter that does not fit is refused by an error that names it', () => {
  test('an unknown constant, with those that there are', () => {
    const error = thrown(() => attempt(() => ({ constants: { FACTR: 2 } })));
    expect(error).toEqual(binding(/fixture\/mix has no constant FACTR/));
    expect(error.details?.fix).toMatch(/FACTOR/);
  });

  test('a constant that is no number', () => {
    expect(() => attempt(() => ({ constants: { FACTOR: Number.NaN } }))).toThrow(/FACTOR cannot be NaN/);
  });

  test('a missing parameter', () => {
    expect(thrown(() => attempt(() => ({ parameters: { offset: undefined } })))).toEqual(
      binding(/fixture\/mix is missing its parameter offset/),
    );
  });

  test('an unknown parameter', () => {
    expect(thrown(() => attempt(() => ({ parameters: { cuont: 1 } })))).toEqual(binding(/no parameter cuont/));
  });

  test.each([
    ['count', -1],
    ['count', 2 ** 32],
    ['count', 1.5],
    ['count', Number.NaN],
    ['offset', 2 ** 31],
    ['offset', -(2 ** 31) - 1],
    ['offset', 0.5],
    ['weight', Number.NaN],
    ['weight', Number.POSITIVE_INFINITY],
    ['weight', 1e39],
  ])('%s = %d', (name, value) => {
    expect(thrown(() => attempt(() => ({ parameters: { [name]: value } })))).toEqual(
      binding(new RegExp(`fixture/mix\\.${name} cannot be `)),
    );
  });

  test.each([
    ['count', 2 ** 32 - 1],
    ['offset', 2 ** 31 - 1],
    ['offset', -(2 ** 31)],
    ['weight', 3e38],
  ])('%s = %d is in range', (name, value) => {
    expect(() => attempt(() => ({ parameters: { [name]: value } }))).not.toThrow();
  });
});

test('values of every type reach the shader', async () => {
  using scope = gpu().scope();
  using program = gpu().program('mix');
  const output = scope.tensor('f32', [6], 'output', new Float32Array(6).fill(100));
  const bind: Record<string, Tensor> = {
    values: scope.tensor('u32', [6], 'values', new Uint32Array([0, 1, 2, 3, 4, 5])),
    signs: scope.tensor('i32', [8], 'signs', new Int32Array([-1, 1, -2, 2, -3, 3, 0, 0])),
    output,
  };
  const parameters = { count: 5, offset: -7, weight: 0.25 };
  program.dispatch<string>('fixture/mix', { bind, parameters, constants: { FACTOR: 2.5 }, invocations: 6 });
  await program.compile();
  program.run();
  const signs = [-1, 1, -2, 2, -3];
  const expected = signs.map((sign, i) => 100 + 2.5 * (0.25 * i + sign) - 7);
  expect([...(await output.read())]).toEqual([...expected, 100]);
});

describe('a parameter that is compiled into the kernel', () => {
  test('reaches the shader, each value in a kernel of its own', async () => {
    using scope = gpu().scope();
    using program = gpu().program('compiled');
    const outputs = [3, 5, 3].map((factor) => scope.tensor('i32', [4], `multiples of ${factor}`));
    const dispatches = [3, 5, 3].map((factor, at) =>
      program.dispatch<string>('fixture/compiled', {
        bind: { output: outputs[at]! },
        parameters: { factor, offset: -1 },
        invocations: 4,
      }),
    );
    await program.compile();
    program.setParameters(dispatches[2]!, { offset: 10 });
    program.run();
    const read = await Promise.all(outputs.map(async (output) => [...(await output.read())]));
    expect(read).toEqual([
      [-1, 2, 5, 8],
      [-1, 4, 9, 14],
      [10, 13, 16, 19],
    ]);
    expect(() => program.setParameters(dispatches[0]!, { factor: 4 })).toThrow(/is compiled for its parameter factor/);
  });

  test.each([
    [{}, /fixture\/compiled is missing its parameter factor/],
    [{ factor: -1 }, /fixture\/compiled\.factor cannot be -1: it is u32/],
    [{ factor: 1, fcator: 1 }, /no parameter fcator/],
  ])('%o is refused', (given, message) => {
    using scope = gpu().scope();
    using program = gpu().program('compiled');
    const bind = { output: scope.tensor('i32', [4], 'output') };
    expect(() =>
      program.dispatch<string>('fixture/compiled', { bind, parameters: { offset: 0, ...given }, invocations: 4 }),
    ).toThrow(message);
  });

  test('is told apart from constants by the emitter', () => {
    const source = fixtureShaders().get('fixture/compiled')!;
    const types = emitTypes(new ShaderLibrary(new Map([['a/compiled', source]])));
    expect(types).toContain('parameters: { readonly factor: number; readonly offset: number };');
    expect(types).toContain('constants: {};');
  });
});
