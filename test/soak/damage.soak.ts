import { expect, test } from 'vitest';
import { damageAll } from './damage.js';
import { record } from './record.js';

test('ten thousand damaged files of every format: refused, or read as they were', async () => {
  const found = await damageAll(10_000, 1);
  for (const [format, { files, refused, right, wrong }] of Object.entries(found)) {
    record('damage', { format, files, refused, right, wrong: wrong.length });
  }
  expect(Object.values(found).flatMap(({ wrong }) => wrong)).toEqual([]);
}, 3_600_000);
