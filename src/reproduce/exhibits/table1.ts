import { htmlTable, paragraph } from '../../page/page.js';
import { DATA } from '../paper.js';
import type { Results } from '../results.js';
import type { CsvRows, Exhibit } from './exhibit.js';
import { right } from './systems.js';

/** Table 1: the data sets. */
export const table1: Exhibit = {
  name: 'table1',
  title: 'Table 1: data sets',
  needs: () => [],
  shows: ({ data }) => data,
  draw(results) {
    const rows = results.data.map(({ name, generated, split, statistics }) => {
      const paper = DATA[name];
      const counts = [
        paper.users,
        paper.items,
        paper.interactions,
        statistics.users,
        statistics.items,
        statistics.interactions,
      ];
      return [
        generated ? `${paper.title}, generated` : paper.title,
        ...counts.map((count) => count.toLocaleString('en-US')),
        `${(100 * statistics.density).toPrecision(3)} %`,
        split,
      ];
    });
    const header = ['data set', 'users', 'items', 'interactions', 'users', 'items', 'interactions', 'density', 'split'];
    const groups: [string, number][] = [
      ['', 1],
      ['paper', 3],
      ['here', 5],
    ];
    return [
      htmlTable('Users, items and interactions', header, rows, [...right(8), 'left'], groups),
      paragraph(
        'MovieLens: the paper counts the largest movie number, 3,952, here are the 3,706 rated ones. Gowalla’s users are ' +
          'printed as 29,585 in the paper, a slip for 29,858. Alibaba’s log is private: generated interactions of a chosen ' +
          'share of its size stand in its place, and say nothing of the quality on the real one.',
      ),
    ].join('\n');
  },
  csv: (results: Results): CsvRows => [
    ['data', 'generated', 'users', 'items', 'interactions', 'paper users', 'paper items', 'paper interactions'],
    ...results.data.map(({ name, generated, statistics: { users, items, interactions } }) => {
      const paper = DATA[name];
      return [name, String(generated), users, items, interactions, paper.users, paper.items, paper.interactions];
    }),
  ],
};
