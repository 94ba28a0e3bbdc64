import { describe, expect, test } from 'vitest';
import { Estimate } from '../../src/reproduce/estimate.js';
import { EXHIBITS, type PlannedRun, PROFILES } from '../../src/reproduce/index.js';
import { DATA_NAMES, published, SYSTEM_NAMES } from '../../src/reproduce/paper.js';
import { keyOf, merged } from '../../src/reproduce/plan.js';
import { PRESET_OF } from '../../src/reproduce/profiles.js';
import { plain } from '../../src/reproduce/results.js';
import { changed, withBits, withFixed, withLambda } from '../../src/reproduce/sweeps.js';
import { resolveOptions } from '../../src/train/index.js';

describe('the plan', () => {
  test('what several tables need is trained once, with all that any of them wants of it', () => {
    const recipe = plain('ml-1m', 'hashgnn', 'protocol');
    expect(merged([{ ...recipe, once: true }, recipe, { ...recipe, once: true, curve: true }])).toEqual([
      { ...recipe, once: false, curve: true },
    ]);
    expect(merged([{ ...recipe, once: true }])[0]).toMatchObject({ once: true, curve: false });
  });

  test('a sweep’s own value of the preset is the table’s run, and its ends are other systems', () => {
    const options = resolveOptions({ preset: PRESET_OF.protocol });
    expect(keyOf(withBits(options.bits, 'hashgnn', 'protocol'))).toBe(keyOf(plain('ml-1m', 'hashgnn', 'protocol')));
    expect(keyOf(changed('hashgnn', 'protocol', { triplets: options.triplets + 1 }))).toContain('triplets=');
    expect(withFixed(1).model).toBe('graphsage');
    expect(withLambda(0).model).toBe('hashgnn-nr');
  });

  test.each(Object.entries(PROFILES))('%s: every need can be resolved, and no recipe is there twice', (_, profile) => {
    const needs = merged(EXHIBITS.flatMap((exhibit) => exhibit.needs(profile)));
    expect(new Set(needs.map(keyOf)).size).toBe(needs.length);
    expect(new Set(needs.map(({ data }) => data))).toEqual(new Set(profile.data));
    for (const system of SYSTEM_NAMES) expect(needs.some(({ model }) => model === system)).toBe(true);
    for (const { model, role, changes } of needs) {
      expect(resolveOptions({ model, preset: PRESET_OF[role], ...changes })).toMatchObject({ model });
    }
  });
});

test('every system has figures of the paper on every data set, and HR rises with n', () => {
  for (const system of SYSTEM_NAMES) {
    for (const data of DATA_NAMES) {
      expect(published(system, data, 'HR@50')).toBeLessThan(published(system, data, 'HR@100'));
      expect(published(system, data, 'ndcg@50')).toBeLessThan(published(system, data, 'ndcg@100'));
    }
  }
  expect(published('hashgnn', 'gowalla', 'ndcg@100')).toBe(0.572);
  expect(published('lsh', 'alibaba', 'HR@100')).toBe(0.0365);
});

test('the time that is left follows the runs most like those to come', () => {
  const run = (model: string, data: string) =>
    ({ ...plain(data as never, model as never, 'protocol'), options: { steps: 100 } }) as unknown as PlannedRun;
  const [a, b, c] = [run('hashgnn', 'ml-1m'), run('hashgnn', 'gowalla'), run('mf', 'gowalla')];
  let now = 0;
  const estimate = new Estimate([a, b, c], () => now);
  expect(estimate.left(a, 0)).toBeUndefined();
  const events = estimate.watching(a);
  events.onStart?.(20);
  now = 8;
  events.onStep?.(40);
  // 0.4 s a step: 60 more of this run and all of the others.
  expect(estimate.left(a, 40)).toBeCloseTo(0.4 * 260, 9);
  estimate.finish(a, 0.5);
  expect(estimate.left(b, 0)).toBeCloseTo(0.5 * 200, 9);
  estimate.finish(b, 2);
  expect(estimate.left(c, 50)).toBeCloseTo(2 * 50, 9);
  estimate.drop(c);
  expect(estimate.left(c, 0)).toBe(0);
});
