import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  guidanceAt,
  learningRateAt,
  type ScheduleOptions,
  scheduleTable,
  sharpnessAt,
} from '../../src/train/schedule.js';

const options: ScheduleOptions = {
  steps: 6000,
  guidanceStart: 1,
  guidanceFrom: 0,
  guidanceEvery: 250,
  guidanceBy: 0.05,
  guidanceRule: 'subtract',
  guidanceFloor: 0,
  learningRate: 0.001,
};

test('the sharpness is 1 until it grows, exponentially and no further than its most, and stands in column 0', () => {
  const sharpness = { sharpnessFrom: 200, sharpnessEvery: 20, sharpnessBy: 0.05, sharpnessMost: 10 };
  const at = (step: number) => sharpnessAt(sharpness, step);
  expect([0, 200, 219].map(at)).toEqual([1, 1, 1]);
  expect(at(220)).toBeCloseTo(1.05, 12);
  expect(at(400)).toBeCloseTo(1.05 ** 10, 12);
  expect([1_200, 5_999].map(at)).toEqual([10, 10]);
  for (const relaxation of ['continuation', 'concrete'] as const) {
    const table = scheduleTable({ ...options, ...sharpness, steps: 500, relaxation });
    for (const step of [0, 220, 499]) expect(table[4 * step]).toBe(Math.fround(at(step)));
  }
  expect(scheduleTable({ ...options, ...sharpness, steps: 500 })[4 * 499]).toBe(Math.fround(0.95));
});

describe('the guidance probability', () => {
  test('loses 0.05 every 250 steps in the paper’s text, to 0.6 at step 2000 and 0 at step 5000', () => {
    const at = (step: number) => guidanceAt(options, step);
    expect([0, 249].map(at)).toEqual([1, 1]);
    expect(at(250)).toBeCloseTo(0.95, 12);
    expect(at(499)).toBeCloseTo(0.95, 12);
    expect(at(2000)).toBeCloseTo(0.6, 12);
    expect(at(4999)).toBeCloseTo(0.05, 12);
    expect([5000, 5999].map(at)).toEqual([0, 0]);
  });

  test('or keeps 95 % of itself', () => {
    const multiplied = { ...options, guidanceRule: 'multiply' as const };
    expect(guidanceAt(multiplied, 249)).toBe(1);
    expect(guidanceAt(multiplied, 1000)).toBeCloseTo(0.95 ** 4, 12);
  });

  test('stays until the step that it falls from, and at its floor', () => {
    const late = { ...options, guidanceFrom: 3200, guidanceEvery: 75, guidanceFloor: 0.5 };
    expect([0, 3200, 3274].map((step) => guidanceAt(late, step))).toEqual([1, 1, 1]);
    expect(guidanceAt(late, 3275)).toBeCloseTo(0.95, 12);
    expect(guidanceAt(late, 5999)).toBe(0.5);
  });

  test('is fixed where nothing is taken, and a floor above the start does not raise it', () => {
    expect(guidanceAt({ ...options, guidanceStart: 0.7, guidanceBy: 0 }, 5000)).toBe(0.7);
    expect(guidanceAt({ ...options, guidanceStart: 0, guidanceFloor: 0.5 }, 5000)).toBe(0);
  });

  test('is a probability that never rises, whatever the options', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const any = fc.record({
      guidanceStart: share,
      guidanceFrom: fc.nat(50),
      guidanceEvery: fc.integer({ min: 1, max: 20 }),
      guidanceBy: share,
      guidanceRule: fc.constantFrom('subtract' as const, 'multiply' as const),
      guidanceFloor: share,
    });
    fc.assert(
      fc.property(any, (drawn) => {
        let before = drawn.guidanceStart;
        for (let step = 0; step < 120; step += 1) {
          const p = guidanceAt(drawn, step);
          expect(p).toBeLessThanOrEqual(before);
          expect(p).toBeGreaterThanOrEqual(Math.min(drawn.guidanceFloor, drawn.guidanceStart));
          before = p;
        }
      }),
    );
  });
});

describe('the learning rate', () => {
  test('is constant unless told', () => {
    expect([0, 10, 5999].map((step) => learningRateAt(options, step))).toEqual([0.001, 0.001, 0.001]);
  });

  test('warms up linearly and reaches the rate in the last step of it', () => {
    const warm = { ...options, warmup: 4 };
    const rates = [0, 1, 2, 3, 4].map((step) => learningRateAt(warm, step) / 0.001);
    rates.forEach((rate, step) => {
      expect(rate).toBeCloseTo([0.25, 0.5, 0.75, 1, 1][step]!, 12);
    });
  });

  test('falls by a cosine to the fraction that it ends at', () => {
    const cosine = { ...options, steps: 111, warmup: 10, decay: 'cosine' as const, decayTo: 0.2 };
    expect(learningRateAt(cosine, 10)).toBeCloseTo(0.001, 12);
    expect(learningRateAt(cosine, 60)).toBeCloseTo(0.0006, 12);
    expect(learningRateAt(cosine, 110)).toBeCloseTo(0.0002, 12);
    expect(learningRateAt({ ...cosine, decayTo: undefined } as ScheduleOptions, 110)).toBeCloseTo(0, 12);
  });

  test('is finite in the shortest trainings', () => {
    for (const steps of [1, 2]) {
      for (const warmup of [0, 1, 2, 5]) {
        const rates = scheduleTable({ ...options, steps, warmup, decay: 'cosine' });
        expect(rates.every(Number.isFinite)).toBe(true);
      }
    }
  });
});

describe('the table', () => {
  test('has p, the step size and the second correction of every step', () => {
    const table = scheduleTable({ ...options, steps: 300, beta1: 0.5, beta2: 0.75 });
    expect(table.length).toBe(1200);
    expect([...table.slice(0, 4)]).toEqual([1, Math.fround(0.002), 4, 0]);
    expect([...table.slice(4, 8)]).toEqual([1, Math.fround(0.001 / 0.75), Math.fround(1 / (1 - 0.5625)), 0]);
    expect(table[260 * 4]).toBe(Math.fround(0.95));
    expect(table[299 * 4 + 1]).toBe(Math.fround(0.001));
    expect(table[299 * 4 + 2]).toBe(1);
  });

  test('has the default corrections to float32’s last digit', () => {
    const table = scheduleTable(options);
    const [beta1, beta2] = [Math.fround(0.9), Math.fround(0.999)];
    for (const step of [0, 1, 7, 100, 5999]) {
      let [first, second] = [1, 1];
      for (let t = 0; t <= step; t += 1) {
        first *= beta1;
        second *= beta2;
      }
      expect(Math.abs(table[step * 4 + 1]! / (0.001 / (1 - first)) - 1)).toBeLessThan(1e-7);
      expect(Math.abs(table[step * 4 + 2]! * (1 - second) - 1)).toBeLessThan(1e-7);
    }
  });

  test('of no steps is empty', () => {
    expect(scheduleTable({ ...options, steps: 0 }).length).toBe(0);
  });

  test.each([
    ['steps', -1],
    ['steps', 1.5],
    ['learningRate', Number.NaN],
    ['learningRate', -1],
    ['warmup', 0.5],
    ['decayTo', 2],
    ['guidanceStart', 1.1],
    ['guidanceFrom', -1],
    ['guidanceEvery', 0],
    ['guidanceBy', -0.1],
    ['guidanceFloor', Number.NaN],
    ['beta1', 1],
    ['beta2', 0.99999999999],
  ])('names the option that cannot be: %s = %d', (name, value) => {
    expect(() => scheduleTable({ ...options, [name]: value })).toThrow(`${name} cannot be ${value}`);
  });
});
