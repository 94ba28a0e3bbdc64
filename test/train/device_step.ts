/** The training step on the device, read out for comparison with `reference_step.ts`. */
import type { Gpu } from '../../src/gpu/index.js';
import type { HostGraph } from '../../src/layers/graph.js';
import type { StepLoss } from '../../src/train/losses.js';
import { resolveOptions, type TrainOptions } from '../../src/train/options.js';
import { TrainingStep } from '../../src/train/step.js';
import type { TestGraph } from '../support/graphs.js';

export function hostOf({ users, items, offsets, neighbours }: TestGraph): HostGraph {
  return { userCount: users, itemCount: items, offsets, neighbours };
}

/**
 * Options for small graphs. Features large enough that every layer's values are, and an ε that keeps Adam from
 * magnifying the rounding errors of gradients near 0.
 */
export function smallOptions(given: Partial<Record<keyof TrainOptions, unknown>>): TrainOptions {
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
    await step.program.compile();
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
  const { encoder, pass, loss } = step;
  const gradients = new Map<string, Float32Array>();
  const layers = [
    ...encoder.layers.map((layer, index) => [`layers.${index}`, layer] as const),
    ['hash', encoder.hash] as const,
  ];
  for (const [name, { weightGradient, biasGradient }] of layers) {
    gradients.set(`${name}.weight`, await weightGradient.read());
    gradients.set(`${name}.bias`, await biasGradient.read());
  }
  gradients.set('scale', await loss.scaleGradient.read());
  const compact = await pass.inputGradient.read();
  if (pass.inputNodes) {
    const width = encoder.options.inputWidth;
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

/** The first step of a training: its loss and its gradients. */
export async function firstStep(
  gpu: Gpu,
  graph: HostGraph,
  options: TrainOptions,
): Promise<{ loss: StepLoss; gradients: Map<string, Float32Array> }> {
  return withStep(gpu, graph, options, async (step) => {
    step.program.run();
    const [loss] = await step.loss.read(0, 1);
    return { loss: loss!, gradients: await readGradients(step) };
  });
}

/** How far `actual` may be from `expected`: a share of the element, and a share of the tensor's largest. */
export interface Tolerance {
  readonly element: number;
  readonly tensor: number;
}

/**
 * The worst element of a tensor: its difference as a multiple of what is allowed, at most 1 where all is well.
 */
export function worst(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { element, tensor }: Tolerance,
): { excess: number; text: string } {
  if (actual.length !== expected.length) {
    return { excess: Number.POSITIVE_INFINITY, text: `${actual.length} elements, not ${expected.length}` };
  }
  let largest = 0;
  for (let at = 0; at < expected.length; at += 1) largest = Math.max(largest, Math.abs(expected[at]!));
  let found = { excess: 0, text: 'equal' };
  for (let at = 0; at < expected.length; at += 1) {
    const allowed = element * Math.abs(expected[at]!) + tensor * largest + 1e-9;
    const excess = Math.abs(actual[at]! - expected[at]!) / allowed;
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
