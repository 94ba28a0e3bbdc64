import { escapeXml, formatTick, ticksTo } from '../base/drawing.js';
import type { LossRecord, ValidationRecord } from './trainer.js';

/** A line of a panel: its name, its colour, its points. */
interface Line {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [step: number, value: number])[];
}

const WIDTH = 760;
const PANEL = 220;
const LEFT = 60;
const RIGHT = 165;
const TOP = 34;
const GAP = 62;

/**
 * The curves of a run as an SVG picture: losses over steps above, validation HR@50 by search below with the guidance
 * probability p behind it.
 *
 * @param records the records of `metrics.jsonl`
 * @param title what stands on top
 */
export function drawCurves(records: readonly (LossRecord | ValidationRecord)[], title: string): string {
  const losses = records.filter((record): record is LossRecord => 'loss' in record);
  const validations = records.filter((record): record is ValidationRecord => 'validation' in record);
  const last = Math.max(1, ...records.map(({ step }) => step));
  const lossLine = (name: string, colour: string, key: 'loss' | 'crossEntropy' | 'ranking'): Line => ({
    name,
    colour,
    points: losses.map((record) => [record.step, record[key]]),
  });
  const hrLine = (name: string, colour: string, search: 'hamming' | 'hierarchical' | 'exact'): Line => ({
    name,
    colour,
    points: validations.map(({ step, validation }) => [step, validation[search]['HR@50']!]),
  });
  // Either falls from 1: p of the guidance, or the temperature of a smooth relaxation.
  const isSmooth = losses.some(({ sharpness }) => sharpness !== undefined);
  const relaxation: Line = {
    name: isSmooth ? 'temperature 1/β' : 'guidance p',
    colour: '#bbbbbb',
    points: losses.map(({ step, guidance = 1, sharpness }) => [step, sharpness ? 1 / sharpness : guidance]),
  };
  const height = TOP + 2 * PANEL + GAP + 50;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<text x="${LEFT}" y="18" font-size="14" font-weight="600">${escapeXml(title)}</text>`,
    panel('training loss', last, TOP, [
      lossLine('total', '#1b4f9c', 'loss'),
      lossLine('cross-entropy', '#e07b39', 'crossEntropy'),
      lossLine('ranking', '#3a9d5d', 'ranking'),
    ]),
    panel(
      'validation HR@50',
      last,
      TOP + PANEL + GAP,
      [
        hrLine('Hamming', '#c0392b', 'hamming'),
        // Exact and hierarchical search often agree: the wider line shows beneath.
        hrLine('exact', '#c9a227', 'exact'),
        hrLine('hierarchical', '#1b4f9c', 'hierarchical'),
      ],
      relaxation,
    ),
    '</svg>\n',
  ].join('\n');
}

/** One chart; `shade` is drawn behind the lines, over its own range from 0 to 1. */
function panel(title: string, last: number, top: number, lines: readonly Line[], shade?: Line): string {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite);
  const { ticks, high } = ticksTo(Math.max(1e-9, ...values));
  const bottom = top + PANEL;
  const x = (step: number) => LEFT + (step / last) * (WIDTH - LEFT - RIGHT);
  const y = (value: number, limit = high) => bottom - (value / limit) * (PANEL - 24);
  const right = WIDTH - RIGHT;
  const path = ({ points }: Line, limit?: number) =>
    points
      .map(([step, value], at) => `${at === 0 ? 'M' : 'L'}${x(step).toFixed(1)} ${y(value, limit).toFixed(1)}`)
      .join('');
  const out = [`<text x="${LEFT}" y="${top + 12}" fill="#444">${title}</text>`];
  for (const tick of ticks) {
    out.push(`<line x1="${LEFT}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#e6e6e6"/>`);
    out.push(`<text x="${LEFT - 8}" y="${y(tick) + 4}" text-anchor="end" fill="#666">${formatTick(tick)}</text>`);
  }
  const steps = ticksTo(last);
  for (const tick of steps.ticks.filter((step) => step <= last)) {
    out.push(`<text x="${x(tick)}" y="${bottom + 18}" text-anchor="middle" fill="#666">${formatTick(tick)}</text>`);
  }
  out.push(`<text x="${(LEFT + right) / 2}" y="${bottom + 36}" text-anchor="middle" fill="#444">step</text>`);
  if (shade) out.push(`<path d="${path(shade, 1)}" fill="none" stroke="${shade.colour}" stroke-dasharray="4 3"/>`);
  for (const line of lines) {
    const width = line.name === 'exact' ? 4 : 1.8;
    out.push(
      `<path d="${path(line)}" fill="none" stroke="${line.colour}" stroke-width="${width}" stroke-linejoin="round"/>`,
    );
  }
  [...lines, ...(shade ? [shade] : [])].forEach(({ name, colour, points }, index) => {
    const at = top + 30 + index * 18;
    const value = points.at(-1)?.[1];
    const label = value === undefined ? name : `${name} ${value.toFixed(3)}`;
    out.push(
      `<line x1="${right + 8}" x2="${right + 24}" y1="${at - 4}" y2="${at - 4}" stroke="${colour}" stroke-width="3"/>`,
    );
    out.push(`<text x="${right + 29}" y="${at}" font-size="11">${escapeXml(label)}</text>`);
  });
  return out.join('\n');
}
