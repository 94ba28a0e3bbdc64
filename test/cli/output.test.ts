import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatSeconds, Output, table, textWidth } from '../../src/cli/output.js';
import { Progress, type ProgressOptions } from '../../src/cli/progress.js';

describe('figures', () => {
  test.each([
    [0, '0'],
    [999, '999'],
    [1_000_209, '1,000,209'],
    [-1234, '-1,234'],
    [Number.NaN, 'NaN'],
  ])('%d is counted as %s', (count, text) => expect(formatCount(count)).toBe(text));

  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [1536, '1.50 KiB'],
    [1048575, '1.00 MiB'],
    [134217728, '128 MiB'],
    [5 * 2 ** 40, '5.00 TiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  test.each([
    [0, '0 s'],
    [3.5e-5, '35.0 µs'],
    [0.0042, '4.20 ms'],
    [0.9999, '1.00 s'],
    [1.5, '1.50 s'],
    [59.97, '1 min 00 s'],
    [125, '2 min 05 s'],
    [3599.7, '1 h 00 min'],
    [11_220, '3 h 07 min'],
    [86_399, '1 d 00 h'],
    [187_200, '2 d 04 h'],
    [-1.5, '-1.50 s'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  test('no duration shows 60 of a smaller unit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (seconds) => {
        const match = /^\d+ (min|h|d) (\d\d) (s|min|h)$/.exec(formatSeconds(seconds));
        if (match) expect(Number(match[2])).toBeLessThan(match[3] === 'h' ? 24 : 60);
        else expect(formatSeconds(seconds)).toMatch(/^[\d.]+ (µs|ms|s)$/);
      }),
    );
  });
});

describe('tables', () => {
  test('words stand left, numbers right, under a rule', () => {
    expect(
      table([
        ['search', 'HR@50'],
        ['hamming', 0.24],
        ['hierarchical', '0.2810'],
      ]),
    ).toBe(['search         HR@50', '────────────  ──────', 'hamming         0.24', 'hierarchical  0.2810'].join('\n'));
  });

  test('sides can be told, short rows are filled, and nothing at all is nothing', () => {
    const lines = table([['a', 'long'], ['x'], ['y', '1']], { align: ['right', 'left'] }).split('\n');
    expect(lines).toEqual(['a  long', '─  ────', 'x', 'y  1']);
    expect(table([])).toBe('');
  });

  test('every line of a table is as wide as its rule, whatever the letters', () => {
    const cell = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.integer());
    const clean = cell.map((value) => String(value).replace(/\s|\p{C}/gu, ' '));
    fc.assert(
      fc.property(fc.array(fc.tuple(clean, clean.filter(Boolean)), { minLength: 1, maxLength: 6 }), (rows) => {
        const lines = table(
          rows.map(([left, right]) => [left, `${right}|`]),
          { align: ['left', 'right'] },
        ).split('\n');
        const rule = textWidth(lines[1] ?? '');
        for (const line of lines) expect(textWidth(line)).toBe(rule);
      }),
    );
  });

  test('wide characters take two columns, colours and combining marks none', () => {
    expect(textWidth('\u001b[31mred\u001b[0m')).toBe(3);
    expect(textWidth('千と')).toBe(4);
    expect(textWidth('e\u0301')).toBe(1);
  });
});

test('with --json only the object goes to standard output, without it only words to standard error', () => {
  const run = (options: { json?: boolean; quiet?: boolean }) => {
    let out = '';
    let err = '';
    const streams = {
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: (text: string) => (err += text) },
    };
    const output = new Output(options, streams);
    output.say('working');
    output.result({ users: 3 }, '3 users');
    return { out, err };
  };
  expect(run({})).toEqual({ out: '', err: 'working\n3 users\n' });
  expect(run({ json: true })).toEqual({ out: '{"users":3}\n', err: 'working\n' });
  expect(run({ json: true, quiet: true })).toEqual({ out: '{"users":3}\n', err: '' });
});

describe('progress', () => {
  function make(options: Partial<ProgressOptions> & { tty?: boolean; columns?: number }) {
    const written: string[] = [];
    let clock = 0;
    const progress = new Progress({
      label: 'training',
      total: 1000,
      stream: { write: (text) => written.push(text), isTTY: options.tty ?? false, columns: options.columns ?? 80 },
      now: () => clock,
      ...options,
    });
    return { progress, written, tick: (milliseconds: number) => (clock += milliseconds) };
  }

  test('a terminal gets one live line, at most ten times a second, and a last line that stays', () => {
    const { progress, written, tick } = make({ tty: true });
    for (let step = 1; step <= 500; step++) {
      tick(10);
      progress.update(step, 'loss 0.4312');
    }
    expect(written.length).toBeLessThanOrEqual(51);
    expect(written.length).toBeGreaterThan(40);
    expect(written.every((text) => !text.includes('\n'))).toBe(true);
    expect(written.at(-1)).toContain('training  491/1,000  49%  loss 0.4312  100 steps/s  5.09 s left');
    progress.done();
    expect(written.slice(-2)).toEqual(['\r\u001b[2K', 'training  500 steps in 5.00 s\n']);
  });

  test('a pause, as for a validation, slows the rate and not what the time left is judged by', () => {
    const { progress, written, tick } = make({});
    const steps = (from: number, to: number) => {
      for (let step = from; step <= to; step++) {
        tick(100);
        progress.update(step);
      }
    };
    steps(1, 301);
    tick(60_000);
    steps(302, 311);
    progress.log('');
    // 310 steps took 91 s; the last stretch is that of the pause.
    expect(written.at(-2)).toMatch(/^training {2}302\/1,000 {2}30% {2}0\.02 steps\/s {2}3 min 2\d s left\n$/);
  });

  test('the live line never reaches the edge of the terminal', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.string({ unit: 'grapheme', maxLength: 80 }),
        (columns, metrics) => {
          const { progress, written, tick } = make({ tty: true, columns });
          tick(1000);
          progress.update(1, metrics.replace(/\s|\p{C}/gu, ' '));
          const line = (written.at(-1) ?? '').replace('\r\u001b[2K', '');
          expect(textWidth(line)).toBeLessThan(Math.max(2, columns));
        },
      ),
    );
  });

  test('elsewhere plain lines come every tenth or every ten seconds', () => {
    const { progress, written, tick } = make({});
    for (let step = 1; step <= 1000; step++) {
      tick(20);
      progress.update(step);
    }
    progress.done();
    expect(written).toHaveLength(12);
    expect(written.every((text) => /^training .*\n$/.test(text) && !text.includes('\u001b'))).toBe(true);

    const slow = make({});
    for (let step = 1; step <= 60; step++) {
      slow.tick(1000);
      slow.progress.update(step);
    }
    expect(slow.written).toHaveLength(6);
  });

  test('work without a known end shows no share and no time left', () => {
    const { progress, written, tick } = make({ tty: true, total: undefined });
    tick(1000);
    progress.update(5);
    expect(written.at(-1)).toBe('\r\u001b[2Ktraining  5  5.00 steps/s');
  });

  test('resumed work does not count the steps done before', () => {
    const { progress, written, tick } = make({ tty: true, from: 900 });
    tick(1000);
    progress.update(910);
    expect(written.at(-1)).toContain('10.0 steps/s');
  });

  test('a quiet one writes nothing, and only the first done counts', () => {
    const quiet = make({ quiet: true });
    quiet.tick(1000);
    quiet.progress.update(10);
    quiet.progress.log('word');
    quiet.progress.done();
    expect(quiet.written).toEqual([]);
    const { progress, written } = make({});
    progress.done('first');
    progress.done('second');
    expect(written).toEqual(['first\n']);
  });
});
