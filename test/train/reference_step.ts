/**
 * The training step on the CPU in float64, the judge of the one on the device. It keeps no lists of distinct nodes and
 * no groups of uses: every tensor has a row for every node of the graph, and a gradient is scattered along the very
 * loops by which its values were gathered. The maths within one kernel is that of the twins in `src/reference`.
 */
import { Purpose, random, toBelow } from '../../src/base/random.js';
import type { HostGraph } from '../../src/layers/graph.js';
import { propagate } from '../../src/reference/aggregate/propagate.js';
import { activation_backward } from '../../src/reference/dense/activation_backward.js';
import { backward_input } from '../../src/reference/dense/backward_input.js';
import { forward as denseForward } from '../../src/reference/dense/forward.js';
import { guidanceMask } from '../../src/reference/hash/guide.js';
import { inside, relaxationNoise } from '../../src/reference/hash/relax.js';
import { NONE } from '../../src/reference/lib/none.js';
import { multinomial } from '../../src/reference/loss/multinomial.js';
import { pairs as pairLoss } from '../../src/reference/loss/pairs.js';
import { adamStep } from '../../src/reference/optim/adam.js';
import { batch } from '../../src/reference/sample/batch.js';
import { negatives } from '../../src/reference/sample/negatives.js';
import { negativesByDegree } from '../../src/reference/sample/negatives_by_degree.js';
import { users as drawUsers } from '../../src/reference/sample/users.js';
import { walks } from '../../src/reference/sample/walks.js';
import { diagonal, glorot, normal } from '../../src/train/initialise.js';
import type { StepLoss } from '../../src/train/losses.js';
import { cumulativeChances, pairCount } from '../../src/train/objective.js';
import type { TrainOptions } from '../../src/train/options.js';
import { scheduleTable } from '../../src/train/schedule.js';
import { readsAllNodes } from '../../src/train/step.js';

/** Trained tensors by the names that they have in checkpoints. */
export type Parameters = ReadonlyMap<string, Float64Array>;

/** The options of the encoder alone. */
export type Shape = Pick<
  TrainOptions,
  'inputWidth' | 'widths' | 'bits' | 'aggregation' | 'weights' | 'activation' | 'fanouts'
> &
  Partial<Pick<TrainOptions, 'encoder' | 'propagations' | 'hashLayer' | 'embeddings'>>;

/** Width of a node's trained vector. */
const vectorWidth = ({ inputWidth, bits, hashLayer }: Shape) => (hashLayer === 'none' ? bits : inputWidth);

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
function denseShapes(shape: Shape): DenseShape[] {
  const { inputWidth, widths, bits, aggregation, weights, activation, encoder, hashLayer } = shape;
  const sides = weights === 'separate' ? 2 : 1;
  const hash = { name: 'hash', outputs: bits, sides, activation: ACTIVATIONS.tanh };
  if (encoder === 'lightgcn') return hashLayer === 'none' ? [] : [{ ...hash, inputs: inputWidth }];
  const parts = aggregation === 'joint' ? 1 : 2;
  return [
    ...widths.map((outputs, index) => ({
      name: `layers.${index}`,
      inputs: parts * (index === 0 ? inputWidth : widths[index - 1]!),
      outputs,
      sides,
      activation: ACTIVATIONS[activation],
    })),
    { ...hash, inputs: widths.at(-1)! },
  ];
}

const nodeCountOf = ({ userCount, itemCount }: HostGraph) => userCount + itemCount;

/** The parameters that training begins with. */
export function initialParameters(graph: HostGraph, options: TrainOptions): Map<string, Float64Array> {
  const { seed, initialisation, initialDeviation, featureDeviation, scale, embeddingScale, embeddingWeight } = options;
  const nodes = nodeCountOf(graph);
  const parameters = new Map<string, Float64Array>();
  const set = (name: string, values: ArrayLike<number>) => parameters.set(name, Float64Array.from(values));
  set(
    'embedding',
    normal(nodes * (options.implicitWeight > 0 ? 2 : 1) * vectorWidth(options), featureDeviation, { seed, stream: 0 }),
  );
  denseShapes(options).forEach(({ name, inputs, outputs, sides }, index) => {
    const length = sides * inputs * outputs;
    const stream = { seed, stream: index + 1 };
    const first =
      initialisation === 'identity'
        ? diagonal(length, inputs, outputs)
        : initialisation === 'glorot'
          ? glorot(length, inputs, outputs, stream)
          : normal(length, initialDeviation, stream);
    set(`${name}.weight`, first);
    set(`${name}.bias`, new Float64Array(sides * outputs));
  });
  set('scale', [Math.fround(scale)]);
  if (embeddingWeight > 0) set('embedding_scale', [Math.fround(embeddingScale)]);
  return parameters;
}

/** Everything random in a step. */
export interface Draws {
  /** [batch, 2 + slots] node numbers: user, positive item, negative items or NONE; or [users] with all their items. */
  readonly drawn: Uint32Array;
  /** Neighbours that each graph layer reads, by layer and node. */
  readonly neighbours: readonly (readonly number[][])[];
  /** Nodes whose output a graph layer is asked for, by layer. */
  readonly targets: readonly ReadonlySet<number>[];
  /** Nodes whose input features the step reads. */
  readonly inputNodes: ReadonlySet<number>;
  /** [N, bits] Q of the paper's eq. 8; of a node that is not in the batch, nothing. */
  readonly keep: readonly boolean[];
  /** [N, bits] noise of a smooth relaxation, and its β. */
  readonly noise: Float64Array;
  readonly sharpness: number;
  readonly step: number;
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
  const { batchSize, bits, seed, widths, objective, encoder } = options;
  const { userCount: users, itemCount: items, offsets } = graph;
  const nodes = nodeCountOf(graph) * (options.implicitWeight > 0 ? 2 : 1);
  const all = new Set(Array.from({ length: nodes }, (_, node) => node));
  let drawn: Uint32Array;
  if (objective === 'multinomial') {
    drawn = new Uint32Array(Math.min(batchSize, users));
    drawUsers({ state: [step], batch: drawn }, { count: drawn.length, users, seed });
  } else {
    const slots = Math.max(options.negatives, options.triplets);
    const stride = 2 + slots;
    drawn = new Uint32Array(pairCount(options) * stride);
    const edges = graph.neighbours.length / 2;
    const sampling = { state: [step], offsets, neighbours: graph.neighbours, pairs: drawn };
    batch(sampling, { batch: batchSize, stride, edges, users, seed });
    const chances = (first: number, end: number) =>
      cumulativeChances(
        Array.from({ length: end - first }, (_, at) =>
          Math.fround((offsets[first + at + 1]! - offsets[first + at]!) ** 0.75),
        ),
      );
    const rows = (first_row: number) => ({ first_row, batch: batchSize, stride, seed });
    if (options.implicitWeight > 0) {
      const total = users + items;
      for (const side of [0, 1]) {
        const [first, end] = side === 0 ? [0, users] : [users, total];
        const { walkWindow: window, walkStop: stop } = options;
        const of = rows((1 + side) * batchSize);
        walks({ ...sampling, pairs: drawn }, { ...of, edges, side, contexts: total, window, stop: Math.fround(stop) });
        negativesByDegree(
          { state: [step], cumulative: chances(first, end), pairs: drawn },
          { ...of, first_node: total + first, count: end - first },
        );
      }
    }
    if (options.negativeSampling === 'degree') {
      negativesByDegree(
        { state: [step], cumulative: chances(users, users + items), pairs: drawn },
        { ...rows(0), first_node: users, count: items },
      );
    } else negatives(sampling, { batch: batchSize, stride, users, items, seed });
  }
  const roots = readsAllNodes(options) ? all : new Set([...drawn].filter((node) => node !== NONE));
  const neighbours =
    encoder === 'lightgcn' ? [] : widths.map((_, layer) => drawNeighbours(graph, options, step, layer));
  const targets: ReadonlySet<number>[] = [];
  let wanted = roots;
  for (let layer = neighbours.length - 1; layer >= 0; layer -= 1) {
    targets.unshift(wanted);
    wanted = new Set([...wanted, ...[...wanted].flatMap((node) => neighbours[layer]![node]!)]);
  }

  // Q is drawn by row, and rows are the batch's nodes in ascending order.
  const p = scheduleTable(options)[step * 4]!;
  const keep = new Array<boolean>(nodes * bits).fill(true);
  const noise = new Float64Array(nodes * bits);
  const noisy = { width: bits, seed, noise: options.relaxation === 'concrete' };
  [...roots]
    .sort((a, b) => a - b)
    .forEach((node, row) => {
      for (let bit = 0; bit < bits; bit += 1) {
        noise[node * bits + bit] = relaxationNoise(noisy, step, row, bit);
        keep[node * bits + bit] = guidanceMask(
          { width: bits, seed, byRow: options.guidance === 'row' },
          step,
          p,
          row,
          bit,
        );
      }
    });
  return { drawn, neighbours, targets, inputNodes: wanted, keep, noise, sharpness: p, step };
}

/** What an encoder computes on its way, a row for every node. */
export interface Encoding {
  /** Input of every dense layer. */
  readonly inputs: readonly Float64Array[];
  /** Output of every dense layer. */
  readonly outputs: readonly Float64Array[];
  /** z */
  readonly hashed: Float64Array;
  /** z, or what the hash layer is given. */
  readonly embeddings: Float64Array;
}

/** The mean of layers 0 to L of linear propagation, layer by layer; the way back is the same. */
function propagated(graph: HostGraph, { propagations = 0 }: Shape, values: Float64Array): Float64Array {
  const { offsets, neighbours } = graph;
  const nodes = nodeCountOf(graph);
  const norms = Array.from({ length: nodes }, (_, node) => {
    const degree = offsets[node + 1]! - offsets[node]!;
    return degree > 0 ? degree ** -0.5 : 0;
  });
  const sum = values.slice();
  let layer = values;
  for (let index = 0; index < propagations; index += 1) {
    const output = new Float64Array(values.length);
    const base = new Float64Array(values.length);
    const shape = { nodes, width: values.length / nodes, factor: 1 };
    propagate({ base, source: layer, norms, offsets, neighbours, output }, shape);
    output.forEach((value, at) => {
      sum[at]! += value;
    });
    layer = output;
  }
  return sum.map((value) => value / (propagations + 1));
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
  if (shape.encoder === 'lightgcn') source = propagated(graph, shape, source);
  const vectors = source;
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
  return { inputs, outputs, hashed: source, embeddings: shape.embeddings === 'vectors' ? vectors : source };
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

/**
 * Gradients of all parameters of the encoder, given that of z, which is used up, and that of the vectors that the hash layer
 * is given, where they are the embeddings.
 */
export function encodeBackward(
  graph: HostGraph,
  shape: Shape,
  parameters: Parameters,
  neighbours: readonly (readonly number[][])[],
  { inputs, outputs }: Pick<Encoding, 'inputs' | 'outputs'>,
  hashedGradient: Float64Array,
  vectorsGradient?: Float64Array,
): Map<string, Float64Array> {
  const nodes = nodeCountOf(graph);
  const rows = [nodes, graph.userCount];
  const gradients = new Map<string, Float64Array>();
  let gradient = hashedGradient;
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
  if (vectorsGradient) gradient = gradient.map((value, at) => value + vectorsGradient[at]!);
  gradients.set('embedding', shape.encoder === 'lightgcn' ? propagated(graph, shape, gradient) : gradient);
  return gradients;
}

/** The loss of a step and what it was computed from. */
export interface Evaluation {
  readonly loss: StepLoss;
  readonly encoding: Encoding;
  /** [N, bits] ĥ */
  readonly guided: Float64Array;
  /** [users, items] what a teacher by embeddings takes off the gradient of codes by scores, before its share. */
  readonly lessons: Float64Array | undefined;
  /**
   * The least distance from a place where the step is not smooth: a leaky ReLU's or a sign's argument from 0, a hinge
   * from its corner. Results that were computed otherwise may differ widely where it is tiny.
   */
  readonly smoothness: number;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

function divisorsOf(options: TrainOptions) {
  const { reduction, negatives, triplets } = options;
  const batchSize = pairCount(options);
  return reduction === 'mean'
    ? { crossEntropy: batchSize * (1 + negatives), ranking: batchSize * Math.max(1, triplets) }
    : { crossEntropy: 1, ranking: 1 };
}

/** What stays as it is where a derivative is taken numerically. */
export interface Held {
  /** [N, bits] ĥ = z + offset: what the straight-through estimator takes ĥ for on its way back. */
  readonly offset?: Float64Array | undefined;
  /** The teacher's probabilities are no function of the parameters. */
  readonly lessons?: Float64Array | undefined;
}

/** The loss with all draws given. */
export function evaluateStep(
  graph: HostGraph,
  options: TrainOptions,
  parameters: Parameters,
  draws: Draws,
  { offset, lessons: held }: Held = {},
): Evaluation {
  const encoding = encode(graph, options, parameters, draws.neighbours);
  const { hashed: z, embeddings } = encoding;
  const smooth = options.relaxation !== 'guidance';
  const guided = z.map((value, at) => {
    if (smooth) return Math.tanh(draws.sharpness * (Math.atanh(inside(value)) + draws.noise[at]!));
    return offset ? value + offset[at]! : draws.keep[at] ? value : value >= 0 ? 1 : -1;
  });
  let smoothness = Number.POSITIVE_INFINITY;
  const corner = (value: number) => {
    smoothness = Math.min(smoothness, Math.abs(value));
  };
  const leaky = options.activation === 'leaky-relu' && options.encoder === 'sage';
  draws.targets.forEach((targets, layer) => {
    const width = options.widths[layer]!;
    for (const node of leaky ? targets : [])
      encoding.outputs[layer]!.subarray(node * width, (node + 1) * width).forEach(corner);
  });
  z.forEach((value, at) => {
    if (!smooth && !draws.keep[at]) corner(value);
  });

  const lossOn = options.objective === 'multinomial' ? likelihoodOn : pairLossOn;
  const { embeddingWeight, distillation } = options;
  const embeddingScale = parameters.get('embedding_scale')?.[0];
  const lessons =
    distillation > 0 ? (held ?? lessonsOf(graph, options, draws, embeddings, embeddingScale!)) : undefined;
  const loss = lossOn(graph, options, draws, guided, parameters.get('scale')![0]!, { corner, lessons });
  if (embeddingWeight > 0) {
    const other = lossOn(graph, options, draws, embeddings, embeddingScale!, { corner });
    const total = loss.total + embeddingWeight * other.total;
    return { loss: { ...loss, total }, encoding, guided, lessons, smoothness };
  }
  return { loss, encoding, guided, lessons, smoothness };
}

/** A loss on vectors of all nodes; `corner` is told of distances from where it is not smooth. */
type LossOn = (
  graph: HostGraph,
  options: TrainOptions,
  draws: Draws,
  vectors: Float64Array,
  scale: number,
  more: { readonly corner: (distance: number) => void; readonly lessons?: Float64Array | undefined },
) => StepLoss;

const productOf = (vectors: Float64Array, bits: number, a: number, b: number) => {
  let product = 0;
  for (let bit = 0; bit < bits; bit += 1) product += vectors[a * bits + bit]! * vectors[b * bits + bit]!;
  return product;
};

/** The training items of a user. */
const ownOf = ({ userCount, offsets, neighbours }: HostGraph, user: number) =>
  [...neighbours.subarray(offsets[user]!, offsets[user + 1]!)].map((node) => node - userCount);

/** The scores of all items for a user. */
const logitsOf = (
  { userCount, itemCount }: HostGraph,
  bits: number,
  vectors: Float64Array,
  scale: number,
  user: number,
) => Array.from({ length: itemCount }, (_, item) => scale * productOf(vectors, bits, user, userCount + item));

/** The gradient of the sum of the users' likelihoods by scores: degree^-flattening · (degree · π - 1 where there is an edge). */
function lessonsOf(
  graph: HostGraph,
  { bits, flattening }: TrainOptions,
  { drawn }: Draws,
  vectors: Float64Array,
  scale: number,
): Float64Array {
  const { itemCount } = graph;
  const lessons = new Float64Array(drawn.length * itemCount);
  drawn.forEach((user, row) => {
    const own = ownOf(graph, user);
    if (own.length === 0) return;
    const logits = logitsOf(graph, bits, vectors, scale, user);
    const most = Math.max(...logits);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
    logits.forEach((logit, item) => {
      const chance = Math.exp(logit - most) / total;
      const edge = own.includes(item) ? 1 : 0;
      lessons[row * itemCount + item] = own.length ** -flattening * (own.length * chance - edge);
    });
  });
  return lessons;
}

const likelihoodOn: LossOn = (graph, options, { drawn }, vectors, scale, { lessons }) => {
  const { bits, flattening, distillation } = options;
  const { itemCount } = graph;
  let [crossEntropy, auc] = [0, 0];
  for (const [row, user] of drawn.entries()) {
    const own = ownOf(graph, user);
    const logits = logitsOf(graph, bits, vectors, scale, user);
    if (lessons) {
      logits.forEach((logit, item) => {
        crossEntropy -= distillation * lessons[row * itemCount + item]! * logit;
      });
    }
    const most = Math.max(...logits);
    const normaliser = most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
    const others = logits.filter((_, item) => !own.includes(item));
    for (const item of own) crossEntropy += own.length ** -flattening * (normaliser - logits[item]!);
    const chosen = own.length > 0 ? logits[own[row % own.length]!]! : undefined;
    const below = others.reduce((sum, logit) => sum + (logit < chosen! ? 1 : logit === chosen ? 0.5 : 0), 0);
    auc += chosen === undefined || others.length === 0 ? 0.5 : below / others.length;
  }
  crossEntropy /= drawn.length;
  return { crossEntropy, ranking: 0, total: crossEntropy, auc: auc / drawn.length };
};

const pairLossOn: LossOn = (_, options, draws, vectors, scale, { corner }) => {
  const { bits, ranking, margin } = options;
  const count = pairCount(options);
  const stride = draws.drawn.length / count;
  const sums = { crossEntropy: 0, ranking: 0, auc: 0 };
  for (let edge = 0; edge < count; edge += 1) {
    const importance = edge < options.batchSize ? 1 : options.implicitWeight;
    const [user, ...others] = draws.drawn.subarray(edge * stride, (edge + 1) * stride) as unknown as number[];
    const [positive, ...scores] = others.map((item) => {
      if (item === NONE) return undefined;
      return scale * productOf(vectors, bits, user!, item);
    });
    sums.crossEntropy += importance * softplus(-positive!);
    let below = 0;
    let present = 0;
    for (const [slot, score] of scores.entries()) {
      if (score === undefined) continue;
      present += 1;
      below += score < positive! ? 1 : score === positive! ? 0.5 : 0;
      if (slot < options.negatives) sums.crossEntropy += importance * softplus(score);
      if (slot >= options.triplets) continue;
      if (ranking === 'softplus') {
        sums.ranking += importance * softplus(score - positive!);
      } else {
        const excess = sigmoid(score) - sigmoid(positive!) + margin;
        corner(excess);
        sums.ranking += importance * Math.max(0, excess);
      }
    }
    sums.auc += present > 0 ? below / present : 0.5;
  }
  const divisors = divisorsOf(options);
  const crossEntropy = sums.crossEntropy / divisors.crossEntropy;
  const rankingLoss = sums.ranking / divisors.ranking;
  const total = options.crossEntropyWeight * crossEntropy + options.rankingWeight * rankingLoss;
  return { crossEntropy, ranking: rankingLoss, total, auc: sums.auc / count };
};

/** The gradient of the total loss by every parameter, straight through the sign. */
export function stepGradients(
  graph: HostGraph,
  options: TrainOptions,
  parameters: Parameters,
  draws: Draws,
  { encoding, guided, lessons }: Evaluation,
): Map<string, Float64Array> {
  const gradientsOn = options.objective === 'multinomial' ? likelihoodGradients : pairGradients;
  const { hashed: z, embeddings } = encoding;
  const codes = gradientsOn(graph, options, draws, guided, parameters.get('scale')!, lessons);
  // ∂ĥ/∂z is taken for 1 everywhere where signs are passed straight through.
  const gradient = codes.vectors.map((slope, at) =>
    options.relaxation === 'guidance'
      ? slope
      : (slope * draws.sharpness * (1 - guided[at]! ** 2)) / (1 - inside(z[at]!) ** 2),
  );
  let ofEmbeddingScale: number | undefined;
  let ofVectors: Float64Array | undefined;
  if (options.embeddingWeight > 0) {
    const other = gradientsOn(graph, options, draws, embeddings, parameters.get('embedding_scale')!);
    const weighted = other.vectors.map((slope) => options.embeddingWeight * slope);
    if (embeddings === z) {
      weighted.forEach((slope, at) => {
        gradient[at]! += slope;
      });
    } else ofVectors = weighted;
    ofEmbeddingScale = options.embeddingWeight * other.scale;
  }
  const gradients = encodeBackward(graph, options, parameters, draws.neighbours, encoding, gradient, ofVectors);
  gradients.set('scale', Float64Array.of(codes.scale));
  if (ofEmbeddingScale !== undefined) gradients.set('embedding_scale', Float64Array.of(ofEmbeddingScale));
  return gradients;
}

/** Gradients of a loss by the vectors of all nodes and by the scale. */
type GradientsOn = (
  graph: HostGraph,
  options: TrainOptions,
  draws: Draws,
  vectors: Float64Array,
  scale: ArrayLike<number>,
  lessons?: Float64Array,
) => { readonly vectors: Float64Array; readonly scale: number };

const likelihoodGradients: GradientsOn = (graph, options, { drawn }, vectors, scale, lessons) => {
  const { bits, flattening, distillation } = options;
  const { userCount, itemCount: items, offsets, neighbours } = graph;
  const scores = new Float64Array(drawn.length * items);
  drawn.forEach((user, row) => {
    for (let item = 0; item < items; item += 1) {
      scores[row * items + item] = productOf(vectors, bits, user, userCount + item);
    }
  });
  const terms = new Float64Array(drawn.length * 4);
  const weight = 1 / drawn.length;
  const teacher = { teacher: lessons ?? [], teacher_scale: [1] };
  multinomial(
    { users: drawn, offsets, neighbours, scale: Float64Array.from(scale), ...teacher, scores, terms },
    {
      ...{ batch: drawn.length, items, stride: items, first_item: userCount, weight, flattening },
      ...{ distillation: lessons ? distillation * weight : 0, first_row: 0 },
    },
  );
  const gradient = new Float64Array(vectors.length);
  drawn.forEach((user, row) => {
    for (let item = 0; item < items; item += 1) {
      for (let bit = 0; bit < bits; bit += 1) {
        const node = userCount + item;
        gradient[user * bits + bit]! += scores[row * items + item]! * vectors[node * bits + bit]!;
        gradient[node * bits + bit]! += scores[row * items + item]! * vectors[user * bits + bit]!;
      }
    }
  });
  return { vectors: gradient, scale: drawn.reduce((sum, _, row) => sum + terms[row * 4 + 2]!, 0) };
};

const pairGradients: GradientsOn = (_, options, draws, guided, scale) => {
  const { bits, negatives, triplets, margin, ranking } = options;
  const batchSize = pairCount(options);
  const stride = draws.drawn.length / batchSize;
  const slots = stride - 2;
  const divisors = divisorsOf(options);
  const scoreGradient = new Float64Array(batchSize * (1 + slots));
  const terms = new Float64Array(batchSize * 4);
  pairLoss(
    { guided, pairs: draws.drawn, scale: Float64Array.from(scale), score_gradient: scoreGradient, edge_terms: terms },
    {
      batch: batchSize,
      width: bits,
      slots,
      negatives,
      triplets,
      cross_entropy_weight: options.crossEntropyWeight / divisors.crossEntropy,
      ranking_weight: options.rankingWeight / divisors.ranking,
      margin,
      later_first: options.batchSize,
      later_weight: options.implicitWeight,
    },
    { RANKING: ranking === 'softplus' ? 1 : 0 },
  );
  const gradient = new Float64Array(guided.length);
  let scaleGradient = 0;
  for (let edge = 0; edge < batchSize; edge += 1) {
    const user = draws.drawn[edge * stride]!;
    for (let other = 0; other <= slots; other += 1) {
      const item = draws.drawn[edge * stride + 1 + other]!;
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
  return { vectors: gradient, scale: scaleGradient };
};

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
    if (options.hashOnly && this.step >= options.guidanceFrom) {
      for (const name of gradients.keys()) if (!/^hash|scale$/.test(name)) gradients.delete(name);
    }
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
    const { beta1, beta2, epsilon, weightDecay, learnScale, featureUpdates } = this.options;
    if (name.endsWith('scale') && !learnScale) return;
    const lazy = name === 'embedding' && featureUpdates === 'rows' && !readsAllNodes(this.options);
    const width = vectorWidth(this.options);
    const tensors = { parameter: this.parameters.get(name)!, ...this.#moments.get(name)! };
    // The kernels hold β in float32, and 1 − β2 has few digits left.
    const settings = { beta1: Math.fround(beta1), beta2: Math.fround(beta2), epsilon, weight_decay: weightDecay };
    for (let at = 0; at < gradient.length; at += 1) {
      if (lazy && !inputNodes.has(Math.floor(at / width))) continue;
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
  { draws, encoding, guided, lessons }: ReferenceStep,
  { name, direction, straightThrough }: { name: string; direction: ArrayLike<number>; straightThrough: boolean },
): number {
  const z = encoding.hashed;
  const offset = straightThrough ? guided.map((value, at) => value - z[at]!) : undefined;
  const totalAt = (distance: number) => {
    const moved = parameters.get(name)!.map((value, at) => value + distance * direction[at]!);
    return evaluateStep(graph, options, new Map([...parameters, [name, moved]]), draws, { offset, lessons }).loss.total;
  };
  return (totalAt(DIFFERENCE) - totalAt(-DIFFERENCE)) / (2 * DIFFERENCE);
}
