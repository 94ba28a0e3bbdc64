/** What is left out of interactions, and ids as numbers: rows, users at random, repeated pairs, minimum degrees. */
import { InputError } from '../base/errors.js';
import type { DatasetSummary } from './dataset.js';
import { type Engine, literal } from './engine.js';
import type { Moments } from './moments.js';
import type { Preparation } from './preparation.js';
import type { Input, Role } from './prepare_options.js';
import { Part } from './split.js';

/** How many there are. */
export type Counts = Record<'users' | 'items' | 'interactions', number>;

/** What there is now: the tables of users and items have just those that have a pair before and after the minimum degrees. */
export function countPairs(engine: Engine, suffix = '_numbered'): Promise<Counts> {
  return engine.counts(`SELECT (SELECT count(*) FROM users${suffix}) AS users,
      (SELECT count(*) FROM items${suffix}) AS items, (SELECT count(*) FROM pairs) AS interactions`);
}

/** What a filter works on. */
export interface FilterContext extends Preparation {
  /** With a table source_<number> (user, item, rating, time, behaviour) in the engine for each. */
  readonly inputs: readonly Input[];
  readonly moments: Moments;
  /** Whether every pair has a time. */
  readonly knowsTime: boolean;
  /** The inputs, for errors. */
  readonly where: string;
}

/** The filters, in the order of the methods; tables `pairs`, `users_numbered` and `items_numbered` are left. */
export class Filter {
  constructor(private readonly context: FilterContext) {}

  /** @param rowsRead rows of all sources */
  async rows(rowsRead: number): Promise<Omit<DatasetSummary['filters'], 'degreeFilter' | 'badRows'>> {
    const { engine, options, inputs, moments, knowsTime } = this.context;
    const { minRating, behaviours } = options;
    this.context.stage('filtering');
    const partOf = (role: Role) => (role === 'all' ? Part.train : Part[role]);
    const union = inputs.map(
      ({ role }, index) =>
        `SELECT user, item, rating, time, behaviour, ${partOf(role)}::UTINYINT AS part FROM source_${index}`,
    );
    await engine.run(`CREATE VIEW source AS ${union.join(' UNION ALL ')}`);
    const dates = [
      ...(moments.from === undefined ? [] : [`time >= ${moments.from}::DOUBLE`]),
      ...(moments.until === undefined ? [] : [`time < ${moments.until}::DOUBLE`]),
    ];
    const wanted = {
      behaviour: behaviours ? `behaviour IN (${behaviours.map(literal).join(', ')})` : 'true',
      rating: minRating === undefined ? 'true' : `rating >= ${minRating}::DOUBLE`,
      date: dates.join(' AND ') || 'true',
    };
    const removed = await engine.counts<'behaviour' | 'rating' | 'date'>(`SELECT
      count(*) FILTER (NOT (${wanted.behaviour})) AS behaviour,
      count(*) FILTER (${wanted.behaviour} AND NOT (${wanted.rating})) AS rating,
      count(*) FILTER (${wanted.behaviour} AND ${wanted.rating} AND NOT (${wanted.date})) AS date FROM source`);
    let left = rowsRead - removed.behaviour - removed.rating - removed.date;
    if (left === 0) throw this.nothingLeft(rowsRead, removed);
    if (minRating !== undefined && options.minUserDegree === undefined) {
      await this.checkRatings(minRating, `${wanted.behaviour} AND ${wanted.date}`);
    }
    let keep = `WHERE ${wanted.behaviour} AND ${wanted.rating} AND ${wanted.date}`;
    const sampledOut = { users: 0, rows: 0 };
    if (options.sampleUsers !== undefined) {
      sampledOut.users = await this.sampleUsers(options.sampleUsers, keep);
      keep += ' AND user IN (SELECT user FROM sampled)';
      const { rows } = await engine.counts<'rows'>(`SELECT count(*) AS rows FROM source ${keep}`);
      sampledOut.rows = left - rows;
      left = rows;
    }

    this.context.stage('numbering');
    for (const [side, table] of [
      ['user', 'users'],
      ['item', 'items'],
    ]) {
      await engine.run(`CREATE TABLE ${table}_seen AS SELECT DISTINCT ${side} AS id FROM source ${keep}`);
      const [{ numeric }] = (await engine.rows<{ numeric: boolean }>(
        `SELECT bool_and(regexp_full_match(id, '-?[0-9]{1,38}')) AS numeric FROM ${table}_seen`,
      )) as [{ numeric: boolean }];
      // Text compares by its UTF-8 bytes, which is by code point.
      const order = numeric ? 'id::HUGEINT, id' : 'id';
      await engine.run(`CREATE TABLE ${table}_numbered AS
        SELECT id, (row_number() OVER (ORDER BY ${order}) - 1)::INTEGER AS number FROM ${table}_seen`);
      await engine.run(`DROP TABLE ${table}_seen`);
    }
    const time = knowsTime ? `, ${options.repeats === 'last' ? 'max' : 'min'}(time) AS time` : '';
    await engine.run(`CREATE TABLE merged AS SELECT u.number AS user, i.number AS item, part${time}
      FROM source s JOIN users_numbered u ON s.user = u.id JOIN items_numbered i ON s.item = i.id ${keep.replaceAll('user IN', 's.user IN')}
      GROUP BY u.number, i.number, part`);
    await engine.run('DROP VIEW source');
    for (const index of inputs.keys()) await engine.run(`DROP TABLE source_${index}`);
    const merged = await engine.counts<'pairs' | 'valid' | 'test'>(`SELECT
      count(*) AS pairs, count(*) FILTER (part = ${Part.valid}) AS valid, count(*) FILTER (part = ${Part.test}) AS test
      FROM merged`);
    if (inputs[0]!.role === 'all') await engine.run('ALTER TABLE merged RENAME TO pairs');
    else {
      const ofPart = knowsTime ? ', arg_min(time, part) AS time' : '';
      await engine.run(
        `CREATE TABLE pairs AS SELECT user, item, min(part) AS part${ofPart} FROM merged GROUP BY user, item`,
      );
      await engine.run('DROP TABLE merged');
    }
    const kept = await engine.counts<'valid' | 'test'>(`SELECT count(*) FILTER (part = ${Part.valid}) AS valid,
      count(*) FILTER (part = ${Part.test}) AS test FROM pairs`);
    return {
      behaviours: behaviours ?? null,
      minRating: minRating ?? null,
      from: options.from ?? null,
      until: options.until ?? null,
      repeats: options.repeats ?? 'first',
      sampleUsers: options.sampleUsers ?? null,
      minUserDegree: options.minUserDegree ?? null,
      minItemDegree: options.minItemDegree ?? null,
      rowsRead,
      rowsOfOtherBehaviours: removed.behaviour,
      rowsBelowMinRating: removed.rating,
      rowsOutsideDates: removed.date,
      sampledOut,
      duplicatesMerged: left - merged.pairs,
      overlapRemoved: { valid: merged.valid - kept.valid, test: merged.test - kept.test },
    };
  }

  private nothingLeft(rowsRead: number, removed: Record<'behaviour' | 'rating' | 'date', number>): InputError {
    const { behaviours, minRating, from, until } = this.context.options;
    const reasons: [number, string, string][] = [
      [removed.behaviour, `of other behaviours than ${behaviours?.join(', ')}`, '--behaviours'],
      [removed.rating, `rated below ${minRating}`, '--min-rating'],
      [removed.date, `not from ${from ?? 'the beginning'} until ${until ?? 'the end'}`, '--from and --until'],
    ];
    const found = reasons.filter(([count]) => count > 0);
    return new InputError(
      `filtering leaves nothing of ${rowsRead} interactions: ${found.map(([count, what]) => `${count} are ${what}`).join(', ')}`,
      { where: this.context.where, fix: `relax ${found.map(([, , option]) => option).join(' or ')}` },
    );
  }

  /** A user whom the minimum rating leaves nothing must be let go knowingly. */
  private async checkRatings(minRating: number, among: string): Promise<void> {
    const users = `FROM source WHERE ${among} GROUP BY user HAVING max(rating) < ${minRating}::DOUBLE`;
    const { without } = await this.context.engine.counts<'without'>(
      `SELECT count(*) AS without FROM (SELECT user ${users})`,
    );
    if (without === 0) return;
    const [first] = await this.context.engine.rows<{ user: string }>(`SELECT user ${users} ORDER BY user LIMIT 1`);
    const who = without === 1 ? 'one user has' : `${without} users have`;
    throw new InputError(
      `${who} no items after filtering: nothing is rated ${minRating} or more by user ${JSON.stringify(first!.user)}`,
      { where: this.context.where, fix: 'leave such users out with --min-user-degree 1, or lower --min-rating' },
    );
  }

  /** Draws users by a hash of seed and id, so that neither the order of rows nor other users matter; returns how many go. */
  private async sampleUsers(sample: number, keep: string): Promise<number> {
    const { engine, options } = this.context;
    const { all } = await engine.counts<'all'>(`SELECT count(DISTINCT user) AS all FROM source ${keep}`);
    const wanted = sample < 1 ? Math.max(1, Math.round(sample * all)) : sample;
    await engine.run(`CREATE TABLE sampled AS SELECT user FROM (SELECT DISTINCT user FROM source ${keep})
      ORDER BY md5_number_lower('${options.seed ?? 1} ' || user), user LIMIT ${wanted}`);
    return Math.max(0, all - wanted);
  }

  /** The k-core: both minimum degrees in turn until neither removes anything. Returns the rounds that removed something. */
  async degrees(): Promise<number> {
    const { engine, options } = this.context;
    const sides = [
      ['user', options.minUserDegree ?? 1],
      ['item', options.minItemDegree ?? 1],
    ] as const;
    // Whoever is here has an interaction, so a minimum of 1 removes nobody.
    const active = sides.filter(([, minimum]) => minimum > 1);
    if (active.length === 0) return 0;
    this.context.stage('minimum degrees');
    const before = (await countPairs(engine)).interactions;
    let rounds = 0;
    for (let removed = 1; removed > 0; rounds++) {
      removed = 0;
      for (const [side, minimum] of active) {
        const few = `SELECT ${side} FROM pairs GROUP BY ${side} HAVING count(*) < ${minimum}`;
        const found = await engine.counts<'nodes'>(`SELECT count(*) AS nodes FROM (${few})`);
        if (found.nodes === 0) continue;
        removed += found.nodes;
        // Deleting them would hold in memory what a table of the others spills.
        await engine.run(`CREATE TABLE kept AS SELECT * FROM pairs WHERE ${side} NOT IN (${few})`);
        await engine.run('DROP TABLE pairs');
        await engine.run('ALTER TABLE kept RENAME TO pairs');
      }
    }
    if ((await countPairs(engine)).interactions === 0) {
      const asked = active.map(([side, minimum]) => `--min-${side}-degree ${minimum}`).join(' and ');
      throw new InputError(`${asked}, repeated until nothing changes, leaves no interactions of ${before}`, {
        where: this.context.where,
        fix: 'lower the minimum degrees',
      });
    }
    return rounds - 1;
  }
}
