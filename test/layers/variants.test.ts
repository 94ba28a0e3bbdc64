import { expect, test } from 'vitest';
import { likelyVariants, possibleVariants } from '../../src/layers/variants.js';

const adapterOf = (software: boolean, feature: boolean, subgroupSize?: [number, number]) => ({
  adapter: { vendor: '', architecture: '', device: '', description: '', software, subgroupSize },
  features: new Set(feature ? (['subgroups'] as const) : []),
});

test('CPU drivers with subgroups of eight lanes or more use these, all other adapters tiles and columns', () => {
  const apart = { dense: 'tiles', gather: 'columns' };
  expect(likelyVariants(adapterOf(true, true, [8, 8]))).toEqual({ dense: 'subgroups', gather: 'lanes' });
  expect(likelyVariants(adapterOf(true, true, [4, 4]))).toEqual(apart);
  expect(likelyVariants(adapterOf(true, false))).toEqual(apart);
  expect(likelyVariants(adapterOf(false, true, [32, 32]))).toEqual(apart);
});

test('what is likely is possible', () => {
  for (const adapter of [adapterOf(true, true, [8, 8]), adapterOf(true, false), adapterOf(false, true, [32, 64])]) {
    const possible = possibleVariants(adapter);
    const likely = likelyVariants(adapter);
    expect(possible.dense).toContain(likely.dense);
    expect(possible.gather).toContain(likely.gather);
  }
});
