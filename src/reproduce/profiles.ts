import { PRESETS, type PresetName } from '../train/index.js';
import { DATA_NAMES, type DataName } from './paper.js';

/**
 * What the tables want of a preset, and the preset that gives it: the paper's protocol in a form that trains, the best
 * honest configuration, the text of the paper taken literally. The one place where presets are named; `presetOf` tells which
 * one it is on a data set.
 */
export const PRESET_OF = { protocol: 'paper', best: 'best', literal: 'text' } as const;
export type Role = keyof typeof PRESET_OF;

/** Data whose best configuration, on validation, is that for few interactions a user. */
const SPARSE: readonly DataName[] = ['gowalla', 'pinterest'];

/** The preset of a role on a data set. */
export const presetOf = (data: DataName, role: Role): PresetName =>
  role === 'best' && SPARSE.includes(data) ? 'sparse' : PRESET_OF[role];

/** What the roles are called in reports. */
export const ROLE_TITLES: Readonly<Record<Role, string>> = {
  protocol: 'the paper’s protocol',
  best: 'the best configuration',
  literal: 'the text taken literally',
};

/** Whether this version has the preset of a role. */
export const hasPreset = (role: Role): boolean => Object.hasOwn(PRESETS, PRESET_OF[role]);

/** The same profile with further shortened trainings. */
export function shortenedBy(profile: Profile, share: number): Profile {
  const { protocol, best, literal } = profile.shorten;
  return { ...profile, shorten: { protocol: protocol * share, best: best * share, literal: literal * share } };
}

/** How much of the paper is run. */
export interface Profile {
  readonly about: string;
  readonly data: readonly DataName[];
  readonly seeds: readonly number[];
  /** Numbers of steps, and of steps between events, are multiplied by this. */
  readonly shorten: Readonly<Record<Role, number>>;
  /** Generated data in the place of Alibaba's: this share of its users, items and interactions. */
  readonly alibabaSize: number;
  /** Whether the best preset is for every system and every K, or for HashGNN and GraphSage at its own K. */
  readonly allWithBest: boolean;
  /** Figure 5: values of λ, of triplets a positive, of K. */
  readonly lambdas: readonly number[];
  readonly triplets: readonly number[];
  readonly bits: readonly number[];
  /** Figure 7: fixed values of p. */
  readonly fixed: readonly number[];
}

const tenths = (from: number, to: number) =>
  Array.from(
    { length: Math.round(10 * Math.abs(to - from)) + 1 },
    (_, at) => Math.round(10 * from + Math.sign(to - from) * at) / 10,
  );

export const PROFILES = {
  quick: {
    about: 'MovieLens-1M and small generated data, one seed, a tenth of the steps: about half an hour on two CPU cores',
    data: ['ml-1m', 'alibaba'],
    seeds: [0],
    // A step of the text computes whole neighbourhoods: half a second here.
    shorten: { protocol: 0.1, best: 0.2, literal: 0.01 },
    alibabaSize: 0.001,
    allWithBest: false,
    lambdas: [0, 0.5, 1],
    triplets: [1, 5, 10],
    bits: [16, 32, 64],
    fixed: [1, 0.8, 0.6, 0.4],
  },
  full: {
    about: 'all data sets, three seeds (one for Figures 5 and 7), all steps: many hours on two CPU cores',
    data: DATA_NAMES,
    seeds: [0, 1, 2],
    shorten: { protocol: 1, best: 1, literal: 1 },
    alibabaSize: 0.01,
    allWithBest: true,
    lambdas: tenths(0, 1),
    triplets: [1, 5, 10, 15, 20, 25],
    bits: [16, 32, 64, 128],
    fixed: tenths(1, 0.4),
  },
} satisfies Record<string, Profile>;
export type ProfileName = keyof typeof PROFILES;
