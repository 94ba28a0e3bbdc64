import { expect, test } from 'vitest';
import { profile } from '../../src/gpu/index.js';
import { useGpu } from '../support/gpu.js';
import { fixtureShaders } from './fixtures.js';

const gpu = useGpu({ shaders: fixtureShaders() });

test.each(['wall', 'timestamps'] as const)(
  'by %s every dispatch has its time, label and cost, in order',
  async (clock) => {
    if (clock === 'timestamps' && !gpu().features.has('timestamp-query')) return;
    using scope = gpu().scope();
    const values = scope.tensor('u32', [1000], 'values');
    const copy = scope.tensor('u32', [1000], 'copy');
    const visits = scope.tensor('u32', [1000], 'visits');
    using program = gpu().program('profiled');
    const parameters = { count: 1000, increment: 1 };
    program.clear(values);
    program.dispatch<string>('fixture/step', { bind: { values }, parameters, invocations: 1000, label: 'first' });
    program.copy(values, copy);
    program.dispatch<string>('fixture/visit', {
      bind: { visits },
      parameters: { count: 1000 },
      invocations: 1000,
      cost: { bytes: 8000, operations: 1000 },
    });
    program.dispatch<string>('fixture/step', { bind: { values }, parameters, invocations: 1000, label: 'last' });
    await program.compile();

    const times = await profile(gpu(), program, 3, clock);
    expect(times.map(({ label, kernel }) => [label, kernel])).toEqual([
      ['first', 'fixture/step'],
      ['fixture/visit', 'fixture/visit'],
      ['last', 'fixture/step'],
    ]);
    expect(times[1]).toMatchObject({ bytes: 8000, operations: 1000 });
    for (const { milliseconds, range } of times) {
      expect(milliseconds).toBeGreaterThanOrEqual(0);
      expect(range).toBeGreaterThanOrEqual(0);
    }
    // It ran three times, each part in its place.
    expect([...new Set(await visits.read())]).toEqual([3]);
    const once = Array.from({ length: 1000 }, (_, index) => index + 1);
    expect([...(await copy.read())]).toEqual(once);
    expect([...(await values.read())]).toEqual(
      once.map((value, index) => (Math.imul(1664525, value) + index + 1) >>> 0),
    );
    // One measurement does not differ from itself.
    expect((await profile(gpu(), program, 1, 'wall')).map(({ range }) => range)).toEqual([0, 0, 0]);
  },
);

test('a program without dispatches has no times', async () => {
  using program = gpu().program('empty');
  await program.compile();
  expect(await profile(gpu(), program, 2, 'wall')).toEqual([]);
  if (gpu().features.has('timestamp-query')) expect(await profile(gpu(), program, 2, 'timestamps')).toEqual([]);
});
