/** What the paper's text and tables say of which system is better, and whether it came out. */
import type { SearchName } from '../search/index.js';
import { CONTINUOUS, DATA_NAMES, type DataName, published, SYSTEM_NAMES, SYSTEMS, type System } from './paper.js';
import type { Recipe } from './plan.js';
import type { Role } from './profiles.js';
import { figureOf, type Measured, ofFirstSeed, plain } from './results.js';
import { MASKINGS, type Masking } from './run_evaluation.js';
import { SWEPT, withBits, withFixed, withLambda } from './sweeps.js';

/** A statement that one system is above others in HR@50. */
export interface Claim {
  readonly says: string;
  /** Where it stands in the paper. */
  readonly source: string;
  readonly search: SearchName;
  readonly better: System;
  readonly worse: readonly System[];
}

const others = (system: System) => SYSTEM_NAMES.filter((one) => one !== system);
const hashing = (than: System) => others(than).filter((one) => !CONTINUOUS.includes(one));
const claim = (
  search: SearchName,
  better: System,
  worse: readonly System[],
  source: string,
  than = worse.map((one) => SYSTEMS[one]).join(' and '),
): Claim => ({ says: `${SYSTEMS[better]} is above ${than}`, source, search, better, worse });

export const CLAIMS: readonly Claim[] = [
  claim('hierarchical', 'hashgnn', others('hashgnn'), 'Table 2, fourth finding', 'every other system'),
  claim('hierarchical', 'hashgnn', ['graphsage'], 'Table 2, fourth finding'),
  claim('hierarchical', 'hashgnn', ['hashgnn-nr'], 'Table 2: the ranking loss helps'),
  claim('hierarchical', 'hashgnn-nr', ['hash-ste'], 'Table 2, first finding: guidance helps'),
  claim('hierarchical', 'graphsage', ['hashgnn-nr'], 'Table 2, second finding'),
  claim('hierarchical', 'graphsage', ['mf', 'pte'], 'Table 2, second finding'),
  claim('hierarchical', 'graphsage', ['bine'], 'Table 2, second finding'),
  claim('hierarchical', 'hashgnn', ['hashgnn-sp'], 'Table 2: codes and embeddings trained together'),
  claim('hamming', 'hashgnn', hashing('hashgnn'), 'Figure 3, fourth observation', 'every other hashing system'),
  claim('hamming', 'hashgnn', ['hashgnn-nr'], 'Figure 3, fourth observation'),
  claim('hamming', 'hashnet', ['hash-gumbel'], 'Figure 3, second observation'),
  claim('hamming', 'hashnet', ['hash-ste'], 'Figure 3, third observation'),
  claim('hamming', 'hash-gumbel', ['lsh'], 'Figure 3, first observation'),
];

/** A claim, or all pairs of Table 2, beside what came out. */
export interface Ordering {
  readonly data: DataName;
  readonly role: Role;
  readonly masking: Masking;
  readonly search: SearchName;
  readonly says: string;
  readonly source: string;
  /** HR@50 of the better system less that of the best of the others that were run, in the paper; null where it has no figure. */
  readonly paper: number | null;
  /** The same here. */
  readonly ours: number;
  readonly holds: boolean;
}

/** How many of the pairs of systems stand in the paper's order. */
export interface Agreement {
  readonly pairs: number;
  readonly agreeing: number;
}

const METRIC = 'HR@50';

/** Every claim of which both sides were run. */
export function orderingsOf(measured: Pick<Measured, 'runs' | 'data' | 'profile'>): Ordering[] {
  return [...claimsOf(measured), ...searchesOf(measured), ...sweepsOf(measured)];
}

function claimsOf(measured: Pick<Measured, 'runs' | 'data'>): Ordering[] {
  return placesOf(measured).flatMap(({ data, role, masking }) =>
    CLAIMS.flatMap(({ says, source, search, better, worse }) => {
      const place = { masking, search, metric: METRIC };
      const here = (system: System) => figureOf(measured, plain(data, system, role), place)?.mean;
      const first = here(better);
      const rest = worse.flatMap((system) => here(system) ?? []);
      if (first === undefined || rest.length < worse.length) return [];
      const ours = first - Math.max(...rest);
      const inPaper = (system: System) => published(system, data, METRIC);
      const paper = search === 'hierarchical' ? inPaper(better) - Math.max(...worse.map(inPaper)) : null;
      return [{ data, role, masking, search, says, source, paper, ours, holds: ours > 0 }];
    }),
  );
}

/** Hierarchical search against Hamming search, of the hashing system that gains least. */
function searchesOf(measured: Pick<Measured, 'runs' | 'data'>): Ordering[] {
  const says = 'every hashing system is better by hierarchical search than by Hamming search';
  const source = 'Table 2 and Figure 3, third finding';
  return placesOf(measured).flatMap(({ data, role, masking }) => {
    const gains = SYSTEM_NAMES.filter((system) => !CONTINUOUS.includes(system)).flatMap((system) => {
      const recipe = plain(data, system, role);
      const [to, from] = (['hierarchical', 'hamming'] as const).map((search) =>
        figureOf(measured, recipe, { masking, search, metric: METRIC }),
      );
      return to && from ? [to.mean - from.mean] : [];
    });
    if (gains.length === 0) return [];
    const ours = Math.min(...gains);
    return [{ data, role, masking, search: 'hierarchical' as const, says, source, paper: null, ours, holds: ours > 0 }];
  });
}

/** What the text says of the sweeps of Figures 5 and 7: the better value against the best of the others. */
function sweepsOf(all: Pick<Measured, 'runs' | 'profile'>): Ordering[] {
  const measured = ofFirstSeed(all);
  const { lambdas, fixed, bits } = measured.profile;
  const usual = plain(SWEPT, 'hashgnn', 'protocol');
  const ascending = [...bits].sort((a, b) => a - b);
  const claims: [says: string, source: string, better: Recipe, worse: Recipe[]][] = [
    ['p that falls is above every fixed p', 'Figure 7, second finding', usual, fixed.map(withFixed)],
    ['fixed p = 0.6 is above p = 1', 'Figure 7, first finding', withFixed(0.6), [withFixed(1)]],
    ['p = 1 is above fixed p = 0.4', 'Figure 7, first finding', withFixed(1), [withFixed(0.4)]],
    ...lambdas
      .filter((lambda) => lambda > 0)
      .map((lambda): (typeof claims)[number] => [
        `λ = ${lambda} is above λ = 0`,
        'section 5.6.1',
        withLambda(lambda),
        [withLambda(0)],
      ]),
    ...ascending
      .slice(1)
      .map((more, at): (typeof claims)[number] => [
        `K = ${more} is above K = ${ascending[at]}`,
        'section 5.6.3',
        withBits(more, 'hashgnn', 'protocol'),
        [withBits(ascending[at]!, 'hashgnn', 'protocol')],
      ]),
  ];
  return MASKINGS.flatMap((masking) =>
    claims.flatMap(([says, source, better, worse]) => {
      const search = 'hierarchical' as const;
      const here = (recipe: Recipe) => figureOf(measured, recipe, { masking, search, metric: METRIC })?.mean;
      const first = here(better);
      const rest = worse.flatMap((recipe) => here(recipe) ?? []);
      if (first === undefined || rest.length < worse.length) return [];
      const ours = first - Math.max(...rest);
      return [
        { data: SWEPT, role: 'protocol' as const, masking, search, says, source, paper: null, ours, holds: ours > 0 },
      ];
    }),
  );
}

/** Pairs of systems of Table 2 whose order is that of the paper. */
export function agreementOf(
  measured: Pick<Measured, 'runs'>,
  { data, role, masking, search }: Pick<Ordering, 'data' | 'role' | 'masking' | 'search'>,
): Agreement {
  const place = { masking, search, metric: METRIC };
  const values = SYSTEM_NAMES.flatMap((system) => {
    const ours = figureOf(measured, plain(data, system, role), place)?.mean;
    return ours === undefined ? [] : [{ ours, paper: published(system, data, METRIC) }];
  });
  let [pairs, agreeing] = [0, 0];
  for (const [at, one] of values.entries()) {
    for (const other of values.slice(at + 1)) {
      pairs += 1;
      if ((one.ours - other.ours) * (one.paper - other.paper) > 0) agreeing += 1;
    }
  }
  return { pairs, agreeing };
}

/** Where systems were compared: data sets in their order, then roles, then maskings. */
export function placesOf({ runs, data }: Pick<Measured, 'runs' | 'data'>) {
  return DATA_NAMES.filter((name) => data.some((one) => one.name === name)).flatMap((name) => {
    const roles = [...new Set(runs.filter((run) => run.data === name).map(({ role }) => role))];
    return roles.flatMap((role) => MASKINGS.map((masking) => ({ data: name, role, masking })));
  });
}
