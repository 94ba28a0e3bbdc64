/**
 * The training step on the CPU in float64, the judge of the one on the device. It keeps no lists of distinct nodes and
 * no groups of uses: every tensor has a row for every node of the graph, and a gradient is scattered along the very
 * loops by which its values were gathered. The maths within one kernel is that of the twins in `src/reference`.
 */
import { Purpose, random, toBelow } from '../../src/base/random.js';
import type { HostGraph } from '../../src/layers/graph.js';
import { activation_backward } from '../../src/reference/dense/activation_backward.js';
import { backward_input } from '../../src/reference/dense/backward_input.js';
import { forward as denseForward } from '../../src/reference/dense/forward.js';
import { guidanceMask } from '../../src/reference/hash/guide.js';
import { NONE } from '../../src/reference/lib/none.js';
import { pairs as pairLoss } from '../../src/reference/loss/pairs.js';
import { adamStep } from '../../src/reference/optim/adam.js';
import { batch } from '../../src/reference/sample/batch.js';
import { negatives } from '../../src/reference/sample/negatives.js';
import { glorot, normal } from '../../src/train/initialise.js';
import type { StepLoss } from '../../src/train/losses.js';
import type { TrainOptions } from '../../src/train/options.js';
import { scheduleTable } from '../../src/train/schedule.js';

/** Trained tensors by the names that they have in checkpoints. */
export type Parameters = ReadonlyMap<string, Float64Array>;

/** The options of the encoder alone. */
export type Shape = Pick<
  TrainOptions,
  'inputWidth' | 'widths' | 'bits' | 'aggregation' | 'weights' | 'activation' | 'fanouts'
>;

/** How far a parameter is moved each way for a numeric derivative. */
const DIFFERENCE = 2e-7;

const ACTIVATIONS = { none: 0, 'leaky-relu': 1, tanh: 2 };

interface DenseShape {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly sides: number;
  readonly activation: number;
}

/** The dense layers of an encoder: those of the graph layers, then the hash layer. */
function denseShapes({ inputWidth, widths, bits, aggregation, weights, activation }: Shape): DenseShape[] {
  const sides = weights === 'separate' ? 2 : 1;
  const parts = aggregation === 'joint' ? 1 : 2;
  return [
    ...widths.map((outputs, index) => ({
      name: `layers.${index}`,
      inputs: parts * (index === 0 ? inputWidth : widths[index - 1]!),
      outputs,
      sides,
      activation: ACTIVATIONS[activation],
    })),
    { name: 'hash', inputs: widths.at(-1)!, outputs: bits, sides, activation: ACTIVATIONS.tanh },
  ];
}

const nodeCountOf = ({ userCount, itemCount }: HostGraph) => userCount + itemCount;

/** The parameters that training begins with. */
export function initialParameters(graph: HostGraph, options: TrainOptions): Map<string, Float64Array> {
  const { seed, inputWidth, initialisation, initialDeviation, featureDeviation, scale } = options;
  const nodes = nodeCountOf(graph);
  const parameters = new Map<string, Float64Array>();
  const set = (name: string, values: ArrayLike<number>) => parameters.set(name, Float64Array.from(values));
  set('embedding', normal(nodes * inputWidth, featureDeviation, { seed, stream: 0 }));
  denseShapes(options).forEach(({ name, inputs, outputs, sides }, index) => {
    const length = sides * inputs * outputs;
    const stream = { seed, stream: index + 1 };
    const first =
      initialisation === 'glorot' ? glorot(length, inputs, outputs, stream) : normal(length, initialDeviation, stream);
    set(`${name}.weight`, first);
    set(`${name}.bias`, new Float64Array(sides * outputs));
  });
  set('scale', [Math.fround(scale)]);
  return parameters;
}

/** Everything random in a step. */
export interface Draws {
  /** [batch, 2 + slots] node numbers: user, positive item, negative items or NONE. */
  readonly pairs: Uint32Array;
  /** Neighbours that each graph layer reads, by layer and node. */
  readonly neighbours: readonly (readonly number[][])[];
  /** Nodes whose output a graph layer is asked for, by layer. */
  readonly targets: readonly ReadonlySet<number>[];
  /** Nodes whose input features the step reads. */
  readonly inputNodes: ReadonlySet<number>;
  /** [N, bits] Q of the paper's eq. 8; of a node that is not in the batch, nothing. */
  readonly keep: readonly boolean[];
}

/** Neighbours that a graph layer reads, by node. */
function drawNeighbours(graph: HostGraph, { fanouts, widths, seed }: TrainOptions, step: number, layer: number) {
  const { offsets, neighbours } = graph;
  return Array.from({ length: nodeCountOf(graph) }, (_, node) => {
    const row = [...neighbours.subarray(offsets[node]!, offsets[node + 1]!)];
    if (fanouts === 'all') return row;
    const fanout = fanouts[widths.length - 1 - layer]!;
    return Array.from({ length: fanout }, (_, draw) => {
      const word = random(seed, Purpose.neighbours + 256 * layer, step, node * fanout + draw);
      return row.length > 0 ? row[toBelow(word, row.length)]! : node;
    });
  });
}

/** The draws of a step. */
export function drawStep(graph: HostGraph, options: TrainOptions, step: number): Draws {
  const { batchSize, bits, seed, fanouts, widths } = options;
  const { userCount: users, itemCount: items, offsets } = graph;
  const nodes = nodeCountOf(graph);
  const slots = Math.max(options.negatives, options.triplets);
  const stride = 2 + slots;
  const pairs = new Uint32Array(batchSize * stride);
  const edges = graph.neighbours.length / 2;
  const sampling = { state: [step], offsets, neighbours: graph.neighbours, pairs };
  batch(sampling, { batch: batchSize, stride, edges, users, seed });
  negatives(sampling, { batch: batchSize, stride, users, items, seed });

  const all = new Set(Array.from({ length: nodes }, (_, node) => node));
  const roots = fanouts === 'all' ? all : new Set([...pairs].filter((node) => node !== NONE));
  const neighbours = widths.map((_, layer) => drawNeighbours(graph, options, step, layer));
  const targets: ReadonlySet<number>[] = [];
  let wanted = roots;
  for (let layer = widths.length - 1; layer >= 0; layer -= 1) {
    targets.unshift(wanted);
    wanted = new Set([...wanted, ...[...wanted].flatMap((node) => neighbours[layer]![node]!)]);
  }

  // Q is drawn by row, and rows are the batch's nodes in ascending order.
  const p = scheduleTable(options)[step * 4]!;
  const keep = new Array<boolean>(nodes * bits).fill(true);
  [...roots]
    .sort((a, b) => a - b)
    .forEach((node, row) => {
      for (let bit = 0; bit < bits; bit += 1) {
        keep[node * bits + bit] = guidanceMask(
          { width: bits, seed, byRow: options.guidance === 'row' },
          step,
          p,
          row,
          bit,
        );
      }
    });
  return { pairs, neighbours, targets, inputNodes: wanted, keep };
}

/** What an encoder computes on its way, a row for every node. */
export interface Encoding {
  /** Input of every dense layer. */
  readonly inputs: readonly Float64Array[];
  /** Output of every dense layer; the last is z. */
  readonly outputs: readonly Float64Array[];
}

/** Embeddings of all nodes, with the neighbours that each layer reads. */
export function encode(
  graph: HostGraph,
  shape: Shape,
  parameters: Parameters,
  neighbours: readonly (readonly number[][])[],
): Encoding {
  const nodes = nodeCountOf(graph);
  const inputs: Float64Array[] = [];
  const outputs: Float64Array[] = [];
  let source = parameters.get('embedding')!;
  denseShapes(shape).forEach((layer, index) => {
    const input = index < neighbours.length ? aggregate(source, neighbours[index]!, shape.aggregation) : source;
    const output = new Float64Array(nodes * layer.outputs);
    denseForward(
      {
        input,
        weight: parameters.get(`${layer.name}.weight`)!,
        bias: parameters.get(`${layer.name}.bias`)!,
        rows: [nodes, graph.userCount],
        output,
      },
      { input_width: layer.inputs, output_width: layer.outputs, sides: layer.sides },
      { ACTIVATION: layer.activation },
    );
    inputs.push(input);
    outputs.push(output);
    source = output;
  });
  return { inputs, outputs };
}

/** How much of each source goes into each target: (source, target, column of the target, share). */
function* aggregationOf(
  neighbours: readonly number[][],
  width: number,
  aggregation: Shape['aggregation'],
): Generator<[number, number, number, number]> {
  for (const [node, list] of neighbours.entries()) {
    if (aggregation === 'joint') {
      for (const source of [node, ...list]) yield [source, node, 0, 1 / (list.length + 1)];
    } else {
      yield [node, node, 0, 1];
      // A node without neighbours stands in for them.
      const others = list.length > 0 ? list : [node];
      for (const source of others) yield [source, node, width, 1 / others.length];
    }
  }
}

function aggregate(source: Float64Array, neighbours: readonly number[][], aggregation: Shape['aggregation']) {
  const width = source.length / neighbours.length;
  const rowWidth = aggregation === 'joint' ? width : 2 * width;
  const output = new Float64Array(neighbours.length * rowWidth);
  for (const [from, to, first, share] of aggregationOf(neighbours, width, aggregation)) {
    for (let column = 0; column < width; column += 1) {
      output[to * rowWidth + first + column]! += share * source[from * width + column]!;
    }
  }
  return output;
}

function aggregateBackward(
  gradient: Float64Array,
  neighbours: readonly number[][],
  width: number,
  aggregation: Shape['aggregation'],
) {
  const rowWidth = aggregation === 'joint' ? width : 2 * width;
  const sourceGradient = new Float64Array(neighbours.length * width);
  for (const [from, to, first, share] of aggregationOf(neighbours, width, aggregation)) {
    for (let column = 0; column < width; column += 1) {
      sourceGradient[from * width + column]! += share * gradient[to * rowWidth + first + column]!;
    }
  }
  return sourceGradient;
}

/** Gradients of all parameters of the encoder, given that of z, which is used up. */
export function encodeBackward(
  graph: HostGraph,
  shape: Shape,
  parameters: Parameters,
  neighbours: readonly (readonly number[][])[],
  { inputs, outputs }: Encoding,
  embeddingsGradient: Float64Array,
): Map<string, Float64Array> {
  const nodes = nodeCountOf(graph);
  const rows = [nodes, graph.userCount];
  const gradients = new Map<string, Float64Array>();
  let gradient = embeddingsGradient;
  const layers = denseShapes(shape);
  for (let index = layers.length - 1; index >= 0; index -= 1) {
    const layer = layers[index]!;
    const sizes = { input_width: layer.inputs, output_width: layer.outputs, sides: layer.sides };
    activation_backward(
      { output: outputs[index]!, rows, gradient },
      { width: layer.outputs },
      { ACTIVATION: layer.activation },
    );
    const weight = new Float64Array(layer.sides * layer.inputs * layer.outputs);
    const bias = new Float64Array(layer.sides * layer.outputs);
    for (let node = 0; node < nodes; node += 1) {
      const side = layer.sides === 2 && node >= graph.userCount ? 1 : 0;
      for (let o = 0; o < layer.outputs; o += 1) {
        const slope = gradient[node * layer.outputs + o]!;
        if (slope === 0) continue;
        bias[side * layer.outputs + o]! += slope;
        for (let i = 0; i < layer.inputs; i += 1) {
          weight[(side * layer.inputs + i) * layer.outputs + o]! += slope * inputs[index]![node * layer.inputs + i]!;
        }
      }
    }
    gradients.set(`${layer.name}.weight`, weight);
    gradients.set(`${layer.name}.bias`, bias);
    const inputGradient = new Float64Array(nodes * layer.inputs);
    backward_input(
      {
        gradient,
        weight: parameters.get(`${layer.name}.weight`)!,
        rows,
        input: inputs[index]!,
        input_gradient: inputGradient,
      },
      sizes,
    );
    if (index < neighbours.length) {
      const width = index === 0 ? shape.inputWidth : layers[index - 1]!.outputs;
      gradient = aggregateBackward(inputGradient, neighbours[index]!, width, shape.aggregation);
    } else gradient = inputGradient;
  }
  gradients.set('embedding', gradient);
  return gradients;
}

/** The loss of a step and what it was computed from. */
export interface Evaluation {
  readonly loss: StepLoss;
  readonly encoding: Encoding;
  /** [N, bits] ĥ */
  readonly guided: Float64Array;
  /**
   * The least distance from a place where the step is not smooth: a leaky ReLU's or a sign's argument from 0, a hinge
   * from its corner. Results that were computed otherwise may differ widely where it is tiny.
   */
  readonly smoothness: number;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

function divisorsOf({ reduction, batchSize, negatives, triplets }: TrainOptions) {
  return reduction === 'mean'
    ? { crossEntropy: batchSize * (1 + negatives), ranking: batchSize * Math.max(1, triplets) }
    : { crossEntropy: 1, ranking: 1 };
}

/**
 * The loss with all draws given.
 * @param offset [N, bits] where given, ĥ = z + offset: what the straight-through estimator takes ĥ for on its way back
 */
export function evaluateStep(
  graph: HostGraph,
  options: TrainOptions,
  parameters: Parameters,
  draws: Draws,
  offset?: Float64Array,
): Evaluation {
  const { bits, batchSize, ranking, margin } = options;
  const encoding = encode(graph, options, parameters, draws.neighbours);
  const z = encoding.outputs.at(-1)!;
  const guided = z.map((value, at) => (offset ? value + offset[at]! : draws.keep[at] ? value : value >= 0 ? 1 : -1));
  let smoothness = Number.POSITIVE_INFINITY;
  const corner = (value: number) => {
    smoothness = Math.min(smoothness, Math.abs(value));
  };
  const leaky = options.activation === 'leaky-relu';
  draws.targets.forEach((targets, layer) => {
    const width = options.widths[layer]!;
    for (const node of leaky ? targets : [])
      encoding.outputs[layer]!.subarray(node * width, (node + 1) * width).forEach(corner);
  });
  z.forEach((value, at) => {
    if (!draws.keep[at]) corner(value);
  });

  const stride = draws.pairs.length / batchSize;
  const scale = parameters.get('scale')![0]!;
  const sums = { crossEntropy: 0, ranking: 0, auc: 0 };
  for (let edge = 0; edge < batchSize; edge += 1) {
    const [user, ...others] = draws.pairs.subarray(edge * stride, (edge + 1) * stride) as unknown as number[];
    const [positive, ...scores] = others.map((item) => {
      if (item === NONE) return undefined;
      let product = 0;
      for (let bit = 0; bit < bits; bit += 1) product += guided[user! * bits + bit]! * guided[item * bits + bit]!;
      return scale * product;
    });
    sums.crossEntropy += softplus(-positive!);
    let below = 0;
    let present = 0;
    for (const [slot, score] of scores.entries()) {
      if (score === undefined) continue;
      present += 1;
      below += score < positive! ? 1 : score === positive! ? 0.5 : 0;
      if (slot < options.negatives) sums.crossEntropy += softplus(score);
      if (slot >= options.triplets) continue;
      if (ranking === 'softplus') {
        sums.ranking += softplus(score - positive!);
      } else {
        const excess = sigmoid(score) - sigmoid(positive!) + margin;
        corner(excess);
        sums.ranking += Math.max(0, excess);
      }
    }
    sums.auc += present > 0 ? below / present : 0.5;
  }
  const divisors = divisorsOf(options);
  const crossEntropy = sums.crossEntropy / divisors.crossEntropy;
  const rankingLoss = sums.ranking / divisors.ranking;
  const total = options.crossEntropyWeight * crossEntropy + options.rankingWeight * rankingLoss;
  return {
    loss: { crossEntropy, ranking: rankingLoss, total, auc: sums.auc / batchSize },
    encoding,
    guided,
    smoothness,
  };
}

/** The gradient of the total loss by every parameter, straight through the sign. */
export function stepGradients(
  graph: HostGraph,
  options: TrainOptions,
  parameters: Parameters,
  draws: Draws,
  { encoding, guided }: Evaluation,
): Map<string, Float64Array> {
  const { bits, batchSize, negatives, triplets, margin, ranking } = options;
  const stride = draws.pairs.length / batchSize;
  const slots = stride - 2;
  const scale = parameters.get('scale')!;
  const divisors = divisorsOf(options);
  const scoreGradient = new Float64Array(batchSize * (1 + slots));
  const terms = new Float64Array(batchSize * 4);
  pairLoss(
    { guided, pairs: draws.pairs, scale, score_gradient: scoreGradient, edge_terms: terms },
    {
      batch: batchSize,
      width: bits,
      slots,
      negatives,
      triplets,
      cross_entropy_weight: options.crossEntropyWeight / divisors.crossEntropy,
      ranking_weight: options.rankingWeight / divisors.ranking,
      margin,
    },
    { RANKING: ranking === 'softplus' ? 1 : 0 },
  );
  // ∂ĥ/∂z is taken for 1 everywhere, so that the gradient of ĥ is that of z.
  const gradient = new Float64Array(guided.length);
  let scaleGradient = 0;
  for (let edge = 0; edge < batchSize; edge += 1) {
    const user = draws.pairs[edge * stride]!;
    for (let other = 0; other <= slots; other += 1) {
      const item = draws.pairs[edge * stride + 1 + other]!;
      if (item === NONE) continue;
      const slope = scoreGradient[edge * (1 + slots) + other]!;
      for (let bit = 0; bit < bits; bit += 1) {
        const [ofUser, ofItem] = [guided[user * bits + bit]!, guided[item * bits + bit]!];
        gradient[user * bits + bit]! += slope * scale[0]! * ofItem;
        gradient[item * bits + bit]! += slope * scale[0]! * ofUser;
        scaleGradient += slope * ofUser * ofItem;
      }
    }
  }
  const gradients = encodeBackward(graph, options, parameters, draws.neighbours, encoding, gradient);
  gradients.set('scale', Float64Array.of(scaleGradient));
  return gradients;
}

/** One step of the reference, before its parameters are changed. */
export interface ReferenceStep extends Evaluation {
  readonly draws: Draws;
  readonly gradients: ReadonlyMap<string, Float64Array>;
}

/** Training in float64. */
export class ReferenceTraining {
  step = 0;
  readonly parameters: Map<string, Float64Array>;
  readonly #moments: ReadonlyMap<string, { first_moment: Float64Array; second_moment: Float64Array }>;
  readonly #schedule: Float32Array;

  constructor(
    readonly graph: HostGraph,
    readonly options: TrainOptions,
  ) {
    this.parameters = initialParameters(graph, options);
    this.#schedule = scheduleTable(options);
    this.#moments = new Map(
      [...this.parameters].map(([name, { length }]) => [
        name,
        { first_moment: new Float64Array(length), second_moment: new Float64Array(length) },
      ]),
    );
  }

  /** Loss and gradients of the step that comes next, which changes nothing. */
  look(): ReferenceStep {
    const { graph, options, parameters } = this;
    const draws = drawStep(graph, options, this.step);
    const evaluation = evaluateStep(graph, options, parameters, draws);
    const gradients = stepGradients(graph, options, parameters, draws, evaluation);
    return { draws, ...evaluation, gradients: clipped(gradients, options) };
  }

  /** Does the next step. */
  run(): ReferenceStep {
    const result = this.look();
    for (const [name, gradient] of result.gradients) this.#update(name, gradient, result.draws);
    this.step += 1;
    return result;
  }

  #update(name: string, gradient: Float64Array, { inputNodes }: Draws): void {
    const { beta1, beta2, epsilon, weightDecay, inputWidth, learnScale, featureUpdates, fanouts } = this.options;
    if (name === 'scale' && !learnScale) return;
    const lazy = name === 'embedding' && featureUpdates === 'rows' && fanouts !== 'all';
    const tensors = { parameter: this.parameters.get(name)!, ...this.#moments.get(name)! };
    // The kernels hold β in float32, and 1 − β2 has few digits left.
    const settings = { beta1: Math.fround(beta1), beta2: Math.fround(beta2), epsilon, weight_decay: weightDecay };
    for (let at = 0; at < gradient.length; at += 1) {
      if (lazy && !inputNodes.has(Math.floor(at / inputWidth))) continue;
      adamStep(tensors, at, gradient[at]!, { state: [this.step], schedule: this.#schedule }, settings);
    }
  }
}

/** All gradients scaled down where their norm, of those that are followed, exceeds the limit. */
function clipped(
  gradients: ReadonlyMap<string, Float64Array>,
  { clipNorm, learnScale }: TrainOptions,
): ReadonlyMap<string, Float64Array> {
  const followed = [...gradients].filter(([name]) => name !== 'scale' || learnScale);
  const squares = followed.map(([, gradient]) => gradient.reduce((sum, value) => sum + value * value, 0));
  const norm = Math.sqrt(squares.reduce((sum, value) => sum + value, 0));
  if (clipNorm === 0 || norm <= clipNorm) return gradients;
  return new Map([
    ...gradients,
    ...followed.map(([name, values]) => [name, values.map((value) => (value * clipNorm) / norm)] as const),
  ]);
}

/**
 * The derivative of the total loss along a direction in one parameter, by central differences with all draws held fixed.
 * @param straightThrough whether signs are replaced by ĥ = z + (h − z held fixed), of which the straight-through
 * estimator is the exact derivative; without it, that of the loss itself, which is 0 through a sign
 */
export function numericDerivative(
  graph: HostGraph,
  options: TrainOptions,
  parameters: Parameters,
  { draws, encoding, guided }: ReferenceStep,
  { name, direction, straightThrough }: { name: string; direction: ArrayLike<number>; straightThrough: boolean },
): number {
  const z = encoding.outputs.at(-1)!;
  const offset = straightThrough ? guided.map((value, at) => value - z[at]!) : undefined;
  const totalAt = (distance: number) => {
    const moved = parameters.get(name)!.map((value, at) => value + distance * direction[at]!);
    return evaluateStep(graph, options, new Map([...parameters, [name, moved]]), draws, offset).loss.total;
  };
  return (totalAt(DIFFERENCE) - totalAt(-DIFFERENCE)) / (2 * DIFFERENCE);
}
