import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/base/errors.js';
import { OPTIONS, type OptionName, parseOption, resolveOptions } from '../../src/train/options.js';

describe('options', () => {
  test('without any are the documented defaults', () => {
    const { model, preset, ...rest } = resolveOptions({});
    expect({ model, preset }).toEqual({ model: 'hashgnn', preset: 'default' });
    expect(rest).toEqual(Object.fromEntries(Object.entries(OPTIONS).map(([name, spec]) => [name, spec.default])));
  });

  test('what is given wins over the model, the model over the preset, the preset over the default', () => {
    expect(resolveOptions({ preset: 'text' })).toMatchObject({
      batchSize: 256,
      guidanceStart: 1,
      aggregation: 'joint',
    });
    expect(resolveOptions({ preset: 'text', model: 'hash-ste' })).toMatchObject({ batchSize: 256, guidanceStart: 0 });
    expect(resolveOptions({ preset: 'text', batchSize: 32 }).batchSize).toBe(32);
  });

  test('resolved options resolve to themselves', () => {
    const options = resolveOptions({ preset: 'text', bits: 64, fanouts: 'all' });
    expect(resolveOptions(JSON.parse(JSON.stringify(options)))).toEqual(options);
  });

  test.each<[OptionName, string, unknown]>([
    ['bits', '64', 64],
    ['widths', '64,32', [64, 32]],
    ['fanouts', 'all', 'all'],
    ['fanouts', '5, 3', [5, 3]],
    ['learnScale', 'false', false],
    ['ranking', 'softplus', 'softplus'],
    ['margin', '.1', 0.1],
  ])('--%s %s is read', (name, text, value) => {
    const given = name === 'widths' ? { widths: value } : { [name]: parseOption(name, text) };
    expect(parseOption(name, text)).toEqual(value);
    expect(resolveOptions(given)[name]).toEqual(value);
  });

  test.each<[Record<string, unknown>, RegExp]>([
    [{ bits: 12 }, /--bits cannot be 12/],
    [{ bits: 2048 }, /--bits cannot be 2048/],
    [{ bits: '32' }, /--bits cannot be "32"/],
    [{ inputWidth: 6 }, /--input-width cannot be 6/],
    [{ widths: [10] }, /--widths cannot be \[10\]/],
    [{ widths: [] }, /--widths/],
    [{ fanouts: [5] }, /--fanouts cannot be \[5\]/],
    [{ fanouts: 'some' }, /--fanouts/],
    [{ learningRate: Number.NaN }, /--learning-rate/],
    [{ steps: 1.5 }, /--steps/],
    [{ ranking: 'hinge' }, /--ranking cannot be "hinge"/],
    [{ learnScale: 'yes' }, /--learn-scale/],
    [{ negatives: 0, triplets: 0 }, /--negatives/],
    [{ guidanceStart: 0.2, guidanceFloor: 0.5 }, /--guidance-floor/],
    [{ colour: 'red' }, /no option colour/],
    [{ model: 'bert' }, /no model "bert"/],
    [{ preset: 'toString' }, /no preset "toString"/],
  ])('%j is wrong usage, and says what is accepted', (given, message) => {
    let error: unknown;
    try {
      resolveOptions(given, 'options.json');
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toMatch(message);
    expect((error as UsageError).details.where).toBe('options.json');
    expect((error as UsageError).details.fix).toBeTruthy();
  });
});
