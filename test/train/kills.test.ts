import { expect, test } from 'vitest';
import { trainWithKills } from '../soak/kills.js';

// Fifty points instead of three: npm run test:soak.
test('a training that is killed at random moments and taken up again ends in the same bytes', async () => {
  expect(await trainWithKills(3, 5)).toEqual({ killed: 3, failed: [], same: true });
}, 300_000);
