/** All systems on one data set, as Tables 2 and 3 have them, with the yardsticks below. */
import { type Cell, heading, htmlTable, paragraph } from '../../page/page.js';
import { type BarRow, type Drawing, drawBars, picture } from '../../page/svg.js';
import type { SearchName } from '../../search/index.js';
import { DATA, type DataName, PUBLISHED_METRICS, published, SYSTEM_NAMES, SYSTEMS, type System } from '../paper.js';
import { presetOf, ROLE_TITLES, type Role } from '../profiles.js';
import { figureOf, type Place, plain, type Results, runsLike, yardsticksOf } from '../results.js';
import { MASKINGS, type Masking, SEARCHES } from '../run_evaluation.js';
import { type Spread, spreadOf } from '../statistics.js';
import type { CsvRows } from './exhibit.js';
import { classOf, column, formatFigure, SEARCH_TITLES, UNMASKED_FIRST } from './look.js';

/** The metrics by search: ndcg by both definitions. */
const SEARCH_METRICS = ['HR@50', 'HR@100', 'ndcg@50', 'ndcg_retrieved@50'] as const;

/** Those of the CSV file. */
const METRICS = [...PUBLISHED_METRICS, 'ndcg_retrieved@50', 'ndcg_retrieved@100'] as const;

/** A system or a yardstick, and its figures. */
interface Row {
  readonly name: string;
  readonly system?: System;
  figure(place: Place): Spread | undefined;
}

/** The systems that were run, in the paper's order, then the yardsticks, which have one search only. */
function rowsOf(results: Results, data: DataName, role: Role): { rows: Row[]; systems: number } {
  const run = SYSTEM_NAMES.filter((system) => runsLike(results, plain(data, system, role)).length > 0);
  const rows: Row[] = run.map((system) => ({
    ...{ name: SYSTEMS[system], system },
    figure: (place) => figureOf(results, plain(data, system, role), place),
  }));
  const bits = run[0] && runsLike(results, plain(data, run[0], role))[0]!.bits;
  const yardsticks = bits === undefined ? undefined : yardsticksOf(results, data, bits);
  if (yardsticks) {
    const { popularity, pureSvd } = yardsticks;
    rows.push(
      { name: 'popularity', figure: ({ masking, metric }) => spreadOf([popularity[masking][metric]!]) },
      {
        name: `PureSVD, ${bits} wide, exact search`,
        figure: ({ masking, search, metric }) =>
          search === 'hamming' ? undefined : spreadOf([pureSvd[masking][metric]!]),
      },
    );
  }
  return { rows, systems: run.length };
}

/** Picture and tables of all systems by one preset; nothing where none was run. */
export function systemTables(results: Results, data: DataName, role: Role): string {
  const { rows, systems } = rowsOf(results, data, role);
  if (systems === 0) return '';
  const { title } = DATA[data];
  const paper = role !== 'literal';
  const cells = (masking: Masking, search: SearchName, metrics: readonly string[]) =>
    metrics.map((metric) =>
      column(
        rows.map((row) => row.figure({ masking, search, metric })),
        systems,
      ),
    );
  const inPaper = PUBLISHED_METRICS.map((metric) =>
    column(rows.map(({ system }) => system && spreadOf([published(system, data, metric)]))),
  );
  const blocks = [
    ...(paper ? [{ title: 'paper', columns: inPaper }] : []),
    ...UNMASKED_FIRST.map((masking) => ({
      title: `here, ${masking}`,
      columns: cells(masking, 'hierarchical', PUBLISHED_METRICS),
    })),
  ];
  const name = `${title}, ${ROLE_TITLES[role]} (preset ${presetOf(data, role)})`;
  return [
    heading(3, name),
    paper ? picture(systemBars(results, data, role)!) : '',
    blockTable(`${name}: hierarchical search`, rows, PUBLISHED_METRICS, blocks),
    ...UNMASKED_FIRST.map((masking) => {
      const searches = SEARCHES.map((search) => ({
        title: SEARCH_TITLES[search],
        columns: cells(masking, search, SEARCH_METRICS),
      }));
      return blockTable(`${name}: all searches, ${masking}`, rows, SEARCH_METRICS, searches);
    }),
  ].join('\n');
}

/** Blocks of the same metrics beside each other, rows by name. */
function blockTable(
  caption: string,
  rows: readonly Row[],
  metrics: readonly string[],
  blocks: readonly { readonly title: string; readonly columns: readonly (readonly Cell[])[] }[],
): string {
  const header = [
    'system',
    ...blocks.flatMap(() => metrics.map((metric) => metric.replace('ndcg_retrieved', 'ndcg_r'))),
  ];
  const columns = blocks.flatMap((block) => block.columns);
  const cells = rows.map(({ name }, at) => [name, ...columns.map((one) => one[at]!)]);
  const groups = blocks.map(({ title }): [string, number] => [title, metrics.length]);
  return htmlTable(caption, header, cells, right(header.length), [['', 1], ...groups]);
}

export const right = (columns: number) =>
  Array.from({ length: columns }, (_, at) => (at === 0 ? 'left' : 'right') as 'left' | 'right');

/** The bars of all systems by the names of their files. */
export const systemPictures = (
  results: Results,
  exhibit: string,
  data: readonly DataName[],
  roles: readonly Role[],
): Record<string, Drawing | undefined> =>
  Object.fromEntries(
    data.flatMap((name) =>
      roles.map((role) => [`${exhibit}-${name}-${presetOf(name, role)}`, systemBars(results, name, role)]),
    ),
  );

/** HR@50 of hierarchical search: the paper's and ours, all on one scale; nothing where no system was run. */
function systemBars(results: Results, data: DataName, role: Role): Drawing | undefined {
  const { rows, systems } = rowsOf(results, data, role);
  if (systems === 0) return undefined;
  const drawn = rows.map(({ name, system, figure }): BarRow => {
    const values = [
      system && spreadOf([published(system, data, 'HR@50')]),
      ...(['unmasked', 'masked'] as const).map((masking) =>
        figure({ masking, search: 'hierarchical', metric: 'HR@50' }),
      ),
    ];
    return {
      ...{
        label: name,
        tooltip: `${name}: ${values.map(formatFigure).join(', ')}`,
        fill: system ? classOf(system) : 'peer',
      },
      bars: values.map((value) => ({ value: value?.mean ?? 0, text: formatFigure(value) })),
    };
  });
  const panels = ['the paper', 'here, unmasked', 'here, masked'].map((title) => ({ title }));
  const most = Math.max(...drawn.flatMap((row) => row.bars.map(({ value }) => value)));
  const shares = drawn.map((row) => ({ ...row, bars: row.bars.map((bar) => ({ ...bar, value: bar.value / most })) }));
  return drawBars(`HR@50 by hierarchical search on ${DATA[data].title}, ${ROLE_TITLES[role]}`, panels, shares);
}

export const CSV_HEADER = [
  'data',
  'preset',
  'system',
  'masking',
  'search',
  'metric',
  'mean',
  'deviation',
  'seeds',
  'paper',
];

/** Every figure of the tables of a data set, a line each. */
export function systemCsv(results: Results, data: DataName, roles: readonly Role[]): CsvRows {
  return roles.flatMap((role) => {
    const { rows } = rowsOf(results, data, role);
    return rows.flatMap(({ name, system, figure }) =>
      MASKINGS.flatMap((masking) =>
        SEARCHES.flatMap((search) =>
          METRICS.flatMap((metric) => {
            const found = figure({ masking, search, metric });
            if (!found) return [];
            const inPaper = PUBLISHED_METRICS.find((one) => one === metric);
            const paper = system && search === 'hierarchical' && inPaper ? published(system, data, inPaper) : '';
            const { mean, deviation, count } = found;
            return [[data, presetOf(data, role), name, masking, search, metric, mean, deviation, count, paper]];
          }),
        ),
      ),
    );
  });
}

/** What has to be said once about all these tables. */
export const HOW_TO_READ = paragraph(
  'Unmasked ranks all items, those seen in training too, as the authors’ published code does; masked leaves out training ' +
    'and validation items, as the text asks. HR@n is |best n ∩ test| / |test|. ndcg is the usual one; ndcg_r has the ' +
    'retrieved hits in front as its ideal, as the published code computes it; the paper’s pair fits neither. Over several ' +
    'seeds a figure is mean ± standard deviation. The best system of a column stands out. Systems that the paper has no ' +
    'codes of are searched by the signs of their embeddings.',
);
