/** Whether codes use their bits: balance, correlation, distinct codes, collisions. */

export interface CodeHealth {
  readonly count: number;
  /** |share of ones − ½| · 2 over the bits: 0 where each is set in half of the codes, 1 where it never changes. */
  readonly imbalance: { readonly mean: number; readonly worst: number };
  /** |correlation| over the pairs of bits that change; 0 where there are none. */
  readonly correlation: { readonly mean: number; readonly worst: number };
  readonly distinct: number;
  /** Share of the codes that another one equals. */
  readonly colliding: number;
  /** How many share the most frequent code. */
  readonly largest: number;
}

/**
 * @param codes [count, bits / 8], bit j of a code in bit (j mod 8) of byte (j div 8); one code at least
 */
export function codeHealth(codes: Uint8Array, bits: number): CodeHealth {
  const bytes = bits / 8;
  const count = codes.length / bytes;
  // Bit by bit, so that two bits are compared 32 codes at a time.
  const words = Math.ceil(count / 32);
  const planes = Array.from({ length: bits }, () => new Uint32Array(words));
  const seen = new Map<string, number>();
  for (let code = 0; code < count; code += 1) {
    const row = codes.subarray(code * bytes, (code + 1) * bytes);
    for (let bit = 0; bit < bits; bit += 1) {
      if ((row[bit >> 3]! >> (bit & 7)) & 1) planes[bit]![code >>> 5]! |= 1 << (code & 31);
    }
    const key = String.fromCharCode(...row);
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  const ones = planes.map((plane) => plane.reduce((sum, word) => sum + popcount(word), 0) / count);
  const imbalances = ones.map((share) => Math.abs(2 * share - 1));
  const correlations: number[] = [];
  for (const [a, first] of planes.entries()) {
    for (let b = a + 1; b < bits; b += 1) {
      const [p, q] = [ones[a]!, ones[b]!];
      const variance = p * (1 - p) * q * (1 - q);
      if (variance === 0) continue;
      let both = 0;
      for (let word = 0; word < words; word += 1) both += popcount(first[word]! & planes[b]![word]!);
      correlations.push(Math.abs(both / count - p * q) / Math.sqrt(variance));
    }
  }
  const shared = [...seen.values()].filter((times) => times > 1);
  return {
    count,
    imbalance: summary(imbalances),
    correlation: summary(correlations),
    distinct: seen.size,
    colliding: shared.reduce((sum, times) => sum + times, 0) / count,
    largest: [...seen.values()].reduce((most, times) => Math.max(most, times), 0),
  };
}

function summary(values: readonly number[]): { mean: number; worst: number } {
  const sum = values.reduce((total, value) => total + value, 0);
  return { mean: values.length > 0 ? sum / values.length : 0, worst: Math.max(0, ...values) };
}

function popcount(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
