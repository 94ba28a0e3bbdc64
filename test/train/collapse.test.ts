import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codeUse, describeCollapse } from '../../src/train/collapse.js';

test('dead bits and distinct codes are those of a plain count', () => {
  const codes = fc
    .integer({ min: 1, max: 4 })
    .chain((width) => fc.array(fc.uint8Array({ minLength: width, maxLength: width }), { minLength: 1, maxLength: 9 }));
  fc.assert(
    fc.property(codes, fc.nat(255), (rows, mask) => {
      // Some bits are made the same in all.
      const masked = rows.map((row) => row.map((byte) => byte | mask));
      const bits = 8 * masked[0]!.length;
      const bitsOf = (row: Uint8Array) => Array.from({ length: bits }, (_, bit) => (row[bit >> 3]! >> (bit & 7)) & 1);
      const table = masked.map(bitsOf);
      const dead = table[0]!.filter((_, bit) => table.every((row) => row[bit] === table[0]![bit])).length;
      const distinct = new Set(table.map((row) => row.join())).size;
      expect(codeUse(Uint8Array.from(masked.flatMap((row) => [...row])), bits)).toEqual({ distinct, deadBits: dead });
    }),
  );
});

test('a collapse is told in words, and nothing where there is none', () => {
  const fine = { distinct: 9, deadBits: 0 };
  const counts = { users: 10, items: 20 };
  expect(describeCollapse({ users: fine, items: fine }, counts, 16)).toBeUndefined();
  expect(
    describeCollapse({ users: { distinct: 1, deadBits: 16 }, items: { distinct: 5, deadBits: 3 } }, counts, 16),
  ).toBe('all codes of users are equal, 3 of 16 bits are the same in all codes of items');
  // One code has nothing to differ from.
  expect(describeCollapse({ users: { distinct: 1, deadBits: 16 }, items: fine }, { ...counts, users: 1 }, 16)).toBe(
    undefined,
  );
});
