import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { patiently } from '../../src/gpu/platform.js';

test('values and failures pass through, however waits overlap', async () => {
  const waits = [30, 5, 20, 0].map((milliseconds, at) => patiently(sleep(milliseconds).then(() => at)));
  const failing = patiently(
    sleep(10).then(() => {
      throw new Error('lost');
    }),
  );
  await expect(failing).rejects.toThrow('lost');
  expect(await Promise.all(waits)).toEqual([0, 1, 2, 3]);
  expect(await patiently(Promise.resolve('again'))).toBe('again');
});

test('while somebody waits long the event loop turns about once a millisecond, and freely after', {
  retry: 3,
}, async () => {
  const turnsDuring = async (work: Promise<unknown>) => {
    let turns = 0;
    let on = true;
    const turn = () => {
      turns += 1;
      if (on) setImmediate(turn);
    };
    setImmediate(turn);
    await work;
    on = false;
    return turns;
  };
  // The naps bound the turns whatever the machine's speed: 8 ms grow to a nap of 1 ms, and so do 100 short waits before.
  for (let short = 0; short < 100; short += 1) await patiently(Promise.resolve());
  const long = 300;
  expect(await turnsDuring(patiently(sleep(long)))).toBeLessThan(long * 3);
  // Nobody waits any more: no nap is left over to slow the loop down.
  const before = performance.now();
  const turns = await turnsDuring(sleep(100));
  expect(turns).toBeGreaterThan((performance.now() - before) * 2);
});
