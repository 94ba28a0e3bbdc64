/** How kernels are told apart in pictures: by the folder of `shaders/` in which they are. */
import { type MarkShape, mark, textPixels, words } from '../../src/page/svg.js';

export interface Room {
  /** Also the class of its marks and bars. */
  readonly name: string;
  readonly shape: MarkShape;
  /** By day and by night. */
  readonly colours: readonly [light: string, dark: string];
}

const room = (name: string, shape: MarkShape, light: string, dark: string): Room => ({
  ...{ name, shape, colours: [light, dark] },
});

/** Folders that are not named here are `other`: more colours than these are hard to tell apart. */
export const ROOMS: readonly Room[] = [
  room('aggregate', 'circle', '#2a78d6', '#3987e5'),
  room('dense', 'square', '#d95926', '#eb6834'),
  room('hash', 'up', '#c2408f', '#e87ba4'),
  room('loss', 'down', '#c93637', '#e66767'),
  room('optim', 'diamond', '#b37a00', '#d9a100'),
  room('sample', 'right', '#0f8a60', '#1baf7a'),
  room('search', 'left', '#4a3aa7', '#9085e9'),
  room('ceiling', 'bar', '#1a1a19', '#f2f1ed'),
  room('other', 'pillar', '#7a7974', '#9a9993'),
];

export function roomOf(kernel: string): Room {
  const folder = kernel.split('/')[0]!;
  return ROOMS.find(({ name }) => name === folder) ?? ROOMS.at(-1)!;
}

const LINE = 18;

/** The rooms of some kernels with their marks, in lines of at most `width` pixels from a point downwards. */
export function legend(
  kernels: readonly string[],
  { left, top, width }: { left: number; top: number; width: number },
): { markup: string[]; height: number } {
  const folders = (of: Room) =>
    of.name === 'other' ? [...new Set(kernels.filter((one) => roomOf(one) === of).map(folderOf))].join(', ') : of.name;
  const markup: string[] = [];
  let [x, y] = [left, top];
  for (const one of ROOMS.filter((known) => kernels.some((kernel) => roomOf(kernel) === known))) {
    const text = folders(one);
    const wide = 30 + textPixels(text);
    if (x > left && x + wide > left + width) [x, y] = [left, y + LINE];
    markup.push(mark(one.shape, x + 6, y + 6, one.name), words(x + 16, y + 10, text));
    x += wide;
  }
  return { markup, height: y - top + LINE };
}

const folderOf = (kernel: string) => kernel.split('/')[0]!;
