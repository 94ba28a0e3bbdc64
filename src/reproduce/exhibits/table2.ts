import { SYSTEM_NAMES } from '../paper.js';
import type { Need } from '../plan.js';
import type { Profile } from '../profiles.js';
import { plain, type Results } from '../results.js';
import type { Exhibit } from './exhibit.js';
import { CSV_HEADER, HOW_TO_READ, systemCsv, systemPictures, systemTables } from './systems.js';

const ROLES = ['protocol', 'best'] as const;
const dataOf = ({ data }: Pick<Profile, 'data'>) => data.filter((name) => name !== 'alibaba');
const namesOf = ({ data }: Results) => dataOf({ data: data.map(({ name }) => name) });

/** Table 2: all systems on the public data sets, by the paper's protocol and by the best configuration. */
export const table2: Exhibit = {
  name: 'table2',
  title: 'Table 2: hierarchical search',
  needs(profile) {
    const withBest = profile.allWithBest ? SYSTEM_NAMES : (['graphsage', 'hashgnn'] as const);
    return dataOf(profile).flatMap((data): Need[] => [
      ...SYSTEM_NAMES.map((system) => plain(data, system, 'protocol')),
      ...withBest.map((system) => plain(data, system, 'best')),
    ]);
  },
  draw(results) {
    const tables = namesOf(results).flatMap((data) => ROLES.map((role) => systemTables(results, data, role)));
    return [HOW_TO_READ, ...tables].join('\n');
  },
  pictures: (results) => systemPictures(results, 'table2', namesOf(results), ROLES),
  csv: (results) => [CSV_HEADER, ...namesOf(results).flatMap((name) => systemCsv(results, name, ROLES))],
};
