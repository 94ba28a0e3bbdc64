/**
 * Interactions from text files, Parquet files and queries into a table of the engine, checked row by row.
 *
 * Of text the engine's CSV reader gives whole lines (decompressed, decoded, in the order of the file); they are split in
 * SQL, so that each row knows its line. Nothing passes through the memory of JavaScript.
 */
import { HashgnnError, InputError, InterruptedError } from '../base/errors.js';
import { type Engine, literal } from './engine.js';
import {
  bracketedPair,
  type ColumnOptions,
  type Columns,
  chooseColumns,
  describeColumns,
  type InteractionLayout,
  type Layout,
  splitLine,
  type TitleLayout,
} from './format.js';
import { atLine, lineOfRow, quote, readLine, type TextFile } from './text.js';

/** A path for the engine. Square brackets, stars and question marks in the name of a file are no pattern. */
function pathLiteral(path: string): string {
  return literal(path.replace(/[*?[]/g, '[$&]'));
}

/** The lines of a file as rows (row, line); `row` counts the filled lines from 1. */
function linesOf(text: TextFile): string {
  const path = pathLiteral(text.path);
  // No byte below 0x20 but tab and line ends is left in a file that passed its inspection: 1 separates nothing, 2 is no value.
  return `(SELECT row_number() OVER () AS row, line FROM read_csv(${path}, columns = {'line': 'VARCHAR'},
    auto_detect = false, header = false, delim = '\u0001', quote = '', escape = '', comment = '', nullstr = ['\u0002\u0002'],
    new_line = '\\n', compression = ${literal(text.compression)}, encoding = ${literal(text.encoding)},
    max_line_size = ${Math.max(2_097_152, text.longestLine + 16)}, strict_mode = false))`;
}

/** The fields of `line` as a list; of quoted ones with their quotes. */
function fieldsOf({ delimiter, quoted, bracketed }: Layout, keys?: readonly string[]): string {
  if (keys) {
    const paths = keys.map((key) => literal(`$."${key}"`)).join(', ');
    return `CASE WHEN json_valid(line) THEN json_extract_string(line, [${paths}]) ELSE [] END`;
  }
  const columns = bracketed ? `regexp_extract(line, ${literal(bracketedPair)}, 1)` : 'line';
  const plain = `string_split(${columns}, ${literal(delimiter)})`;
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
  // Not AND: the engine would look into the fields of all lines.
  return `CASE WHEN contains(line, '"') THEN array_to_string(fields, ',') <> line OR ${open} ELSE false END`;
}

/** What can be wrong with a row, by the number that the engine gives it; of several the first counts. */
const problems = ['object', 'quote', 'width', 'user', 'item', 'line break', 'rating', 'time', 'behaviour'] as const;
type Problem = (typeof problems)[number];

/** Nothing but blanks, tabs and no-break spaces; a pattern is several times quicker than `trim`. */
const blank = "'[ \\t\u00a0]*'";

/** A text as a number, or NULL; `1_0` is none. */
function numberOf(text: string): string {
  return `CASE WHEN contains(${text}, '_') THEN NULL ELSE try_cast(trim(${text}) AS DOUBLE) END`;
}

/**
 * A text as seconds since 1970, or NULL: a number (of seconds, or of milli-, micro- or nanoseconds where it would be later
 * than the year 5100 otherwise), or an ISO date, with or without a time and a zone (UTC where there is none).
 */
export function secondsOf(text: string): string {
  const value = numberOf(text);
  const scale = `CASE WHEN abs(number) < 1e11 THEN 1 WHEN abs(number) < 1e14 THEN 1e3 WHEN abs(number) < 1e17 THEN 1e6 ELSE 1e9 END`;
  const seconds = `list_transform([${value}], lambda number: number / ${scale})[1]`;
  const dated = `epoch(try_cast(trim(${text}) AS TIMESTAMPTZ))`;
  // From 1900 to 2200: what lies outside is no date but a mistake.
  return `list_transform([coalesce(${seconds}, ${dated})],
    lambda found: CASE WHEN found >= -2208988800 AND found < 7258118400 THEN found END)[1]`;
}

export interface ReadOptions {
  /** Whether an adjacency list of no items is an empty one instead of an error. */
  readonly emptyLists?: boolean;
  /** Whether bad rows are left out and counted instead of refused. */
  readonly skipBadRows?: boolean;
  /** Whether behaviours are kept in the table; they are checked in any case. */
  readonly keepBehaviour?: boolean;
}

export interface ReadResult {
  /** Interactions in the table. */
  readonly rows: number;
  readonly badRows: number;
  /** What was wrong with the first bad rows, with their places. */
  readonly firstBad: readonly string[];
}

/** How many bad rows are shown. */
const shown = 5;

/** Rows to be read, whatever they are from. */
interface Rows {
  readonly name: string;
  /** The text file, where what the engine cannot read lies in it. */
  readonly file?: string;
  /** A statement that gives row, user, item, rating, time, behaviour (texts or NULL) and early (a problem's number, or NULL). */
  readonly sql: string;
  readonly has: Columns;
  /** The error for a row. */
  explain(problem: Problem, row: number): Promise<InputError>;
}

/**
 * Reads a file of interactions into a new table (user VARCHAR, item VARCHAR, rating DOUBLE or NULL, time DOUBLE or NULL in
 * seconds since 1970, behaviour VARCHAR or NULL).
 *
 * @throws InputError with file, line, what was found and what was expected
 */
export async function readInteractions(
  engine: Engine,
  text: TextFile,
  layout: InteractionLayout,
  table: string,
  options: ReadOptions = {},
): Promise<ReadResult> {
  const lists = layout.format === 'lightgcn';
  const keys = layout.format === 'jsonl' ? layout.names : undefined;
  const item = lists ? 'unnest(CASE WHEN len(fields) = 1 THEN [NULL] ELSE fields[2:] END)' : field(layout.item, layout);
  const optional = (column: number | undefined) => (column === undefined ? 'NULL' : field(column, layout));
  let early = `CASE WHEN ${brokenQuotes(layout)} THEN ${code('quote')} WHEN len(fields) <> ${layout.width} THEN ${code('width')} END`;
  if (lists) early = `CASE WHEN len(fields) = 1 THEN ${code('width')} END`;
  if (keys) early = `CASE WHEN len(fields) = 0 OR json_type(line) <> 'OBJECT' THEN ${code('object')} END`;
  const sql = `SELECT row, ${field(layout.user, layout)} AS user, ${item} AS item, ${optional(layout.rating)} AS rating,
      ${optional(layout.time)} AS time, ${optional(layout.behaviour)} AS behaviour, ${early} AS early
    FROM (SELECT row, line, ${fieldsOf(layout, keys)} AS fields FROM ${linesOf(text)}${layout.header ? ' WHERE row > 1' : ''})
    ${lists && options.emptyLists ? 'WHERE len(fields) > 1' : ''}`;
  const explain = (problem: Problem, row: number) => explainLine(problem, row, text, layout);
  const last = lists && options.emptyLists ? undefined : text.filledLines;
  return readRows(engine, { name: text.name, file: text.name, sql, has: layout, explain }, table, options, last);
}

function code(problem: Problem): number {
  return problems.indexOf(problem);
}

async function readRows(
  engine: Engine,
  { name, file, sql, has, explain }: Rows,
  table: string,
  options: ReadOptions,
  lastRow?: number,
): Promise<ReadResult> {
  const raw = `${table}_raw`;
  const lineBreak = (id: string) => `contains(${id}, chr(10)) OR contains(${id}, chr(13))`;
  const empty = (id: string) => `coalesce(regexp_full_match(${id}, ${blank}), true)`;
  const checks: [Problem, string][] = [
    ['user', empty('user')],
    ['item', empty('item')],
    ['line break', `${lineBreak('user')} OR ${lineBreak('item')}`],
  ];
  if (has.rating !== undefined) checks.push(['rating', 'NOT coalesce(isfinite(rating), false)']);
  if (has.time !== undefined) checks.push(['time', 'time IS NULL']);
  if (has.behaviour !== undefined) checks.push(['behaviour', empty('behaviour')]);
  const cases = checks.map(([problem, when]) => `WHEN ${when} THEN ${code(problem)}`).join(' ');
  await engine.run(
    `CREATE TABLE ${raw} AS SELECT row, user, item, rating, time,
      ${options.keepBehaviour ? 'behaviour' : 'NULL::VARCHAR AS behaviour'},
      (CASE WHEN early IS NOT NULL THEN early ${cases} END)::UTINYINT AS problem
    FROM (SELECT row, user, item, ${has.rating === undefined ? 'NULL::DOUBLE' : numberOf('rating')} AS rating,
      ${has.time === undefined ? 'NULL::DOUBLE' : secondsOf('time')} AS time, behaviour::VARCHAR AS behaviour, early FROM (${sql}))`,
    file,
  );
  const { last, bad, rows } = await engine.counts<'last' | 'bad' | 'rows'>(
    `SELECT coalesce(max(row), 0) AS last, count(problem) AS bad, count(*) AS rows FROM ${raw}`,
  );
  if (lastRow !== undefined && last !== lastRow) {
    throw new InputError(`${lastRow} lines were expected and ${last} read`, {
      where: name,
      fix: 'make sure that nothing writes to the file meanwhile',
    });
  }
  const firstBad: string[] = [];
  if (bad > 0) {
    const found = await engine.rows<{ row: bigint; problem: number }>(
      `SELECT row, problem FROM ${raw} WHERE problem IS NOT NULL ORDER BY row LIMIT ${shown}`,
    );
    for (const { row, problem } of found) {
      const error = await explain(problems[problem]!, Number(row));
      if (!options.skipBadRows) throw error;
      firstBad.push(`${error.details.where}: ${error.message}`);
    }
    await engine.run(`DELETE FROM ${raw} WHERE problem IS NOT NULL`);
  }
  await engine.run(`ALTER TABLE ${raw} DROP COLUMN row`);
  await engine.run(`ALTER TABLE ${raw} DROP COLUMN problem`);
  await engine.run(`ALTER TABLE ${raw} RENAME TO ${table}`);
  return { rows: rows - bad, badRows: bad, firstBad };
}

/** The error for a line of a text file, with what is found there. */
async function explainLine(
  problem: Problem,
  row: number,
  text: TextFile,
  layout: InteractionLayout,
): Promise<InputError> {
  const number = lineOfRow(text, row);
  const where = atLine(text.name, number);
  const line = await readLine(text, number);
  const found = quote(line);
  if (problem === 'object') {
    return new InputError(`the line is not a JSON object, found ${found}`, {
      where,
      fix: 'write one object a line: {"user": "1", "item": "10"}',
    });
  }
  if (problem === 'quote') {
    return new InputError(`a quoted field does not end where it should, found ${found}`, {
      where,
      fix: 'close the quote before the next comma, write a quote inside a field twice, and no line break inside a field',
    });
  }
  if (problem === 'width' && layout.bracketed) {
    return new InputError(`the line does not begin with a pair in brackets, found ${found}`, {
      where,
      fix: 'begin each line with a pair such as (0,25), and a tab before what follows it',
    });
  }
  if (problem === 'width' && layout.format === 'lightgcn') {
    return new InputError(`one column where a user and at least one item are expected, found ${found}`, {
      where,
      fix: 'add the items of the user, or leave the line out',
    });
  }
  const fields = layout.format === 'jsonl' ? [] : splitLine(line, layout.delimiter, layout.quoted);
  if (problem === 'width') {
    const columns = fields.length === 1 ? 'one column' : `${fields.length} columns`;
    return new InputError(`${columns} where ${layout.width} are expected, as in the first line; found ${found}`, {
      where,
      fix: `give each line the same columns (read as ${layout.description}), or name another --format`,
    });
  }
  const header = layout.header || layout.format === 'jsonl' ? '' : ' (--header if its first line names the columns)';
  if (layout.format === 'jsonl') return badValue(problem, jsonField(line, problem, layout), where, found, layout);
  const index = problem === 'line break' ? undefined : layout[problem];
  return badValue(problem, index === undefined ? undefined : fields[index], where, found, layout, header);
}

function jsonField(line: string, problem: Problem, layout: InteractionLayout): string | undefined {
  const index = problem in layout ? layout[problem as keyof Columns] : undefined;
  const value = index === undefined ? undefined : (JSON.parse(line) as Record<string, unknown>)[layout.names![index]!];
  return value === undefined || value === null ? undefined : typeof value === 'string' ? value : JSON.stringify(value);
}

function badValue(
  problem: Problem,
  value: string | undefined,
  where: string,
  found: string,
  layout: { readonly description: string } & Columns,
  header = '',
): InputError {
  const fix = `correct it; it was read as ${layout.description}${header}`;
  const shownValue = value === undefined ? 'is missing and' : quote(value);
  const place = problem in layout ? ` in column ${layout[problem as keyof Columns]! + 1}` : '';
  switch (problem) {
    case 'rating':
      return new InputError(`the rating ${shownValue} is not a number${place}; expected one such as 4 or 3.5`, {
        where,
        fix,
      });
    case 'time':
      return new InputError(
        `the time ${shownValue} is not a moment${place}; expected a date such as 2019-03-31 or 2019-03-31T12:00:00Z, or Unix time`,
        { where, fix: `${fix}; --time-column none if times do not matter` },
      );
    case 'line break':
      return new InputError(`an id holds a line break, which ids cannot have; found ${found}`, {
        where,
        fix: 'replace line breaks in ids',
      });
    default:
      return new InputError(
        `the ${problem === 'behaviour' ? problem : `${problem} id`} is empty${place}, found ${found}`,
        { where, fix: `give each interaction a user and an item (read as ${layout.description})` },
      );
  }
}

/** Rows of a Parquet file or of a query, and how they were read. */
export interface EngineSource {
  /** As errors name it. */
  readonly name: string;
  /** What follows FROM. */
  readonly from: string;
  readonly rowNumber: string;
  readonly what: 'parquet' | 'query';
}

/** A Parquet file as a source. @param name as errors call it */
export function parquetSource(path: string, name: string): EngineSource {
  const from = `read_parquet(${pathLiteral(path)}, file_row_number = true)`;
  return { name, from, rowNumber: 'file_row_number + 1', what: 'parquet' };
}

/** A query as a source. */
export function querySource(query: string): EngineSource {
  const statement = query.trim().replace(/;\s*$/, '');
  // The line end closes a comment that the query may end with.
  return { name: 'the query', from: `(${statement}\n)`, rowNumber: 'row_number() OVER ()', what: 'query' };
}

/** The columns of a Parquet file or a query. @throws InputError when it cannot be read, or has no columns for users and items */
export async function inspectEngineSource(
  engine: Engine,
  source: EngineSource,
  options: ColumnOptions,
): Promise<EngineLayout> {
  const described = await readable(source, () =>
    engine.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM ${source.from}`),
  );
  const columns = described.filter(({ column_name }) => source.what === 'query' || column_name !== 'file_row_number');
  const names = columns.map(({ column_name }) => column_name);
  const usual = names.length <= 4 ? { user: 0, item: 1, ...(names.length > 2 && { rating: 2 }) } : {};
  const chosen = chooseColumns(names, source.what === 'query' ? usual : {}, options, source.name);
  const description = `${source.what}, ${names.length} columns (${describeColumns(chosen, names)})`;
  return { ...chosen, names, types: columns.map(({ column_type }) => column_type), description };
}

export type EngineLayout = Columns & {
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly description: string;
};

/** `readInteractions` for a Parquet file or a query. */
export async function readEngineSource(
  engine: Engine,
  source: EngineSource,
  layout: EngineLayout,
  table: string,
  options: ReadOptions,
): Promise<ReadResult> {
  const column = (index: number | undefined) => {
    if (index === undefined) return 'NULL';
    const name = `"${layout.names[index]!.replaceAll('"', '""')}"`;
    return /^(TIMESTAMP|DATE)/.test(layout.types[index]!) && index === layout.time
      ? `epoch(${name})::VARCHAR`
      : `${name}::VARCHAR`;
  };
  const sql = `SELECT ${source.rowNumber} AS row, ${column(layout.user)} AS user, ${column(layout.item)} AS item,
    ${column(layout.rating)} AS rating, ${column(layout.time)} AS time, ${column(layout.behaviour)} AS behaviour,
    NULL::INTEGER AS early FROM ${source.from}`;
  const explain = async (problem: Problem, row: number) => {
    const where = `${source.name}, row ${row}`;
    const [values] = await engine.rows<Record<string, string | null>>(
      `SELECT user, item, rating, time, behaviour FROM (${sql}) WHERE row = ${row}`,
    );
    const value = values![problem] ?? undefined;
    return badValue(problem, value, where, quote(JSON.stringify([values!.user, values!.item])), layout);
  };
  return readable(source, () => readRows(engine, { name: source.name, sql, has: layout, explain }, table, options));
}

/** What the engine cannot read, in its own words: they name the place. */
async function readable<T>(source: EngineSource, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof HashgnnError || error instanceof InterruptedError || !(error instanceof Error)) throw error;
    const reason = error.message.split('\n').find((line) => line.trim() !== '') ?? 'no reason is given';
    throw source.what === 'query'
      ? new InputError(`the query fails: ${reason}`, { where: source.name, fix: 'correct it', cause: error })
      : new InputError(`the Parquet file cannot be read: ${reason}`, {
          where: source.name,
          fix: 'copy, download or write it again',
          cause: error,
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
    text.name,
  );
  const [short] = await engine.rows<{ row: bigint; width: number }>(
    `SELECT row, width FROM ${raw} WHERE width < ${needed} ORDER BY row LIMIT 1`,
  );
  if (short) {
    const line = lineOfRow(text, Number(short.row));
    const columns = short.width === 1 ? 'one column' : `${short.width} columns`;
    throw new InputError(`${columns} where item and title are expected, found ${quote(await readLine(text, line))}`, {
      where: atLine(text.name, line),
      fix: 'give each line an item and a title',
    });
  }
  await engine.run(`CREATE TABLE ${table} AS
    SELECT id, trim(regexp_replace(arg_min(title, row), '\\s+', ' ', 'g')) AS title FROM ${raw} GROUP BY id`);
  await engine.run(`DROP TABLE ${raw}`);
}
