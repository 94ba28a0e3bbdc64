import { expect, test } from 'vitest';
import { fuzzPrepare } from '../support/fuzz_prepare.js';
import { record } from './record.js';

test('five thousand damaged files are refused by name or read as something whole', async () => {
  const { refused, read } = await fuzzPrepare(5000, 1);
  record('damaged files', { refused, read });
  expect(refused + read).toBe(5000);
}, 3_600_000);
