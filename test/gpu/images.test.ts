import { expect, test } from 'vitest';
import { GpuOutOfMemoryError, type Program, ShaderError, type Tensor } from '../../src/gpu/index.js';
import { useGpu } from '../support/gpu.js';
import { fixtureShaders } from './fixtures.js';

const gpu = useGpu({ shaders: fixtureShaders() });

/** Floats in a line of an image, and its bytes. */
const LINE = 4 * 4096;
const LINE_BYTES = 4 * LINE;

const ramp = (length: number, first = 0) => Float32Array.from({ length }, (_, at) => first + at);

/** Records reading all of `source` as an image. */
function recordRead(program: Program, source: Tensor<'f32'>, output: Tensor<'f32'>): void {
  program.dispatch<string>('fixture/read_image', {
    bind: { source, output },
    parameters: {},
    invocations: source.length / 4,
  });
}

test.each([4, LINE - 4, LINE, LINE + 4, 3 * LINE + 40])('an image of %i floats has them all', async (length) => {
  const scope = gpu().scope();
  const [source, output] = [
    scope.tensor('f32', [length], 'source', ramp(length, 1)),
    scope.tensor('f32', [length], 'o'),
  ];
  const program = scope.own(gpu().program('read'));
  recordRead(program, source, output);
  await program.compile();
  program.run();
  expect(await output.read()).toEqual(ramp(length, 1));
  scope.destroy();
});

test('an image of a part of a tensor has that part', async () => {
  const scope = gpu().scope();
  const whole = scope.tensor('f32', [3 * LINE], 'whole', ramp(3 * LINE));
  const length = LINE + 8;
  const output = scope.tensor('f32', [length], 'output');
  const program = scope.own(gpu().program('read'));
  recordRead(program, whole.view([length], 'part', { offset: 64 }), output);
  await program.compile();
  program.run();
  expect(await output.read()).toEqual(ramp(length, 64));
  scope.destroy();
});

test('a tensor that a command writes is copied again for the next that reads it, in every run', async () => {
  const scope = gpu().scope();
  const [first, second, third] = [0, 1, 2].map((at) => scope.tensor('f32', [8], `values ${at}`, ramp(8, 10 * at)));
  const outputs = [0, 1, 2, 3].map((at) => scope.tensor('f32', [8], `output ${at}`));
  const program = scope.own(gpu().program('read'));
  recordRead(program, first!, outputs[0]!);
  program.copy(second!, first!);
  recordRead(program, first!, outputs[1]!);
  // Written by a kernel, and by a clear.
  recordRead(program, third!, first!);
  recordRead(program, first!, outputs[2]!);
  program.clear(first!);
  recordRead(program, first!, outputs[3]!);
  await program.compile();
  program.run(2);
  const read = await Promise.all(outputs.map((output) => output.read()));
  expect(read.map((values) => [...values])).toEqual([
    // What the first run left.
    [...new Float32Array(8)],
    [...ramp(8, 10)],
    [...ramp(8, 20)],
    [...new Float32Array(8)],
  ]);
  scope.destroy();
});

test('images that are read one after another share their memory, which is counted and freed', async () => {
  const scope = gpu().scope();
  const [large, small] = [scope.tensor('f32', [2 * LINE], 'large'), scope.tensor('f32', [LINE], 'small')];
  const output = scope.tensor('f32', [2 * LINE], 'output');
  const before = gpu().memory().live;
  const inTurn = gpu().program('in turn');
  recordRead(inTurn, large, output);
  recordRead(inTurn, large, output);
  recordRead(inTurn, small, output.view([LINE], 'part'));
  const crossed = gpu().program('crossed');
  for (const source of [large, small, large]) recordRead(crossed, source, output.view([source.length], 'part'));
  expect([inTurn.imageBytes, crossed.imageBytes]).toEqual([2 * LINE_BYTES, 3 * LINE_BYTES]);
  expect(gpu().memory().live).toBe(before);
  await Promise.all([inTurn.compile(), crossed.compile()]);
  expect([inTurn.imageBytes, crossed.imageBytes]).toEqual([2 * LINE_BYTES, 3 * LINE_BYTES]);
  expect(gpu().memory().live).toBe(before + 5 * LINE_BYTES);
  inTurn.destroy();
  crossed.destroy();
  expect(gpu().memory().live).toBe(before);
  scope.destroy();
});

test('programs with the same rooms take the memory of the one that needs more, until the last is gone', async () => {
  const scope = gpu().scope();
  const [large, small] = [
    scope.tensor('f32', [2 * LINE], 'large', ramp(2 * LINE)),
    scope.tensor('f32', [LINE], 'small'),
  ];
  const output = scope.tensor('f32', [2 * LINE], 'output');
  const before = gpu().memory().live;
  const one = gpu().program('one');
  recordRead(one, large, output);
  const other = gpu().program('other', one.imageRooms);
  for (const source of [small, small.view([4], 'part'), small]) {
    recordRead(other, source, output.view([source.length], 'part'));
  }
  expect([one.imageBytes, other.imageBytes, one.imageRooms.bytes]).toEqual(
    [2, 2, 3].map((lines) => lines * LINE_BYTES),
  );
  await Promise.all([one.compile(), other.compile()]);
  expect([one.imageBytes, other.imageBytes, one.imageRooms.bytes]).toEqual(
    [2, 2, 3].map((lines) => lines * LINE_BYTES),
  );
  expect(gpu().memory().live).toBe(before + 3 * LINE_BYTES);
  one.run();
  other.run();
  one.run();
  expect(await output.read()).toEqual(ramp(2 * LINE));
  one.destroy();
  expect(gpu().memory().live).toBe(before + 3 * LINE_BYTES);
  other.destroy();
  expect(gpu().memory().live).toBe(before);
  scope.destroy();
});

test('a program that is compiled later takes the memory that is there where that suffices, and only the rest anew', async () => {
  const scope = gpu().scope();
  const large = scope.tensor('f32', [3 * LINE], 'large', ramp(3 * LINE));
  const small = scope.tensor('f32', [8], 'small', ramp(8));
  const output = scope.tensor('f32', [3 * LINE], 'output');
  const first = gpu().program('first');
  recordRead(first, large.view([2 * LINE], 'part'), output.view([2 * LINE], 'part'));
  await first.compile();
  const held = gpu().memory().live;
  const later = gpu().program('later', first.imageRooms);
  recordRead(later, small, output.view([8], 'beginning'));
  await later.compile();
  expect(gpu().memory().live).toBe(held);
  const larger = gpu().program('larger', first.imageRooms);
  recordRead(larger, large, output);
  await larger.compile();
  expect(gpu().memory().live).toBe(held + 3 * LINE_BYTES);
  first.run();
  later.run();
  expect(await output.read(0, 8)).toEqual(ramp(8));
  larger.run();
  first.run();
  expect(await output.read()).toEqual(ramp(3 * LINE));
  for (const program of [first, later, larger]) program.destroy();
  scope.destroy();
});

test('one dispatch alone copies what it needs', async () => {
  const scope = gpu().scope();
  const [source, output] = [scope.tensor('f32', [8], 'source', ramp(8)), scope.tensor('f32', [8], 'output')];
  const program = scope.own(gpu().program('read'));
  recordRead(program, source, output);
  await program.compile();
  program.runOne(program.dispatches[0]!);
  expect(await output.read()).toEqual(ramp(8));
  scope.destroy();
});

test('a planner counts images as the device does', async () => {
  const planner = gpu().planner();
  const [source, output] = [planner.tensor('f32', [LINE], 'source'), planner.tensor('f32', [LINE], 'output')];
  const program = planner.program('read');
  recordRead(program, source, output);
  await program.compile();
  program.run();
  expect(planner.memory().live).toBe(3 * LINE_BYTES);
});

test('an image that is too large, and a texture that is no image, are refused', () => {
  expect(() => gpu().imageMemory(gpu().limits.maxTextureDimension2D + 1, 'images')).toThrow(GpuOutOfMemoryError);
  expect(() => gpu().kernel('fixture/image_of_halves' as never)).toThrow(ShaderError);
});
