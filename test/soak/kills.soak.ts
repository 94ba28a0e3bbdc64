import { expect, test } from 'vitest';
import { trainWithKills } from './kills.js';
import { record } from './record.js';

test('fifty kills at random moments lose nothing', async () => {
  const { killed, failed, same } = await trainWithKills(50, 1);
  record('kills', { killed, failed: failed.length, same });
  expect({ killed, failed, same }).toEqual({ killed: 50, failed: [], same: true });
}, 1_800_000);
