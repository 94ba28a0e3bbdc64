import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Part } from '../../src/data/split.js';
import { TimeCounts } from '../../src/data/times.js';

const DAY = 86_400;
/** Moments from 1900 to 2200 to the millisecond, as far apart as the years or as close as seconds. */
const times = fc
  .tuple(fc.integer({ min: -2_208_988_800, max: 7_258_118_399 }), fc.constantFrom(2, 3000, DAY, 900 * DAY, 1e10))
  .chain(([from, span]) => {
    const last = Math.min(from + span, 7_258_118_399);
    const time = fc.integer({ min: 1000 * from, max: 1000 * last }).map((milliseconds) => milliseconds / 1000);
    return fc.array(fc.tuple(time, fc.constantFrom(0, 1, 2)), { minLength: 1, maxLength: 60 });
  });

function counted(all: readonly [time: number, part: number][]) {
  const moments = all.map(([time]) => time);
  const counts = new TimeCounts(Math.min(...moments), Math.max(...moments));
  for (const [time, part] of all) counts.add(part, time);
  return counts.histogram();
}

test('each interaction is counted in its period and its part, and no period is beyond the ends', () => {
  fc.assert(
    fc.property(times, (all) => {
      const found = counted(all);
      const { from, period } = found;
      const number = found.train.length;
      expect(number).toBeLessThanOrEqual(40);
      expect(from).toBeLessThanOrEqual(found.first);
      expect(found.first).toBeLessThan(from + period);
      expect(found.last).toBeGreaterThanOrEqual(from + (number - 1) * period);
      expect(found.last).toBeLessThan(from + number * period);
      for (const part of ['train', 'valid', 'test'] as const) {
        expect(found[part]).toEqual(
          Array.from({ length: number }, (_, at) => {
            const [begins, ends] = [from + at * period, from + (at + 1) * period];
            return all.filter(([time, which]) => which === Part[part] && time >= begins && time < ends).length;
          }),
        );
      }
    }),
  );
});

test('a period is as short as forty of them allow, and days begin at midnight', () => {
  const periodOf = (last: number) =>
    counted([
      [0.5, 0],
      [last, 2],
    ]).period;
  expect([39, 40, 40 * DAY - 1, 40 * DAY, 1e9].map(periodOf)).toEqual([1, 10, DAY, 7 * DAY, 365 * DAY]);
  expect(
    counted([
      [1.6 * DAY, 0],
      [9 * DAY, 0],
    ]).from % 3600,
  ).toBe(0);
  expect(counted([[7, 1]])).toMatchObject({ from: 7, period: 1, train: [0], valid: [1], test: [0] });
});

test('the last moment before a period ends is in it, however close', () => {
  const close = 60 - 2 ** -47;
  expect(
    counted([
      [0, 0],
      [close, 0],
    ]).train.reduce((sum, count) => sum + count, 0),
  ).toBe(2);
  expect(
    counted([
      [-5e-324, 0],
      [0, 0],
    ]).train,
  ).toEqual([1, 1]);
});
