/**
 * Speed of the dense kernels, every variant that the device runs. First they are checked against their twins, then timed:
 * medians of the wall clock over submissions of ten dispatches, and the time until the first dispatch is done, which is
 * mostly the driver's compilation.
 *
 *   npm run setup && node dist/bench/kernels/dense.js [repetitions]
 */
import { pathToFileURL } from 'node:url';
import { HashgnnError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/index.js';
import { type Activation, Dense, type DenseVariant } from '../../src/layers/dense.js';
import { runSelfTest, selfTestCases } from '../../src/selftest/index.js';

/** Rows, input width, output width, activation. */
export type DenseShape = readonly [rows: number, inputWidth: number, outputWidth: number, activation: Activation];

/** The layers of the default model at a batch of 1,024 on MovieLens-1M. */
const SHAPES: readonly DenseShape[] = [
  [9746, 240, 128, 'leaky-relu'],
  [4700, 256, 68, 'leaky-relu'],
  [4700, 68, 32, 'tanh'],
];

export interface DenseTime {
  readonly kernel: string;
  readonly shape: DenseShape;
  readonly milliseconds: number;
  readonly firstMilliseconds: number;
  /** 0 for kernels that only move data. */
  readonly gigaflops: number;
}

/** @throws HashgnnError if a kernel disagrees with its twin: a wrong kernel is not timed */
export async function benchDense(
  gpu: Gpu,
  { shapes = SHAPES, repetitions = 5 }: { shapes?: readonly DenseShape[]; repetitions?: number } = {},
  onTime: (time: DenseTime) => void = () => {},
): Promise<DenseTime[]> {
  const cases = selfTestCases().filter(({ kernel }) => kernel.startsWith('dense/'));
  const wrong = (await runSelfTest(gpu, undefined, cases)).find(({ ok, skipped }) => !ok && !skipped);
  if (wrong) throw new HashgnnError(`${wrong.kernel} disagrees with its twin: ${wrong.message}`, { where: gpu.name });
  const lanes = gpu.adapter.subgroupSize?.[0] ?? 0;
  const variants: DenseVariant[] = lanes >= 8 ? ['subgroups', 'tiles'] : ['tiles'];
  const times: DenseTime[] = [];
  for (const variant of variants) {
    for (const shape of shapes) {
      for (const time of await timeLayer(gpu, variant, shape, repetitions)) {
        times.push(time);
        onTime(time);
      }
    }
  }
  return times;
}

async function timeLayer(
  gpu: Gpu,
  variant: DenseVariant,
  shape: DenseShape,
  repetitions: number,
): Promise<DenseTime[]> {
  const [maxRows, inputWidth, outputWidth, activation] = shape;
  const scope = gpu.scope();
  try {
    const options = { label: 'dense', inputWidth, outputWidth, sides: 2, activation, maxRows, variant } as const;
    const layer = new Dense(scope, options);
    const values = (count: number) => Float32Array.from({ length: count }, (_, index) => Math.sin(index) / 8);
    layer.weight.write(values(layer.weight.length));
    const io = {
      input: scope.tensor('f32', [maxRows, inputWidth], 'input', values(maxRows * inputWidth)),
      output: scope.tensor('f32', [maxRows, outputWidth], 'output'),
      outputGradient: scope.tensor('f32', [maxRows, outputWidth], 'gradient', values(maxRows * outputWidth)),
      inputGradient: scope.tensor('f32', [maxRows, inputWidth], 'input gradient'),
      rows: scope.tensor('u32', [2], 'rows', Uint32Array.of(maxRows, Math.floor(maxRows * 0.43))),
      maxRows,
    };
    const program = scope.own(gpu.program('bench'));
    layer.forward(program, io);
    layer.backward(program, io);
    await program.compile();
    const times: DenseTime[] = [];
    for (const dispatch of program.dispatches) {
      const run = async (count: number) => {
        const start = performance.now();
        for (let done = 0; done < count; done += 1) program.runOne(dispatch);
        await gpu.finish();
        return (performance.now() - start) / count;
      };
      const firstMilliseconds = await run(1);
      const samples: number[] = [];
      for (let repetition = 0; repetition < repetitions; repetition += 1) samples.push(await run(10));
      const milliseconds = samples.sort((a, b) => a - b)[samples.length >> 1]!;
      const gigaflops = (dispatch.cost.operations ?? 0) / milliseconds / 1e6;
      times.push({ kernel: dispatch.kernel.shader.name, shape, milliseconds, firstMilliseconds, gigaflops });
    }
    return times;
  } finally {
    scope.destroy();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  using gpu = await Gpu.open();
  console.log(gpu.name);
  const repetitions = Number(process.argv[2] ?? 5);
  await benchDense(gpu, { repetitions }, ({ kernel, shape: [rows, inputs, outputs], ...time }) => {
    console.log(
      `${`${rows} × ${inputs} → ${outputs}`.padEnd(18)} ${kernel.padEnd(32)} ` +
        `${time.milliseconds.toFixed(2).padStart(8)} ms ${time.gigaflops.toFixed(1).padStart(6)} GFLOP/s   ` +
        `first ${time.firstMilliseconds.toFixed(0)} ms`,
    );
  });
}
