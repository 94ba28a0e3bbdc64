/** Lines over an axis, some panels beside each other under one legend. */
import { compactTick, escapeXml, formatTick, ticksBetween } from '../base/drawing.js';
import {
  type Drawing,
  logScale,
  logTicks,
  type MarkShape,
  mark,
  picture,
  type Scale,
  tag,
  textPixels,
  tooltip,
  words,
} from './svg.js';

export interface Series {
  readonly name: string;
  /** Class of its line and its marks. */
  readonly colour: string;
  /** Of the marks on its points, which are drawn where there are few. */
  readonly shape?: MarkShape;
  readonly dashed?: boolean;
  /** By ascending x, finite. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LinePanel {
  readonly title: string;
  /** What the axis from left to right shows. */
  readonly across: string;
  readonly series: readonly Series[];
  /** Where the axis upwards begins at most; near the lowest point unless told. */
  readonly low?: number;
  /** Equal factors are equal distances on both axes; all values have to be above 0. */
  readonly log?: boolean;
}

const WIDTH = 1000;
const GAP = 40;
const HEAD = 30;
const PLOT = 250;
const FOOT = 44;
const AXIS = 44;
const LEGEND_LINE = 18;
/** Lines of more points have no marks on them. */
const MARKED = 16;
/** So much of a line needs no mark of its own to be told from a dot. */
const SWATCH = 26;

/** @param panels at least one with a point, in rows of at most `columns` */
export function drawLines(title: string, panels: readonly LinePanel[], columns = Math.min(2, panels.length)): Drawing {
  const width = (WIDTH - GAP * (columns - 1)) / columns;
  const tall = HEAD + PLOT + FOOT;
  const drawn = panels.map((panel, at) => {
    const move = `translate(${((at % columns) * (width + GAP)).toFixed(2)} ${Math.floor(at / columns) * tall})`;
    return tag('g', { class: 'panel', transform: move }, ...panelParts(panel, width));
  });
  const below = Math.ceil(panels.length / columns) * tall;
  const { markup, height } = legend(
    panels.flatMap(({ series }) => series),
    below,
  );
  return { title, width: WIDTH, height: below + height, content: [...drawn, ...markup] };
}

/** The same in a page. */
export const lineCharts = (...drawn: Parameters<typeof drawLines>) => picture(drawLines(...drawn));

function panelParts({ title, across, series, low, log }: LinePanel, width: number): string[] {
  const filled = series.filter(({ points }) => points.length > 0);
  const xs = filled.flatMap(({ points }) => points.map(([x]) => x));
  const ys = filled.flatMap(({ points }) => points.map(([, y]) => y));
  const out = [words(0, 14, title, { class: 'strong' })];
  if (xs.length === 0) return [...out, words(AXIS, HEAD + PLOT / 2, 'nothing to draw', { class: 'muted' })];
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const least = Math.min(...ys, ...(low === undefined ? [] : [low]));
  const most = Math.max(...ys);
  const right = width - 14;
  const bottom = HEAD + PLOT;
  const up = log ? logAxis(least, most, bottom, HEAD) : linearAxis(least, most, bottom, HEAD, 'outward');
  const along = log ? logAxis(first, last, AXIS, right) : linearAxis(first, last, AXIS, right, 'inward');
  const [x, y] = [along.scale, up.scale];
  const label = log ? compactTick : formatTick;
  for (const tick of up.ticks) {
    out.push(
      tag('line', { class: 'grid', x1: AXIS, x2: right, y1: y(tick), y2: y(tick) }),
      words(AXIS - 6, y(tick) + 4, label(tick), { class: 'muted', 'text-anchor': 'end' }),
    );
  }
  for (const tick of along.ticks) {
    out.push(words(x(tick), bottom + 16, label(tick), { class: 'muted', 'text-anchor': 'middle' }));
  }
  out.push(words((AXIS + right) / 2, bottom + 33, across, { class: 'muted', 'text-anchor': 'middle' }));
  for (const { name, colour, shape, dashed, points } of filled) {
    const path = points
      .map(([px, py], at) => `${at === 0 ? 'M' : 'L'}${x(px).toFixed(1)} ${y(py).toFixed(1)}`)
      .join('');
    const [endX, endY] = points.at(-1)!;
    const hint = `${name}: ${formatTick(Number(endY.toFixed(4)))} at ${formatTick(endX)}`;
    const marks = shape && points.length <= MARKED ? points.map(([px, py]) => mark(shape, x(px), y(py), colour)) : [];
    const line = tag('path', { class: `line ${colour}${dashed ? ' faint' : ''}`, d: path });
    out.push(tag('g', { class: 'series' }, tooltip(hint), line, ...marks));
  }
  return out;
}

interface Axis {
  readonly scale: Scale;
  readonly ticks: readonly number[];
}

/** @param ends whether the axis goes on to the round numbers outside the values, or ends with them */
function linearAxis(least: number, most: number, from: number, to: number, ends: 'outward' | 'inward'): Axis {
  if (ends === 'inward') {
    if (most === least) return { scale: () => (from + to) / 2, ticks: [least] };
    const ticks = ticksBetween(least, most).ticks.filter((tick) => tick >= least && tick <= most);
    return { scale: (value) => from + ((to - from) * (value - least)) / (most - least), ticks };
  }
  const { ticks, low, high } = ticksBetween(least, most > least ? most : least + (Math.abs(least) || 1) / 10);
  return { scale: (value) => from + ((to - from) * (value - low)) / (high - low), ticks };
}

function logAxis(least: number, most: number, from: number, to: number): Axis {
  const high = most > least ? most : 10 * least;
  return { scale: logScale(least, high, from, to), ticks: logTicks(least, high) };
}

/** Each name once, in lines from left to right. */
function legend(series: readonly Series[], top: number): { markup: string[]; height: number } {
  const markup: string[] = [];
  let [x, y] = [0, top + 10];
  for (const { name, colour, shape, dashed } of new Map(series.map((one) => [one.name, one])).values()) {
    const wide = SWATCH + 26 + textPixels(name);
    if (x > 0 && x + wide > WIDTH) [x, y] = [0, y + LEGEND_LINE];
    const line = tag('path', { class: `line ${colour}${dashed ? ' faint' : ''}`, d: `M${x} ${y}L${x + SWATCH} ${y}` });
    const dot = shape ? mark(shape, x + SWATCH / 2, y, colour) : '';
    markup.push(
      tag('g', { class: 'legend' }, line, dot, tag('text', { x: x + SWATCH + 6, y: y + 4 }, escapeXml(name))),
    );
    x += wide;
  }
  return { markup, height: y - top + LEGEND_LINE };
}
