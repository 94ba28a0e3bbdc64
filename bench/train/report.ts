/** The benches of training as people read them. */
import { describeUse } from '../../src/cli/memory.js';
import { formatCount, formatSeconds, table } from '../../src/cli/output.js';
import type { Milliseconds, StepBenchResult, StepTime, ToBest, TrainBenchResult } from './index.js';

const ratio = (value: number) => value.toFixed(value < 9.95 ? 2 : 1);
const milliseconds = (value: number) => `${value.toPrecision(3)} ms`;

export function describeTrain(result: TrainBenchResult): string {
  const { dataset, peer, ours, port, best, encode, ratios, memory, toBest } = result;
  const line = (what: string, time: Milliseconds, by?: number) => [
    what,
    milliseconds(time.ms),
    `${Math.round(100 * time.spread)} %`,
    by === undefined ? '' : ratio(by),
  ];
  const step = (what: string, time: StepTime, by?: number) => [
    ...line(what, time, by),
    time.stepsPerSecond.toFixed(1),
    formatCount(Math.round(time.edgesPerSecond)),
  ];
  const lines = (head: readonly string[], rows: readonly (readonly string[])[]) =>
    table([head, ...rows], { align: ['left', ...head.slice(1).map(() => 'right' as const)] });
  const columns = ['median', '±', 'times ours'];
  const steps = [step('ours', ours)];
  const encodings = [line('ours', encode.ours)];
  if (port && best && encode.peer && ratios) {
    steps.push(step('PyTorch, straight port', port, ratios.port), step('PyTorch, the best of it', best, ratios.best));
    encodings.push(line('PyTorch', encode.peer, ratios.encode));
  }
  const { nodes, edges, name } = dataset;
  return [
    `${name}: ${formatCount(nodes)} nodes, ${formatCount(edges)} training edges`,
    lines(['a training step', ...columns, 'steps/s', 'edges/s'], steps),
    '',
    lines(['encoding all nodes', ...columns], encodings),
    '',
    ...(toBest ? [describeToBest(toBest), ''] : []),
    describeUse(memory),
    peer
      ? `peer: PyTorch ${peer.torch} with ${peer.threads} threads and ${peer.blas}, Python ${peer.python}`
      : 'without a peer',
    ...(result.quick ? ['a quick run: its times say nothing'] : []),
  ].join('\n');
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

export function describeStep({ dataset, milliseconds: all, rows }: StepBenchResult): string {
  return [
    `${dataset.name}: a step of ${milliseconds(all)}, dispatch by dispatch`,
    table(
      [
        ['kernel', 'for', 'ms', 'share'],
        ...rows.map(({ kernel, label, milliseconds: time, share }) => [
          kernel,
          label === kernel ? '' : label,
          time.toFixed(2),
          `${(100 * share).toFixed(1)} %`,
        ]),
      ],
      { align: ['left', 'left', 'right', 'right'] },
    ),
  ].join('\n');
}
