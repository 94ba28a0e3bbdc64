import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes that live in the heap. */
function held(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

// A server waits for its device millions of times: a race against one promise of the device's failure remembered each.
test('what was waited for is forgotten', async () => {
  const values = gpu().tensor('u32', [1], 'values');
  const wait = async (times: number) => {
    for (let n = 0; n < times; n += 1) await (n % 2 === 0 ? values.read() : gpu().finish());
  };
  await wait(500);
  const before = held();
  await wait(4000);
  // It were more than a megabyte with as little as three hundred bytes a wait.
  expect(held() - before).toBeLessThan(500_000);
  values.destroy();
});
