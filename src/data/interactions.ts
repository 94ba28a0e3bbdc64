/**
 * Interactions from text files into a table of the engine, checked line by line.
 *
 * The engine's CSV reader gives whole lines (decompressed, decoded, in the order of the file, in parallel where it can);
 * they are split in SQL, so that each row knows its line. Nothing passes through the memory of JavaScript.
 */
import { InputError } from '../base/errors.js';
import { type Engine, literal } from './engine.js';
import type { InteractionLayout, Layout, TitleLayout } from './format.js';
import { atLine, lineOfRow, quote, readLine, type TextFile } from './text.js';

/** The lines of a file as rows (row, line); `row` counts the filled lines from 1. */
function linesOf(text: TextFile): string {
  // Square brackets, stars and question marks in the name of a file are no pattern.
  const path = literal(text.path.replace(/[*?[]/g, '[$&]'));
  // No byte below 0x20 but tab and line ends is left in a file that passed its inspection: 1 separates nothing, 2 is no value.
  return `(SELECT row_number() OVER () AS row, line FROM read_csv(${path}, columns = {'line': 'VARCHAR'},
    auto_detect = false, header = false, delim = '\u0001', quote = '', escape = '', comment = '', nullstr = ['\u0002\u0002'],
    new_line = '\\n', compression = ${literal(text.compression)}, encoding = ${literal(text.encoding)},
    max_line_size = ${Math.max(2_097_152, text.longestLine + 16)}, strict_mode = false))`;
}

/** The fields of `line` as a list; of quoted ones with their quotes. */
function fieldsOf({ delimiter, quoted }: Layout): string {
  const plain = `string_split(line, ${literal(delimiter)})`;
  if (delimiter === ' ') return `list_filter(${plain}, lambda field: field <> '')`;
  if (!quoted) return plain;
  // The comma put in front makes every match non-empty, so that an empty first field is not lost.
  const split = `regexp_extract_all(',' || line, ',("(?:[^"]|"")*"|[^,]*)', 1)`;
  return `CASE WHEN contains(line, '"') THEN ${split} ELSE ${plain} END`;
}

/** One field, freed of its quotes. Lists count from 1. */
function field(index: number, { quoted }: Layout): string {
  const raw = `fields[${index + 1}]`;
  if (!quoted) return raw;
  return `CASE WHEN ${raw}[1] = '"' THEN replace(${raw}[2:-2], '""', '"') ELSE ${raw} END`;
}

/** Whether a line's quotes do not match: a field that opens and does not close, or goes on after its closing quote. */
function brokenQuotes({ quoted }: Layout): string {
  if (!quoted) return 'false';
  const open = `len(list_filter(fields, lambda field: field[1] = '"' AND NOT regexp_full_match(field, '"(?:[^"]|"")*"'))) > 0`;
  return `(contains(line, '"') AND (array_to_string(fields, ',') <> line OR ${open}))`;
}

interface Problem {
  row: bigint;
  width: number;
  user: string | null;
  item: string | null;
  rating: string | null;
  problem: string;
}

const blank = `' ' || chr(9) || chr(160)`;
const number = '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?';

/**
 * Reads a file of interactions into a new table (user VARCHAR, item VARCHAR, rating DOUBLE or NULL).
 *
 * @param options.emptyLists whether an adjacency list of no items is an empty one instead of an error
 * @returns the number of rows (interactions) of the table
 * @throws InputError with file, line, what was found and what was expected
 */
export async function readInteractions(
  engine: Engine,
  text: TextFile,
  layout: InteractionLayout,
  table: string,
  options: { readonly emptyLists?: boolean } = {},
): Promise<number> {
  const lists = layout.format === 'lightgcn';
  const raw = `${table}_raw`;
  const item = lists ? 'unnest(CASE WHEN len(fields) = 1 THEN [NULL] ELSE fields[2:] END)' : field(layout.item, layout);
  await engine.run(
    `CREATE TABLE ${raw} AS
    SELECT row, len(fields)::INTEGER AS width, ${field(layout.user, layout)} AS user, ${item} AS item,
      ${layout.rating === undefined ? 'NULL::VARCHAR' : field(layout.rating, layout)} AS rating,
      ${brokenQuotes(layout)} AS broken
    FROM (SELECT row, line, ${fieldsOf(layout)} AS fields FROM ${linesOf(text)}${layout.header ? ' WHERE row > 1' : ''})`,
    text.path,
  );

  const wrongWidth = lists ? `item IS NULL AND ${options.emptyLists !== true}` : `width <> ${layout.width}`;
  // Ratings repeat: each distinct one is judged once.
  const wrongRating = `rating IN (SELECT rating FROM (SELECT DISTINCT rating FROM ${raw})
      WHERE NOT regexp_full_match(trim(rating), ${literal(number)}) OR NOT coalesce(isfinite(try_cast(rating AS DOUBLE)), false))`;
  const [problem] = await engine.rows<Problem>(`SELECT row, width, user, item, rating, problem FROM (
      SELECT *, CASE WHEN broken THEN 'quote' WHEN ${wrongWidth} THEN 'width' WHEN trim(user, ${blank}) = '' THEN 'user'
        WHEN trim(item, ${blank}) = '' THEN 'item' WHEN ${wrongRating} THEN 'rating' END AS problem FROM ${raw})
    WHERE problem IS NOT NULL ORDER BY row LIMIT 1`);
  if (problem) throw await describe(problem, text, layout);

  const { last } = await engine.counts<'last'>(`SELECT coalesce(max(row), 0) AS last FROM ${raw}`);
  if (last !== text.filledLines) {
    throw new InputError(`${text.filledLines} lines were expected and ${last} read`, {
      where: text.path,
      fix: 'make sure that nothing writes to the file meanwhile',
    });
  }
  await engine.run(`CREATE TABLE ${table} AS
    SELECT user, item, trim(rating)::DOUBLE AS rating FROM ${raw} WHERE item IS NOT NULL`);
  await engine.run(`DROP TABLE ${raw}`);
  const { count } = await engine.counts<'count'>(`SELECT count(*) AS count FROM ${table}`);
  return count;
}

async function describe(problem: Problem, text: TextFile, layout: InteractionLayout): Promise<InputError> {
  const line = lineOfRow(text, Number(problem.row));
  const found = quote(await readLine(text, line));
  const where = atLine(text.path, line);
  const { width } = problem;
  switch (problem.problem) {
    case 'quote':
      return new InputError(`a quoted field does not end where it should, found ${found}`, {
        where,
        fix: 'close the quote before the next comma, and write a quote inside a field twice',
      });
    case 'width': {
      if (layout.format === 'lightgcn') {
        return new InputError(`one column where a user and at least one item are expected, found ${found}`, {
          where,
          fix: 'add the items of the user, or leave the line out',
        });
      }
      const columns = width === 1 ? 'one column' : `${width} columns`;
      return new InputError(`${columns} where ${layout.width} are expected, as in the first line; found ${found}`, {
        where,
        fix: `give each line the same columns (read as ${layout.description}), or name another --format`,
      });
    }
    case 'rating':
      return new InputError(`the rating ${quote(problem.rating!)} is not a number; expected one such as 4 or 3.5`, {
        where,
        fix: `correct the line; it was read as ${layout.description}${layout.header ? '' : ' (--header if its first line names the columns)'}`,
      });
    default:
      return new InputError(`the ${problem.problem} id is empty, found ${found}`, {
        where,
        fix: `give each interaction a user and an item (read as ${layout.description})`,
      });
  }
}

/**
 * Reads a file of titles into a table (id VARCHAR, title VARCHAR), one row an item; of an item that repeats the first
 * counts. Line ends and tabs in titles become spaces.
 *
 * @throws InputError with the line of the first record that has no title column
 */
export async function readTitles(engine: Engine, text: TextFile, layout: TitleLayout, table: string): Promise<void> {
  const needed = Math.max(layout.item, layout.title) + 1;
  const raw = `${table}_raw`;
  await engine.run(
    `CREATE TABLE ${raw} AS
    SELECT row, len(fields)::INTEGER AS width, ${field(layout.item, layout)} AS id, ${field(layout.title, layout)} AS title
    FROM (SELECT row, line, ${fieldsOf(layout)} AS fields FROM ${linesOf(text)}${layout.header ? ' WHERE row > 1' : ''})`,
    text.path,
  );
  const [short] = await engine.rows<{ row: bigint; width: number }>(
    `SELECT row, width FROM ${raw} WHERE width < ${needed} ORDER BY row LIMIT 1`,
  );
  if (short) {
    const line = lineOfRow(text, Number(short.row));
    const columns = short.width === 1 ? 'one column' : `${short.width} columns`;
    throw new InputError(`${columns} where item and title are expected, found ${quote(await readLine(text, line))}`, {
      where: atLine(text.path, line),
      fix: 'give each line an item and a title',
    });
  }
  await engine.run(`CREATE TABLE ${table} AS
    SELECT id, trim(regexp_replace(arg_min(title, row), '\\s+', ' ', 'g')) AS title FROM ${raw} GROUP BY id`);
  await engine.run(`DROP TABLE ${raw}`);
}
