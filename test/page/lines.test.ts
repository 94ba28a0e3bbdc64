import { describe, expect, test } from 'vitest';
import { ticksBetween, ticksTo } from '../../src/base/drawing.js';
import { lineCharts } from '../../src/page/lines.js';
import { find, number, readMarkup } from '../support/markup.js';

test('ticks cover a range in round steps, from 0 as before', () => {
  expect(ticksBetween(0.43, 0.71)).toMatchObject({ low: 0.4, high: 0.8 });
  expect(ticksBetween(-3, 4).ticks).toEqual([-4, -2, 0, 2, 4]);
  expect(ticksTo(9)).toMatchObject({ high: 10, ticks: [0, 2, 4, 6, 8, 10] });
});

/** The corners of a path. */
const corners = (d: string) =>
  d
    .split(/[ML]/)
    .filter(Boolean)
    .map((pair) => pair.split(' ').map(Number) as [number, number]);

describe('a chart of lines', () => {
  const series = [
    {
      name: 'a <b>',
      colour: 'ours',
      shape: 'circle' as const,
      points: [
        [0, 0.2],
        [10, 0.4],
      ] as const,
    },
    {
      name: 'c',
      colour: 'peer',
      dashed: true,
      points: [
        [0, 0.3],
        [5, 0.3],
        [10, 0],
      ] as const,
    },
  ];
  const svgOf = (markup: string) => find(readMarkup(markup), 'svg')[0]!;

  test('has every line to scale, every name once and text as text', () => {
    const panel = { title: 'HR & more', across: 'n', series, low: 0 };
    const svg = svgOf(lineCharts('two <panels>', [panel, { ...panel, title: 'again' }]));
    expect(svg.attributes['aria-label']).toBe('two <panels>');
    const [first] = find(svg, 'g', 'panel');
    const [a, c] = find(first!, 'path').map(({ attributes }) => corners(attributes.d!));
    // Higher is further up, in proportion.
    const up = (y: number) => c![2]![1] - y;
    expect(up(a![1]![1]) / up(a![0]![1])).toBeCloseTo(2, 1);
    expect(up(c![0]![1]) / up(a![0]![1])).toBeCloseTo(1.5, 1);
    expect(c![1]![0]).toBeCloseTo((a![0]![0] + a![1]![0]) / 2, 0);
    expect(find(svg, 'g', 'legend').map(({ text }) => text)).toEqual(['a <b>', 'c']);
    expect(find(first!, 'circle')).toHaveLength(2);
    // Nothing beyond the picture.
    const width = number(svg, 'width');
    expect(Math.max(...a!.map(([x]) => x))).toBeLessThan(width / 2);
  });

  test('of one point, of equal values and of nothing', () => {
    const one = { title: 'one', across: 'n', series: [{ name: 'x', colour: 'ours', points: [[3, 0.5]] as const }] };
    const flat = {
      ...one,
      series: [
        {
          name: 'x',
          colour: 'ours',
          points: [
            [0, 0],
            [1, 0],
          ] as const,
        },
      ],
    };
    for (const panel of [one, flat]) expect(lineCharts('t', [panel])).not.toMatch(/NaN|Infinity/);
    expect(svgOf(lineCharts('t', [{ ...one, series: [] }])).text).toContain('nothing to draw');
  });

  test('on logarithmic axes has equal distances for equal factors, and short ticks', () => {
    const points = [1, 10, 100, 100_000].map((x): [number, number] => [x, 10 * x]);
    const panel = { title: 'log', across: 'n', series: [{ name: 'x', colour: 'ours', points }], log: true };
    const svg = svgOf(lineCharts('t', [panel]));
    const [line] = find(find(svg, 'g', 'panel')[0]!, 'path').map(({ attributes }) => corners(attributes.d!));
    for (const axis of [0, 1] as const) {
      const [one, ten, hundred, last] = line!.map((point) => point[axis]);
      expect(hundred! - ten!).toBeCloseTo(ten! - one!, 0);
      expect(last! - hundred!).toBeCloseTo(3 * (ten! - one!), 0);
    }
    expect(find(svg, 'text').map(({ text }) => text)).toEqual(expect.arrayContaining(['1', '10K', '1M']));
    const flat = { ...panel, series: [{ ...panel.series[0]!, points: [[3, 3]] as const }] };
    expect(lineCharts('t', [flat])).not.toMatch(/NaN|Infinity/);
  });
});
