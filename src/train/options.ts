import { UsageError } from '../base/errors.js';
import { MODELS, type ModelName } from './models/index.js';
import { PRESETS, type PresetName } from './presets.js';

export { MODELS, type ModelName, PRESETS, type PresetName };

/** A kind of option: what it accepts and how its values are written on a command line. */
type Kind<T> =
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly whole: boolean; readonly value?: T }
  | { readonly kind: 'choice'; readonly choices: readonly T[] }
  | { readonly kind: 'flag'; readonly value?: T }
  | {
      readonly kind: 'list';
      readonly min: number;
      readonly multiple: number;
      readonly word?: string;
      readonly value?: T;
    };

/** One option of training: its default, its meaning and what it may be. */
export type OptionSpec<T = unknown> = Kind<T> & {
  readonly default: T;
  readonly about: string;
  /** Group in the help. */
  readonly topic: 'model' | 'losses' | 'guidance' | 'optimiser' | 'run';
};

const whole = (
  min: number,
  max: number,
  value: number,
  topic: OptionSpec['topic'],
  about: string,
): OptionSpec<number> => ({
  kind: 'number',
  min,
  max,
  whole: true,
  default: value,
  topic,
  about,
});
const real = (
  min: number,
  max: number,
  value: number,
  topic: OptionSpec['topic'],
  about: string,
): OptionSpec<number> => ({
  kind: 'number',
  min,
  max,
  whole: false,
  default: value,
  topic,
  about,
});
const choice = <const T extends string>(
  choices: readonly T[],
  value: NoInfer<T>,
  topic: OptionSpec['topic'],
  about: string,
): OptionSpec<T> => ({ kind: 'choice', choices, default: value, topic, about });
const flag = (value: boolean, topic: OptionSpec['topic'], about: string): OptionSpec<boolean> => ({
  kind: 'flag',
  default: value,
  topic,
  about,
});

const LARGE = 2 ** 31 - 1;

/**
 * Every option of a training run: the one place that the command line, configuration files, the saved `config.json` and
 * the documentation take them from. Sources in the texts: PAPER is Tan et al., WWW 2020; CODE its published code.
 */
export const OPTIONS = {
  seed: whole(0, 2 ** 32 - 1, 0, 'run', 'seed of every random draw of the run'),
  steps: whole(1, LARGE, 1500, 'run', 'training steps'),
  bits: whole(8, 1024, 32, 'model', 'K: bits of a code and width of an embedding, a multiple of 8 (PAPER: 32)'),
  encoder: choice(
    ['sage', 'lightgcn'],
    'sage',
    'model',
    'graph layers with weights (PAPER, eq. 1), or vectors propagated without weights and averaged over layers (He et al., SIGIR 2020)',
  ),
  propagations: whole(0, 16, 2, 'model', 'layers of lightgcn; 0: a node’s own vector alone'),
  hashLayer: choice(
    ['dense', 'none'],
    'dense',
    'model',
    'z = tanh(Wᵀu + b) (PAPER, eq. 2), or the vectors themselves (lightgcn only), which then are as wide as the code',
  ),
  embeddings: choice(
    ['hash', 'vectors'],
    'hash',
    'model',
    'what is searched beside the codes: z (PAPER, eq. 2), or what the hash layer is given (lightgcn only), which then is as wide as the code',
  ),
  inputWidth: whole(
    0,
    4096,
    120,
    'model',
    'width of the trainable input features, a multiple of 4 (CODE: 120); 0, and without a hash layer: the bits',
  ),
  widths: {
    kind: 'list',
    min: 4,
    multiple: 4,
    default: [128, 68],
    topic: 'model',
    about: 'widths of the graph layers, multiples of 4 (PAPER: 128,68)',
  } as OptionSpec<readonly number[]>,
  fanouts: {
    kind: 'list',
    min: 1,
    multiple: 1,
    word: 'all',
    default: [10, 5],
    topic: 'model',
    about: 'neighbours sampled a node, from the batch outwards (CODE: 10,5), or «all» for whole neighbourhoods (PAPER)',
  } as OptionSpec<readonly number[] | 'all'>,
  aggregation: choice(
    ['concat', 'joint'],
    'concat',
    'model',
    'the node beside its neighbours’ mean (CODE), or one mean of both (PAPER, eq. 1)',
  ),
  weights: choice(
    ['separate', 'shared'],
    'separate',
    'model',
    'own weights for users and for items (CODE), or the same for both (PAPER)',
  ),
  activation: choice(
    ['leaky-relu', 'tanh', 'none'],
    'leaky-relu',
    'model',
    'activation of the graph layers (CODE: leaky ReLU; slope 0.2)',
  ),
  initialisation: choice(
    ['glorot', 'normal', 'identity'],
    'glorot',
    'model',
    'first weights: Glorot uniform, normal with --initial-deviation (PAPER), or ones on the diagonal',
  ),
  firstFeatures: choice(
    ['normal', 'svd'],
    'normal',
    'model',
    'first input features: normal with --feature-deviation, or PureSVD of the training edges, turned towards its signs and as large',
  ),
  firstRank: whole(
    0,
    4096,
    0,
    'model',
    'singular directions that PureSVD’s first features are made of; 0, or more than their width: as many as that',
  ),
  initialDeviation: real(0, 10, 0.02, 'model', 'standard deviation of normal first weights (PAPER: 0.02)'),
  featureDeviation: real(
    0,
    10,
    0.1,
    'model',
    'standard deviation of the first input features (PAPER: as the weights, 0.02)',
  ),
  objective: choice(
    ['pairs', 'multinomial'],
    'pairs',
    'losses',
    'pairs of an edge and sampled non-edges (PAPER, eq. 5 to 7), or the multinomial likelihood of a user’s items among all items (Liang et al., WWW 2018)',
  ),
  embeddingWeight: real(0, 1e6, 0, 'losses', 'weight of the same loss on the embeddings, beside that on ĥ (PAPER: 0)'),
  embeddingScale: real(1e-6, 1e6, 0.3, 'losses', 'scale as above for the loss on embeddings, or its first value'),
  distillation: real(
    0,
    1,
    0,
    'losses',
    'share of the probabilities by embeddings in the targets of codes, in the multinomial likelihood (Hinton et al., 2015)',
  ),
  flattening: real(
    0,
    1,
    0,
    'losses',
    'in the multinomial likelihood each item of a user counts degree^−this: 0 all edges alike, 1 all users alike',
  ),
  negativeSampling: choice(
    ['uniform', 'degree'],
    'uniform',
    'losses',
    'negatives from the items without an edge, all alike (PAPER), or from all items in proportion to degree^0.75 (LINE, PTE)',
  ),
  implicitWeight: real(
    0,
    1e6,
    0,
    'losses',
    'weight of implicit relations within users and within items from random walks beside the edges (BiNE); needs lightgcn without layers and without a hash layer',
  ),
  walkWindow: whole(1, 100, 5, 'losses', 'hops that a walk has at most'),
  walkStop: real(0, 1, 0.15, 'losses', 'chance that a walk ends after a hop (BiNE’s code: 0.15)'),
  scale: real(
    1e-6,
    1e6,
    0.3,
    'losses',
    'factor on the inner product inside the sigmoid, or its first value (PAPER: 1)',
  ),
  learnScale: flag(true, 'losses', 'train the scale with the other parameters (PAPER: no)'),
  negatives: whole(0, 1000, 5, 'losses', 'sampled non-edges a batch edge in the cross-entropy (CODE: 10)'),
  triplets: whole(0, 1000, 5, 'losses', 'triplets a batch edge in the ranking loss (PAPER: 5)'),
  ranking: choice(
    ['margin', 'softplus'],
    'margin',
    'losses',
    'form of the ranking loss: eq. 6 (PAPER), or softplus (CODE)',
  ),
  margin: real(0, 1, 0.2, 'losses', 'α of the margin form (PAPER: 0.2)'),
  crossEntropyWeight: real(0, 1e6, 1, 'losses', 'weight of the cross-entropy, eq. 5 (PAPER: 1; CODE: 0.1)'),
  rankingWeight: real(0, 1e6, 0.5, 'losses', 'λ, weight of the ranking loss, eq. 7 (PAPER: 0.5; CODE: 1)'),
  reduction: choice(['mean', 'sum'], 'mean', 'losses', 'losses as means (CODE) or sums (PAPER) over a batch'),
  relaxation: choice(
    ['guidance', 'continuation', 'concrete'],
    'guidance',
    'guidance',
    'how signs are learnt: Bernoulli mixing and straight through (PAPER, eq. 8), tanh(βz) with growing β (HashNet), or the same with noise (Gumbel softmax)',
  ),
  sharpnessFrom: whole(0, LARGE, 200, 'guidance', 'step from which β of continuation and concrete grows (PAPER: 200)'),
  sharpnessEvery: whole(1, LARGE, 20, 'guidance', 'steps between two growths of β'),
  sharpnessBy: real(0, 10, 0.05, 'guidance', 'share by which β grows at a time, from 1'),
  sharpnessMost: real(1, 1e6, 10, 'guidance', 'β grows no further than this'),
  hashOnly: flag(
    false,
    'guidance',
    'from --guidance-from on only the hash layer is trained, on features that stay as they are',
  ),
  guidance: choice(
    ['element', 'row'],
    'element',
    'guidance',
    'Bernoulli mixing of code and embedding by element (PAPER, eq. 8) or by row (CODE)',
  ),
  guidanceStart: real(0, 1, 1, 'guidance', 'p, the share of the embedding, at first (PAPER: 1)'),
  guidanceFrom: whole(0, LARGE, 900, 'guidance', 'step from which falls of p are counted (PAPER: 0)'),
  guidanceEvery: whole(1, LARGE, 40, 'guidance', 'steps between two falls of p (PAPER: 250)'),
  guidanceBy: real(0, 1, 0.05, 'guidance', 'how much p falls at a time (PAPER: 5 %)'),
  guidanceRule: choice(['subtract', 'multiply'], 'subtract', 'guidance', 'p − by, or p · (1 − by)'),
  guidanceFloor: real(0, 1, 0, 'guidance', 'p falls no further than this'),
  batchSize: whole(
    1,
    2 ** 20,
    4096,
    'optimiser',
    'training edges a step (PAPER: 256); users a step with --objective multinomial',
  ),
  learningRate: real(0, 10, 0.01, 'optimiser', 'step size of Adam (PAPER: 0.001)'),
  decay: choice(['constant', 'cosine'], 'constant', 'optimiser', 'course of the learning rate'),
  decayTo: real(0, 1, 0.1, 'optimiser', 'where the cosine ends, as a share of the learning rate'),
  warmup: whole(0, LARGE, 0, 'optimiser', 'first steps in which the learning rate grows linearly'),
  beta1: real(0, 0.999999, 0.9, 'optimiser', 'decay of Adam’s first moment'),
  beta2: real(0, 0.999999, 0.999, 'optimiser', 'decay of Adam’s second moment'),
  epsilon: real(1e-20, 1, 1e-8, 'optimiser', 'Adam’s ε'),
  weightDecay: real(0, 10, 0, 'optimiser', 'L2 term added to every gradient'),
  clipNorm: real(
    0,
    1e6,
    0,
    'optimiser',
    'norm of all gradients of a step together above which they are scaled down to it; 0: never',
  ),
  featureUpdates: choice(
    ['dense', 'swept', 'deferred', 'rows'],
    'dense',
    'optimiser',
    'Adam on all input features (the same bytes by a sweep in every step, or deferred until a batch touches them; dense takes the cheaper), or lazily on the rows that a batch touches',
  ),
  codes: choice(
    ['sign', 'hyperplanes'],
    'sign',
    'run',
    'codes from the signs of the embeddings (PAPER, eq. 3), or from the sides of random hyperplanes (LSH)',
  ),
  features: choice(
    ['float', 'half'],
    'float',
    'run',
    'what all nodes are encoded from, for validations and the final codes: features in 32 bits, or rounded to 16, so that half as much is read; steps of training are the same',
  ),
  evaluateEvery: whole(0, LARGE, 100, 'run', 'steps between validations; 0 validates at the end only'),
  logEvery: whole(1, 10_000, 50, 'run', 'steps between records in metrics.jsonl'),
  checkpointEvery: whole(1, LARGE, 500, 'run', 'steps between checkpoints'),
  select: choice(
    ['both', 'hamming', 'hierarchical', 'exact'],
    'both',
    'run',
    'search whose validation HR@50 picks the parameters to keep; both: the mean of Hamming and hierarchical',
  ),
  candidates: whole(1, LARGE, 500, 'run', 'M: candidates by code that hierarchical search re-ranks (CODE: 500)'),
} as const;

type Value<S> = S extends OptionSpec<infer T> ? T : never;
export type OptionName = keyof typeof OPTIONS;

/** The resolved options of a run, as `config.json` holds them. */
export type TrainOptions = { readonly [name in OptionName]: Value<(typeof OPTIONS)[name]> } & {
  readonly model: ModelName;
  readonly preset: PresetName;
};

/** `batchSize` as people write it on a command line: `batch-size`. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Options from what was given, over the model's, over the preset's, over the defaults.
 * @param given values by name, as parsed from JSON or by `parseOption`
 * @param where what to name in errors: a file, or the command line
 * @throws UsageError naming the option, what was found and what is accepted
 */
export function resolveOptions(given: Readonly<Record<string, unknown>>, where = 'options'): TrainOptions {
  const { model = 'hashgnn', preset = 'default', ...rest } = given;
  if (typeof model !== 'string' || !Object.hasOwn(MODELS, model)) {
    throw new UsageError(`there is no model ${JSON.stringify(model)}`, {
      where,
      fix: `the models are ${Object.keys(MODELS).join(', ')}`,
    });
  }
  if (typeof preset !== 'string' || !Object.hasOwn(PRESETS, preset)) {
    throw new UsageError(`there is no preset ${JSON.stringify(preset)}`, {
      where,
      fix: `the presets are ${Object.keys(PRESETS).join(', ')}`,
    });
  }
  const unknown = Object.keys(rest).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined) {
    throw new UsageError(`there is no option ${unknown}`, {
      where,
      fix: `the options are ${Object.keys(OPTIONS).join(', ')}`,
    });
  }
  const merged: Record<string, unknown> = {
    ...Object.fromEntries(Object.entries(OPTIONS).map(([name, spec]) => [name, spec.default])),
    ...PRESETS[preset as PresetName].options,
    ...MODELS[model as ModelName].options,
    ...rest,
  };
  const options: Record<string, unknown> = { model, preset };
  for (const [name, spec] of Object.entries(OPTIONS)) {
    options[name] = check(name, spec as OptionSpec, merged[name], where);
  }
  if (options.inputWidth === 0) options.inputWidth = options.bits;
  const resolved = options as unknown as TrainOptions;
  if (resolved.bits % 8 !== 0) throw wrong('bits', resolved.bits, 'a multiple of 8', where);
  if (resolved.inputWidth % 4 !== 0) throw wrong('inputWidth', resolved.inputWidth, 'a multiple of 4', where);
  if (resolved.fanouts !== 'all' && resolved.fanouts.length !== resolved.widths.length) {
    throw wrong(
      'fanouts',
      resolved.fanouts,
      `one number for each of the ${resolved.widths.length} graph layers`,
      where,
    );
  }
  if (resolved.guidanceFloor > resolved.guidanceStart) {
    throw wrong('guidanceFloor', resolved.guidanceFloor, `at most --guidance-start, ${resolved.guidanceStart}`, where);
  }
  if (resolved.encoder === 'sage' && resolved.hashLayer === 'none') {
    throw wrong('hashLayer', 'none', 'dense, or --encoder lightgcn', where);
  }
  if (resolved.embeddings === 'vectors' && resolved.encoder === 'sage') {
    throw wrong('embeddings', 'vectors', 'hash, or --encoder lightgcn', where);
  }
  if (resolved.embeddings === 'vectors' && resolved.hashLayer === 'dense' && resolved.inputWidth !== resolved.bits) {
    throw wrong('inputWidth', resolved.inputWidth, `${resolved.bits}, the bits, or --embeddings hash`, where);
  }
  if (resolved.distillation > 0 && !(resolved.objective === 'multinomial' && resolved.embeddingWeight > 0)) {
    const expected = '0, or --objective multinomial and an --embedding-weight above 0';
    throw wrong('distillation', resolved.distillation, expected, where);
  }
  if (resolved.relaxation !== 'guidance' && resolved.hashLayer === 'none') {
    throw wrong('relaxation', resolved.relaxation, 'guidance where there is no hash layer', where);
  }
  if (resolved.hashOnly && resolved.hashLayer === 'none') {
    throw wrong('hashOnly', true, 'false where there is no hash layer', where);
  }
  if (resolved.objective === 'multinomial' && resolved.encoder === 'sage' && resolved.fanouts !== 'all') {
    throw wrong('objective', 'multinomial', 'pairs, or --fanouts all: it needs the embeddings of all items', where);
  }
  const isTable = resolved.encoder === 'lightgcn' && resolved.propagations === 0 && resolved.hashLayer === 'none';
  if (resolved.implicitWeight > 0 && !(isTable && resolved.objective === 'pairs')) {
    throw wrong(
      'implicitWeight',
      resolved.implicitWeight,
      '0, or --encoder lightgcn --propagations 0 --hash-layer none --objective pairs',
      where,
    );
  }
  if (resolved.negatives === 0 && resolved.triplets === 0) {
    throw wrong('negatives', 0, 'at least one negative or one triplet a batch edge', where);
  }
  return resolved;
}

/** A value written on a command line, as the option's kind reads it. @throws UsageError */
export function parseOption(name: OptionName, text: string): unknown {
  const spec = OPTIONS[name] as OptionSpec;
  if (spec.kind === 'number') return text.trim() === '' ? text : Number(text);
  if (spec.kind === 'list')
    return text === spec.word ? text : text.split(',').map((part) => (part.trim() === '' ? part : Number(part)));
  if (spec.kind === 'flag' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** What an option accepts, in words. */
export function accepted(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'number':
      return `${spec.whole ? 'a whole number' : 'a number'} from ${spec.min} to ${spec.max}`;
    case 'choice':
      return `one of ${spec.choices.join(', ')}`;
    case 'flag':
      return 'true or false';
    case 'list':
      return `whole numbers from ${spec.min}${spec.multiple > 1 ? `, multiples of ${spec.multiple}` : ''}, with commas between${
        spec.word ? `, or ${spec.word}` : ''
      }`;
  }
}

function check(name: string, spec: OptionSpec, value: unknown, where: string): unknown {
  const isNumber = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x);
  switch (spec.kind) {
    case 'number':
      if (isNumber(value) && value >= spec.min && value <= spec.max && (!spec.whole || Number.isInteger(value)))
        return value;
      break;
    case 'choice':
      if (spec.choices.includes(value)) return value;
      break;
    case 'flag':
      if (typeof value === 'boolean') return value;
      break;
    case 'list':
      if (spec.word !== undefined && value === spec.word) return value;
      if (
        Array.isArray(value) &&
        value.length > 0 &&
        value.length <= 8 &&
        value.every(
          (part) =>
            isNumber(part) && Number.isInteger(part) && part >= spec.min && part <= 65536 && part % spec.multiple === 0,
        )
      ) {
        return value;
      }
      break;
  }
  throw wrong(name, value, accepted(spec), where);
}

function wrong(name: string, value: unknown, expected: string, where: string): UsageError {
  return new UsageError(`--${flagOf(name)} cannot be ${JSON.stringify(value)}`, { where, fix: `give ${expected}` });
}
