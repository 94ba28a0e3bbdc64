import type { Numbers } from '../types.js';

/** The items below `items` that are not in a user's list, ascending. */
export function unseenItems(offsets: Numbers, columns: Numbers, user: number, items: number): number[] {
  const own = new Set<number>();
  for (let at = offsets[user]!; at < offsets[user + 1]!; at += 1) own.add(columns[at]!);
  return Array.from({ length: items }, (_, item) => item).filter((item) => !own.has(item));
}

/** ln Σ exp(value), probabilities, mean and variance of values under softmax(scale · values); undefined without values. */
export function softmaxMoments(
  values: readonly number[],
  scale: number,
): { logSum: number; probabilities: number[]; mean: number; variance: number } | undefined {
  if (values.length === 0) return undefined;
  const most = Math.max(...values.map((value) => scale * value));
  const powers = values.map((value) => Math.exp(scale * value - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  const probabilities = powers.map((power) => power / sum);
  const expect = (of: (value: number) => number) =>
    values.reduce((total, value, at) => total + probabilities[at]! * of(value), 0);
  const mean = expect((value) => value);
  return { logSum: most + Math.log(sum), probabilities, mean, variance: expect((value) => (value - mean) ** 2) };
}
