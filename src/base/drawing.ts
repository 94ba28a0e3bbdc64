/** What pictures in SVG and pages in HTML have in common. */

/** Text as it may stand between tags and in attributes of XML and HTML. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Round numbers from 0 to at least `value`, which is above 0, four to eight of them. */
export function ticksTo(value: number): { ticks: number[]; high: number } {
  return ticksBetween(0, value);
}

/** Round numbers from at most `low` to at least `high`, which is above it. */
export function ticksBetween(low: number, high: number): { ticks: number[]; low: number; high: number } {
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw)! * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
  return { ticks, low: first * step, high: last * step };
}

/** The number at a tick, as short as it can be. */
export function formatTick(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString('en-US', { maximumFractionDigits: 4 });
}

/** The number at a tick in few letters, as 10K or 1M: for axes that go over many powers of ten. */
export function compactTick(value: number): string {
  return value.toLocaleString('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
}
