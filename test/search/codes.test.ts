import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { packCodes, toWords, unpackCodes, wordsOf } from '../../src/search/codes.js';

test('bit j of a code is bit j mod 8 of byte j div 8 and bit j mod 32 of word j div 32', () => {
  const bytes = Uint8Array.of(0b1, 0b10000000, 0, 0, 0b11);
  expect([...packCodes(bytes, 40)]).toEqual([0b1000_0000_0000_0001, 0b11]);
});

test('bytes come back from words, at every width', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 128 }), fc.nat(5), fc.nat(255), (width, count, salt) => {
      const bytes = Uint8Array.from({ length: width * count }, (_, index) => (index * 37 + salt) & 255);
      const words = packCodes(bytes, width * 8);
      expect(words.length).toBe(count * Math.ceil(width / 4));
      expect(unpackCodes(words, width * 8)).toEqual(bytes);
      expect(toWords(words, width * 8)).toBe(words);
    }),
  );
});

test('a width that is no multiple of 8 up to 1,024 is an input error', () => {
  for (const bits of [0, 7, 12, 1032, -8, 8.5, Number.NaN]) expect(() => wordsOf(bits)).toThrow(InputError);
});

test('a part of a code, bits beyond the width and other arrays are input errors', () => {
  expect(() => packCodes(new Uint8Array(5), 32)).toThrow(InputError);
  expect(() => unpackCodes(new Uint32Array(3), 64)).toThrow(InputError);
  expect(() => toWords(new Uint32Array(3), 64)).toThrow(InputError);
  expect(() => toWords(Uint32Array.of(1 << 8), 8)).toThrow(/row 0|beyond/);
  expect(() => toWords(new Float32Array(4) as never, 32)).toThrow(InputError);
});
