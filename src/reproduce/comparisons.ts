/** HashGNN against each other system, user by user. */
import type { SearchName } from '../search/index.js';
import { type DataName, SYSTEM_NAMES, type System } from './paper.js';
import type { Role } from './profiles.js';
import { type Measured, plain, type RunResult, runsLike } from './results.js';
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

type About = Pick<Comparison, 'data' | 'role' | 'other'>;

/** HashGNN's runs and the other system's, of the seeds that both have. */
function pairsOf(runs: readonly RunResult[], { data, role, other }: About): (readonly [RunResult, RunResult])[] {
  const theirs = runsLike({ runs }, plain(data, other, role));
  return runsLike({ runs }, plain(data, 'hashgnn', role)).flatMap((own) => {
    const match = theirs.find(({ seed }) => seed === own.seed);
    return match ? [[own, match] as const] : [];
  });
}

/** The runs that a comparison of some runs speaks of. */
export const comparedRuns = (runs: readonly RunResult[], about: About): RunResult[] => pairsOf(runs, about).flat();

/**
 * Every comparison that the runs allow. Users' values are means over the seeds that both systems have.
 * @param recalls of the runs whose users are known, by id
 * @param known comparisons of the same runs, which stand where they are of more seeds than users are known of
 */
export function comparisonsOf(
  measured: Pick<Measured, 'runs'>,
  recalls: ReadonlyMap<string, Recalls>,
  known: readonly Comparison[] = [],
): Comparison[] {
  const comparisons: Comparison[] = [];
  const places = new Map(measured.runs.map(({ data, role }) => [`${data} ${role}`, { data, role }]));
  for (const { data, role } of places.values()) {
    const others = SYSTEM_NAMES.filter((system) => system !== 'hashgnn');
    for (const masking of MASKINGS) {
      for (const search of COMPARED) {
        const tests = others.flatMap((other): Omit<Comparison, 'corrected'>[] => {
          const about = { data, role, masking, search, other };
          const pairs = pairsOf(measured.runs, about).flatMap((both) => {
            const [own, match] = both.map(({ id }) => recalls.get(id)?.[masking][search]);
            return own && match ? [[own, match] as const] : [];
          });
          const before = known
            .filter((one) => isAbout(one, about))
            .reduce<Comparison | undefined>((most, one) => (most && most.seeds >= one.seeds ? most : one), undefined);
          if (before && before.seeds > pairs.length) return [before];
          if (pairs.length === 0) return [];
          const [first, second] = ([0, 1] as const).map((at) => meanOf(pairs.map((both) => both[at])));
          const of = { users: first!.length, seeds: pairs.length };
          return [{ ...about, ...of, ...pairedTest(first!, second!) }];
        });
        const corrected = holm(tests.map(({ p }) => p));
        comparisons.push(...tests.map((test, at) => ({ ...test, corrected: corrected[at]! })));
      }
    }
  }
  return comparisons;
}

const isAbout = (one: Comparison, about: About & Pick<Comparison, 'masking' | 'search'>) =>
  (['data', 'role', 'masking', 'search', 'other'] as const).every((name) => one[name] === about[name]);

function meanOf(rows: readonly Float32Array[]): Float64Array {
  return Float64Array.from(rows[0]!, (_, user) => rows.reduce((sum, row) => sum + row[user]!, 0) / rows.length);
}
