/** What the pictures of a page are made of: elements, scales, marks, bars. */
import { escapeXml, formatTick, ticksTo } from '../base/drawing.js';

/** Attributes of an element; those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/**
 * An element of SVG or HTML.
 * @param content markup as it is; text has to go through `escapeXml`
 */
export function tag(name: string, attributes: Attributes, ...content: readonly string[]): string {
  const given = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? Number(value.toFixed(2)) : escapeXml(value!)}"`);
  return `<${name}${given.join('')}>${content.join('')}</${name}>`;
}

/** What a pointer that rests on the element is told. */
export const tooltip = (text: string) => tag('title', {}, escapeXml(text));

/** A line of text at a point. */
export const words = (x: number, y: number, text: string, more: Attributes = {}) =>
  tag('text', { x, y, ...more }, escapeXml(text));

/** A whole picture, `width` × `height` pixels where there is room and smaller where there is none. */
export interface Drawing {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  /** Markup. */
  readonly content: readonly string[];
}

/** A drawing as an element of SVG. */
export function svg({ title, width, height, content }: Drawing, more: Attributes = {}): string {
  const viewBox = `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`;
  return tag(
    'svg',
    { ...more, viewBox, width, height, role: 'img', 'aria-label': title },
    [tooltip(title), ...content].join('\n'),
  );
}

/** A drawing in a page. */
export const picture = (drawing: Drawing) => tag('div', { class: 'chart' }, svg(drawing));

/** Pixels that a text takes at most, in the pictures' two kinds of letters. */
export const textPixels = (text: string, letters: 'code' | 'words' = 'words') =>
  [...text].length * (letters === 'code' ? 6.7 : 6.6);

// ------------------------------------------------------------------------------------------------------------- scales

/** From values to pixels. */
export type Scale = (value: number) => number;

/** Equal factors are equal distances: `low` lies at `from` and `high` at `to`. */
export function logScale(low: number, high: number, from: number, to: number): Scale {
  const span = Math.log10(high / low);
  return (value) => from + ((to - from) * Math.log10(value / low)) / span;
}

/** Powers of ten between two numbers, and their double and fivefold where there are few of them. */
export function logTicks(low: number, high: number): number[] {
  const factors = Math.log10(high / low) < 4 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    ticks.push(...factors.map((factor) => Number(`${factor}e${power}`)));
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}

// -------------------------------------------------------------------------------------------------------------- marks

/** Corners about the middle, for a mark of radius 1; a circle has none. */
const CORNERS = {
  circle: [],
  square: [-0.85, -0.85, 0.85, -0.85, 0.85, 0.85, -0.85, 0.85],
  up: [0, -1.15, 1.1, 0.85, -1.1, 0.85],
  down: [0, 1.15, 1.1, -0.85, -1.1, -0.85],
  diamond: [0, -1.25, 1.25, 0, 0, 1.25, -1.25, 0],
  right: [1.15, 0, -0.85, 1.1, -0.85, -1.1],
  left: [-1.15, 0, 0.85, 1.1, 0.85, -1.1],
  bar: [-1.2, -0.5, 1.2, -0.5, 1.2, 0.5, -1.2, 0.5],
  pillar: [-0.5, -1.2, 0.5, -1.2, 0.5, 1.2, -0.5, 1.2],
} as const;

export type MarkShape = keyof typeof CORNERS;

const RADIUS = 4.5;

/** A dot of a plot, told apart from others by shape and colour. */
export function mark(shape: MarkShape, x: number, y: number, fill: string): string {
  const corners: readonly number[] = CORNERS[shape];
  if (corners.length === 0) return tag('circle', { class: `dot ${fill}`, cx: x, cy: y, r: RADIUS });
  const points = corners.map((corner, at) => Number(((at % 2 === 0 ? x : y) + RADIUS * corner).toFixed(2)));
  return tag('polygon', { class: `dot ${fill}`, points: points.join(' ') });
}

// ------------------------------------------------------------------------------------------------------------- labels

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** How far down a line its label may move. */
const ALONG_MOST = 400;

/** Puts labels beside dots where nothing else is. */
export class Labels {
  readonly #taken: Box[] = [];

  /** @param bounds in which all labels have to be */
  constructor(readonly bounds: Box) {}

  /** Keeps labels away from a dot. */
  takeDot(x: number, y: number): void {
    this.#taken.push({ left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 });
  }

  /** The label of a level line, above it, as near its right end as there is room. */
  above(end: number, y: number, text: string): string {
    const width = textPixels(text);
    const boxAt = (right: number) => ({ left: right - width, right, top: y - 16, bottom: y - 3 });
    let right = end;
    while (right - width > this.bounds.left && !this.#free(boxAt(right))) right -= 10;
    if (!this.#free(boxAt(right))) right = end;
    this.#taken.push(boxAt(right));
    return words(right, y - 5, text, { class: 'halo muted', 'text-anchor': 'end' });
  }

  /**
   * The label of a rising line, above it or else below, as near a point of it as there is room further down.
   * @param slant of the line, in radians, negative where it rises
   */
  along(x: number, y: number, slant: number, text: string): string {
    const [towards, up] = [Math.cos(slant), Math.sin(slant)];
    const count = Math.ceil(textPixels(text) / 10);
    const placeAt = (end: number, side: 1 | -1) => ({
      ...{ end, side },
      boxes: Array.from({ length: count }, (_, at) => {
        const [back, off] = [end + 10 * at, 9 * side];
        const [cx, cy] = [x - back * towards + off * up, y - back * up - off * towards];
        return { left: cx - 7, right: cx + 7, top: cy - 7, bottom: cy + 7 };
      }),
    });
    const ends = Array.from({ length: ALONG_MOST / 10 }, (_, at) => 10 * (at + 1));
    const places = ([1, -1] as const).flatMap((side) => ends.map((end) => placeAt(end, side)));
    const { end, side, boxes } =
      places.find((place) => place.boxes.every((box) => this.#free(box))) ?? placeAt(ends[0]!, 1);
    this.#taken.push(...boxes);
    const move = `translate(${x.toFixed(2)} ${y.toFixed(2)}) rotate(${((180 / Math.PI) * slant).toFixed(2)})`;
    return words(-end, side === 1 ? -5 : 13, text, { class: 'halo muted', 'text-anchor': 'end', transform: move });
  }

  /** The label beside a point, on its first side with room; nothing where there is none. */
  beside(x: number, y: number, text: string): string {
    const width = textPixels(text);
    const lefts = [x + 8, x - 8 - width];
    for (const left of lefts) {
      for (const down of [0, -11, 11, -20, 20]) {
        const box = { left, right: left + width, top: y + down - 6, bottom: y + down + 6 };
        if (!this.#free(box)) continue;
        this.#taken.push(box);
        const side: Attributes = left > x ? { x: left } : { x: left + width, 'text-anchor': 'end' };
        return tag('text', { ...side, y: y + down + 4, class: 'halo' }, escapeXml(text));
      }
    }
    return '';
  }

  #free(box: Box): boolean {
    const { bounds } = this;
    if (box.left < bounds.left || box.right > bounds.right || box.top < bounds.top || box.bottom > bounds.bottom) {
      return false;
    }
    return this.#taken.every(
      (other) =>
        box.right <= other.left || box.left >= other.right || box.bottom <= other.top || box.top >= other.bottom,
    );
  }
}

// --------------------------------------------------------------------------------------------------------------- bars

/** One of the columns of bars beside each other. */
export interface Panel {
  readonly title: string;
  /** Of the axis; without it the column has none, and a bar of 1 is as long as the column is wide. */
  readonly axis?: (value: number) => string;
}

export interface Bar {
  readonly value: number;
  /** What stands at its end. */
  readonly text: string;
}

export interface BarRow {
  readonly label: string;
  /** After the label, in a lighter colour. */
  readonly note?: string;
  readonly tooltip: string;
  /** Class of the bars. */
  readonly fill: string;
  /** One for each panel. */
  readonly bars: readonly Bar[];
  /** Whether it begins a group of rows. */
  readonly begins?: boolean;
}

const WIDTH = 1000;
const ROW = 18;
const BAR = 12;
const GROUP_GAP = 8;
const HEAD = 40;
/** Between the columns. */
const GAP = 16;
const LABEL_MOST = 440;

/** Bars along a line for each row, all of a column on one scale that begins at 0. */
export function drawBars(title: string, panels: readonly Panel[], rows: readonly BarRow[]): Drawing {
  const labelOf = ({ label, note }: BarRow) => (note ? `${label}  ${note}` : label);
  const labels = Math.min(LABEL_MOST, Math.max(...rows.map((row) => textPixels(labelOf(row), 'code')))) + 12;
  const column = (WIDTH - labels - GAP * (panels.length - 1)) / panels.length;
  const tops: number[] = [];
  let height = HEAD;
  for (const { begins } of rows) {
    if (begins && tops.length > 0) height += GROUP_GAP;
    tops.push(height);
    height += ROW;
  }
  const out: string[] = [];
  const scales = panels.map((panel, at) => {
    const left = labels + at * (column + GAP);
    const room = Math.max(...rows.map((row) => textPixels(row.bars[at]!.text))) + 8;
    const long = Math.max(...rows.map((row) => row.bars[at]!.value)) || 1;
    const { ticks, high } = panel.axis ? ticksTo(long) : { ticks: [0], high: 1 };
    const scale = (value: number) => ((column - room) * value) / high;
    out.push(words(left, 14, panel.title, { class: 'strong' }));
    for (const tick of ticks) {
      const x = left + scale(tick);
      out.push(tag('line', { class: 'grid', x1: x, x2: x, y1: HEAD - 4, y2: height }));
      const anchor = tick === 0 ? 'start' : 'middle';
      if (panel.axis) out.push(words(x, HEAD - 9, panel.axis(tick), { class: 'muted', 'text-anchor': anchor }));
    }
    return { left, scale };
  });
  for (const [at, row] of rows.entries()) {
    const middle = tops[at]! + ROW / 2;
    const whole = labelOf(row);
    const cut = whole.length * 6.7 > LABEL_MOST ? `${whole.slice(0, Math.floor(LABEL_MOST / 6.7) - 1)}…` : whole;
    const label = tag(
      'text',
      { class: 'code', x: 0, y: middle + 4 },
      escapeXml(cut.slice(0, row.label.length)),
      tag('tspan', { class: 'muted' }, escapeXml(cut.slice(row.label.length))),
    );
    const bars = row.bars.flatMap(({ value, text }, panel) => {
      const { left, scale } = scales[panel]!;
      const width = scale(value);
      return [
        tag('rect', { class: `bar ${row.fill}`, x: left, y: middle - BAR / 2, width, height: BAR }),
        words(left + width + 5, middle + 4, text),
      ];
    });
    out.push(tag('g', { class: 'row' }, tooltip(row.tooltip), label, ...bars));
  }
  return { title, width: WIDTH, height: height + 4, content: out };
}

/** The same in a page. */
export const barChart = (...drawn: Parameters<typeof drawBars>) => picture(drawBars(...drawn));

/** A number of milliseconds at a tick. */
export const millisecondTick = (value: number) => `${formatTick(value)} ms`;
/** A share at a tick. */
export const shareTick = (value: number) => `${formatTick(100 * value)} %`;
