/**
 * The layout of a text file with a record a line: which character separates the columns, whether the first line names
 * them, and which column is which. Found from the first lines of the content; a name given by the user wins.
 */
import { InputError } from '../base/errors.js';
import { atLine, quote, type TextFile } from './text.js';

export const formats = ['movielens', 'csv', 'tsv', 'lightgcn'] as const;
/**
 * - `movielens`: `user::item::rating::time`
 * - `csv`: comma-separated, fields may stand in double quotes
 * - `tsv`: tab-separated, quotes mean nothing
 * - `lightgcn`: an adjacency list a line, `user item item …`, separated by spaces
 */
export type Format = (typeof formats)[number];

/** Column numbers, from 0. */
export interface Layout {
  readonly delimiter: string;
  /** Whether fields may stand in double quotes. */
  readonly quoted: boolean;
  readonly header: boolean;
  /** Columns of the first line. */
  readonly width: number;
}

export interface InteractionLayout extends Layout {
  readonly format: Format;
  readonly user: number;
  readonly item: number;
  readonly rating?: number;
  /** As people read it, for example "tsv, 4 columns (user, item, rating, time), no header". */
  readonly description: string;
}

export interface TitleLayout extends Layout {
  readonly item: number;
  readonly title: number;
}

const delimiters: Record<Format, string> = { movielens: '::', csv: ',', tsv: '\t', lightgcn: ' ' };
const delimiterNames: Record<string, string> = {
  '::': '"::"',
  ',': 'a comma',
  '\t': 'a tab',
  ' ': 'a space',
  '|': '"|"',
};

const names = {
  user: ['user', 'userid', 'uid', 'users', 'customer', 'customerid', 'reviewerid'],
  item: [
    'item',
    'itemid',
    'iid',
    'items',
    'movie',
    'movieid',
    'product',
    'productid',
    'asin',
    'book',
    'bookid',
    'isbn',
  ],
  rating: ['rating', 'ratings', 'score', 'stars', 'overall', 'value'],
  time: ['timestamp', 'time', 'date', 'datetime', 'unixtime'],
  title: ['title', 'movietitle', 'itemtitle', 'name', 'itemname', 'producttitle', 'productname', 'booktitle'],
};

/** `item_id:token` and `Item ID` are both `itemid`. The part after the colon is RecBole's type of the column. */
function normalise(name: string): string {
  return name
    .replace(/:(token|float)(_seq)?$/, '')
    .replace(/[\s_-]/g, '')
    .toLowerCase();
}

/** The fields of one line; the engine does the same in SQL for all lines. */
export function splitLine(line: string, delimiter: string, quoted: boolean): string[] {
  if (!quoted || !line.includes('"')) return line.split(delimiter);
  return [...`,${line}`.matchAll(/,("(?:[^"]|"")*"|[^,]*)/g)].map(([, field]) =>
    field!.startsWith('"') ? field!.slice(1, -1).replaceAll('""', '"') : field!,
  );
}

function findColumn(header: readonly string[], wanted: readonly string[]): number | undefined {
  const index = header.findIndex((name) => wanted.includes(normalise(name)));
  return index < 0 ? undefined : index;
}

/** The delimiter that splits the sampled lines best: all into the same number of columns, else most of them at all. */
function detectDelimiter(lines: readonly string[], candidates: readonly string[]): string | undefined {
  const widths = candidates.map((delimiter) =>
    lines.map((line) => splitLine(line, delimiter, delimiter === ',').length),
  );
  const even = widths.findIndex((of) => of[0]! > 1 && of.every((width) => width === of[0]));
  if (even >= 0) return candidates[even];
  const most = widths.findIndex((of) => of.filter((width) => width > 1).length * 2 > of.length);
  if (most >= 0) return candidates[most];
  return candidates.find((_, index) => widths[index]![0]! > 1);
}

const integer = /^[+-]?\d+$/;

/**
 * A header is a first line that names its columns: known names for user and item, or (where nothing names them) two words
 * above lines whose ids are all integers.
 */
function looksLikeHeader(rows: readonly (readonly string[])[]): boolean {
  const [first, ...rest] = rows;
  if (findColumn(first!, names.user) !== undefined && findColumn(first!, names.item) !== undefined) return true;
  const word = /^[A-Za-z_][\w .:-]*$/;
  const some = rest.slice(0, 20);
  return (
    some.length >= 2 &&
    first!.slice(0, 2).every((name) => word.test(name)) &&
    some.every((row) => row.length >= 2 && integer.test(row[0]!) && integer.test(row[1]!))
  );
}

/**
 * The layout of a file of interactions.
 *
 * @param options.format the format, when the user names it; otherwise found from the content
 * @param options.header whether the first line names the columns, when the user says so
 * @throws InputError when the first lines have no columns, or the columns cannot be told apart
 */
export function detectInteractions(
  text: TextFile,
  options: { readonly format?: Format; readonly header?: boolean } = {},
): InteractionLayout {
  const lines = text.head.map((line) => line.text);
  const first = lines[0]!;
  const where = atLine(text.path, text.head[0]!.number);
  const delimiter = options.format ? delimiters[options.format] : detectDelimiter(lines, ['\t', '::', ',', ' ']);
  if (delimiter === undefined) {
    throw new InputError(`one column where user and item are expected, found ${quote(first)}`, {
      where,
      fix: 'separate user and item by a tab, a comma, "::" or (adjacency lists) spaces',
    });
  }
  const format = formats.find((name) => delimiters[name] === delimiter)!;
  if (format === 'lightgcn') return adjacency(lines, where, options);
  const quoted = format === 'csv';
  const rows = lines.map((line) => splitLine(line, delimiter, quoted));
  const width = rows[0]!.length;
  if (width < 2) {
    throw new InputError(`one column where user and item are expected, found ${quote(first)}`, {
      where,
      fix: `separate the columns by ${delimiterNames[delimiter]}, or name another format with --format`,
    });
  }
  const header = options.header ?? looksLikeHeader(rows);
  const shape = { format, delimiter, quoted, header, width };
  const separated = `${format}, ${width} columns`;
  if (!header) {
    if (width > 4) {
      throw new InputError(`${width} columns without a header: which are user, item and rating cannot be told`, {
        where,
        fix: 'add a first line that names the columns, for example "user,item,rating,timestamp"',
      });
    }
    const roles = ['user', 'item', 'rating', 'time'].slice(0, width).join(', ');
    const description = `${separated} (${roles}), no header`;
    return { ...shape, user: 0, item: 1, ...(width > 2 && { rating: 2 }), description };
  }
  if (text.head.length < 2) {
    throw new InputError('the file holds a header and nothing else', { where, fix: 'name a file with interactions' });
  }
  const found = {
    user: findColumn(rows[0]!, names.user),
    item: findColumn(rows[0]!, names.item),
    rating: findColumn(rows[0]!, names.rating),
    time: findColumn(rows[0]!, names.time),
  };
  const named = found.user !== undefined && found.item !== undefined;
  if (!named && width > 4) {
    throw new InputError(`the header names no ${found.user === undefined ? 'user' : 'item'} column: ${quote(first)}`, {
      where,
      fix: 'name the columns user and item (user_id, item_id, movieId, … are known too)',
    });
  }
  const columns = named
    ? found
    : { user: 0, item: 1, rating: width > 2 ? 2 : undefined, time: width > 3 ? 3 : undefined };
  const roles = Object.entries(columns)
    .filter(([, index]) => index !== undefined)
    .map(([role, index]) => `${role} "${rows[0]![index!]}"`)
    .join(', ');
  return {
    ...shape,
    user: columns.user!,
    item: columns.item!,
    ...(columns.rating !== undefined && { rating: columns.rating }),
    description: `${separated} with a header (${roles})`,
  };
}

function adjacency(
  lines: readonly string[],
  where: string,
  options: { readonly format?: Format; readonly header?: boolean },
): InteractionLayout {
  if (options.header) {
    throw new InputError('adjacency lists have no header', { where, fix: 'leave --header out' });
  }
  const rows = lines.map((line) => line.split(' ').filter((field) => field !== ''));
  // In adjacency lists a user has one line; "user item rating" separated by spaces has many, all of one width.
  const width = rows[0]!.length;
  const repeated = new Set(rows.map((row) => row[0])).size < rows.length;
  if (!options.format && repeated && width > 2 && rows.every((row) => row.length === width)) {
    throw new InputError(
      `${width} columns separated by spaces: adjacency lists (user item item …) or user, item, rating cannot be told`,
      { where, fix: 'name --format lightgcn if these are adjacency lists; otherwise separate the columns by tabs' },
    );
  }
  return {
    format: 'lightgcn',
    delimiter: ' ',
    quoted: false,
    header: false,
    width,
    user: 0,
    item: 1,
    description: 'lightgcn, adjacency lists (user item item …)',
  };
}

/**
 * The layout of a file of item titles: item, title, anything; separated by a tab, "::", a comma or "|".
 *
 * @throws InputError when the first lines have no columns
 */
export function detectTitles(text: TextFile): TitleLayout {
  const lines = text.head.map((line) => line.text);
  const delimiter = detectDelimiter(lines, ['\t', '::', ',', '|']);
  if (delimiter === undefined) {
    throw new InputError(`one column where item and title are expected, found ${quote(lines[0]!)}`, {
      where: atLine(text.path, text.head[0]!.number),
      fix: 'separate item and title by a tab, a comma, "::" or "|"',
    });
  }
  const quoted = delimiter === ',';
  const first = splitLine(lines[0]!, delimiter, quoted);
  const item = findColumn(first, names.item);
  const title = findColumn(first, names.title);
  const header = item !== undefined && (title !== undefined || first.some((name) => /:(token|float)/.test(name)));
  const shape = { delimiter, quoted, header, width: first.length };
  return header ? { ...shape, item: item!, title: title ?? (item === 0 ? 1 : 0) } : { ...shape, item: 0, title: 1 };
}
