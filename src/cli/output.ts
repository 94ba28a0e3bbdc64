/** How the commands print: people read standard error, programs one JSON object on standard output. */

import type { Command } from 'commander';
import type { Streams } from './main.js';

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

/** Which side the cells of a column stand on. */
export type Align = 'left' | 'right';

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

/** A count with its thousands apart: 1,000,209. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? count.toLocaleString('en-US', { maximumFractionDigits: 2 }) : String(count);
}

/** Bytes in binary units with three figures: 512 B, 1.50 KiB, 128 MiB. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return String(bytes);
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  // 1023.5 would be printed as 1024.
  while (Math.abs(value) >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : threeFigures(value)} ${units[unit]}`;
}

/** A duration from microseconds to days: 35 µs, 4.20 ms, 1.50 s, 2 min 05 s, 3 h 07 min, 2 d 04 h. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return String(seconds);
  if (seconds < 0) return `-${formatSeconds(-seconds)}`;
  if (seconds === 0) return '0 s';
  if (seconds < 0.9995e-3) return `${threeFigures(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${threeFigures(seconds * 1e3)} ms`;
  if (seconds < 59.95) return `${threeFigures(seconds)} s`;
  const parts: [number, string, string][] = [
    [60, 'min', 's'],
    [3600, 'h', 'min'],
    [86400, 'd', 'h'],
  ];
  for (const [index, [size, large, small]] of parts.entries()) {
    const step = [1, 60, 3600][index]!;
    // Round in the smaller unit first, so that 59.7 s never shows as 60 s.
    const whole = Math.round(seconds / step);
    const ratio = size / step;
    const next = parts[index + 1]?.[0];
    if (next !== undefined && whole * step >= next) continue;
    return `${Math.floor(whole / ratio)} ${large} ${String(whole % ratio).padStart(2, '0')} ${small}`;
  }
  return `${Math.round(seconds / 86400)} d`;
}

/** Three significant figures without an exponent; whole from 100 up. */
function threeFigures(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}
