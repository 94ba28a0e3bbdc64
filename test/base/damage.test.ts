import { expect, test } from 'vitest';
import { damageAll } from '../soak/damage.js';

// Ten thousand a format instead of two hundred: npm run test:soak.
test('files of every format, damaged at random, are refused or read as they were', async () => {
  const found = await damageAll(200, 7);
  for (const [format, { files, refused, right, wrong }] of Object.entries(found)) {
    expect([wrong, refused + right], format).toEqual([[], files]);
    // Some changes leave the bytes as they were.
    expect([refused > files / 2, right > 0], format).toEqual([true, true]);
  }
  expect(Object.keys(found)).toHaveLength(16);
}, 120_000);
