/** A measured kernel in words. */
import { formatShare } from '../format.js';
import type { KernelBenchResult } from './job.js';

/** What people read of a time, a rate and bytes; given by the command line, which owns the formats. */
export interface Formats {
  seconds(value: number): string;
  bytes(value: number): string;
  table(rows: readonly (readonly unknown[])[]): string;
}

const giga = (value: number) => (value / 1e9).toPrecision(3);

export function describeKernel(result: KernelBenchResult, formats: Formats): string {
  const { file, bindings, against, operationsPerSecond, floats } = result;
  const rows = [result, ...(against ? [against] : [])].map((side) => [
    side.file,
    side.entry,
    `${side.workgroups.join(' × ')} of ${side.workgroupSize.join(' × ')}`,
    formats.seconds(side.seconds),
    formatShare(side.spread),
    side.dispatches,
  ]);
  const bytes = bindings.reduce((sum, buffer) => sum + buffer.bytes, 0);
  const lines = [
    `on ${result.adapter}`,
    '',
    formats.table([['file', 'entry', 'workgroups', 'a dispatch', '±', 'dispatches a measurement'], ...rows]),
    '',
    formats.table([
      ['buffer', 'access', 'size'],
      ...bindings.map((buffer) => [buffer.name, buffer.access, formats.bytes(buffer.bytes)]),
    ]),
    '',
    `${formats.bytes(bytes)} bound: ${giga(result.bytesPerSecond)} GB/s if each byte is touched once`,
  ];
  if (operationsPerSecond !== undefined) lines.push(`${giga(operationsPerSecond)} ${floats ? 'GFLOP/s' : 'Gop/s'}`);
  if (against) {
    const { ratio, compared } = against;
    lines.push(
      `the same outputs (${compared} values compared); ${file} takes ${formats.seconds(result.seconds)}, ` +
        `${against.file} ${ratio.toPrecision(3)} times that`,
    );
  }
  return lines.join('\n');
}
