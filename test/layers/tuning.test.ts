import { expect, test } from 'vitest';
import { best, tune } from '../../src/layers/tuning.js';
import { possibleVariants } from '../../src/layers/variants.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();

test('every variant that the adapter can run is timed, and one of each kind is chosen', async () => {
  const { variants, measured } = await tune(gpu());
  const possible = possibleVariants(gpu());
  for (const kind of ['dense', 'gather'] as const) {
    expect(measured[kind].map(({ variant }) => variant)).toEqual(possible[kind]);
    for (const { milliseconds } of measured[kind]) expect(milliseconds).toBeGreaterThan(0);
    expect(possible[kind]).toContain(variants[kind]);
  }
});

test('another variant is taken only where it is clearly faster than the likely one', () => {
  const times = (columns: number, lanes: number) => [
    { variant: 'columns', milliseconds: columns },
    { variant: 'lanes', milliseconds: lanes },
  ];
  expect(best(times(10, 9), 'columns')).toBe('columns');
  expect(best(times(10, 7.9), 'columns')).toBe('lanes');
  expect(best(times(10, 30), 'columns')).toBe('columns');
  expect(best(times(8.5, 10), 'lanes')).toBe('lanes');
  expect(best(times(2, 10), 'lanes')).toBe('columns');
});
