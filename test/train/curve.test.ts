/**
 * The loss curve of a small training (120 users, 80 items, guidance falling from 1 to 0.5), recorded from the float64
 * reference. After a change of what a step is meant to compute, record it again with
 *
 *     HASHGNN_RECORD=1 npx vitest run test/train/curve.test.ts && npx biome format --write test/train/fixtures
 *
 * and look at the difference before committing it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generateInteractions } from '../../src/data/generate.js';
import { buildGraph } from '../../src/data/graph.js';
import type { HostGraph } from '../../src/layers/graph.js';
import type { StepLoss } from '../../src/train/losses.js';
import { resolveOptions } from '../../src/train/options.js';
import { useGpu } from '../support/gpu.js';
import { type Edits, inBothGathers, plantedShaders, withPlanted } from '../support/planted.js';
import { withStep } from './device_step.js';
import { ReferenceTraining } from './reference_step.js';

/** Missing terms and wrong signs that change the step the least. */
const planted: Edits[] = [
  {
    'dense/reduce_partials': [
      'bias_gradient[side * columns + within - weights] = sum',
      'bias_gradient[side * columns + within - weights] = -sum',
    ],
  },
  inBothGathers('aggregate/mean_sampled_backward', 'sum += output_gradient[own', 'sum += 0.0 * output_gradient[own'),
  { 'hash/sign_backward': ['+ code_gradient', '+ 0.0 * code_gradient'] },
  { 'loss/pairs': ['positive_gradient -= positive_slope', 'positive_gradient += positive_slope'] },
  { 'loss/pairs': ['scale_gradient += gradient', 'scale_gradient -= gradient'] },
];
const gpu = useGpu({ shaders: plantedShaders(planted) });

const STEPS = 40;
const FIXTURE = new URL('fixtures/loss_curve.json', import.meta.url);
const COLUMNS = ['crossEntropy', 'ranking', 'total', 'auc'] as const satisfies readonly (keyof StepLoss)[];
type Curve = Readonly<Record<(typeof COLUMNS)[number], readonly number[]>>;

const options = resolveOptions({
  seed: 11,
  steps: STEPS,
  bits: 16,
  inputWidth: 16,
  widths: [32, 16],
  fanouts: [4, 3],
  batchSize: 64,
  learningRate: 0.01,
  guidanceFrom: 10,
  guidanceEvery: 5,
  guidanceBy: 0.1,
  logEvery: STEPS,
});

function smallGraph(): HostGraph {
  const generated = generateInteractions({
    users: 120,
    items: 80,
    interactions: 1500,
    shape: { groups: 4 },
    seed: 5,
  });
  const { userCount, itemCount } = generated;
  const { offsets, columns } = buildGraph(generated.edges(), userCount, itemCount);
  return { userCount, itemCount, offsets, neighbours: columns };
}

const curveOf = (losses: readonly StepLoss[]): Curve =>
  Object.fromEntries(COLUMNS.map((name) => [name, losses.map((loss) => loss[name])] as const)) as Record<
    (typeof COLUMNS)[number],
    number[]
  >;

function referenceCurve(steps: number): Curve {
  const reference = new ReferenceTraining(smallGraph(), options);
  return curveOf(Array.from({ length: steps }, () => reference.run().loss));
}

const deviceCurve = (): Promise<Curve> =>
  withStep(gpu(), smallGraph(), options, async (step) => {
    step.program.run(STEPS);
    return curveOf(await step.losses(0, STEPS));
  });

if (process.env.HASHGNN_RECORD) {
  writeFileSync(FIXTURE, `${JSON.stringify(referenceCurve(STEPS), null, 1)}\n`);
}
const recorded: Curve = JSON.parse(readFileSync(FIXTURE, 'utf8'));

test('the recorded curve begins as the reference computes it now', () => {
  const now = referenceCurve(5);
  for (const name of COLUMNS) {
    expect(recorded[name]).toHaveLength(STEPS);
    now[name].forEach((value, step) => {
      expect(value, `${name} of step ${step}`).toBeCloseTo(recorded[name][step]!, 10);
    });
  }
});

test('the recorded training learns', () => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  for (const name of ['crossEntropy', 'ranking', 'total'] as const) {
    expect(mean(recorded[name].slice(-5)), name).toBeLessThan(mean(recorded[name].slice(0, 5)));
  }
  expect(mean(recorded.auc.slice(-5))).toBeGreaterThan(0.6);
});

/** The worst difference from the recorded curve. */
function distance(curve: Curve, names: readonly (keyof Curve)[]): number {
  return Math.max(
    ...names.flatMap((name) => curve[name].map((value, step) => Math.abs(value - recorded[name][step]!))),
  );
}

/** Room for a sign or two that another driver's rounding turns; found here: less than 1e-7. */
const TOLERANCE = 1e-3;

test('the device follows the recorded curve', async () => {
  const curve = await deviceCurve();
  expect(distance(curve, ['crossEntropy', 'ranking', 'total'])).toBeLessThan(TOLERANCE);
  expect(distance(curve, ['auc'])).toBeLessThan(0.02);
});

test.each(planted.map((edits, index) => [JSON.stringify(edits), edits, index] as const))(
  'an error of little weight leaves the recorded curve: %s',
  async (_, edits, index) => {
    const curve = await withPlanted(gpu(), edits, index, deviceCurve);
    expect(distance(curve, ['total'])).toBeGreaterThan(5 * TOLERANCE);
  },
);
