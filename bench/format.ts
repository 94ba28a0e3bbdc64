/** Numbers as the tables and pages of the benches have them. */

/** A share of 1 with two figures at least: 3.2 %, 47 %. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

/** How many times: 0.65, 14.3. */
export function formatRatio(ratio: number): string {
  return ratio.toFixed(ratio < 9.95 ? 2 : 1);
}

/** A rate in milliards a second, without the unit. */
export function formatGiga(rate: number): string {
  const value = rate / 1e9;
  return value.toFixed(value < 9.95 ? 2 : value < 99.5 ? 1 : 0);
}
