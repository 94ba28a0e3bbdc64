import { expect, test } from 'vitest';
import { drawCurves } from '../../src/train/curves.js';
import type { LossRecord, ValidationRecord } from '../../src/train/trainer.js';

const loss = (step: number, total: number): LossRecord => ({
  step,
  loss: total,
  crossEntropy: total / 2,
  ranking: total / 4,
  auc: 0.5,
  scale: 0.3,
  guidance: 1 - step / 100,
  learningRate: 0.01,
});

const validation = (step: number, hr: number): ValidationRecord => ({
  step,
  selection: hr,
  codes: { users: { distinct: 2, deadBits: 0 }, items: { distinct: 2, deadBits: 0 } },
  validation: {
    hamming: { 'HR@50': hr / 2 },
    hierarchical: { 'HR@50': hr },
    exact: { 'HR@50': hr },
    seconds: { hamming: 0, hierarchical: 0, exact: 0 },
    users: 1,
  },
});

/** Points of the paths of a picture, in its order: total, cross-entropy, ranking, then p, Hamming, exact, hierarchical. */
function pathsOf(svg: string): [number, number][][] {
  return [...svg.matchAll(/<path d="([^"]*)"/g)].map(([, d]) =>
    [...d!.matchAll(/[ML]([\d.-]+) ([\d.-]+)/g)].map(([, x, y]) => [Number(x), Number(y)]),
  );
}

test('curves rise where the values rise, and every record is a point', () => {
  const svg = drawCurves(
    [loss(10, 1), loss(20, 0.5), validation(20, 0.1), loss(30, 0.25), validation(30, 0.3)],
    'a < b & c',
  );
  const [total, crossEntropy, ranking, guidance, hamming, exact, hierarchical] = pathsOf(svg);
  for (const line of [total, crossEntropy, ranking]) {
    expect(line).toHaveLength(3);
    // Losses fall: y grows downwards.
    expect(line![0]![1]).toBeLessThan(line![1]![1]);
    expect(line![1]![1]).toBeLessThan(line![2]![1]);
    expect(line![1]![0] - line![0]![0]).toBeCloseTo(line![2]![0] - line![1]![0], 0);
  }
  expect(guidance).toHaveLength(3);
  for (const line of [hamming, exact, hierarchical]) {
    expect(line).toHaveLength(2);
    expect(line![1]![1]).toBeLessThan(line![0]![1]);
  }
  expect(exact).toEqual(hierarchical);
  expect(svg).toContain('a &lt; b &amp; c');
});

test('a run without validations, or of one record, still makes a picture', () => {
  for (const records of [[], [loss(1, 0.7)], [validation(1, 0)]]) {
    const svg = drawCurves(records, 'tiny');
    expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
});
