/** How systems and figures look in all tables and pictures. */
import type { Cell, Colours } from '../../page/page.js';
import type { MarkShape } from '../../page/svg.js';
import { SYSTEM_NAMES, type System } from '../paper.js';
import type { Spread } from '../statistics.js';

interface Look {
  readonly shape: MarkShape;
  readonly light: string;
  readonly dark: string;
}

const LOOKS: Readonly<Record<System, Look>> = {
  lsh: { shape: 'bar', light: '#7a7974', dark: '#9a9993' },
  'hashgnn-sp': { shape: 'left', light: '#4a3aa7', dark: '#9085e9' },
  'hash-gumbel': { shape: 'diamond', light: '#b37a00', dark: '#d9a100' },
  'hash-ste': { shape: 'down', light: '#c93637', dark: '#e66767' },
  hashnet: { shape: 'square', light: '#d95926', dark: '#eb6834' },
  'hashgnn-nr': { shape: 'right', light: '#0f8a60', dark: '#1baf7a' },
  mf: { shape: 'up', light: '#c2408f', dark: '#e87ba4' },
  pte: { shape: 'pillar', light: '#8a5a2b', dark: '#c79a6b' },
  bine: { shape: 'up', light: '#2f8f9d', dark: '#63c3d1' },
  graphsage: { shape: 'circle', light: '#1a1a19', dark: '#f2f1ed' },
  hashgnn: { shape: 'circle', light: '#2a78d6', dark: '#3987e5' },
};

/** The class of a system's marks and lines. */
export const classOf = (system: System) => `system-${system}`;
export const shapeOf = (system: System) => LOOKS[system].shape;

/** Colours of a sequence, as of falling p: from warm to cold. */
const SEQUENCE: readonly (readonly [light: string, dark: string])[] = [
  ['#c93637', '#e66767'],
  ['#d95926', '#eb6834'],
  ['#b37a00', '#d9a100'],
  ['#5f8f1d', '#93c04b'],
  ['#0f8a60', '#1baf7a'],
  ['#2f8f9d', '#63c3d1'],
  ['#4a3aa7', '#9085e9'],
];
export const sequenceClass = (at: number) => `sequence-${at % SEQUENCE.length}`;

/** Every colour of the report beside the page's own. */
export const COLOURS: Colours = {
  ...Object.fromEntries(SYSTEM_NAMES.map((name) => [classOf(name), [LOOKS[name].light, LOOKS[name].dark] as const])),
  ...Object.fromEntries(SEQUENCE.map((both, at) => [sequenceClass(at), both])),
};

/** Three decimals without the zero before them, as in the paper: .248. */
export function formatShare(value: number): string {
  return value
    .toFixed(3)
    .replace(/^(-?)0\./, '$1.')
    .replace('-', '−');
}

/** A difference with its sign. */
export const formatDifference = (value: number) => `${value >= 0 ? '+' : ''}${formatShare(value)}`;

/** A mean with its deviation where there are several seeds: .248 ± .003. */
export function formatFigure(figure: Spread | undefined): string {
  if (!figure) return '–';
  const { mean, deviation, count } = figure;
  return count > 1 ? `${formatShare(mean)} ± ${formatShare(deviation)}` : formatShare(mean);
}

/** The cells of a column, of which the largest of the first `among` stands out. */
export function column(figures: readonly (Spread | undefined)[], among = figures.length): Cell[] {
  const best = Math.max(...figures.slice(0, among).map((figure) => figure?.mean ?? Number.NEGATIVE_INFINITY));
  return figures.map((figure, at) => {
    const text = formatFigure(figure);
    return figure && at < among && figure.mean === best ? { text, mark: 'best' } : text;
  });
}

/** p as tables have it. */
export const formatP = (p: number) => (p < 1e-4 ? '< .0001' : p.toFixed(4).replace(/^0/, ''));
