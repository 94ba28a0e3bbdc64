/** The kernels of one size beside the limits of the adapter: operations a second over operations a byte. */
import { formatBytes, formatSeconds } from '../../src/cli/output.js';
import { Labels, logScale, logTicks, mark, picture, tag, tooltip, words } from '../../src/page/svg.js';
import type { AllCeilings } from '../ceilings.js';
import { formatGiga, formatShare } from '../format.js';
import type { KernelRow } from '../kernels/index.js';
import { legend, roomOf } from './rooms.js';

/** A row of a kernel that was measured. */
export type MeasuredKernel = {
  readonly [name in keyof KernelRow]: name extends 'notRun' ? null : NonNullable<KernelRow[name]>;
};

/** The rows that were measured. */
export function measuredOf(rows: readonly KernelRow[]): MeasuredKernel[] {
  return rows.filter((row): row is KernelRow & MeasuredKernel => row.time !== null);
}

const WIDTH = 1000;
const PLOT = 540;
const LEFT = 66;
const RIGHT = 984;
const FOOT = 48;
/** Above the plot, for the label of the highest roof. */
const ABOVE = 14;
/** How far the axes go beyond what they show. */
const BEYOND = 1.6;
/** Dots that get their name beside them; those that take the most time come first. */
const NAMED = 14;
const GATHERED = { name: 'gathered', kind: 'gather' } as const;

/** Whether a kernel has a place in the plot: one without operations has none. */
export const hasIntensity = ({ cost }: MeasuredKernel) => cost.operations > 0;

/**
 * @param rows of one size, at least one of which has operations
 * @returns an SVG picture: both axes logarithmic, a dot for each row
 */
export function roofline(title: string, ceilings: AllCeilings, rows: readonly MeasuredKernel[]): string {
  const dots = rows.filter(hasIntensity).map((row) => ({
    row,
    intensity: row.cost.operations / row.cost.bytes,
    rate: row.operationsPerSecond / 1e9,
  }));
  const slow = ceilings.gathers.at(-1);
  const flats = [
    { name: 'bitwise operations', rate: ceilings.operationsPerSecond },
    { name: 'multiply and add', rate: ceilings.flopsPerSecond },
    { name: 'popcounts', rate: ceilings.popcountsPerSecond },
  ].map(({ name, rate }) => ({ name, rate: rate / 1e9 }));
  const [lowest, highest] = [Math.min(...flats.map(({ rate }) => rate)), Math.max(...flats.map(({ rate }) => rate))];
  const slopes = [
    { name: 'copied', of: '', speed: ceilings.bytesPerSecond / 1e9, kind: 'roof' },
    ...(slow
      ? [{ ...GATHERED, of: `, table of ${formatBytes(slow.tableBytes)}`, speed: slow.bytesPerSecond / 1e9 }]
      : []),
  ];
  const intensities = [...dots.map(({ intensity }) => intensity), ...slopes.map(({ speed }) => highest / speed)];
  const rates = [...dots.map(({ rate }) => rate), ...flats.map(({ rate }) => rate)];
  const [low, high] = [Math.min(...intensities) / BEYOND, Math.max(...intensities) * BEYOND];
  const [least, most] = [Math.min(...rates) / BEYOND, Math.max(...rates) * BEYOND];

  const key = legend(
    dots.map(({ row }) => row.kernel),
    { left: LEFT, top: 2, width: RIGHT - LEFT },
  );
  const top = key.height + ABOVE;
  const bottom = top + PLOT;
  const x = logScale(low, high, LEFT, RIGHT);
  const y = logScale(least, most, bottom, top);
  const out = [...key.markup];
  for (const tick of logTicks(low, high)) {
    out.push(tag('line', { class: 'grid', x1: x(tick), x2: x(tick), y1: top, y2: bottom }));
    out.push(words(x(tick), bottom + 16, shortNumber(tick), { class: 'muted x-tick', 'text-anchor': 'middle' }));
  }
  for (const tick of logTicks(least, most)) {
    out.push(tag('line', { class: 'grid', x1: LEFT, x2: RIGHT, y1: y(tick), y2: y(tick) }));
    out.push(words(LEFT - 6, y(tick) + 4, shortNumber(tick), { class: 'muted y-tick', 'text-anchor': 'end' }));
  }
  out.push(words((LEFT + RIGHT) / 2, bottom + 36, 'operations a byte', { 'text-anchor': 'middle' }));
  const turned = { 'text-anchor': 'middle', transform: `rotate(-90 14 ${(top + bottom) / 2})` };
  out.push(words(14, (top + bottom) / 2, 'GOP/s', turned));

  const labels = new Labels({ left: LEFT, right: RIGHT, top: top - ABOVE, bottom });
  for (const { intensity, rate } of dots) labels.takeDot(x(intensity), y(rate));
  for (const { name, rate } of flats) {
    // What copying lets through comes to this roof here.
    const ends = { x1: x(rate / slopes[0]!.speed), x2: RIGHT, y1: y(rate), y2: y(rate) };
    out.push(tag('line', { class: 'roof', ...ends }, tooltip(`${name}: ${formatGiga(rate * 1e9)} GOP/s`)));
  }
  for (const { name, of, speed, kind } of slopes) {
    // From the left edge or from where the line comes in at the bottom, up to the highest roof.
    const [from, to] = [Math.max(low, least / speed), highest / speed];
    const ends = { x1: x(from), y1: y(from * speed), x2: x(to), y2: y(to * speed) };
    out.push(tag('line', { class: kind, ...ends }, tooltip(`${name}${of}: ${formatGiga(speed * 1e9)} GB/s`)));
  }
  const slant = Math.atan2(y(10) - y(1), x(10) - x(1));
  for (const { name, speed, kind } of slopes) {
    // Nothing is faster than copying, so there is room above that line; others end below the lowest roof.
    const end = (kind === 'roof' ? highest : lowest) / speed;
    out.push(labels.along(x(end), y(end * speed), slant, `${name} ${formatGiga(speed * 1e9)} GB/s`));
  }
  for (const { name, rate } of flats) {
    out.push(labels.above(RIGHT - 4, y(rate), `${name} ${formatGiga(rate * 1e9)} GOP/s`));
  }

  for (const { row, intensity, rate } of dots) {
    const { name, shape } = roomOf(row.kernel);
    const dot = mark(shape, x(intensity), y(rate), name);
    out.push(tag('g', { class: 'kernel' }, tooltip(describeDot(row, intensity)), dot));
  }
  const slowest = [...dots].sort((one, other) => other.row.time.seconds - one.row.time.seconds);
  const named = new Set<string>();
  for (const { row, intensity, rate } of slowest) {
    if (named.size >= NAMED) break;
    if (named.has(row.kernel)) continue;
    const label = labels.beside(x(intensity), y(rate), row.kernel);
    if (label !== '') named.add(row.kernel);
    out.push(label);
  }
  return picture({ title, width: WIDTH, height: bottom + FOOT, content: out });
}

function describeDot({ kernel, what, shape, time, share, operationsPerSecond }: MeasuredKernel, intensity: number) {
  return [
    `${kernel}, ${what}, ${shape}`,
    `${Number(intensity.toPrecision(3))} operations a byte, ${formatGiga(operationsPerSecond)} GOP/s, ${formatSeconds(time.seconds)}`,
    `${formatShare(share.bytes)} of the bytes and ${formatShare(share.operations)} of the operations that are possible`,
  ].join('\n');
}

/** A power of ten or its multiple as short as it can be: 0.001, 1,000, 1e-5. */
function shortNumber(value: number): string {
  return value < 1e-3 || value >= 1e5 ? value.toExponential().replace('+', '') : value.toLocaleString('en-US');
}
