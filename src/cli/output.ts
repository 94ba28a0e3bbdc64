/** How the commands print: people read standard error, programs one JSON object on standard output. */

import type { Command } from 'commander';
import type { Align } from '../base/text.js';
import type { Streams } from './main.js';

export { type Align, formatBytes, formatCount, formatSeconds } from '../base/text.js';

/** The options that every command has; see `outputOptions`. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds `--json` and `--quiet` to a command. */
export function outputOptions(command: Command): Command {
  return command
    .option('--json', 'print the result as one JSON object on standard output')
    .option('-q, --quiet', 'print the result only');
}

/** Where a command's words and its result go. */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;

  constructor(
    options: OutputOptions = {},
    private readonly streams: Streams = process,
  ) {
    this.json = options.json ?? false;
    this.quiet = options.quiet ?? false;
  }

  /** Words for people on the way to the result; nothing with `--quiet`. */
  say(text = ''): void {
    if (!this.quiet) this.streams.stderr.write(`${text}\n`);
  }

  /** Something a person should know even with `--quiet`. */
  warn(text: string): void {
    this.streams.stderr.write(`warning: ${text}\n`);
  }

  /** The result: `value` as one line of JSON with `--json`, `text` for people without; call it once. */
  result(value: unknown, text: string): void {
    if (this.json) this.streams.stdout.write(`${JSON.stringify(value)}\n`);
    else this.streams.stderr.write(`${text}\n`);
  }
}

/** Marks that take no room of their own: combining marks, format characters, escape sequences. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const NO_WIDTH = /\u001b\[[\d;]*m|\p{M}|\p{Cf}/gu;
/** Characters that terminals draw two columns wide. */
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\uff01-\uff60]/gu;

/** Columns that `text` takes on a terminal. */
export function textWidth(text: string): number {
  const visible = text.replace(NO_WIDTH, '');
  return [...visible].length + (visible.match(WIDE)?.length ?? 0);
}

/**
 * A table in plain text: columns two spaces apart, a rule under the header.
 *
 * @param rows the first row is the header; short rows are filled with empty cells
 * @param options `align`: a side for each column; without it columns of numbers stand right and the rest left
 */
export function table(rows: readonly (readonly unknown[])[], options: { align?: readonly Align[] } = {}): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const cells = rows.map((row) => Array.from({ length: columns }, (_, column) => String(row[column] ?? '')));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...cells.map((row) => textWidth(row[column] ?? ''))),
  );
  const sides = widths.map((_, column): Align => {
    const body = cells.slice(1).map((row) => row[column] ?? '');
    const numeric = body.length > 0 && body.every((cell) => /^$|^[-+−]?[\d,. ]+( ?[a-zA-Z%µ/]+)?$|^[-–—]$/.test(cell));
    return options.align?.[column] ?? (numeric && body.some(Boolean) ? 'right' : 'left');
  });
  const lines = cells.map((row) =>
    row
      .map((cell, column) => {
        const space = ' '.repeat((widths[column] ?? 0) - textWidth(cell));
        return sides[column] === 'right' ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
  return rows.length === 0 ? '' : lines.join('\n');
}
