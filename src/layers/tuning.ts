import { median } from '../base/median.js';
import { Purpose, random } from '../base/random.js';
import type { Gpu, Program, TensorScope } from '../gpu/index.js';
import { Dense } from './dense.js';
import { type DenseVariant, type GatherVariant, likelyVariants, possibleVariants, type Variants } from './variants.js';

/** How long a variant took: the median of a few runs, in milliseconds. */
export interface VariantTime {
  readonly variant: string;
  readonly milliseconds: number;
}

/** The variants that an adapter does best with, and the times that say so. */
export interface Tuning {
  readonly variants: Variants;
  readonly measured: { readonly [kind in keyof Variants]: readonly VariantTime[] };
}

/**
 * Another variant is taken only where it needs at most this share of the likely one's time, so that noise never decides:
 * dense variants sum in different orders, and a choice that came out otherwise today would change the bytes of a training.
 */
const CLEARLY_FASTER = 0.8;
const RUNS = 5;

/** Rows and width of the products and of the gathers that are timed: a small layer, a table larger than most caches. */
const DENSE = { rows: 2048, width: 128 };
const GATHER = { rows: 4096, fanout: 5, table: 32768, width: 128 };

/**
 * Times every variant that the adapter can run, on work like that of a training step, and takes the fastest of each kind.
 * Two seconds at most once the kernels are compiled; needs some 20 MB on the device.
 * @throws GpuError where the device fails
 */
export async function tune(gpu: Gpu): Promise<Tuning> {
  const possible = possibleVariants(gpu);
  const likely = likelyVariants(gpu);
  const dense = await times(gpu, possible.dense, recordDense);
  const gather = await times(gpu, possible.gather, recordGather);
  return {
    variants: { dense: best(dense, likely.dense), gather: best(gather, likely.gather) },
    measured: { dense, gather },
  };
}

/** The fastest variant, or the likely one where no other is clearly faster. */
export function best<V extends string>(
  measured: readonly { readonly variant: V; readonly milliseconds: number }[],
  likely: V,
): V {
  const usual = measured.find(({ variant }) => variant === likely)!.milliseconds;
  const fastest = measured.reduce((one, other) => (other.milliseconds < one.milliseconds ? other : one));
  return fastest.milliseconds < CLEARLY_FASTER * usual ? fastest.variant : likely;
}

async function times<V extends string>(
  gpu: Gpu,
  variants: readonly V[],
  record: (scope: TensorScope, program: Program, variant: V) => void,
): Promise<{ variant: V; milliseconds: number }[]> {
  const found: { variant: V; milliseconds: number }[] = [];
  for (const variant of variants) {
    const scope = gpu.scope();
    try {
      const program = scope.own(gpu.program(`timing of ${variant}`));
      record(scope, program, variant);
      await program.compile();
      const samples: number[] = [];
      for (let run = -1; run < RUNS; run += 1) {
        const start = performance.now();
        program.run();
        await gpu.finish();
        if (run >= 0) samples.push(performance.now() - start);
      }
      found.push({ variant, milliseconds: median(samples) });
    } finally {
      scope.destroy();
    }
  }
  return found;
}

/** A layer's three products. */
function recordDense(scope: TensorScope, program: Program, variant: DenseVariant): void {
  const { rows: maxRows, width } = DENSE;
  const label = 'timed layer';
  const layer = new Dense(scope, {
    ...{ label, inputWidth: width, outputWidth: width, sides: 1, maxRows, variant },
    activation: 'leaky-relu',
  });
  const table = (name: string) => scope.tensor('f32', [maxRows, width], name);
  const io = {
    ...{ input: table('timed input'), output: table('timed output') },
    ...{ outputGradient: table('timed output gradient'), inputGradient: table('timed input gradient') },
    rows: scope.tensor('u32', [2], 'timed rows', new Uint32Array([maxRows, maxRows])),
    maxRows,
  };
  layer.forward(program, io);
  layer.backward(program, io);
}

/** A mean of rows from anywhere. */
function recordGather(scope: TensorScope, program: Program, variant: GatherVariant): void {
  const { rows: maxRows, fanout, table, width } = GATHER;
  const drawn = (count: number, stream: number) =>
    Uint32Array.from({ length: count }, (_, index) => random(stream, Purpose.sample, 0, index) % table);
  program.dispatch(variant === 'lanes' ? 'aggregate/mean_sampled.lanes' : 'aggregate/mean_sampled', {
    bind: {
      source: scope.tensor('f32', [table, width], 'timed table'),
      self_rows: scope.tensor('u32', [maxRows], 'timed self rows', drawn(maxRows, 0)),
      neighbours: scope.tensor('u32', [maxRows, fanout], 'timed neighbours', drawn(maxRows * fanout, 1)),
      rows: scope.tensor('u32', [2], 'timed rows', new Uint32Array([maxRows, maxRows])),
      output: scope.tensor('f32', [maxRows, width], 'timed means'),
    },
    parameters: { width, fanout },
    constants: { JOINT: 1 },
    invocations: variant === 'lanes' ? maxRows : (maxRows * width) / 4,
  });
}
