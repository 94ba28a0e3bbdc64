/** What the paper publishes (Tan et al., WWW 2020): its data sets, its systems and its tables. */

/** The data sets, by the names that folders and runs have. */
export type DataName = 'ml-1m' | 'gowalla' | 'pinterest' | 'alibaba';

export interface PaperData {
  /** The name in the paper's tables. */
  readonly title: string;
  /** Table 1. */
  readonly users: number;
  readonly items: number;
  readonly interactions: number;
}

export const DATA: Readonly<Record<DataName, PaperData>> = {
  'ml-1m': { title: 'MovieLens', users: 6040, items: 3952, interactions: 1_000_209 },
  gowalla: { title: 'Gowalla', users: 29_858, items: 40_981, interactions: 1_027_370 },
  pinterest: { title: 'Pinterest', users: 55_187, items: 9916, interactions: 1_500_809 },
  alibaba: { title: 'Alibaba', users: 601_946, items: 4_167_708, interactions: 28_489_957 },
};
export const DATA_NAMES = Object.keys(DATA) as DataName[];

/** The systems in the order of Table 2: the option `--model`, and the row of the table. */
export const SYSTEMS = {
  lsh: 'LSH',
  'hashgnn-sp': 'HashGNN_sp',
  'hash-gumbel': 'Hash_gumb',
  'hash-ste': 'Hash_ste',
  hashnet: 'HashNet',
  'hashgnn-nr': 'HashGNN_nr',
  mf: 'MF',
  pte: 'PTE',
  bine: 'BiNE',
  graphsage: 'GraphSage',
  hashgnn: 'HashGNN',
} as const;
export type System = keyof typeof SYSTEMS;
export const SYSTEM_NAMES = Object.keys(SYSTEMS) as System[];

/** Those that the paper has no codes of. */
export const CONTINUOUS: readonly System[] = ['mf', 'pte', 'bine', 'graphsage'];

/** The columns of Tables 2 and 3. */
export const PUBLISHED_METRICS = ['HR@50', 'HR@100', 'ndcg@50', 'ndcg@100'] as const;
export type PublishedMetric = (typeof PUBLISHED_METRICS)[number];

const TABLE2: Readonly<Record<System, Readonly<Record<Exclude<DataName, 'alibaba'>, readonly number[]>>>> = {
  lsh: row('.063 .127 .143 .192', '.165 .235 .282 .378', '.044 .093 .066 .117'),
  'hashgnn-sp': row('.108 .177 .207 .272', '.219 .261 .375 .443', '.052 .113 .083 .127'),
  'hash-gumbel': row('.136 .220 .234 .324', '.264 .335 .452 .507', '.098 .172 .104 .149'),
  'hash-ste': row('.145 .225 .249 .335', '.331 .363 .485 .516', '.126 .208 .127 .175'),
  hashnet: row('.185 .216 .266 .372', '.346 .388 .502 .530', '.169 .282 .147 .188'),
  'hashgnn-nr': row('.223 .340 .294 .405', '.378 .423 .533 .557', '.189 .315 .162 .204'),
  mf: row('.187 .256 .276 .383', '.345 .369 .504 .523', '.041 .072 .104 .152'),
  pte: row('.159 .249 .257 .353', '.344 .356 .498 .517', '.031 .052 .088 .125'),
  bine: row('.209 .289 .283 .392', '.363 .389 .515 .546', '.109 .248 .117 .186'),
  graphsage: row('.228 .354 .304 .411', '.389 .434 .542 .563', '.193 .317 .166 .213'),
  hashgnn: row('.248 .373 .325 .431', '.405 .443 .551 .572', '.212 .334 .176 .234'),
};

const TABLE3: Readonly<Record<System, readonly number[]>> = {
  lsh: numbers('.0072 .0365 .0102 .0298'),
  'hashgnn-sp': numbers('.0117 .0551 .0197 .0659'),
  'hash-gumbel': numbers('.0181 .0590 .0226 .0714'),
  'hash-ste': numbers('.0287 .0678 .0383 .0859'),
  hashnet: numbers('.0363 .0737 .0538 .0930'),
  'hashgnn-nr': numbers('.0448 .0930 .0665 .1118'),
  mf: numbers('.0331 .0722 .0518 .0919'),
  pte: numbers('.0311 .0708 .0484 .0903'),
  bine: numbers('.0394 .0829 .0589 .1022'),
  graphsage: numbers('.0473 .0986 .0691 .1144'),
  hashgnn: numbers('.0517 .1066 .0775 .1284'),
};

function numbers(text: string): number[] {
  return text.split(' ').map(Number);
}

function row(movieLens: string, gowalla: string, pinterest: string) {
  return { 'ml-1m': numbers(movieLens), gowalla: numbers(gowalla), pinterest: numbers(pinterest) };
}

/** A figure of Table 2, or of Table 3 for Alibaba: hierarchical search. */
export function published(system: System, data: DataName, metric: PublishedMetric): number {
  const values = data === 'alibaba' ? TABLE3[system] : TABLE2[system][data];
  return values[PUBLISHED_METRICS.indexOf(metric)]!;
}

/** Table 4: seconds for computing and sorting distances. */
export const TABLE4: Readonly<Record<'exact' | 'hierarchical' | 'hamming', Readonly<Record<DataName, number>>>> = {
  exact: { 'ml-1m': 3.8, pinterest: 73.5, gowalla: 189.6, alibaba: 15_181.7 },
  hierarchical: { 'ml-1m': 2.8, pinterest: 41.2, gowalla: 82.1, alibaba: 4295.8 },
  hamming: { 'ml-1m': 1.5, pinterest: 27.8, gowalla: 66.1, alibaba: 4163.9 },
};
