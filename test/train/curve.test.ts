/**
 * The loss curves of small trainings of every system (120 users, 80 items), recorded from the float64 reference. After a change of what a step is meant to compute, record it again with
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
import { MODELS, type ModelName, resolveOptions, type TrainOptions } from '../../src/train/options.js';
import { useGpu } from '../support/gpu.js';
import { type Edits, plantedShaders, withPlanted } from '../support/planted.js';
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
  {
    'aggregate/mean_sampled_backward': ['sum += output_gradient[own', 'sum += 0.0 * output_gradient[own'],
    'aggregate/mean_sampled_backward.lanes': [
      'sum += strip_at(output_gradient, own',
      'sum += 0.0 * strip_at(output_gradient, own',
    ],
  },
  { 'hash/sign_backward': ['+ code_gradient', '+ 0.0 * code_gradient'] },
  { 'loss/pairs': ['positive_gradient -= positive_slope', 'positive_gradient += positive_slope'] },
  { 'loss/pairs': ['scale_gradient += gradient', 'scale_gradient -= gradient'] },
];
const gpu = useGpu({ shaders: plantedShaders(planted) });

const STEPS = 40;
const FIXTURE = new URL('fixtures/loss_curves.json', import.meta.url);
const COLUMNS = ['crossEntropy', 'ranking', 'total', 'auc'] as const satisfies readonly (keyof StepLoss)[];
type Curve = Readonly<Record<(typeof COLUMNS)[number], readonly number[]>>;

const small = {
  ...{ seed: 11, steps: STEPS, bits: 16, inputWidth: 16, widths: [32, 16], fanouts: [4, 3], batchSize: 64 },
  ...{ learningRate: 0.01, guidanceFrom: 10, guidanceEvery: 5, sharpnessFrom: 10, sharpnessEvery: 3, logEvery: STEPS },
};
/** What shows the course of a system in so few steps. */
const OWN: Partial<Record<ModelName, Readonly<Record<string, unknown>>>> = {
  hashgnn: { guidanceBy: 0.1 },
  'hashgnn-nr': { guidanceBy: 0.1 },
  'hashgnn-sp': { guidanceEvery: 1, guidanceFrom: 30 },
  mf: { learningRate: 0.05 },
  pte: { learningRate: 0.05 },
  bine: { learningRate: 0.05 },
};
/** Every system, and HashGNN as the preset of the best results has it. */
const TRAININGS: Readonly<Record<string, TrainOptions>> = {
  ...Object.fromEntries(
    (Object.keys(MODELS) as ModelName[]).map((model) => [model, resolveOptions({ ...small, ...OWN[model], model })]),
  ),
  best: resolveOptions({
    ...{ preset: 'best', seed: 11, steps: STEPS, bits: 16, batchSize: 64, logEvery: STEPS },
    // As the reference begins: without a decomposition.
    ...{ firstFeatures: 'normal', featureDeviation: 0.3 },
  }),
};
type Training = keyof typeof TRAININGS;

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

function referenceCurve(training: Training, steps: number): Curve {
  const reference = new ReferenceTraining(smallGraph(), TRAININGS[training]!);
  return curveOf(Array.from({ length: steps }, () => reference.run().loss));
}

const deviceCurve = (training: Training): Promise<Curve> =>
  withStep(gpu(), smallGraph(), TRAININGS[training]!, async (step) => {
    for (let done = 0; done < STEPS; ) done += step.run(done, STEPS - done);
    return curveOf(await step.losses(0, STEPS));
  });

if (process.env.HASHGNN_RECORD) {
  const curves = Object.keys(TRAININGS).map((training) => [training, referenceCurve(training, STEPS)] as const);
  writeFileSync(FIXTURE, `${JSON.stringify(Object.fromEntries(curves), null, 1)}\n`);
}
const recorded: Readonly<Record<Training, Curve>> = JSON.parse(readFileSync(FIXTURE, 'utf8'));
const trainings = Object.keys(TRAININGS);

/** The worst difference from a recorded curve. */
function distance(curve: Curve, training: Training, names: readonly (keyof Curve)[]): number {
  return Math.max(
    ...names.flatMap((name) => curve[name].map((value, step) => Math.abs(value - recorded[training]![name][step]!))),
  );
}

test.each(trainings)('the recorded curve of %s begins as the reference computes it now', (training) => {
  const now = referenceCurve(training, 5);
  for (const name of COLUMNS) {
    expect(recorded[training]![name]).toHaveLength(STEPS);
    now[name].forEach((value, step) => {
      expect(value, `${name} of step ${step}`).toBeCloseTo(recorded[training]![name][step]!, 10);
    });
  }
});

test.each(trainings)('the recorded training of %s learns', (training) => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const { total, auc } = recorded[training]!;
  expect(mean(total.slice(-5))).toBeLessThan(mean(total.slice(0, 5)));
  expect(mean(auc.slice(-5))).toBeGreaterThan(0.55);
});

test('no two systems have the same curve, except those that differ in their codes alone', () => {
  const sameAs = (training: Training) =>
    trainings.filter((other) => JSON.stringify(recorded[other]) === JSON.stringify(recorded[training]));
  for (const training of trainings) {
    expect(sameAs(training)).toEqual(
      training === 'lsh' || training === 'graphsage' ? ['lsh', 'graphsage'] : [training],
    );
  }
});

/** Room for a sign or two that another driver's rounding turns; found here: less than 1e-7. */
const TOLERANCE = 1e-3;

test.each(trainings)('the device follows the recorded curve of %s', async (training) => {
  const curve = await deviceCurve(training);
  expect(distance(curve, training, ['crossEntropy', 'ranking', 'total'])).toBeLessThan(TOLERANCE);
  expect(distance(curve, training, ['auc'])).toBeLessThan(0.02);
});

test.each(planted.map((edits, index) => [JSON.stringify(edits), edits, index] as const))(
  'an error of little weight leaves the recorded curve: %s',
  async (_, edits, index) => {
    const curve = await withPlanted(gpu(), edits, index, () => deviceCurve('hashgnn'));
    expect(distance(curve, 'hashgnn', ['total'])).toBeGreaterThan(5 * TOLERANCE);
  },
);
