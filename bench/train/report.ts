/** The benches of training as people read them. */
import { formatBytes, formatCount, table } from '../../src/cli/output.js';
import { formatRatio } from '../format.js';
import type { Milliseconds, StepBenchResult, TrainBenchResult } from './index.js';

const milliseconds = (value: number) => `${value.toPrecision(3)} ms`;

export function describeTrain(result: TrainBenchResult): string {
  const { dataset, peer, ours, port, best, encode, ratios } = result;
  const line = (what: string, time: Milliseconds, by?: number) => [
    what,
    milliseconds(time.ms),
    `${Math.round(100 * time.spread)} %`,
    by === undefined ? '' : formatRatio(by),
  ];
  const lines = (what: string, rows: readonly (readonly string[])[]) =>
    table([[what, 'median', '±', 'times ours'], ...rows], { align: ['left', 'right', 'right', 'right'] });
  const steps = [line('ours', ours)];
  const encodings = [line('ours', encode.ours)];
  if (port && best && encode.peer && ratios) {
    steps.push(line('PyTorch, straight port', port, ratios.port), line('PyTorch, the best of it', best, ratios.best));
    encodings.push(line('PyTorch', encode.peer, ratios.encode));
  }
  const { nodes, edges, name } = dataset;
  return [
    `${name}: ${formatCount(nodes)} nodes, ${formatCount(edges)} training edges`,
    lines('a training step', steps),
    '',
    lines('encoding all nodes', encodings),
    '',
    `${result.stepsPerSecond.toFixed(1)} steps/s, ${formatCount(Math.round(result.edgesPerSecond))} edges/s, ` +
      `GPU memory at most ${formatBytes(result.peakBytes)}`,
    peer
      ? `peer: PyTorch ${peer.torch} with ${peer.threads} threads and ${peer.blas}, Python ${peer.python}`
      : 'without a peer',
    ...(result.quick ? ['a quick run: its times say nothing'] : []),
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
