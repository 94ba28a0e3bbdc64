/** Results as a page to look at, as JSON and as tables of comma-separated values. */
import { join } from 'node:path';
import { makeFolder, writeFileAtomic, writeJson } from '../base/files.js';
import { formatBytes, formatSeconds } from '../base/text.js';
import {
  type Cell,
  facts,
  heading,
  htmlTable,
  page,
  paragraph,
  pictureFile,
  points,
  type Section,
  sectionLinks,
} from '../page/page.js';
import { COMPARED } from './comparisons.js';
import type { CsvRows, Exhibit } from './exhibits/exhibit.js';
import { COLOURS, formatDifference, formatP, formatShare, SEARCH_TITLES, UNMASKED_FIRST } from './exhibits/look.js';
import { right } from './exhibits/systems.js';
import { agreementOf, placesOf } from './orderings.js';
import { DATA, SYSTEMS } from './paper.js';
import { presetOf, ROLE_TITLES, type Role } from './profiles.js';
import type { Results, RunResult } from './results.js';

/** Writes `report.html`, `results.json`, `csv/` and `figures/`, the page's pictures as files of SVG, below a folder. */
export async function writeReport(results: Results, exhibits: readonly Exhibit[], folder: string): Promise<void> {
  await writeJson(join(folder, 'results.json'), results);
  const tables: [string, CsvRows][] = [
    ...exhibits.map((exhibit): [string, CsvRows] => [exhibit.name, exhibit.csv(results)]),
    ['significance', significanceCsv(results)],
    ['orderings', orderingsCsv(results)],
    ['runs', runsCsv(results)],
  ];
  await makeFolder(join(folder, 'csv'));
  for (const [name, rows] of tables) await writeFileAtomic(join(folder, 'csv', `${name}.csv`), csvOf(rows));
  await makeFolder(join(folder, 'figures'));
  for (const [name, drawing] of exhibits.flatMap((exhibit) => Object.entries(exhibit.pictures?.(results) ?? {}))) {
    if (drawing) await writeFileAtomic(join(folder, 'figures', `${name}.svg`), pictureFile(drawing, COLOURS));
  }
  await writeFileAtomic(join(folder, 'report.html'), reportOf(results, exhibits));
}

/** One file of HTML that needs nothing from outside. */
export function reportOf(results: Results, exhibits: readonly Exhibit[]): string {
  const sections: Section[] = [
    ...exhibits.map((exhibit) => ({ id: exhibit.name, title: exhibit.title, body: exhibit.draw(results) })),
    { id: 'orderings', title: 'Orderings of the paper', body: orderings(results) },
    { id: 'significance', title: 'HashGNN against each system, user by user', body: significance(results) },
    { id: 'health', title: 'Health of the codes', body: health(results) },
    { id: 'runs', title: 'Time and memory of the runs', body: runs(results) },
  ];
  return page('HashGNN: the paper’s tables and figures, run again', intro(results, sections), sections, COLOURS);
}

function intro(results: Results, sections: readonly Section[]): string {
  const { profile, versions, times, missing, failed, unfinished } = results;
  const made = [
    ['profile', `${profile.name}: ${profile.about}`],
    ['seeds', profile.seeds.join(', ')],
    ['steps', stepsOf(results)],
    ['adapter', adaptersOf(results)],
    ['node', versions.node ?? 'unknown'],
    ['date', times.date],
    [
      'runs',
      `${results.runs.length} finished${unfinished.length > 0 ? `, ${unfinished.length} still to be done: the same command goes on` : ''}`,
    ],
    ...sourcesOf(results),
  ] as const;
  const gaps = [
    ...missing.map(({ what, fix }) => (fix ? `${what}; ${fix}` : what)),
    ...failed.map(({ id, why }) => `${id} failed: ${why}`),
  ];
  return [
    paragraph(
      'Tan et al., Learning to Hash with Graph Neural Networks for Recommender Systems, WWW 2020: what its tables and ' +
        'figures show, beside what training and evaluating the same systems here gives. Parameters are chosen on ' +
        'validation interactions; test interactions are read once a run.',
    ),
    facts('How it was made', made),
    gaps.length > 0 ? heading(3, 'What is not in it') + points(gaps) : '',
    sectionLinks(sections),
  ].join('\n');
}

/** From which results runs were included. */
function sourcesOf({ runs }: Results): [name: string, value: string][] {
  const origins = runs.flatMap(({ from }) => from ?? []);
  if (origins.length === 0) return [];
  const numbers = countsOf(origins.map(({ results }) => results));
  const others = origins.filter(({ sameOptions }) => !sameOptions).length;
  const rows: [string, string][] = [
    ['from elsewhere', [...numbers].map(([results, count]) => `${count} of ${results}`).join(', ')],
    ['by another version', `${others} of these, whose presets may have set some options otherwise`],
  ];
  return others > 0 ? rows : rows.slice(0, 1);
}

/** How often each is there. */
function countsOf(names: readonly string[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const name of names) numbers.set(name, (numbers.get(name) ?? 0) + 1);
  return numbers;
}

/** Where trainings were made, and how many where there are several. */
function adaptersOf({ runs, adapter }: Results): string {
  const numbers = countsOf(runs.map((run) => run.adapter));
  if (numbers.size <= 1) return [...numbers.keys()][0] ?? adapter;
  return [...numbers].map(([name, runs]) => `${name}: ${runs} of the trainings`).join('; ');
}

/** How long trainings were beside what their presets have. */
function stepsOf({ profile: { shorten } }: Results): string {
  const roles = Object.keys(shorten) as Role[];
  const parts = roles.map((role) => `${shorten[role]} for ${ROLE_TITLES[role]}`);
  const whole = roles.every((role) => shorten[role] === 1);
  return whole
    ? 'as the presets have them'
    : `shortened: ${parts.join(', ')}. Figures are below what whole trainings reach`;
}

function orderings(results: Results): string {
  if (results.orderings.length === 0) return paragraph('No two systems of a claim are there.');
  const agreements = placesOf(results)
    .filter(({ role }) => role !== 'literal')
    .map((place) => ({ place, agreement: agreementOf(results, { ...place, search: 'hierarchical' }) }))
    .filter(({ agreement }) => agreement.pairs > 0)
    .map(
      ({ place: { data, role, masking }, agreement: { pairs, agreeing } }) =>
        `${DATA[data].title}, ${ROLE_TITLES[role]}, ${masking}: ${agreeing} of ${pairs} pairs of systems stand in the order of the paper’s table`,
    );
  const places = new Map(results.orderings.map(({ data, role }) => [`${data} ${role}`, { data, role }]));
  const tables = [...places.values()].map(({ data, role }) => {
    const own = results.orderings.filter((one) => one.data === data && one.role === role);
    const claims = new Map(own.map((one) => [`${one.says} ${one.search}`, one]));
    const rows = [...claims.values()].map(({ says, source, search, paper }): Cell[] => [
      ...[says, source, SEARCH_TITLES[search], paper === null ? '–' : formatDifference(paper)],
      ...UNMASKED_FIRST.flatMap((masking): Cell[] => {
        const found = own.find((one) => one.says === says && one.search === search && one.masking === masking)!;
        const verdict = found.holds
          ? ({ text: 'holds', mark: 'good' } as const)
          : ({ text: 'does not', mark: 'bad' } as const);
        return [formatDifference(found.ours), verdict];
      }),
    ]);
    const header = ['claim', 'where', 'search', 'paper', 'here', '', 'here', ''];
    const sides = ['left', 'left', 'left', 'right', 'right', 'left', 'right', 'left'] as const;
    const caption = `Claims of the paper on ${DATA[data].title}, ${ROLE_TITLES[role]}`;
    return htmlTable(caption, header, rows, sides, [
      ['', 4],
      ...UNMASKED_FIRST.map((one): [string, number] => [one, 2]),
    ]);
  });
  return [
    paragraph(
      'HR@50 of what the paper has above, less that of the other (the best of several). Mean over the seeds; whether a ' +
        'difference is more than chance stands in the next section.',
    ),
    points(agreements),
    ...tables,
  ].join('\n');
}

function significance(results: Results): string {
  const { comparisons } = results;
  if (comparisons.length === 0) return paragraph('HashGNN and another system on the same data are not there.');
  const tables = placesOf(results).flatMap(({ data, role, masking }) =>
    COMPARED.flatMap((search) => {
      const tests = comparisons.filter(
        (one) => one.data === data && one.role === role && one.masking === masking && one.search === search,
      );
      if (tests.length === 0) return [];
      const rows = tests.map(({ other, difference, halfWidth, differing, p, corrected }): Cell[] => {
        const word = corrected >= 0.05 ? 'not told apart' : difference > 0 ? 'HashGNN is better' : 'HashGNN is worse';
        const mark = difference > 0 ? 'good' : 'bad';
        return [
          ...[
            SYSTEMS[other],
            formatDifference(difference),
            `± ${formatShare(halfWidth)}`,
            differing.toLocaleString('en-US'),
          ],
          ...[formatP(p), formatP(corrected)],
          corrected >= 0.05 ? word : { text: word, mark },
        ];
      });
      const [{ users, seeds }] = tests as [(typeof tests)[number]];
      const caption =
        `${DATA[data].title}, ${ROLE_TITLES[role]}, ${SEARCH_TITLES[search]} search, ${masking}: ` +
        `${users.toLocaleString('en-US')} users, ${seeds === 1 ? 'one seed' : `means of ${seeds} seeds`}`;
      const header = ['HashGNN less', 'HR@50', '95 %', 'users that differ', 'p', 'p, corrected', ''];
      return [htmlTable(caption, header, rows, [...right(6), 'left'])];
    }),
  );
  return [
    paragraph(
      'Wilcoxon’s signed-rank test of the users’ HR@50, paired, two-sided; p corrected for the number of systems in a table ' +
        'by Holm’s method. It speaks of these users and these trained models; what another seed would give is in the ± of ' +
        'the tables.',
    ),
    ...tables,
  ].join('\n');
}

function health(results: Results): string {
  if (results.runs.length === 0) return paragraph('No run is there.');
  const rows = results.runs.map((run): Cell[] => {
    const sides = [run.health.users, run.health.items].flatMap(
      ({ imbalance, correlation, distinct, count, colliding, largest }) => [
        `${formatShare(imbalance.mean)} (${formatShare(imbalance.worst)})`,
        `${formatShare(correlation.mean)} (${formatShare(correlation.worst)})`,
        `${distinct.toLocaleString('en-US')} of ${count.toLocaleString('en-US')}`,
        `${(100 * colliding).toFixed(1)} %`,
        largest.toLocaleString('en-US'),
      ],
    );
    return [nameOf(run), ...sides];
  });
  const side = ['imbalance', 'correlation', 'distinct', 'colliding', 'most alike'];
  const header = ['run', ...side, ...side];
  return [
    paragraph(
      'Imbalance: |share of ones − ½| · 2, mean over the bits (worst): 0 where every bit halves the nodes. Correlation: its ' +
        'absolute value, mean over pairs of bits (worst). Colliding: nodes whose code another one has too; most alike: how ' +
        'many have the most frequent code.',
    ),
    htmlTable('Codes of every run', header, rows, right(header.length), [
      ['', 1],
      ['users', 5],
      ['items', 5],
    ]),
  ].join('\n');
}

function runs(results: Results): string {
  if (results.runs.length === 0) return paragraph('No run is there.');
  const rows = results.runs.map((run): Cell[] => {
    const { training, toBest, searches } = results.times.runs[run.id]!;
    return [
      run.from === undefined ? nameOf(run) : `${nameOf(run)} (${run.from.results})`,
      run.steps.toLocaleString('en-US'),
      run.best ? run.best.step.toLocaleString('en-US') : '–',
      formatSeconds(training),
      toBest === null ? '–' : formatSeconds(toBest),
      formatBytes(run.memory.peak),
      ...(['hamming', 'hierarchical', 'exact'] as const).map((search) => formatSeconds(searches.masked[search])),
    ];
  });
  const header = [
    'run',
    'steps',
    'best step',
    'training',
    'to the best',
    'GPU memory',
    'Hamming',
    'hierarchical',
    'exact',
  ];
  return htmlTable('Every run', header, rows, right(header.length), [
    ['', 6],
    ['searches for all users, masked', 3],
  ]);
}

/** A run as people name it. */
function nameOf({ data, model, role, changes, seed }: RunResult): string {
  const changed = Object.entries(changes).map(([name, value]) => `${name} ${String(value)}`);
  return [DATA[data].title, SYSTEMS[model], ROLE_TITLES[role], ...changed, `seed ${seed}`].join(', ');
}

// ---------------------------------------------------------------------------------------------------------------- CSV

const significanceCsv = ({ comparisons }: Results): CsvRows => [
  ['data', 'preset', 'masking', 'search', 'other', 'users', 'seeds', 'difference', 'half width', 'p', 'corrected'],
  ...comparisons.map(({ data, role, masking, search, other, users, seeds, difference, halfWidth, p, corrected }) => [
    ...[data, presetOf(data, role), masking, search, other, users, seeds, difference, halfWidth, p, corrected],
  ]),
];

const orderingsCsv = (results: Results): CsvRows => [
  ['data', 'preset', 'masking', 'search', 'claim', 'source', 'paper', 'here', 'holds'],
  ...results.orderings.map(({ data, role, masking, search, says, source, paper, ours, holds }) => [
    ...[data, presetOf(data, role), masking, search, says, source, paper ?? '', ours, String(holds)],
  ]),
];

const runsCsv = ({ runs: all, times }: Results): CsvRows => [
  [
    ...['run', 'data', 'system', 'preset', 'seed', 'bits', 'steps', 'best step', 'training seconds', 'GPU bytes'],
    ...['adapter', 'from'],
  ],
  ...all.map(({ id, data, model, preset, seed, bits, steps, best, memory, adapter, from }) => [
    ...[id, data, model, preset, seed, bits, steps, best?.step ?? '', times.runs[id]!.training, memory.peak, adapter],
    from?.results ?? '',
  ]),
];

/** With quotes where a value needs them. */
export function csvOf(rows: CsvRows): string {
  const quoted = (value: string | number) => {
    const text = String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(quoted).join(',')}\n`).join('');
}
