/** HashGNN against each other system, user by user. */
import type { SearchName } from '../search/index.js';
import { type DataName, SYSTEM_NAMES, type System } from './paper.js';
import type { Role } from './profiles.js';
import { type Measured, plain, runsLike } from './results.js';
import { MASKINGS, type Masking, type Recalls } from './run_evaluation.js';
import { holm, type PairedTest, pairedTest } from './statistics.js';

/** HR@50 of HashGNN less that of another system, of the same users; see `PairedTest`. */
export interface Comparison extends PairedTest {
  readonly data: DataName;
  readonly role: Role;
  readonly masking: Masking;
  readonly search: SearchName;
  readonly other: System;
  readonly users: number;
  readonly seeds: number;
  /** p corrected for the number of systems in the same table (Holm). */
  readonly corrected: number;
}

/** The searches in which systems are compared. */
export const COMPARED = ['hierarchical', 'hamming'] as const satisfies readonly SearchName[];

/**
 * Every comparison that the runs allow. Users' values are means over the seeds that both systems have.
 * @param recalls of each run, by id
 */
export function comparisonsOf(measured: Pick<Measured, 'runs'>, recalls: ReadonlyMap<string, Recalls>): Comparison[] {
  const comparisons: Comparison[] = [];
  const places = new Map(measured.runs.map(({ data, role }) => [`${data} ${role}`, { data, role }]));
  for (const { data, role } of places.values()) {
    const runsOf = (system: System) => runsLike(measured, plain(data, system, role));
    const ours = runsOf('hashgnn');
    const others = SYSTEM_NAMES.filter((system) => system !== 'hashgnn');
    for (const masking of MASKINGS) {
      for (const search of COMPARED) {
        const tests = others.flatMap((other) => {
          const theirs = runsOf(other);
          const seeds = ours.map(({ seed }) => seed).filter((seed) => theirs.some((run) => run.seed === seed));
          if (seeds.length === 0) return [];
          const [first, second] = [ours, theirs].map((runs) =>
            meanOf(seeds.map((seed) => recalls.get(runs.find((run) => run.seed === seed)!.id)![masking][search])),
          );
          const about = { data, role, masking, search, other, users: first!.length, seeds: seeds.length };
          return [{ ...about, ...pairedTest(first!, second!) }];
        });
        const corrected = holm(tests.map(({ p }) => p));
        comparisons.push(...tests.map((test, at) => ({ ...test, corrected: corrected[at]! })));
      }
    }
  }
  return comparisons;
}

function meanOf(rows: readonly Float32Array[]): Float64Array {
  return Float64Array.from(rows[0]!, (_, user) => rows.reduce((sum, row) => sum + row[user]!, 0) / rows.length);
}
