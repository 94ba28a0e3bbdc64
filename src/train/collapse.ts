/** How far codes tell nodes apart: a training that has collapsed gives all of them the same code, or leaves bits unused. */
export interface CodeUse {
  readonly distinct: number;
  /** Bits that are the same in all codes. */
  readonly deadBits: number;
}

/** @param codes [count, bits / 8] */
export function codeUse(codes: Uint8Array, bits: number): CodeUse {
  const width = bits / 8;
  const distinct = new Set<string>();
  const [some, all] = [new Uint8Array(width), new Uint8Array(width).fill(255)];
  for (let at = 0; at < codes.length; at += width) {
    const code = codes.subarray(at, at + width);
    for (let byte = 0; byte < width; byte += 1) {
      some[byte]! |= code[byte]!;
      all[byte]! &= code[byte]!;
    }
    distinct.add(String.fromCharCode(...code));
  }
  let deadBits = 0;
  for (let bit = 0; bit < bits; bit += 1) {
    const mask = 1 << (bit & 7);
    if ((some[bit >> 3]! & mask) === 0 || (all[bit >> 3]! & mask) !== 0) deadBits += 1;
  }
  return { distinct: distinct.size, deadBits };
}

/** What a person should know of codes that have collapsed; nothing where they have not. */
export function describeCollapse(
  codes: { readonly users: CodeUse; readonly items: CodeUse },
  counts: { readonly users: number; readonly items: number },
  bits: number,
): string | undefined {
  const said = (['users', 'items'] as const).flatMap((side) => {
    const { distinct, deadBits } = codes[side];
    if (counts[side] < 2 || deadBits === 0) return [];
    if (distinct === 1) return [`all codes of ${side} are equal`];
    return [`${deadBits} of ${bits} bits are the same in all codes of ${side}`];
  });
  return said.length > 0 ? said.join(', ') : undefined;
}
