import { expect, test } from 'vitest';
import { compareDrivers, HAS_SWIFTSHADER, SWIFTSHADER } from './drivers.js';
import { record } from './record.js';

const what = HAS_SWIFTSHADER ? '' : `: NOT SHOWN HERE, SwiftShader is not at ${SWIFTSHADER}`;

test(`two drivers agree on the codes of a short training, and each with itself${what}`, async () => {
  if (!HAS_SWIFTSHADER) return;
  const { bits, same, repeats, difference, adapters } = await compareDrivers(100);
  record('drivers', {
    ...{ bits, same, share: same / bits, repeats, difference },
    ...{ one: adapters[0]!, other: adapters[1]! },
  });
  expect(adapters[0]).not.toBe(adapters[1]);
  expect(repeats).toBe(true);
  expect(same / bits).toBeGreaterThanOrEqual(0.99);
}, 3_600_000);
