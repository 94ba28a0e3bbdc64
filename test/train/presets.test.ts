import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { flagOf, OPTIONS, type OptionName, PRESETS, type PresetName, resolveOptions } from '../../src/train/options.js';

/** The rows of the tables of docs/presets.md whose first cell is an option, by the names that stand over the other cells. */
const ROWS = readFileSync(new URL('../../docs/presets.md', import.meta.url), 'utf8')
  .trim()
  .split('\n\n')
  .filter((block) => block.startsWith('| option'))
  .map((block) =>
    block.split('\n').map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ),
  )
  .map(([header, , ...rows]) => rows.map((cells) => Object.fromEntries(header!.map((name, at) => [name, cells[at]!]))));

const shown = (value: unknown) => (Array.isArray(value) ? value.join(',') : String(value));

test.each<[PresetName, number]>([
  ['paper', 0],
  ['text', 0],
  ['best', 1],
  ['sparse', 1],
])('docs/presets.md has every option that %s sets, and its value', (preset, table) => {
  const options = resolveOptions({ preset });
  const rows = ROWS[table]!;
  for (const row of rows) {
    const name = (Object.keys(OPTIONS) as OptionName[]).find((option) => `\`--${flagOf(option)}\`` === row.option);
    expect(name, row.option).toBeDefined();
    expect(row[`\`${preset}\``], row.option).toBe(`\`${shown(options[name!])}\``);
  }
  const flags = rows.map(({ option }) => option);
  for (const option of Object.keys(PRESETS[preset].options)) expect(flags).toContain(`\`--${flagOf(option)}\``);
});
