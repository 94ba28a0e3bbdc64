/**
 * The layout of a text file with a record a line: which character separates the columns, whether the first line names
 * them, and which column is which. Found from the first lines of the content; a name given by the user wins.
 */
import { InputError } from '../base/errors.js';
import { atLine, quote, type TextFile } from './text.js';

export const formats = [
  'movielens',
  'csv',
  'tsv',
  'lightgcn',
  'recbole',
  'ncf',
  'ncf-negatives',
  'gowalla',
  'taobao',
  'jsonl',
  'parquet',
] as const;
/**
 * - `movielens`: `user::item::rating::time`
 * - `csv`: comma-separated, fields may stand in double quotes
 * - `tsv`: tab-separated, quotes mean nothing
 * - `lightgcn`: an adjacency list a line, `user item item …`, separated by spaces
 * - `recbole`: `tsv` under a header such as `user_id:token`, as in `.inter` files
 * - `ncf`: `tsv` with user, item, rating, time and no header, as in `.rating` files; ML-100K's `u.data` too
 * - `ncf-negatives`: `(user,item)` and after it, by tabs, items that the user has not; the pair alone is an interaction:
 *   `.test.negative` files
 * - `gowalla`: `tsv` with user, time, latitude, longitude, location: the check-ins of SNAP
 * - `taobao`: `csv` with user, item, category, behaviour, time and no header: UserBehavior.csv
 * - `jsonl`: a JSON object a line
 * - `parquet`
 */
export type Format = (typeof formats)[number];
type TextFormat = Exclude<Format, 'parquet'>;

/** Which columns are meant, by name or by place from 1; `none` for a rating, time or behaviour that is not to be read. */
export interface ColumnOptions {
  readonly userColumn?: string;
  readonly itemColumn?: string;
  readonly ratingColumn?: string;
  readonly timeColumn?: string;
  readonly behaviourColumn?: string;
}
const roleNames = ['user', 'item', 'rating', 'time', 'behaviour'] as const;
type Role = (typeof roleNames)[number];
/** Column numbers, from 0. */
export type Columns = { readonly user: number; readonly item: number } & {
  readonly [role in 'rating' | 'time' | 'behaviour']?: number;
};

/** Column numbers, from 0. */
export interface Layout {
  readonly delimiter: string;
  /** Whether fields may stand in double quotes. */
  readonly quoted: boolean;
  readonly header: boolean;
  /** Columns of the first line. */
  readonly width: number;
  /** Whether the columns stand in brackets at the beginning of the line, and the rest of it is not read. */
  readonly bracketed?: true;
}

export interface InteractionLayout extends Layout, Columns {
  readonly format: TextFormat;
  /** Names of the columns, where a header or the keys of JSON objects give them. */
  readonly names?: readonly string[];
  /** As people read it, for example "tsv, 4 columns (user, item, rating, time), no header". */
  readonly description: string;
}

export interface TitleLayout extends Layout {
  readonly item: number;
  readonly title: number;
}

const delimiters: Record<Exclude<TextFormat, 'jsonl'>, string> = {
  movielens: '::',
  csv: ',',
  tsv: '\t',
  lightgcn: ' ',
  recbole: '\t',
  ncf: '\t',
  'ncf-negatives': ',',
  gowalla: '\t',
  taobao: ',',
};
/** Columns of files without a header, by their order. */
const orders: Partial<Record<TextFormat, readonly (Role | undefined)[]>> = {
  gowalla: ['user', 'time', undefined, undefined, 'item'],
  taobao: ['user', 'item', undefined, 'behaviour', 'time'],
};
const usualOrder: readonly Role[] = ['user', 'item', 'rating', 'time'];
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
    'location',
    'locationid',
  ],
  rating: ['rating', 'ratings', 'score', 'stars', 'overall', 'value'],
  time: ['timestamp', 'time', 'date', 'datetime', 'unixtime', 'timestamps', 'unixreviewtime'],
  behaviour: ['behaviour', 'behavior', 'behaviourtype', 'behaviortype', 'event', 'eventtype', 'action', 'actiontype'],
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

/** What `ncf-negatives` has at the beginning of each line, for JavaScript and for the engine; group 1 is the pair. */
export const bracketedPair = '^\\(([^(),\\t]+,[^(),\\t]+)\\)(?:\\t|$)';

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

const isoTime = /^\d{4}-\d\d?-\d\d?([T ]|$)/;
const taobaoBehaviours = new Set(['pv', 'buy', 'cart', 'fav']);

/** The format that the delimiter alone does not tell. */
function refine(format: TextFormat, rows: readonly (readonly string[])[]): TextFormat {
  const all = (test: (row: readonly string[]) => boolean) => rows.every((row) => row.length === 5 && test(row));
  if (format === 'tsv' && all((row) => isoTime.test(row[1]!))) return 'gowalla';
  if (format === 'csv' && all((row) => taobaoBehaviours.has(row[3]!))) return 'taobao';
  const typed = /:(token|float)(_seq)?$/;
  if (format === 'tsv' && rows[0]!.length > 1 && rows[0]!.every((name) => typed.test(name))) return 'recbole';
  return format;
}

/**
 * The columns that are asked for by name or place, and those known by their names.
 *
 * @param header names of all columns; empty names where there are none
 * @param usual which columns are which where no name tells
 * @throws InputError for a column that is not there, and where user or item cannot be told
 */
export function chooseColumns(
  header: readonly string[],
  usual: Partial<Record<Role, number>>,
  options: ColumnOptions,
  where: string,
): Columns {
  const chosen: Partial<Record<Role, number>> = {};
  const byName: Partial<Record<Role, number>> = {};
  for (const role of roleNames) {
    const index = findColumn(header, names[role]);
    if (index !== undefined) byName[role] = index;
  }
  const known = byName.user !== undefined && byName.item !== undefined ? byName : { ...usual, ...byName };
  for (const role of roleNames) {
    const asked = options[`${role}Column`];
    if (asked === undefined) {
      if (known[role] !== undefined) chosen[role] = known[role];
      continue;
    }
    const place = header.includes(asked) ? header.indexOf(asked) : /^\d+$/.test(asked) ? Number(asked) - 1 : -1;
    if (place >= 0 && place < header.length) chosen[role] = place;
    else if (asked !== 'none' || role === 'user' || role === 'item') {
      const there = header.some(Boolean) ? `: ${header.map((name) => JSON.stringify(name)).join(', ')}` : '';
      throw new InputError(`there is no ${role} column ${JSON.stringify(asked)} among the ${header.length}${there}`, {
        where,
        fix: `correct --${role}-column: a name, or a place from 1`,
      });
    }
  }
  // A column that is asked for by the user is not also what its name or place would make it.
  for (const role of roleNames) {
    const other = roleNames.find(
      (name) => name !== role && chosen[name] === chosen[role] && chosen[role] !== undefined,
    );
    if (other === undefined) continue;
    if (options[`${role}Column`] !== undefined && options[`${other}Column`] !== undefined) {
      throw new InputError(`one column is named as ${role} and as ${other}`, {
        where,
        fix: `name another --${role}-column or --${other}-column`,
      });
    }
    delete chosen[options[`${role}Column`] !== undefined ? other : role];
  }
  for (const role of ['user', 'item'] as const) {
    if (chosen[role] !== undefined) continue;
    const given = header.some(Boolean) ? `: ${quote(header.join(', '))}` : '';
    throw new InputError(`no column is known as the ${role} column${given}`, {
      where,
      fix: `say --${role}-column <name or place>, or name the columns user and item (user_id, movieId, … are known too)`,
    });
  }
  return chosen as Columns;
}

/** "user, item, rating", with the names that the columns have. */
export function describeColumns(columns: Columns, header?: readonly string[]): string {
  return roleNames
    .filter((role) => columns[role] !== undefined)
    .sort((a, b) => (header ? 0 : columns[a]! - columns[b]!))
    .map((role) => (header ? `${role} "${header[columns[role]!]}"` : role))
    .join(', ');
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
  options: { readonly format?: Format; readonly header?: boolean } & ColumnOptions = {},
): InteractionLayout {
  const lines = text.head.map((line) => line.text);
  const first = lines[0]!;
  const where = atLine(text.name, text.head[0]!.number);
  if (options.format === 'parquet') {
    throw new InputError('this is text, not a Parquet file', { where: text.name, fix: 'leave --format out' });
  }
  if (options.format === 'jsonl' || (options.format === undefined && first.trimStart().startsWith('{'))) {
    return jsonLines(first, where, options);
  }
  const pair = new RegExp(bracketedPair);
  if (options.format === 'ncf-negatives' || (options.format === undefined && lines.every((line) => pair.test(line)))) {
    return bracketedPairs(where, options);
  }
  const delimiter = options.format ? delimiters[options.format] : detectDelimiter(lines, ['\t', '::', ',', ' ']);
  if (delimiter === undefined) {
    throw new InputError(`one column where user and item are expected, found ${quote(first)}`, {
      where,
      fix: 'separate user and item by a tab, a comma, "::" or (adjacency lists) spaces',
    });
  }
  const plain = (['movielens', 'csv', 'tsv', 'lightgcn'] as const).find((name) => delimiters[name] === delimiter)!;
  if (plain === 'lightgcn') return adjacency(lines, where, options);
  const quoted = plain === 'csv';
  const rows = lines.map((line) => splitLine(line, delimiter, quoted));
  const format = options.format ?? refine(plain, rows);
  const width = rows[0]!.length;
  if (width < 2) {
    throw new InputError(`one column where user and item are expected, found ${quote(first)}`, {
      where,
      fix: `separate the columns by ${delimiterNames[delimiter]}, or name another format with --format`,
    });
  }
  const order = orders[format];
  const asked = roleNames.map((role) => options[`${role}Column`]);
  const askedByName = asked.some((name) => name !== undefined && rows[0]!.includes(name));
  const header = options.header ?? (askedByName || (order === undefined && format !== 'ncf' && looksLikeHeader(rows)));
  const shape = { format, delimiter, quoted, header, width };
  const separated = `${format}, ${width} columns`;
  const usual: Partial<Record<Role, number>> = {};
  if (order || width <= usualOrder.length) {
    (order ?? usualOrder).forEach((role, index) => {
      if (role && index < width) usual[role] = index;
    });
  }
  if (!header) {
    if (width > 4 && !order && !(options.userColumn && options.itemColumn)) {
      throw new InputError(`${width} columns without a header: which are user, item and rating cannot be told`, {
        where,
        fix: 'say --user-column and --item-column by their places, or add a first line that names the columns',
      });
    }
    const columns = chooseColumns(Array(width).fill(''), usual, options, where);
    return { ...shape, ...columns, description: `${separated} (${describeColumns(columns)}), no header` };
  }
  if (text.head.length < 2) {
    throw new InputError('the file holds a header and nothing else', { where, fix: 'name a file with interactions' });
  }
  const columns = chooseColumns(rows[0]!, usual, options, where);
  const description = `${separated} with a header (${describeColumns(columns, rows[0]!)})`;
  return { ...shape, ...columns, names: rows[0]!, description };
}

/** The columns of JSON lines are the keys of the first object. */
function jsonLines(first: string, where: string, options: ColumnOptions): InteractionLayout {
  let object: unknown;
  try {
    object = JSON.parse(first);
  } catch {
    object = undefined;
  }
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    throw new InputError(`a line is not a JSON object, found ${quote(first)}`, {
      where,
      fix: 'write one object a line: {"user": "1", "item": "10"}',
    });
  }
  const keys = Object.keys(object).filter((key) => !key.includes('"'));
  const columns = chooseColumns(keys, {}, options, where);
  return {
    format: 'jsonl',
    delimiter: '',
    quoted: false,
    header: false,
    width: keys.length,
    ...columns,
    names: keys,
    description: `jsonl, a JSON object a line (${describeColumns(columns, keys)})`,
  };
}

function refuseHeader(what: string, where: string, header: boolean | undefined): void {
  if (header) throw new InputError(`${what} have no header`, { where, fix: 'leave --header out' });
}

function bracketedPairs(where: string, options: { readonly header?: boolean } & ColumnOptions): InteractionLayout {
  refuseHeader('ncf negatives', where, options.header);
  const columns = chooseColumns(['', ''], { user: 0, item: 1 }, options, where);
  return {
    format: 'ncf-negatives',
    delimiter: delimiters['ncf-negatives'],
    quoted: false,
    header: false,
    width: 2,
    bracketed: true,
    ...columns,
    description: 'ncf-negatives, (user,item) and what the user has not, which is left out',
  };
}

function adjacency(
  lines: readonly string[],
  where: string,
  options: { readonly format?: Format; readonly header?: boolean },
): InteractionLayout {
  refuseHeader('adjacency lists', where, options.header);
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
      where: atLine(text.name, text.head[0]!.number),
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
