/** A page of results as one file of HTML that needs nothing from outside. */
import { escapeXml } from '../base/drawing.js';
import type { Align } from '../base/text.js';
import { type Attributes, type Drawing, svg, tag } from './svg.js';

/** A part of a page, with a heading of its own. */
export interface Section {
  /** By which links find it. */
  readonly id: string;
  readonly title: string;
  /** Markup. */
  readonly body: string;
}

/** Colours by name: each may be used as `var(--name)`, and as the class of marks, bars and lines. */
export type Colours = Readonly<Record<string, readonly [light: string, dark: string]>>;

/** Lines of plain text, a point each. */
export const points = (lines: readonly string[]) =>
  tag('ul', {}, ...lines.map((line) => tag('li', {}, escapeXml(line))));
/** A paragraph of plain text. */
export const paragraph = (text: string) => tag('p', {}, escapeXml(text));
export const heading = (level: 2 | 3 | 4, text: string, id?: string) => tag(`h${level}`, { id }, escapeXml(text));

export const link = (id: string, text: string) => tag('a', { href: `#${id}` }, escapeXml(text));

/** A cell of a table: plain text, and how it stands out. */
export type Cell = string | { readonly text: string; readonly mark: 'best' | 'good' | 'bad' };

/**
 * A table that can be scrolled where the window is narrow.
 * @param align a side for each column, left unless told
 * @param groups headings over so many columns each, above the header
 */
export function htmlTable(
  caption: string,
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  align: readonly Align[] = [],
  groups: readonly (readonly [text: string, columns: number])[] = [],
): string {
  const sideOf = (column: number) => (align[column] === 'right' ? ['number'] : []);
  const element = (name: 'td' | 'th', given: Cell, column: number, more: Attributes = {}) => {
    const { text, mark } = typeof given === 'string' ? { text: given, mark: undefined } : given;
    const classes = [...sideOf(column), ...(mark ? [mark] : [])].join(' ');
    return tag(name, { ...more, class: classes || undefined }, escapeXml(text));
  };
  const above = groups.map(([text, columns]) => tag('th', { scope: 'colgroup', colspan: columns }, escapeXml(text)));
  const head = tag('tr', {}, ...header.map((text, column) => element('th', text, column, { scope: 'col' })));
  const body = rows.map((row) =>
    tag(
      'tr',
      {},
      ...row.map((cell, column) =>
        column === 0 ? element('th', cell, column, { scope: 'row' }) : element('td', cell, column),
      ),
    ),
  );
  const heads = above.length > 0 ? [tag('tr', { class: 'groups' }, ...above), head] : [head];
  return scrolling(
    caption,
    tag(
      'table',
      {},
      tag('caption', {}, escapeXml(caption)),
      tag('thead', {}, ...heads),
      tag('tbody', {}, body.join('\n')),
    ),
  );
}

/** What is known by name: a line each. */
export function facts(label: string, rows: readonly (readonly [name: string, value: string])[]): string {
  const cells = rows.map(([name, value]) =>
    tag('tr', {}, tag('th', { scope: 'row' }, escapeXml(name)), tag('td', {}, escapeXml(value))),
  );
  return scrolling(label, tag('table', { class: 'facts' }, tag('tbody', {}, cells.join('\n'))));
}

/** Links to the sections of a page. */
export const sectionLinks = (sections: readonly Section[]) =>
  tag('nav', { 'aria-label': 'sections' }, tag('p', {}, sections.map(({ id, title }) => link(id, title)).join(' · ')));

/** Something wide under a name, that scrolls by itself. */
export const scrolling = (label: string, markup: string) =>
  tag('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: 0 }, markup);

/**
 * The whole page.
 * @param intro markup between the title and the first section
 * @param colours beside those that every page has
 */
export function page(title: string, intro: string, sections: readonly Section[], colours: Colours = {}): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    tag('title', {}, escapeXml(title)),
    `<style>${styleOf(colours)}</style>`,
    '</head>',
    '<body>',
    '<main>',
    tag('h1', {}, escapeXml(title)),
    intro,
    ...sections.map(({ id, title: name, body }) =>
      tag('section', { id, 'aria-labelledby': `${id}-title` }, heading(2, name, `${id}-title`), body),
    ),
    '</main>',
    '</body>',
    '</html>\n',
  ].join('\n');
}

// -------------------------------------------------------------------------------------------------------------- style

/** Colours by day, which paper has too, and by night. */
const COLOURS: Colours = {
  surface: ['#fcfcfb', '#1a1a19'],
  ink: ['#1a1a19', '#f2f1ed'],
  muted: ['#5d5c57', '#b3b1a8'],
  grid: ['#e2e1dc', '#373633'],
  roof: ['#4a4944', '#c9c7be'],
  ours: ['#2a78d6', '#3987e5'],
  peer: ['#8c8b85', '#85847e'],
  good: ['#0b7a53', '#2fc48d'],
  bad: ['#b3372f', '#f08a80'],
};

/** Around a drawing in a file, in pixels. */
const MARGIN = 14;

/**
 * A drawing as a file of its own, which looks as it does in a page with these colours, by day and by night. It names every
 * colour where it is used: programs that print or edit pictures know no variables.
 */
export function pictureFile(drawing: Drawing, colours: Colours = {}): string {
  const all = { ...COLOURS, ...colours };
  const rules = [PICTURE_RULES, '.surface{fill:var(--surface)}', markRules(colours)].join('\n');
  const named = (which: 0 | 1) => rules.replace(/var\(--([\w-]+)\)/g, (_, name: string) => all[name]![which]);
  const style = `<style>\n${named(0)}\n@media screen and (prefers-color-scheme:dark){\n${named(1)}\n}\n</style>`;
  const [width, height] = [drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN];
  const ground = tag('rect', { class: 'surface', width: '100%', height: '100%' });
  const drawn = tag('g', { transform: `translate(${MARGIN} ${MARGIN})` }, ...drawing.content);
  const whole = { title: drawing.title, width, height, content: [style, ground, drawn] };
  return `${svg(whole, { xmlns: 'http://www.w3.org/2000/svg' })}\n`;
}

/** The style of a page that has these colours beside its own. */
export function styleOf(more: Colours): string {
  const colours = { ...COLOURS, ...more };
  const variables = (which: 0 | 1) =>
    Object.entries(colours)
      .map(([name, both]) => `--${name}:${both[which]}`)
      .join(';');
  return `
:root{color-scheme:light;${variables(0)}}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;${variables(1)}}}
${RULES}
${PICTURE_RULES}
${markRules(more)}
${PRINT}`;
}

/** Marks, bars and lines whose class is a colour. */
const markRules = (more: Colours) =>
  ['ours', 'peer', ...Object.keys(more)]
    .map((name) => `.${name}{fill:var(--${name})}.line.${name}{fill:none;stroke:var(--${name})}`)
    .join('\n');

const RULES = `\
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
.groups th{border-bottom:0;padding-bottom:0;color:var(--muted)}
td.best{font-weight:700}
td.good{color:var(--good)}
td.bad{color:var(--bad)}
.facts th,.facts td{white-space:normal;overflow-wrap:anywhere}
.facts tbody th{overflow-wrap:normal}
.facts td{min-width:11em}
svg{display:block;max-width:100%;min-width:760px;height:auto}`;

/** Of what is drawn, in pages and files. */
const PICTURE_RULES = `\
svg{font:11px system-ui,sans-serif}
svg text{fill:var(--ink)}
svg .muted{fill:var(--muted)}
svg .strong{font-weight:600;font-size:12px}
svg .code{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
svg .halo{stroke:var(--surface);stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.grid{stroke:var(--grid)}
.roof{stroke:var(--roof);stroke-width:1.8}
.gather{stroke:var(--roof);stroke-width:1.4;stroke-dasharray:5 4}
.dot{stroke:var(--surface)}
.line{stroke-width:2;stroke-linejoin:round}
.faint{stroke-dasharray:5 4}
.band{opacity:.16}
.row:hover .bar,.kernel:hover .dot{stroke:var(--ink);stroke-width:1.5}`;

const PRINT = `\
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
