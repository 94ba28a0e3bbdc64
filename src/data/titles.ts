/** Titles of items, from a file of their own. */
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import type { Engine } from './engine.js';
import { detectTitles } from './format.js';
import { readTitles } from './interactions.js';
import type { PrepareOptions } from './prepare_options.js';
import type { Source } from './sources.js';
import { inspectText } from './text.js';

/** What the titles belong to and where they go. */
export interface TitlesContext {
  /** With the table `items`, numbered. */
  readonly engine: Engine;
  readonly options: PrepareOptions;
  readonly folder: string;
}

/**
 * Writes titles.txt, a line an item in the order of their numbers, empty where none is known.
 * @param path of the file of titles
 * @throws InputError where no item has one
 */
export async function writeTitles(
  { engine, options, folder }: TitlesContext,
  path: string,
): Promise<{ readonly known: number; readonly source: Source }> {
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
  const { bytes, compression, encoding } = text;
  await writeFileAtomic(
    join(folder, 'titles.txt'),
    engine.lines(`SELECT coalesce(title, '') FROM items LEFT JOIN titles USING (id) ORDER BY final`),
  );
  return { known, source: { part: 'titles', path, bytes, compression, encoding, layout: described, rows } };
}
