import { expect, test } from 'vitest';
import { escapeXml, formatTick, ticksTo } from '../../src/base/drawing.js';

test('markup in a text is text', () => {
  expect(escapeXml('a < b > c & "d" &lt;')).toBe('a &lt; b &gt; c &amp; &quot;d&quot; &amp;lt;');
});

test.each([
  [1, [0, 0.2, 0.4, 0.6, 0.8, 1], 1],
  [0.0103, [0, 0.0025, 0.005, 0.0075, 0.01, 0.0125], 0.0125],
  [734, [0, 200, 400, 600, 800], 800],
])('ticks to %d', (value, ticks, high) => {
  const found = ticksTo(value);
  expect(found.high).toBeCloseTo(high, 10);
  expect(found.ticks.map((tick) => Number(tick.toFixed(6)))).toEqual(ticks);
});

test('a tick is as short as it can be', () => {
  expect([0.1 + 0.2, 1000, 0].map(formatTick)).toEqual(['0.3', '1,000', '0']);
});
