/** A strict reader of the markup that this project writes: every element closed, every attribute in quotes. */
export interface Markup {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Elements within, in their order. */
  readonly children: Markup[];
  /** All text within, entities resolved, as it is written. */
  text: string;
}

const TOKEN = /<!doctype html>|<(\/?)([a-z][a-z\d]*)((?: [\w:-]+="[^"<>]*")*)>|([^<]+)|</gi;
const EMPTY = new Set(['meta']);
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function resolve(text: string): string {
  return text.replace(/&(\w*);?/g, (entity, name: string) => {
    const character = ENTITIES[name];
    if (character === undefined) throw new Error(`what is ${entity}?`);
    return character;
  });
}

/** @throws Error where an element is not closed, or a character of markup stands in text or in an attribute */
export function readMarkup(markup: string): Markup {
  const root: Markup = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  for (const [token, slash, name, given, text] of markup.matchAll(TOKEN)) {
    if (text !== undefined) for (const one of open) one.text += resolve(text);
    else if (name === undefined) {
      if (token === '<') throw new Error(`a < that begins nothing after ${open.map((one) => one.name).join(' ')}`);
    } else if (slash) {
      const closed = open.pop()!;
      if (closed.name !== name) throw new Error(`</${name}> closes <${closed.name}>`);
    } else {
      const pairs = [...given!.matchAll(/ ([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, resolve(value!)]);
      const element: Markup = { name, attributes: Object.fromEntries(pairs), children: [], text: '' };
      open.at(-1)!.children.push(element);
      if (!EMPTY.has(name)) open.push(element);
    }
  }
  if (open.length > 1) throw new Error(`<${open.at(-1)!.name}> is not closed`);
  return root;
}

/** All elements within that have this name and, where one is given, this class among theirs; in their order. */
export function find(within: Markup, name: string, className?: string): Markup[] {
  return within.children.flatMap((one) => {
    const fits = one.name === name && (className === undefined || classesOf(one).includes(className));
    return [...(fits ? [one] : []), ...find(one, name, className)];
  });
}

export const classesOf = ({ attributes }: Markup) => (attributes.class ?? '').split(' ');

/** An attribute as a number. */
export const number = ({ attributes }: Markup, name: string) => Number(attributes[name]);
