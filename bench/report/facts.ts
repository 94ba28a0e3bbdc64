/** What results say of themselves, at the top of their page. */
import { escapeXml } from '../../src/base/drawing.js';
import { link, type Section, scrolling } from '../../src/page/page.js';
import { tag } from '../../src/page/svg.js';

/** What one result says of itself, by name. */
export type Facts = Readonly<Record<string, string>>;

/**
 * How everything was measured: a column for each result, and one cell for all where they agree.
 * @param facts of each section's result, in the order of the sections
 */
export function factsTable(sections: readonly Section[], facts: readonly Facts[]): string {
  const names = [...new Set(facts.flatMap((one) => Object.keys(one)))];
  const links = sections.map(({ id, title }) => tag('th', { scope: 'col' }, link(id, title)));
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
