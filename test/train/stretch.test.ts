import { describe, expect, test } from 'vitest';
import { resolveOptions } from '../../src/train/options.js';
import { stretched } from '../../src/train/stretch.js';
import { hashgnn } from '../support/cli.js';

const options = resolveOptions({ steps: 1000, guidanceFrom: 600, guidanceEvery: 40, warmup: 0, evaluateEvery: 0 });

describe('a training of another length', () => {
  test('has the same course in fewer steps', () => {
    expect(stretched(options, 0.1)).toMatchObject({ steps: 100, guidanceFrom: 60, guidanceEvery: 4, warmup: 0 });
    expect(stretched(options, 0.1)).toMatchObject({ evaluateEvery: 0, batchSize: options.batchSize });
    expect(stretched(options, 1e-6)).toMatchObject({ steps: 1, logEvery: 1 });
    expect(stretched({ ...options, evaluateEvery: 10 }, 0.3)).toMatchObject({ steps: 300, evaluateEvery: 20 });
    expect(stretched(options, 1)).toBe(options);
  });

  test('has it in more steps, with as many validations', () => {
    const longer = stretched({ ...options, evaluateEvery: 10 }, 2.5);
    expect(longer).toMatchObject({ steps: 2500, guidanceFrom: 1500, guidanceEvery: 100, evaluateEvery: 25 });
    // All that does not count steps is as it was.
    expect(longer.learningRate).toBe(options.learningRate);
    expect(longer.guidanceBy).toBe(options.guidanceBy);
  });

  test.each(['0', '-1', 'x', '1e9'])('--stretch %s is refused', async (text) => {
    const { status, err } = await hashgnn('train', 'nowhere', '--out', 'nowhere-too', '--stretch', text);
    expect(status).toBe(2);
    expect(err).toMatch(/above 0, at most 1,000|Expected a number/);
  });
});
