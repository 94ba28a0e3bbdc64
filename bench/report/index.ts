/** `hashgnn bench report`: results of the benches as a page to read. */
import { basename } from 'node:path';
import { page } from '../../src/page/page.js';
import { type BenchFile, type BenchKind, readResult } from '../result.js';
import { type Facts, factsTable } from './facts.js';
import { kernelsBody } from './kernels.js';
import { ROOMS } from './rooms.js';
import { searchBody } from './search.js';
import { stepBody } from './step.js';
import { trainBody } from './train.js';

export interface Report {
  /** One file that needs nothing from outside. */
  readonly html: string;
  readonly sections: readonly { readonly file: string; readonly kind: BenchKind }[];
}

/**
 * A page with a section for each result, in the order given.
 * @param files JSON files that benches wrote, one at least
 * @throws InputError where a file is missing, no JSON, no result of a bench, or one that lacks something
 */
export async function reportOf(files: readonly string[]): Promise<Report> {
  const results: BenchFile[] = [];
  for (const file of files) results.push(await readResult(file));
  const sections = results.map((one, at) => ({
    ...{ id: `result-${at + 1}`, title: `bench ${one.kind}, ${basename(one.file)}`, body: bodyOf(one) },
  }));
  const colours = Object.fromEntries(ROOMS.map((room) => [room.name, room.colours]));
  return {
    html: page('hashgnn: results of benches', factsTable(sections, results.map(factsOf)), sections, colours),
    sections: results.map(({ file, kind }) => ({ file, kind })),
  };
}

function bodyOf(file: BenchFile): string {
  switch (file.kind) {
    case 'kernels':
      return kernelsBody(file.result);
    case 'search':
      return searchBody(file.result);
    case 'train':
      return trainBody(file.result);
    case 'step':
      return stepBody(file.result);
  }
}

function factsOf({ result }: BenchFile): Facts {
  const { adapter, driver, versions, seed, date, command } = result;
  return {
    ...{ adapter, driver, ...versions, seed: String(seed) },
    date: date ?? 'not noted in the file',
    command: command ?? 'not noted in the file',
  };
}
