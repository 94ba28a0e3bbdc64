import { formatSeconds } from '../../base/text.js';
import { htmlTable, paragraph } from '../../page/page.js';
import type { SearchName } from '../../search/index.js';
import { DATA, type DataName, TABLE4 } from '../paper.js';
import { plain, type Results, runsLike } from '../results.js';
import { spreadOf } from '../statistics.js';
import type { Exhibit } from './exhibit.js';
import { right } from './systems.js';

const ROWS = [
  ['exact', 'continuous embeddings'],
  ['hierarchical', 'hierarchical'],
  ['hamming', 'Hamming'],
] as const satisfies readonly (readonly [SearchName, string])[];

/** Mean seconds over the seeds' runs, of those of this folder where it has any; undefined where there is none. */
function secondsOf(results: Results, data: DataName, search: SearchName): number | undefined {
  const all = runsLike(results, plain(data, 'hashgnn', 'protocol'));
  const own = all.filter(({ from }) => from === undefined);
  const runs = own.length > 0 ? own : all;
  const seconds = runs.map(({ id }) => results.times.runs[id]!.searches.unmasked[search]);
  return seconds.length > 0 ? spreadOf(seconds).mean : undefined;
}

/** Table 4: how long the three searches take for all users. */
export const table4: Exhibit = {
  name: 'table4',
  title: 'Table 4: time of the searches',
  needs: ({ data }) => data.map((name) => ({ ...plain(name, 'hashgnn', 'protocol') })),
  draw(results) {
    const names = results.data.map(({ name }) => name);
    const rows = ROWS.map(([search, title]) => [
      title,
      ...names.flatMap((data) => {
        const ours = secondsOf(results, data, search);
        const exact = secondsOf(results, data, 'exact');
        const times = (value: number | undefined, of: number | undefined) =>
          value === undefined || of === undefined ? '–' : `× ${(of / value).toFixed(1)}`;
        const paper = TABLE4[search][data];
        return [
          ...[formatSeconds(paper), times(paper, TABLE4.exact[data])],
          ...[ours === undefined ? '–' : formatSeconds(ours), times(ours, exact)],
        ];
      }),
    ]);
    const header = ['search', ...names.flatMap(() => ['paper', 'faster', 'here', 'faster'])];
    const groups = names.map((data): [string, number] => [DATA[data].title, 4]);
    return [
      htmlTable('Seconds for computing and sorting distances of all users', header, rows, right(header.length), [
        ['', 1],
        ...groups,
      ]),
      paragraph(
        'The best 100 of all items for every user with a test item, with the codes and embeddings of HashGNN. The paper ' +
          'measured with Python on a laptop; here it is the adapter named above, and for runs from elsewhere that of their ' +
          'folder. Alibaba’s column is of the generated data ' +
          'and their size; hashgnn bench search has the search of the paper’s full size, on random codes.',
      ),
    ].join('\n');
  },
  csv: (results) => [
    ['data', 'search', 'seconds', 'paper seconds'],
    ...results.data.flatMap(({ name }) =>
      ROWS.map(([search]) => [name, search, secondsOf(results, name, search) ?? '', TABLE4[search][name]]),
    ),
  ],
};
