/**
 * Speed of the dense kernels, every variant that the device runs: wall clock over a submission of ten dispatches, and
 * the time until the first dispatch is done, which is mostly the driver's compilation.
 *
 *   npm run generate && node dist/bench/kernels/dense.js [repetitions]
 */
import { Gpu } from '../../src/gpu/index.js';
import { type Activation, Dense, type DenseVariant } from '../../src/layers/dense.js';

/** Rows, input and output width, activation: the layers of the default model at a batch of 1,024. */
const SHAPES: readonly [number, number, number, Activation][] = [
  [9746, 240, 128, 'leaky-relu'],
  [4700, 256, 68, 'leaky-relu'],
  [4700, 68, 32, 'tanh'],
];

const repetitions = Number(process.argv[2] ?? 5);
const gpu = await Gpu.open();
const lanes = gpu.adapter.subgroupSize?.[0] ?? 0;
const variants: DenseVariant[] = lanes >= 8 ? ['subgroups', 'tiles'] : ['tiles'];
console.log(gpu.name);
for (const variant of variants) {
  for (const [maxRows, inputWidth, outputWidth, activation] of SHAPES) {
    const scope = gpu.scope();
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
    const program = gpu.program('bench');
    layer.forward(program, io);
    layer.backward(program, io);
    await program.compile();
    for (const dispatch of program.dispatches) {
      const run = async (times: number) => {
        const start = performance.now();
        for (let time = 0; time < times; time += 1) program.runOne(dispatch);
        await gpu.finish();
        return (performance.now() - start) / times;
      };
      const first = await run(1);
      let best = Number.POSITIVE_INFINITY;
      for (let repetition = 0; repetition < repetitions; repetition += 1) best = Math.min(best, await run(10));
      const rate = (dispatch.cost.operations ?? 0) / best / 1e6;
      console.log(
        `${`${maxRows} × ${inputWidth} → ${outputWidth}`.padEnd(18)} ${dispatch.kernel.shader.name.padEnd(32)} ` +
          `${best.toFixed(2).padStart(8)} ms ${rate.toFixed(1).padStart(6)} GFLOP/s   first ${first.toFixed(0)} ms`,
      );
    }
    program.destroy();
    scope.destroy();
  }
}
gpu.destroy();
