import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../src/train/options.js';
import { hashgnn } from '../support/cli.js';

describe('hashgnn presets', () => {
  it('shows where the presets differ, beside each other', async () => {
    const { status, out, err } = await hashgnn('presets');
    expect({ status, out }).toEqual({ status: 0, out: '' });
    expect(err).toMatch(/^option +default +paper +text +best +sparse$/m);
    expect(err).toMatch(/^--batch-size +4096 +1024 +256 +1024 +1024$/m);
    // Blank where it is the default, and no line where all are.
    expect(err).toMatch(/^--aggregation +concat +joint$/m);
    expect(err).not.toContain('--margin');
  });

  it('gives one as a file for train --config, for a system and a K', async () => {
    const { status, out } = await hashgnn('presets', 'best', '--model', 'lsh', '--bits', '64', '--json');
    expect(status).toBe(0);
    const options = JSON.parse(out);
    expect(options).toEqual(resolveOptions({ preset: 'best', model: 'lsh', bits: 64 }));
    expect(options).toMatchObject({ bits: 64, inputWidth: 64, firstRank: 48, codes: 'hyperplanes' });
    expect(resolveOptions(options)).toEqual(options);
  });

  it('shows every option of one, and what it is instead of', async () => {
    const { err } = await hashgnn('presets', 'text');
    expect(err).toMatch(/^--reduction +sum +mean$/m);
    expect(err).toMatch(/^--margin +0\.2$/m);
  });

  it.each([
    [['presets', 'worst'], 'Allowed choices are default, paper, text, best, sparse'],
    [['presets', 'best', '--bits', '12'], '--bits cannot be 12'],
    [['presets', '--model', 'bert'], 'Allowed choices are'],
  ])('%j is wrong usage', async (args, message) => {
    const { status, err } = await hashgnn(...args);
    expect(status).toBe(2);
    expect(err).toContain(message);
  });
});
