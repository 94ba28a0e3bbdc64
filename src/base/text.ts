/** Numbers and arguments as people read them, on a terminal and on a page. */

/** Which side the cells of a column stand on. */
export type Align = 'left' | 'right';

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

/** An argument as shells want it. */
export function quoted(argument: string): string {
  return /^[\w./:=,@%+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
