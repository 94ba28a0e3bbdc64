import { expect, test } from 'vitest';
import { fuzzPrepare } from '../support/fuzz_prepare.js';
import { record } from './record.js';

test('three thousand damaged files are refused by name or read as something whole', async () => {
  const { refused, read } = await fuzzPrepare(3000, 1);
  record('damaged files', { refused, read });
  expect(refused + read).toBe(3000);
}, 3_600_000);
