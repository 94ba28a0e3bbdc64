/** The numbers of users and items in the dataset, which are without gaps, and their ids by number. */
import { join } from 'node:path';
import { writeFileAtomic } from '../base/files.js';
import { type Counts, countPairs } from './filter.js';
import type { Preparation } from './preparation.js';

/** Numbers those that the filter left, in its order, in tables `users` and `items`; returns how many there are. */
export async function numberIds({ engine, stage }: Preparation): Promise<Counts> {
  stage('numbering');
  for (const [side, table] of [
    ['user', 'users'],
    ['item', 'items'],
  ]) {
    await engine.run(`CREATE TABLE ${table} AS
      SELECT id, number, (row_number() OVER (ORDER BY number) - 1)::INTEGER AS final
      FROM ${table}_numbered WHERE number IN (SELECT ${side} FROM pairs)`);
    await engine.run(`DROP TABLE ${table}_numbered`);
  }
  return countPairs(engine, '');
}

/** Writes `users.txt` and `items.txt`, an id by line. */
export async function writeIds({ engine, temporary }: Preparation): Promise<void> {
  for (const table of ['users', 'items']) {
    await writeFileAtomic(join(temporary, `${table}.txt`), engine.lines(`SELECT id FROM ${table} ORDER BY final`));
  }
}
