/** What JSON from outside must hold, put together from small checks; each says what is wrong and where. */

export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Says what is wrong with a value at a place, undefined where nothing is. */
export type Check = (value: unknown, place: string) => string | undefined;

export const check =
  (what: string, holds: (value: unknown) => boolean): Check =>
  (value, place) =>
    holds(value) ? undefined : `${place} ${value === undefined ? 'is missing' : `is not ${what}`}`;
export const text = check('a text', (value) => typeof value === 'string');
export const amount = check('a number from 0', (value) => Number.isFinite(value) && (value as number) >= 0);
export const above = check('a number above 0', (value) => Number.isFinite(value) && (value as number) > 0);
export const truth = check('true or false', (value) => typeof value === 'boolean');
export const oneOf = (...values: readonly string[]) =>
  check(`one of ${values.join(', ')}`, (value) => values.includes(value as string));
export const nothing = check('null', (value) => value === null);

export const orNull =
  (inner: Check): Check =>
  (value, place) =>
    value === null ? undefined : inner(value, place);
export const optional =
  (inner: Check): Check =>
  (value, place) =>
    value === undefined ? undefined : inner(value, place);
export const list =
  (inner: Check): Check =>
  (value, place) =>
    Array.isArray(value) ? firstOf(value, (one, at) => inner(one, `${place}[${at}]`)) : `${place} is not a list`;
export const each =
  (inner: Check): Check =>
  (value, place) =>
    isObject(value)
      ? firstOf(Object.entries(value), ([name, one]) => inner(one, `${place}.${name}`))
      : `${place} is not an object`;
export const fields =
  (inner: Readonly<Record<string, Check>>): Check =>
  (value, place) =>
    isObject(value)
      ? firstOf(Object.entries(inner), ([name, one]) => one(value[name], place ? `${place}.${name}` : name))
      : `${place} ${value === undefined ? 'is missing' : 'is not an object'}`;

function firstOf<T>(values: readonly T[], wrong: (value: T, at: number) => string | undefined): string | undefined {
  for (const [at, value] of values.entries()) {
    const found = wrong(value, at);
    if (found !== undefined) return found;
  }
  return undefined;
}
