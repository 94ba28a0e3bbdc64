/** Lines over an axis, some panels beside each other under one legend. */
import { escapeXml, formatTick, ticksBetween } from '../base/drawing.js';
import { type MarkShape, mark, picture, tag, textPixels, tooltip, words } from './svg.js';

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
export function lineCharts(title: string, panels: readonly LinePanel[], columns = Math.min(2, panels.length)): string {
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
  return picture(title, WIDTH, below + height, [...drawn, ...markup]);
}

function panelParts({ title, across, series, low }: LinePanel, width: number): string[] {
  const filled = series.filter(({ points }) => points.length > 0);
  const xs = filled.flatMap(({ points }) => points.map(([x]) => x));
  const ys = filled.flatMap(({ points }) => points.map(([, y]) => y));
  const out = [words(0, 14, title, { class: 'strong' })];
  if (xs.length === 0) return [...out, words(AXIS, HEAD + PLOT / 2, 'nothing to draw', { class: 'muted' })];
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const least = Math.min(...ys, ...(low === undefined ? [] : [low]));
  const most = Math.max(...ys);
  const up = ticksBetween(least, most > least ? most : least + (Math.abs(least) || 1) / 10);
  const right = width - 14;
  const bottom = HEAD + PLOT;
  const x = (value: number) =>
    last > first ? AXIS + ((right - AXIS) * (value - first)) / (last - first) : (AXIS + right) / 2;
  const y = (value: number) => bottom - (PLOT * (value - up.low)) / (up.high - up.low);
  for (const tick of up.ticks) {
    out.push(
      tag('line', { class: 'grid', x1: AXIS, x2: right, y1: y(tick), y2: y(tick) }),
      words(AXIS - 6, y(tick) + 4, formatTick(tick), { class: 'muted', 'text-anchor': 'end' }),
    );
  }
  const along =
    last > first ? ticksBetween(first, last).ticks.filter((tick) => tick >= first && tick <= last) : [first];
  for (const tick of along) {
    out.push(words(x(tick), bottom + 16, formatTick(tick), { class: 'muted', 'text-anchor': 'middle' }));
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
