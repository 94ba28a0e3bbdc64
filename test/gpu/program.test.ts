import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Gpu, type Program, type Tensor } from '../../src/gpu/index.js';
import { useGpu } from '../support/gpu.js';
import { fixtureShaders } from './fixtures.js';

const gpu = useGpu({ shaders: fixtureShaders() });

/** A program of one fixture/step over `values`. */
function stepping(
  values: Tensor<'u32'>,
  increment: number,
): { program: Program; dispatch: ReturnType<Program['dispatch']> } {
  const program = gpu().program('stepping');
  const dispatch = program.dispatch<string>('fixture/step', {
    bind: { values },
    parameters: { count: values.length, increment },
    invocations: values.length,
  });
  return { program, dispatch };
}

/** What fixture/step makes of a value at `index`. */
const stepped = (value: number, index: number, increment: number) =>
  (Math.imul(1664525, value) + index + increment) >>> 0;

test('a program run many times in one submission does what as many single runs do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint32Array({ minLength: 1, maxLength: 40 }),
      fc.integer({ min: 0, max: 60 }),
      async (data, times) => {
        const start = new Uint32Array(data);
        using together = gpu().tensor('u32', [start.length], 'together', start);
        using singly = gpu().tensor('u32', [start.length], 'singly', start);
        using many = stepping(together, 3).program;
        using single = stepping(singly, 3).program;
        await Promise.all([many.compile(), single.compile()]);
        many.run(times);
        for (let time = 0; time < times; time += 1) single.run();
        const expected = start.map((value, index) => {
          for (let time = 0; time < times; time += 1) value = stepped(value, index, 3);
          return value;
        });
        expect([...(await together.read())]).toEqual([...expected]);
        expect([...(await singly.read())]).toEqual([...expected]);
      },
    ),
    { numRuns: 15 },
  );
});

describe('changed parameters', () => {
  test('count from the next run on, and only there', async () => {
    using values = gpu().tensor('u32', [3], 'values');
    const { program, dispatch } = stepping(values, 1);
    using owned = program;
    await owned.compile();
    owned.run();
    owned.setParameters(dispatch, { increment: 100 });
    owned.run();
    const expected = [0, 1, 2].map((index) => stepped(stepped(0, index, 1), index, 100));
    expect([...(await values.read())]).toEqual(expected);
  });

  test('that do not fit change nothing', async () => {
    using values = gpu().tensor('u32', [1], 'values');
    const { program, dispatch } = stepping(values, 1);
    using owned = program;
    await owned.compile();
    expect(() => owned.setParameters(dispatch, { increment: -1 })).toThrow(/fixture\/step.increment cannot be -1/);
    expect(() => owned.setParameters(dispatch, { incremnet: 1 })).toThrow(/no parameter incremnet/);
    owned.setParameters(dispatch, { count: 1 });
    owned.run();
    expect([...(await values.read())]).toEqual([1]);
  });
});

test('clearing and copying happen in their place among the dispatches', async () => {
  using scope = gpu().scope();
  const values = scope.tensor('u32', [5], 'values', new Uint32Array(5).fill(9));
  const before = scope.tensor('u32', [5], 'before');
  const between = scope.tensor('u32', [5], 'between');
  using program = gpu().program('ordered');
  const step = (increment: number) =>
    program.dispatch<string>('fixture/step', { bind: { values }, parameters: { count: 5, increment }, invocations: 5 });
  program.copy(values, before);
  program.clear(values);
  step(1);
  program.copy(values, between);
  step(2);
  await program.compile();
  program.run();
  const first = [0, 1, 2, 3, 4].map((index) => stepped(0, index, 1));
  expect([...(await before.read())]).toEqual([9, 9, 9, 9, 9]);
  expect([...(await between.read())]).toEqual(first);
  const second = first.map((value, index) => stepped(value, index, 2));
  expect([...(await values.read())]).toEqual(second);
  // And again from what the first run left.
  program.run();
  expect([...(await before.read())]).toEqual(second);
  expect([...(await values.read())]).toEqual(second);
});

test('a write between two runs is seen by the second one', async () => {
  using values = gpu().tensor('u32', [2], 'values');
  using program = stepping(values, 7).program;
  await program.compile();
  program.run();
  values.write(new Uint32Array([5]), 1);
  program.run();
  expect([...(await values.read())]).toEqual([stepped(stepped(0, 0, 7), 0, 7), stepped(5, 1, 7)]);
});

test('a dispatch over nothing does nothing', async () => {
  using values = gpu().tensor('u32', [2], 'values', new Uint32Array([1, 2]));
  using program = gpu().program('nothing');
  program.dispatch<string>('fixture/step', {
    bind: { values },
    parameters: { count: 2, increment: 1 },
    invocations: 0,
  });
  await program.compile();
  program.run(3);
  expect([...(await values.read())]).toEqual([1, 2]);
});

describe('a program that cannot run says so', () => {
  test('before it is compiled', () => {
    using values = gpu().tensor('u32', [2], 'values');
    using program = stepping(values, 1).program;
    expect(() => program.run()).toThrow(/stepping is run before it is compiled/);
  });

  test('after a tensor of it was destroyed, naming the tensor, and the device stays usable', async () => {
    const values = gpu().tensor('u32', [2], 'short-lived');
    using program = stepping(values, 1).program;
    await program.compile();
    program.run();
    values.destroy();
    expect(() => program.run()).toThrow(/stepping uses short-lived, which is destroyed/);
    await gpu().finish();
  });

  test('after it was destroyed', async () => {
    using values = gpu().tensor('u32', [2], 'values');
    const { program } = stepping(values, 1);
    await program.compile();
    program.destroy();
    expect(() => program.run()).toThrow(/stepping is used after it was destroyed/);
  });

  test('where a copy has no sense', async () => {
    using scope = gpu().scope();
    const program = scope.own(gpu().program('copies'));
    const five = scope.tensor('u32', [5], 'five');
    expect(() => program.copy(five, scope.tensor('u32', [6], 'six'))).toThrow(/five cannot be copied to six/);
    expect(() => program.copy(five, scope.tensor('i32', [5], 'signed'))).toThrow(/five cannot be copied to signed/);
    expect(() => program.copy(five, five)).toThrow(/five cannot be copied to itself/);
    using other = await Gpu.open();
    using foreign = other.tensor('u32', [5], 'foreigner');
    expect(() => program.copy(foreign, five)).toThrow(/copies is given foreigner, which lives on another device/);
    expect(() => program.clear(foreign)).toThrow(/copies is given foreigner, which lives on another device/);
  });
});

test('a kernel is made once for the same constants, whatever their order', () => {
  const kernel = gpu().kernel('group/sort', { WORKGROUP: 32, SHORT: 8 });
  expect(gpu().kernel('group/sort', { SHORT: 8, WORKGROUP: 32 })).toBe(kernel);
  expect(gpu().kernel('group/sort', { WORKGROUP: 64, SHORT: 8 })).not.toBe(kernel);
  expect(kernel.workgroupSize).toEqual([32, 1, 1]);
});
