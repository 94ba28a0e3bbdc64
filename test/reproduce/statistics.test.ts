import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeHealth } from '../../src/reproduce/code_health.js';
import { holm, normalTail, pairedTest, spreadOf } from '../../src/reproduce/statistics.js';

// Known values are from SciPy 1.17: norm.sf, wilcoxon(method='asymptotic', correction=False).
test.each([
  [0, 0.5],
  [0.5, 0.3085375387259869],
  [1.96, 0.024997895148220435],
  [2.4, 0.008197535924596131],
  [2.6, 0.004661188023718747],
  [5, 2.866515718791933e-7],
  [10, 7.61985302416047e-24],
  [30, 4.906713927147908e-198],
])('the normal tail beyond %s', (z, expected) => {
  expect(normalTail(z) / expected).toBeCloseTo(1, 12);
  expect(normalTail(-z)).toBeCloseTo(1 - expected, 14);
});

describe("Wilcoxon's signed-rank test", () => {
  test('with ties and users that do not differ', () => {
    const first = [0.5, 0.25, 0, 1, 0.75, 0.5, 0.25, 0.125, 0.625, 0.25, 0.875, 0.125];
    const second = [0.25, 0.25, 0.125, 0.5, 0.5, 0.25, 0.5, 0.25, 0.25, 0.25, 0.375, 0.25];
    const found = pairedTest(first, second);
    expect(found.p).toBeCloseTo(0.09955968187174137, 12);
    expect(found.difference).toBeCloseTo(0.125, 14);
    expect(found.halfWidth).toBeCloseTo(0.1477378440756657, 12);
    expect(found.differing).toBe(10);
    expect(pairedTest(second, first)).toEqual({ ...found, difference: -found.difference });
    const [a, b] = [
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      [2, 2, 5, 1, 9, 1, 1, 16, 0, 0],
    ];
    expect(pairedTest(a!, b!).p).toBeCloseTo(0.3139380937749148, 12);
  });

  test('the same system twice does not differ, a system better for all does, whatever the order of users', () => {
    expect(pairedTest([1, 2, 3], [1, 2, 3])).toEqual({ difference: 0, halfWidth: 0, differing: 0, p: 1 });
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 12, maxLength: 60 }), (gains) => {
        const base = gains.map((_, user) => user);
        const better = gains.map((gain, user) => user + gain);
        const found = pairedTest(better, base);
        expect(found.p).toBeLessThan(0.01);
        expect(pairedTest([...better].reverse(), [...base].reverse()).p).toBeCloseTo(found.p, 12);
      }),
    );
  });

  test('Holm: the smallest p counts as often as there are tests, and no corrected p is below one before it', () => {
    expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});

test('mean and deviation of a sample', () => {
  expect(spreadOf([1, 2, 3, 4])).toEqual({ mean: 2.5, deviation: Math.sqrt(5 / 3), count: 4 });
  expect(spreadOf([7])).toEqual({ mean: 7, deviation: 0, count: 1 });
});

describe('code health', () => {
  test('by hand: four codes of which two are the same', () => {
    // Bits 0 and 1 are the same, bit 2 is their opposite, bits 3 to 7 never change.
    const health = codeHealth(Uint8Array.of(0b011, 0b011, 0b100, 0b10100), 8);
    expect(health).toMatchObject({ count: 4, distinct: 3, colliding: 0.5, largest: 2 });
    expect(health.imbalance).toEqual({ mean: (0 * 3 + 1 * 4 + 0.5) / 8, worst: 1 });
    expect(health.correlation.worst).toBe(1);
  });

  test('is that of plain loops', () => {
    const shape = fc.record({ bytes: fc.integer({ min: 1, max: 4 }), count: fc.integer({ min: 1, max: 90 }) });
    fc.assert(
      fc.property(shape, fc.infiniteStream(fc.nat(255)), ({ bytes, count }, stream) => {
        const codes = Uint8Array.from({ length: bytes * count }, () => stream.next().value as number);
        const bits = bytes * 8;
        const bit = (code: number, at: number) => (codes[code * bytes + (at >> 3)]! >> (at & 7)) & 1;
        const all = Array.from({ length: count }, (_, code) => code);
        const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
        const share = Array.from({ length: bits }, (_, at) => mean(all.map((code) => bit(code, at))));
        const worst = Math.max(...share.map((p) => Math.abs(p - 0.5) * 2));
        const health = codeHealth(codes, bits);
        expect(health.imbalance.worst).toBeCloseTo(worst, 12);
        const correlations: number[] = [];
        for (let a = 0; a < bits; a += 1) {
          for (let b = 0; b < a; b += 1) {
            const covariance = mean(all.map((code) => (bit(code, a) - share[a]!) * (bit(code, b) - share[b]!)));
            const scale = Math.sqrt(share[a]! * (1 - share[a]!) * share[b]! * (1 - share[b]!));
            if (scale > 0) correlations.push(Math.abs(covariance / scale));
          }
        }
        expect(health.correlation.mean).toBeCloseTo(correlations.length > 0 ? mean(correlations) : 0, 9);
        const keys = all.map((code) => codes.subarray(code * bytes, (code + 1) * bytes).join());
        expect(health.distinct).toBe(new Set(keys).size);
        const colliding = keys.filter((key) => keys.filter((other) => other === key).length > 1).length / count;
        expect(health.colliding).toBeCloseTo(colliding, 12);
      }),
      { numRuns: 40 },
    );
  });
});
