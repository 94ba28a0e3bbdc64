import { paragraph } from '../../page/page.js';
import { SYSTEM_NAMES } from '../paper.js';
import { plain } from '../results.js';
import type { Exhibit } from './exhibit.js';
import { CSV_HEADER, systemCsv, systemPictures, systemTables } from './systems.js';

/** Table 3: all systems on Alibaba's data, here on generated data. */
export const table3: Exhibit = {
  name: 'table3',
  title: 'Table 3: Alibaba, on generated data',
  needs: ({ data }) =>
    data.includes('alibaba') ? SYSTEM_NAMES.map((system) => plain('alibaba', system, 'protocol')) : [],
  draw(results) {
    const found = results.data.find(({ generated }) => generated);
    const { users, items, interactions } = found?.statistics ?? { users: 0, items: 0, interactions: 0 };
    const count = (value: number, what: string) => `${value.toLocaleString('en-US')} ${what}`;
    const size = [count(users, 'users'), count(items, 'items'), count(interactions, 'interactions')].join(', ');
    return [
      paragraph(
        `Alibaba’s data are private. These are generated interactions with planted interests: ${size}; split: ` +
          `${found?.split ?? 'none'}. ` +
          'The paper’s figures stand beside them for the order of the systems only.',
      ),
      systemTables(results, 'alibaba', 'protocol'),
    ].join('\n');
  },
  pictures: (results) => systemPictures(results, 'table3', ['alibaba'], ['protocol']),
  csv: (results) => [CSV_HEADER, ...systemCsv(results, 'alibaba', ['protocol'])],
};
