import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

/** A text file of the project, by its path from the root with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** All files under the folders named whose names match; a folder that does not exist is empty. */
export function readFiles(places: readonly string[], pattern: RegExp): SourceFile[] {
  return places.flatMap((place) => {
    if (!existsSync(join(ROOT, place))) return [];
    const entries = readdirSync(join(ROOT, place), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && pattern.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !file.includes('node_modules'))
      .sort()
      .map((file) => ({ path: relative(ROOT, file).split(sep).join('/'), text: readFileSync(file, 'utf8') }));
  });
}

const TOKENS = /(?<comment>\/\*[\s\S]*?\*\/|\/\/[^\n]*)|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

/** The code without its comments; strings stay. */
export function withoutComments(text: string): string {
  return text.replace(TOKENS, (token, ...rest) => {
    const groups = rest.at(-1) as { comment?: string };
    return groups.comment === undefined ? token : token.replace(/[^\n]/g, ' ');
  });
}

/** The code without comments and without the contents of its strings. */
export function codeOnly(text: string): string {
  return withoutComments(text).replace(
    TOKENS,
    (token) => `${token[0]}${token.slice(1, -1).replace(/[^\n]/g, ' ')}${token.at(-1)}`,
  );
}

/** Line of a position in a text, from 1. */
export const lineAt = (text: string, position: number): number => text.slice(0, position).split('\n').length;
