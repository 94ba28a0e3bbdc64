/** The benches of training as people read them. */
import { describeUse } from '../../src/cli/memory.js';
import { type Align, formatCount, formatSeconds, table } from '../../src/cli/output.js';
import { formatRatio, formatShare } from '../format.js';
import type { Milliseconds, StepBenchResult, StepRow, StepTime, ToBest, TrainBenchResult } from './index.js';

export const formatMilliseconds = (value: number) => `${value.toPrecision(3)} ms`;

/** One measurement of `bench train`. */
export interface TrainLine {
  readonly who: string;
  readonly time: Milliseconds | StepTime;
  /** Its time by ours; undefined of ours itself. */
  readonly ratio?: number;
}

/** What is measured, each with its lines, ours first. */
export function trainLines({ ours, port, best, encode, ratios }: TrainBenchResult): {
  readonly what: string;
  readonly lines: readonly TrainLine[];
}[] {
  const steps: TrainLine[] = [{ who: 'ours', time: ours }];
  const encodings: TrainLine[] = [{ who: 'ours', time: encode.ours }];
  if (port && best && encode.peer && ratios) {
    steps.push(
      { who: 'PyTorch, straight port', time: port, ratio: ratios.port },
      { who: 'PyTorch, the best of it', time: best, ratio: ratios.best },
    );
    encodings.push({ who: 'PyTorch', time: encode.peer, ratio: ratios.encode });
  }
  return [
    { what: 'a training step', lines: steps },
    { what: 'encoding all nodes', lines: encodings },
  ];
}

/** Columns of a table of lines, after what is measured. */
export const TRAIN_HEADER = ['median', '±', 'times ours', 'steps/s', 'edges/s'];
export const TRAIN_ALIGN: readonly Align[] = ['left', 'right', 'right', 'right', 'right', 'right'];

export const trainCells = ({ who, time, ratio }: TrainLine): string[] => [
  who,
  formatMilliseconds(time.ms),
  `${Math.round(100 * time.spread)} %`,
  ratio === undefined ? '' : formatRatio(ratio),
  ...('stepsPerSecond' in time
    ? [time.stepsPerSecond.toFixed(1), formatCount(Math.round(time.edgesPerSecond))]
    : ['', '']),
];

export function describeTrain(result: TrainBenchResult): string {
  return [
    describeDataset(result),
    ...trainLines(result).flatMap(({ what, lines }) => [
      table([[what, ...TRAIN_HEADER], ...lines.map(trainCells)], { align: TRAIN_ALIGN }),
      '',
    ]),
    ...summaryLines(result),
  ].join('\n');
}

export const describeDataset = ({ dataset: { name, nodes, edges } }: TrainBenchResult | StepBenchResult) =>
  `${name}: ${formatCount(nodes)} nodes, ${formatCount(edges)} training edges`;

/** What stands under the tables. */
export function summaryLines(result: TrainBenchResult): string[] {
  const { peer, toBest, memory, distinctNodes } = result;
  return [
    ...(toBest ? [describeToBest(toBest), ''] : []),
    `distinct nodes of a step: ${formatCount(distinctNodes[0]!)} of the batch, then ${distinctNodes.slice(1).map(formatCount).join(' and ')} by layer`,
    describeUse(memory),
    peer
      ? `peer: PyTorch ${peer.torch} with ${peer.threads} threads and ${peer.blas}, Python ${peer.python}`
      : 'without a peer',
    ...(result.quick ? ['a quick run: its times say nothing'] : []),
  ];
}

function describeToBest({ step, hr, seconds, steps, evaluateEvery, total }: ToBest): string {
  const time = ({ training, validating }: ToBest['total']) =>
    `${formatSeconds(training)} of training and ${formatSeconds(validating)} of validating`;
  return [
    `with the default options the best validation came at step ${formatCount(step)}, after ${time(seconds)}:`,
    `  HR@50 Hamming ${hr.hamming.toFixed(4)}, hierarchical ${hr.hierarchical.toFixed(4)}, exact ${hr.exact.toFixed(4)}`,
    `  (all ${formatCount(steps)} steps, validated every ${formatCount(evaluateEvery)}: ${time(total)})`,
  ].join('\n');
}

export const STEP_HEADER = ['kernel', 'for', 'ms', '±', 'share', 'longest'];
export const STEP_ALIGN: readonly Align[] = ['left', 'left', 'right', 'right', 'right', 'right'];

/** A dispatch; what it is for is left out where that is the kernel's name. */
export const stepCells = ({ kernel, label, milliseconds, spread, share, longest }: StepRow): string[] => [
  kernel,
  label === kernel ? '' : label,
  milliseconds.toFixed(2),
  formatShare(spread),
  `${(100 * share).toFixed(1)} %`,
  longest.toFixed(2),
];

export function describeStep({ dataset, milliseconds, rows }: StepBenchResult): string {
  return [
    `${dataset.name}: a step of ${formatMilliseconds(milliseconds)}, dispatch by dispatch`,
    table([STEP_HEADER, ...rows.map(stepCells)], { align: STEP_ALIGN }),
    'longest: ms of the largest piece that the driver is given at once, as a display driver’s watchdog sees it',
  ].join('\n');
}
