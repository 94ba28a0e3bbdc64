import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Gpu } from '../../src/gpu/index.js';
import { type Activation, chunkRows, Dense } from '../../src/layers/dense.js';
import type { DenseVariant } from '../../src/layers/variants.js';
import { forward } from '../../src/reference/dense/forward.js';
import { denseCase, denseExamples, rowsOf, uniform, variants } from '../kernels/dense/cases.js';
import { useGpu } from '../support/gpu.js';
import { expectClose } from '../support/kernels.js';

const gpu = useGpu();

/** Milliseconds: software drivers take seconds to compile a kernel for the first time, on a busy machine many. */
const COMPILING = { timeout: 300_000 };

interface Sizes {
  readonly inputWidth: number;
  readonly outputWidth: number;
  readonly sides: 1 | 2;
  readonly total: number;
  readonly first: number;
  readonly maxRows: number;
}

/** Runs a layer forward and backward on host arrays. */
async function run(
  device: Gpu,
  sizes: Sizes,
  activation: Activation,
  variant: DenseVariant,
  data: { input: Float32Array<ArrayBuffer>; weight: Float32Array<ArrayBuffer>; bias: Float32Array<ArrayBuffer> },
  direction: Float32Array<ArrayBuffer>,
) {
  const { inputWidth, outputWidth, sides, total, first, maxRows } = sizes;
  const scope = device.scope();
  const program = device.program('test of a dense layer');
  try {
    const options = { label: 'dense', inputWidth, outputWidth, sides, activation, maxRows, variant };
    const layer = new Dense(scope, options);
    layer.weight.write(data.weight);
    layer.bias.write(data.bias);
    const io = {
      input: scope.tensor('f32', [data.input.length], 'input', data.input),
      output: scope.tensor('f32', [Math.max(1, maxRows), outputWidth], 'output'),
      outputGradient: scope.tensor('f32', [direction.length], 'output gradient', direction),
      inputGradient: scope.tensor('f32', [data.input.length], 'input gradient'),
      rows: scope.tensor('u32', [2], 'rows', Uint32Array.of(total, first)),
      maxRows,
    };
    layer.forward(program, io);
    layer.backward(program, io);
    await program.compile();
    program.run();
    return {
      output: await io.output.read(),
      weight: await layer.weightGradient.read(),
      bias: await layer.biasGradient.read(),
      input: await io.inputGradient.read(),
    };
  } finally {
    program.destroy();
    scope.destroy();
  }
}

const names = (device: Gpu): DenseVariant[] => variants(device).map((ending) => (ending ? 'subgroups' : 'tiles'));

test(
  'the gradients are the slopes of Σ direction · output, by finite differences along random directions',
  COMPILING,
  async () => {
    await fc.assert(
      fc.asyncProperty(
        denseCase,
        fc.constantFrom<Activation>('none', 'leaky-relu', 'tanh'),
        async (sizes, activation) => {
          const { inputWidth, outputWidth, total, first, maxRows, seed } = sizes;
          const sides = sizes.sides as 1 | 2;
          const data = {
            input: rowsOf(seed, total, maxRows, inputWidth),
            weight: uniform(seed + 1, sides * inputWidth * outputWidth).map((w) => w / Math.sqrt(inputWidth)),
            bias: uniform(seed + 2, sides * outputWidth),
          };
          const direction = rowsOf(seed + 3, total, maxRows, outputWidth);
          const rows = [total, first];
          const parameters = { input_width: inputWidth, output_width: outputWidth, sides };
          const ACTIVATION = ['none', 'leaky-relu', 'tanh'].indexOf(activation);
          type At = { [name in keyof typeof data]: ArrayLike<number> };
          const outputs = (at: At, constants: { ACTIVATION: number }) => {
            const output = new Float64Array(total * outputWidth);
            forward({ ...at, rows, output }, parameters, constants);
            return output;
          };
          /** The objective in float64. */
          const objective = (at: At) =>
            outputs(at, { ACTIVATION }).reduce((sum, value, index) => sum + value * direction[index]!, 0);
          // A unit this close to the kink of the leaky ReLU may be on its other side in float32, or after a step.
          if (activation === 'leaky-relu') {
            fc.pre(outputs(data, { ACTIVATION: 0 }).every((value) => Math.abs(value) > 2e-5));
          }
          const results = [];
          for (const variant of names(gpu())) {
            results.push([
              variant,
              await run(gpu(), { ...sizes, sides }, activation, variant, data, direction),
            ] as const);
          }
          for (const name of ['input', 'weight', 'bias'] as const) {
            const used = name === 'input' ? total * inputWidth : data[name].length;
            const along = uniform(seed + 4, data[name].length).fill(0, used);
            const step = 1e-6;
            const shifted = (by: number) => ({
              ...data,
              [name]: Float64Array.from(data[name], (v, i) => v + by * along[i]!),
            });
            const slope = (objective(shifted(step)) - objective(shifted(-step))) / (2 * step);
            for (const [variant, result] of results) {
              const products = Array.from({ length: used }, (_, index) => result[name][index]! * along[index]!);
              const scale = Math.sqrt(products.reduce((sum, product) => sum + product * product, 0));
              const projection = products.reduce((sum, product) => sum + product, 0);
              const what = `slope along ${name}, ${variant}, ${activation}`;
              expectClose([projection], [slope], { absolute: 1e-4 + 1e-4 * scale, relative: 1e-5 }, what);
            }
          }
        },
      ),
      { numRuns: 15, examples: denseExamples.map(([sizes]) => [sizes, 'tanh']) },
    );
  },
);

test('many chunks of rows add up to the gradient of all rows', COMPILING, async () => {
  const sizes: Sizes = { inputWidth: 12, outputWidth: 20, sides: 2, total: 1801, first: 777, maxRows: 2000 };
  const data = { input: rowsOf(5, 1801, 2000, 12), weight: uniform(6, 480), bias: uniform(7, 40) };
  const direction = rowsOf(8, 1801, 2000, 20);
  const weight = new Float64Array(480);
  const bias = new Float64Array(40);
  for (let r = 0; r < 1801; r += 1) {
    const side = r < 777 ? 0 : 1;
    for (let o = 0; o < 20; o += 1) {
      bias[side * 20 + o]! += direction[r * 20 + o]!;
      for (let i = 0; i < 12; i += 1) {
        weight[(side * 12 + i) * 20 + o]! += data.input[r * 12 + i]! * direction[r * 20 + o]!;
      }
    }
  }
  expect(chunkRows(2000)).toBeLessThan(777);
  for (const variant of names(gpu())) {
    const result = await run(gpu(), sizes, 'none', variant, data, direction);
    expectClose(result.weight, weight, { absolute: 1e-4 }, `${variant} weight gradient`);
    expectClose(result.bias, bias, { absolute: 1e-4 }, `${variant} bias gradient`);
  }
});

test('two runs give the same bytes', COMPILING, async () => {
  const sizes: Sizes = { inputWidth: 68, outputWidth: 36, sides: 2, total: 700, first: 333, maxRows: 701 };
  const data = { input: rowsOf(1, 700, 701, 68), weight: uniform(2, 2 * 68 * 36), bias: uniform(3, 72) };
  const direction = rowsOf(4, 700, 701, 36);
  for (const variant of names(gpu())) {
    const once = await run(gpu(), sizes, 'leaky-relu', variant, data, direction);
    expect(await run(gpu(), sizes, 'leaky-relu', variant, data, direction)).toEqual(once);
  }
});

test('a layer that is not trainable holds no gradients and runs forward alone', COMPILING, async () => {
  const scope = gpu().scope();
  const program = gpu().program('test of inference');
  try {
    const shape = { label: 'frozen', inputWidth: 4, outputWidth: 8, sides: 1, activation: 'none', maxRows: 3 } as const;
    const layer = new Dense(scope, { ...shape, trainable: false });
    layer.bias.write(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const input = scope.tensor('f32', [3, 4], 'input');
    const output = scope.tensor('f32', [3, 8], 'output');
    const rows = scope.tensor('u32', [2], 'rows', Uint32Array.of(3, 0));
    const io = { input, output, rows, maxRows: 3 };
    layer.forward(program, io);
    await program.compile();
    program.run();
    expect([...(await output.read(16, 8))]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(() => layer.weightGradient).toThrow('frozen has no gradients');
    expect(() => layer.backward(program, { ...io, outputGradient: output })).toThrow('frozen has no gradients');
    expect(() => layer.forward(program, { ...io, maxRows: 4 })).toThrow('no room for 4 rows of width 4');
    expect(() => new Dense(scope, { ...shape, inputWidth: 6 })).toThrow('inputWidth of frozen cannot be 6');
    const trained = new Dense(scope, shape);
    const wide = scope.tensor('f32', [9, 8], 'wide');
    const call = { input: wide, output: wide, outputGradient: scope.tensor('f32', [9, 8], 'g'), rows, maxRows: 9 };
    expect(() => trained.backward(program, call)).toThrow('made for 3 rows');
  } finally {
    program.destroy();
    scope.destroy();
  }
});

test('long sums of few rows are cut into parts, and come out as the twin has them', COMPILING, async () => {
  const sizes = { inputWidth: 2500, outputWidth: 20, sides: 1, total: 70, first: 70, maxRows: 75 } as const;
  const data = {
    input: rowsOf(1, sizes.total, sizes.maxRows, sizes.inputWidth),
    weight: uniform(2, sizes.inputWidth * sizes.outputWidth).map((w) => w / Math.sqrt(sizes.inputWidth)),
    bias: uniform(3, sizes.outputWidth),
  };
  const expected = new Float64Array(sizes.total * sizes.outputWidth);
  const parameters = { input_width: sizes.inputWidth, output_width: sizes.outputWidth, sides: sizes.sides };
  forward({ ...data, rows: [sizes.total, sizes.first], output: expected }, parameters);
  const direction = rowsOf(4, sizes.total, sizes.maxRows, sizes.outputWidth);
  for (const variant of names(gpu())) {
    const { output } = await run(gpu(), sizes, 'none', variant, data, direction);
    expectClose(output.subarray(0, expected.length), expected, { absolute: 2e-5, relative: 2e-5 }, variant);
  }
});
