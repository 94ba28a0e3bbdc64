/** The training step on the device, read out and compared with `reference_step.ts`. */
import type { Gpu } from '../../src/gpu/index.js';
import type { HostGraph } from '../../src/layers/graph.js';
import type { StepLoss } from '../../src/train/losses.js';
import { resolveOptions, type TrainOptions } from '../../src/train/options.js';
import { TrainingStep } from '../../src/train/step.js';
import type { TestGraph } from '../support/graphs.js';
import { initialParameters, type ReferenceStep, ReferenceTraining } from './reference_step.js';

export function hostOf({ users, items, offsets, neighbours }: TestGraph): HostGraph {
  return { userCount: users, itemCount: items, offsets, neighbours };
}

/** Options by name, to be resolved. */
export type Given = Partial<Record<keyof TrainOptions, unknown>>;

/**
 * Options for small graphs. Features large enough that every layer's values are, and an ε that keeps Adam from
 * magnifying the rounding errors of gradients near 0.
 */
export function smallOptions(given: Given): TrainOptions {
  return resolveOptions({
    steps: 20,
    bits: 8,
    inputWidth: 8,
    widths: [12, 8],
    fanouts: [3, 2],
    batchSize: 7,
    negatives: 3,
    triplets: 2,
    featureDeviation: 0.5,
    guidanceStart: 0.5,
    guidanceBy: 0,
    learningRate: 0.02,
    epsilon: 0.01,
    logEvery: 20,
    ...given,
  });
}

/** Runs `use` with a fresh step on the device, and frees it. */
export async function withStep<T>(
  gpu: Gpu,
  graph: HostGraph,
  options: TrainOptions,
  use: (step: TrainingStep) => Promise<T>,
): Promise<T> {
  const scope = gpu.scope();
  const step = new TrainingStep(gpu, scope, graph, options);
  try {
    step.initialise();
    await step.compile();
    return await use(step);
  } finally {
    step.program.destroy();
    scope.destroy();
  }
}

export async function readParameters(step: TrainingStep): Promise<Map<string, Float32Array>> {
  return new Map(
    await Promise.all(step.parameters().map(async ({ name, tensor }) => [name, await tensor.read()] as const)),
  );
}

/** The gradients of the step that ran last, those of the input features by node. */
export async function readGradients(step: TrainingStep): Promise<Map<string, Float32Array>> {
  const { encoder, pass } = step;
  const gradients = new Map<string, Float32Array>();
  for (const { name, layer } of encoder.dense) {
    gradients.set(`${name}.weight`, await layer.weightGradient.read());
    gradients.set(`${name}.bias`, await layer.biasGradient.read());
  }
  for (const { name, tensor } of step.scaleGradients()) gradients.set(name, await tensor.read());
  const compact = await pass.inputGradient.read();
  if (pass.inputNodes) {
    const width = encoder.embedding.shape[1]!;
    const table = new Float32Array(encoder.embedding.length);
    const [nodes, rows] = await Promise.all([pass.inputNodes.nodes.read(), pass.inputNodes.rows.read()]);
    for (let row = 0; row < rows[0]!; row += 1) {
      table.set(compact.subarray(row * width, (row + 1) * width), nodes[row]! * width);
    }
    gradients.set('embedding', table);
  } else {
    gradients.set('embedding', compact);
  }
  return gradients;
}

/** How far an element may be off: a share of the element itself, of the tensor's largest, and in any case. */
export interface Tolerance {
  readonly element: number;
  readonly tensor: number;
  readonly absolute: number;
}

/**
 * The worst element of a tensor: its difference as a multiple of what is allowed, at most 1 where all is well.
 */
export function worst(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { element, tensor, absolute }: Tolerance,
): { excess: number; text: string } {
  if (actual.length !== expected.length) {
    return { excess: Number.POSITIVE_INFINITY, text: `${actual.length} elements, not ${expected.length}` };
  }
  let largest = 0;
  for (let at = 0; at < expected.length; at += 1) largest = Math.max(largest, Math.abs(expected[at]!));
  let found = { excess: 0, text: 'equal' };
  for (let at = 0; at < expected.length; at += 1) {
    const allowed = element * Math.abs(expected[at]!) + tensor * largest + absolute;
    const difference = Math.abs(actual[at]! - expected[at]!);
    const excess = difference === 0 ? 0 : difference / allowed;
    // Written so that NaN is the worst of all.
    if (!(excess <= found.excess)) {
      found = {
        excess: Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess,
        text: `element ${at} is ${actual[at]}, expected ${expected[at]}`,
      };
    }
  }
  return found;
}

/** The tensors of which an element is too far off, each with its worst one. */
export function disagreements(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, ArrayLike<number>>,
  tolerance: Tolerance,
): string[] {
  return [...expected].flatMap(([name, values]) => {
    const { excess, text } = worst(actual.get(name) ?? [], values, tolerance);
    return excess > 1 ? [`${name}: ${text}`] : [];
  });
}

const EXACT: Tolerance = { element: 0, tensor: 0, absolute: 0 };

/**
 * What float32 may differ from float64 after some twenty kernels, about ten times what was found in some hundred steps.
 * The sums over a batch that end in one gradient are as large as the loss, however small the gradient is.
 */
export const toleranceOf = ({ total }: StepLoss): Tolerance => ({
  element: 1e-4,
  tensor: 1e-4,
  absolute: 1e-6 * (1 + Math.abs(total)),
});

/** Closer to a corner than this, float32 or a numeric derivative may fall on the other side of it. */
const SMOOTH = 1e-5;

/** What comparing a training on the device with the reference gave. */
export interface Comparison {
  /** What is wrong: of the draws, the loss, the gradients, and the parameters afterwards. */
  readonly faults: string[];
  /** Steps compared: fewer than were asked for where the next one comes too close to a corner to be judged. */
  readonly compared: number;
  /** The reference's last step. */
  readonly last: ReferenceStep;
}

/**
 * Compares the first steps of a training with the reference.
 * @param each called for every step that can be judged, with the device's gradients, before the reference's own update
 */
export async function faultsOf(
  gpu: Gpu,
  graph: HostGraph,
  given: Given,
  steps = 1,
  each: (reference: ReferenceTraining, gradients: ReadonlyMap<string, Float32Array>) => void = () => {},
): Promise<Comparison> {
  const options = smallOptions(given);
  const reference = new ReferenceTraining(graph, options);
  return withStep(gpu, graph, options, async (step) => {
    const faults = disagreements(await readParameters(step), initialParameters(graph, options), EXACT);
    for (let number = 0; ; number += 1) {
      step.run(number, 1);
      const gradients = await readGradients(step);
      const expected = reference.look();
      if (expected.smoothness <= SMOOTH) return { faults, compared: number, last: expected };
      each(reference, gradients);
      reference.run();
      const tolerance = toleranceOf(expected.loss);
      const [loss] = await step.losses(number, number + 1);
      const lossTerms = (values: StepLoss) => new Map(Object.entries(values).map(([name, value]) => [name, [value]]));
      const drawn = new Map([['draws', await step.objective.drawn.read()]]);
      // Rows whose updates are deferred are behind until then.
      step.flush(number + 1);
      const updated = await readParameters(step);
      faults.push(
        ...[
          ...disagreements(drawn, new Map([['draws', expected.draws.drawn]]), EXACT),
          ...disagreements(lossTerms(loss!), lossTerms(expected.loss), tolerance).map((text) => `loss ${text}`),
          ...disagreements(gradients, expected.gradients, tolerance).map((text) => `gradient of ${text}`),
          ...disagreements(updated, reference.parameters, tolerance).map((text) => `updated ${text}`),
        ].map((text) => `step ${number}, ${text}`),
      );
      if (number + 1 === steps) return { faults, compared: steps, last: expected };
    }
  });
}
