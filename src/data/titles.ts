/** Titles of the items that are left, for display. */
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { detectTitles } from './format.js';
import { readTitles } from './interactions.js';
import type { Preparation } from './preparation.js';
import type { Source } from './sources.js';
import { inspectText } from './text.js';

/** Writes `titles.txt`, a title by line in the order of the items. Returns how many are known, and what was read. */
export async function writeTitles(preparation: Preparation, path: string): Promise<{ known: number; source: Source }> {
  const { engine, options, temporary } = preparation;
  const text = await inspectText(path, { signal: options.signal, latin1: true });
  const layout = detectTitles(text);
  const separator = layout.delimiter === '\t' ? 'tabs' : JSON.stringify(layout.delimiter);
  const described = `titles, columns separated by ${separator}, ${layout.header ? 'with a' : 'no'} header`;
  options.report?.(`${path}: ${described}${text.encoding === 'latin-1' ? ', Latin-1' : ''}`);
  await readTitles(engine, text, layout, 'titles');
  const { rows, known } = await engine.counts<'rows' | 'known'>(`SELECT (SELECT count(*) FROM titles) AS rows,
    (SELECT count(*) FROM items JOIN titles USING (id) WHERE title <> '') AS known`);
  if (known === 0) {
    throw new InputError('no item of the interactions has a title here: the ids do not meet', {
      where: path,
      fix: 'name the file that belongs to the interactions: item id and title a line',
    });
  }
  await writeFileAtomic(
    join(temporary, 'titles.txt'),
    engine.lines(`SELECT coalesce(title, '') FROM items LEFT JOIN titles USING (id) ORDER BY final`),
  );
  const { bytes, compression, encoding } = text;
  return { known, source: { part: 'titles', path, bytes, compression, encoding, layout: described, rows } };
}
