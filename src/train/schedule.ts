import { HashgnnError } from '../base/errors.js';

/** How the guidance probability p (paper, eq. 8) falls: not at all where `guidanceBy` is 0. */
export interface GuidanceOptions {
  /** p at first. */
  readonly guidanceStart: number;
  /** Step from which falls are counted; the first one comes `guidanceEvery` steps later. */
  readonly guidanceFrom: number;
  /** Steps between one fall and the next. */
  readonly guidanceEvery: number;
  /** What a fall takes: this itself (`subtract`), or this share of p (`multiply`). */
  readonly guidanceBy: number;
  readonly guidanceRule: 'subtract' | 'multiply';
  /** p falls no further than this. */
  readonly guidanceFloor: number;
}

export interface LearningRateOptions {
  /** Steps of the whole training, also of one that is resumed: the decay depends on it. */
  readonly steps: number;
  /** The rate after warming up, before any decay. */
  readonly learningRate: number;
  /** Steps of linear warming up: step s < warmup has rate · (s + 1) / warmup. None unless told. */
  readonly warmup?: number;
  /** `cosine`: half a cosine wave from the end of warming up down to `decayTo` of the rate at the last step. */
  readonly decay?: 'constant' | 'cosine';
  /** Where the cosine ends, as a fraction of the rate; 0 unless told. */
  readonly decayTo?: number;
}

/** How the sharpness β of a smooth relaxation grows: from 1, exponentially. */
export interface SharpnessOptions {
  /** Step from which growths are counted; the first one comes `sharpnessEvery` steps later. */
  readonly sharpnessFrom: number;
  readonly sharpnessEvery: number;
  /** The share by which β grows at a time. */
  readonly sharpnessBy: number;
  /** β grows no further than this. */
  readonly sharpnessMost: number;
}

/** What varies of a relaxation: p of guidance, which is meant unless told, or β of a smooth one. */
export type RelaxationOptions = GuidanceOptions &
  ({ readonly relaxation?: 'guidance' } | ({ readonly relaxation: 'continuation' | 'concrete' } & SharpnessOptions));

export type ScheduleOptions = RelaxationOptions &
  LearningRateOptions & {
    /** Decay of Adam's first moment; 0.9 unless told. */
    readonly beta1?: number;
    /** Decay of Adam's second moment; 0.999 unless told. */
    readonly beta2?: number;
  };

/** The guidance probability of a step, counted from 0 (paper, section 3.3: 1 at first, 5 % less every 250 steps). */
export function guidanceAt(options: GuidanceOptions, step: number): number {
  const { guidanceStart: start, guidanceFrom: from, guidanceEvery: every, guidanceBy: by } = options;
  const falls = step < from ? 0 : Math.floor((step - from) / every);
  const p = options.guidanceRule === 'subtract' ? start - falls * by : start * (1 - by) ** falls;
  return Math.max(p, Math.min(options.guidanceFloor, start));
}

/** The sharpness β of a step, counted from 0 (paper, section 5.2.3: 1 at first, growing exponentially after 200 steps). */
export function sharpnessAt(options: SharpnessOptions, step: number): number {
  const { sharpnessFrom: from, sharpnessEvery: every, sharpnessBy: by, sharpnessMost: most } = options;
  return Math.min(most, (1 + by) ** Math.max(0, Math.floor((step - from) / every)));
}

/** What stands in column 0 of a step: the guidance probability p, or the sharpness β. */
export function relaxationAt(options: RelaxationOptions, step: number): number {
  const isSmooth = options.relaxation === 'continuation' || options.relaxation === 'concrete';
  return isSmooth ? sharpnessAt(options, step) : guidanceAt(options, step);
}

/** The learning rate of a step, counted from 0. */
export function learningRateAt(options: LearningRateOptions, step: number): number {
  const { steps, learningRate: rate, warmup = 0, decay = 'constant', decayTo = 0 } = options;
  if (step < warmup) return (rate * (step + 1)) / warmup;
  if (decay === 'constant') return rate;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - 1 - warmup));
  return rate * (decayTo + (1 - decayTo) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}

/**
 * What varies by step, [steps, 4]: guidance probability p or sharpness β, step size = learning rate / (1 - β1^t), 1 / (1 - β2^t),
 * and a spare; t = step + 1. Computed in float64 from β as the kernels hold them, in float32, and rounded once.
 * @throws HashgnnError naming the option that cannot be
 */
export function scheduleTable(options: ScheduleOptions): Float32Array<ArrayBuffer> {
  const { steps, beta1 = 0.9, beta2 = 0.999 } = options;
  check(options, beta1, beta2);
  const table = new Float32Array(steps * 4);
  for (let step = 0; step < steps; step += 1) {
    table[step * 4] = relaxationAt(options, step);
    table[step * 4 + 1] = learningRateAt(options, step) / (1 - Math.fround(beta1) ** (step + 1));
    table[step * 4 + 2] = 1 / (1 - Math.fround(beta2) ** (step + 1));
  }
  return table;
}

function check(options: ScheduleOptions, beta1: number, beta2: number): void {
  const { steps, learningRate, warmup = 0, decayTo = 0 } = options;
  const { guidanceStart, guidanceFrom, guidanceEvery, guidanceBy, guidanceFloor } = options;
  const isCount = (value: number, least: number) => Number.isInteger(value) && value >= least;
  const isShare = (value: number) => value >= 0 && value <= 1;
  const isDecay = (value: number) => value >= 0 && Math.fround(value) < 1;
  const wrong = (
    [
      ['steps', steps, isCount(steps, 0), 'a whole number, 0 or more'],
      ['learningRate', learningRate, Number.isFinite(learningRate) && learningRate >= 0, 'a number, 0 or more'],
      ['warmup', warmup, isCount(warmup, 0), 'a whole number, 0 or more'],
      ['decayTo', decayTo, isShare(decayTo), 'a fraction from 0 to 1'],
      ['guidanceStart', guidanceStart, isShare(guidanceStart), 'a probability from 0 to 1'],
      ['guidanceFrom', guidanceFrom, isCount(guidanceFrom, 0), 'a whole number, 0 or more'],
      ['guidanceEvery', guidanceEvery, isCount(guidanceEvery, 1), 'a whole number, 1 or more'],
      ['guidanceBy', guidanceBy, isShare(guidanceBy), 'a number from 0 to 1'],
      ['guidanceFloor', guidanceFloor, isShare(guidanceFloor), 'a probability from 0 to 1'],
      ['beta1', beta1, isDecay(beta1), 'a number from 0 to below 1'],
      ['beta2', beta2, isDecay(beta2), 'a number from 0 to below 1'],
    ] as const
  ).find(([, , holds]) => !holds);
  if (wrong) throw new HashgnnError(`${wrong[0]} cannot be ${wrong[1]}`, { fix: `give ${wrong[3]}` });
}
