/** A page of results as one file of HTML that needs nothing from outside. */
import { escapeXml } from '../../src/base/drawing.js';
import type { Align } from '../../src/cli/output.js';
import { ROOMS } from './rooms.js';
import { tag } from './svg.js';

/** What one result has to show. */
export interface Section {
  readonly title: string;
  /** Markup. */
  readonly body: string;
}

/** What one result says of itself, by name. */
export type Facts = Readonly<Record<string, string>>;

/** Lines of plain text, a point each. */
export const points = (lines: readonly string[]) =>
  tag('ul', {}, ...lines.map((line) => tag('li', {}, escapeXml(line))));
/** A paragraph of plain text. */
export const paragraph = (text: string) => tag('p', {}, escapeXml(text));
export const heading = (level: 2 | 3 | 4, text: string, id?: string) => tag(`h${level}`, { id }, escapeXml(text));

/**
 * A table of plain text that can be scrolled where the window is narrow.
 * @param align a side for each column, left unless told
 */
export function htmlTable(
  caption: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly Align[] = [],
): string {
  const cell = (name: 'td' | 'th', more: Readonly<Record<string, string>>) => (text: string, column: number) =>
    tag(name, { ...more, class: align[column] === 'right' ? 'number' : undefined }, escapeXml(text));
  const head = tag('tr', {}, ...header.map(cell('th', { scope: 'col' })));
  const body = rows.map((row) =>
    tag(
      'tr',
      {},
      ...row.map((text, column) =>
        cell(column === 0 ? 'th' : 'td', column === 0 ? { scope: 'row' } : {})(text, column),
      ),
    ),
  );
  return scrolling(
    caption,
    tag('table', {}, tag('caption', {}, escapeXml(caption)), tag('thead', {}, head), tag('tbody', {}, body.join('\n'))),
  );
}

const scrolling = (label: string, markup: string) =>
  tag('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: 0 }, markup);

/**
 * @param facts of each section's result, in the order of the sections
 * @returns the whole page
 */
export function page(title: string, sections: readonly Section[], facts: readonly Facts[]): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    tag('title', {}, escapeXml(title)),
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<main>',
    tag('h1', {}, escapeXml(title)),
    factsTable(sections, facts),
    ...sections.map(({ title: name, body }, at) =>
      tag(
        'section',
        { id: idOf(at), 'aria-labelledby': `${idOf(at)}-title` },
        heading(2, name, `${idOf(at)}-title`),
        body,
      ),
    ),
    '</main>',
    '</body>',
    '</html>\n',
  ].join('\n');
}

const idOf = (section: number) => `result-${section + 1}`;

/** How everything was measured: a column for each result, and one cell for all where they agree. */
function factsTable(sections: readonly Section[], facts: readonly Facts[]): string {
  const names = [...new Set(facts.flatMap((one) => Object.keys(one)))];
  const links = sections.map(({ title }, at) =>
    tag('th', { scope: 'col' }, tag('a', { href: `#${idOf(at)}` }, escapeXml(title))),
  );
  const rows = names.map((name) => {
    const values = facts.map((one) => one[name] ?? 'unknown');
    const [first] = values;
    const cells = values.every((value) => value === first)
      ? tag('td', { colspan: values.length }, escapeXml(first!))
      : values.map((value) => tag('td', {}, escapeXml(value))).join('');
    return tag('tr', {}, tag('th', { scope: 'row' }, escapeXml(name)), cells);
  });
  const caption = 'How it was measured';
  return scrolling(
    caption,
    tag(
      'table',
      { class: 'facts' },
      tag('caption', {}, caption),
      tag('thead', {}, tag('tr', {}, '<td></td>', ...links)),
      tag('tbody', {}, rows.join('\n')),
    ),
  );
}

// -------------------------------------------------------------------------------------------------------------- style

/** Colours by day, which paper has too, and by night. */
const COLOURS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  surface: ['#fcfcfb', '#1a1a19'],
  ink: ['#1a1a19', '#f2f1ed'],
  muted: ['#5d5c57', '#b3b1a8'],
  grid: ['#e2e1dc', '#373633'],
  roof: ['#4a4944', '#c9c7be'],
  ours: ['#2a78d6', '#3987e5'],
  peer: ['#8c8b85', '#85847e'],
  ...Object.fromEntries(ROOMS.map(({ name, colours }) => [name, colours])),
};

const variables = (which: 0 | 1) =>
  Object.entries(COLOURS)
    .map(([name, both]) => `--${name}:${both[which]}`)
    .join(';');

const STYLE = `
:root{color-scheme:light;${variables(0)}}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;${variables(1)}}}
body{margin:0;background:var(--surface);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1240px;margin:0 auto;padding:24px 20px 60px}
h1{font-size:1.7em;margin:0 0 .6em}
h2{font-size:1.35em;margin:2.4em 0 .5em;padding-top:.5em;border-top:2px solid var(--grid)}
h3{font-size:1.12em;margin:2em 0 .3em}
h4{font-size:1em;margin:1.6em 0 .3em}
p,li{max-width:75ch}
p,ul{margin:.5em 0}
ul{padding-left:1.2em}
a{color:inherit}
.scroll,.chart{overflow-x:auto;margin:.8em 0}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);padding-bottom:4px}
th,td{padding:3px 12px 3px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid)}
th{font-weight:600}
th,td{white-space:nowrap}
tbody th{font-weight:400}
.number{text-align:right}
.facts th,.facts td{white-space:normal;overflow-wrap:anywhere}
.facts td{min-width:11em}
svg{display:block;max-width:100%;min-width:760px;height:auto;font:11px system-ui,sans-serif}
svg text{fill:var(--ink)}
svg .muted{fill:var(--muted)}
svg .strong{font-weight:600;font-size:12px}
svg .code{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
svg .halo{stroke:var(--surface);stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.grid{stroke:var(--grid)}
.roof{stroke:var(--roof);stroke-width:1.8}
.gather{stroke:var(--roof);stroke-width:1.4;stroke-dasharray:5 4}
.dot{stroke:var(--surface)}
${['ours', 'peer', ...ROOMS.map(({ name }) => name)].map((name) => `.${name}{fill:var(--${name})}`).join('\n')}
.row:hover .bar,.kernel:hover .dot{stroke:var(--ink);stroke-width:1.5}
@media print{
@page{size:A4;margin:14mm}
main{max-width:none;padding:0}
body{font-size:11px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
table{font-size:7.5px}
th,td{padding-right:6px;white-space:normal}
.number{white-space:nowrap}
.scroll,.chart{overflow:visible}
svg{min-width:0}
tr,h2,h3,h4{break-inside:avoid}
h2,h3,h4{break-after:avoid}
}
`;
