/** What tables of repeated runs and comparisons of two systems need of statistics, in float64. */

export interface Spread {
  readonly mean: number;
  /** Standard deviation of the sample (n − 1); 0 of a single value. */
  readonly deviation: number;
  readonly count: number;
}

/** @param values one at least */
export function spreadOf(values: readonly number[]): Spread {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : 0, count };
}

/** P(Z > z) of a standard normal Z, to nearly all digits of float64 also far out in the tail. */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z > 2.5) {
    // The continued fraction z + 1 / (z + 2 / (z + 3 / …)), from far enough in.
    let below = z;
    for (let term = 120; term >= 1; term -= 1) below = z + term / below;
    return density / below;
  }
  // ½ − φ(z) · (z + z³ / 3 + z⁵ / (3 · 5) + …)
  let term = z;
  let sum = z;
  for (let odd = 3; term > 1e-18 * sum; odd += 2) {
    term *= (z * z) / odd;
    sum += term;
  }
  return 0.5 - density * sum;
}

/** Two systems on the same users. */
export interface PairedTest {
  /** Mean of the differences, first less second. */
  readonly difference: number;
  /** Half of the mean's 95 % confidence interval, by its normal approximation. */
  readonly halfWidth: number;
  /** Users whose values differ. */
  readonly differing: number;
  /** Two-sided p of Wilcoxon's signed-rank test; 1 where nobody differs. */
  readonly p: number;
}

/**
 * Wilcoxon's signed-rank test of paired values by its normal approximation: differences of 0 are left out, equal ones
 * share their mean rank, and the variance is corrected for such ties. Nothing is drawn, so it needs no seed.
 * @param first, second values of the same users, in the same order, two at least
 */
export function pairedTest(first: ArrayLike<number>, second: ArrayLike<number>): PairedTest {
  const all = Array.from(first, (value, user) => value - second[user]!);
  const { mean, deviation, count } = spreadOf(all);
  const halfWidth = (1.959963984540054 * deviation) / Math.sqrt(count);
  const differences = all.filter((difference) => difference !== 0);
  differences.sort((a, b) => Math.abs(a) - Math.abs(b));
  const n = differences.length;
  // The sum of ranks with the sign of their difference, and the sum of the squares of the ranks, its variance.
  let signed = 0;
  let squares = 0;
  for (let start = 0; start < n; ) {
    let end = start + 1;
    while (end < n && Math.abs(differences[end]!) === Math.abs(differences[start]!)) end += 1;
    const rank = (start + 1 + end) / 2;
    for (let at = start; at < end; at += 1) signed += Math.sign(differences[at]!) * rank;
    squares += (end - start) * rank * rank;
    start = end;
  }
  const p = n === 0 ? 1 : 2 * normalTail(Math.abs(signed) / Math.sqrt(squares));
  return { difference: mean, halfWidth, differing: n, p: Math.min(1, p) };
}

/** p-values corrected for being several, by Holm's method, in the order given. */
export function holm(p: readonly number[]): number[] {
  const order = p.map((_, at) => at).sort((a, b) => p[a]! - p[b]!);
  const corrected = new Array<number>(p.length);
  let least = 0;
  order.forEach((at, place) => {
    least = Math.max(least, Math.min(1, (p.length - place) * p[at]!));
    corrected[at] = least;
  });
  return corrected;
}
