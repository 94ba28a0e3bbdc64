import { drawLines } from '../../page/lines.js';
import { type Cell, heading, htmlTable, paragraph } from '../../page/page.js';
import { type Drawing, picture } from '../../page/svg.js';
import type { SearchName } from '../../search/index.js';
import { SYSTEMS, type System } from '../paper.js';
import type { Recipe } from '../plan.js';
import { type Profile, presetOf, ROLE_TITLES, type Role } from '../profiles.js';
import { figureOf, ofFirstSeed, type Results, runsLike, yardsticksOf } from '../results.js';
import { MASKINGS, type Masking, SEARCHES } from '../run_evaluation.js';
import { SWEPT, withBits, withLambda, withTriplets } from '../sweeps.js';
import type { CsvRows, Exhibit } from './exhibit.js';
import { formatFigure, formatShare, SEARCH_TITLES, sequenceClass } from './look.js';
import { right } from './systems.js';

const METRIC = 'HR@50';

/** The three panels: an option, its values and HashGNN with each. */
const SWEEPS = [
  { option: 'λ', values: (profile: Profile) => profile.lambdas, recipe: withLambda },
  { option: 'triplets', values: (profile: Profile) => profile.triplets, recipe: withTriplets },
  {
    option: 'K',
    values: (profile: Profile) => profile.bits,
    recipe: (bits: number) => withBits(bits, 'hashgnn', 'protocol'),
  },
] as const;

/** Codes against embeddings: HashGNN, and the same encoder trained for embeddings alone. */
const WIDTHS: readonly { readonly role: Role; readonly system: System }[] = (['protocol', 'best'] as const).flatMap(
  (role) => (['hashgnn', 'graphsage'] as const).map((system) => ({ role, system })),
);

const LINES = (['hierarchical', 'hamming'] as const).flatMap((search) =>
  MASKINGS.map((masking) => ({ search, masking, name: `${SEARCH_TITLES[search]}, ${masking}` })),
);

function pointsOf(results: Results, { values, recipe }: (typeof SWEEPS)[number], search: SearchName, masking: Masking) {
  return values(results.profile).flatMap((value): [number, number][] => {
    const found = figureOf(results, recipe(value), { search, masking, metric: METRIC });
    return found ? [[value, found.mean]] : [];
  });
}

/** Nothing where no run of the sweeps is there. */
function drawingOf(all: Results): Drawing | undefined {
  const results = ofFirstSeed(all);
  const panels = SWEEPS.map((sweep) => ({
    ...{ title: `HR@50 over ${sweep.option}`, across: sweep.option },
    series: LINES.map(({ name, search, masking }, at) => ({
      ...{ name, colour: sequenceClass(2 * at), dashed: masking === 'unmasked' },
      ...{ shape: search === 'hamming' ? ('square' as const) : ('circle' as const) },
      points: pointsOf(results, sweep, search, masking),
    })).filter(({ points }) => points.length > 0),
  }));
  if (panels.every(({ series }) => series.length === 0)) return undefined;
  return drawLines('HR@50 of HashGNN over λ, triplets a positive and K', panels, 3);
}

/** A line for each width of each system: what hierarchical search keeps of exact search. */
function widthRows(results: Results): { caption: string; rows: Cell[][] }[] {
  return MASKINGS.map((masking) => ({
    caption: `Codes against embeddings over K, HR@50, ${masking}`,
    rows: WIDTHS.flatMap(({ role, system }) =>
      results.profile.bits.flatMap((bits) => {
        const recipe: Recipe = withBits(bits, system, role);
        if (runsLike(results, recipe).length === 0) return [];
        const [hamming, hierarchical, exact] = (['hamming', 'hierarchical', 'exact'] as const).map((search) =>
          figureOf(results, recipe, { search, masking, metric: METRIC }),
        );
        const kept = `${((100 * hierarchical!.mean) / exact!.mean).toFixed(1)} %`;
        const yardstick = yardsticksOf(results, SWEPT, bits)?.pureSvd[masking][METRIC];
        return [
          [
            ...[SYSTEMS[system], ROLE_TITLES[role], String(bits)],
            ...[hamming, hierarchical, exact].map(formatFigure),
            ...[kept, yardstick === undefined ? '–' : formatShare(yardstick)],
          ],
        ];
      }),
    ),
  }));
}

/** Figure 5: λ, triplets a positive, K. */
export const fig5: Exhibit = {
  name: 'fig5',
  title: 'Figure 5: λ, triplets, K',
  needs: (profile) =>
    profile.data.includes(SWEPT)
      ? [
          ...SWEEPS.flatMap(({ values, recipe }) => values(profile).map((value) => recipe(value))),
          ...WIDTHS.filter(({ role }) => role === 'protocol' || profile.allWithBest).flatMap(({ role, system }) =>
            profile.bits.map((bits) => withBits(bits, system, role)),
          ),
        ].map((recipe) => ({ ...recipe, once: true }))
      : [],
  draw(all) {
    const results = ofFirstSeed(all);
    const widths = widthRows(results).filter(({ rows }) => rows.length > 0);
    const sweeps = drawingOf(results);
    if (!sweeps && widths.length === 0) return paragraph('No run of this figure is there.');
    const header = ['system', 'preset', 'K', 'Hamming', 'hierarchical', 'exact', 'kept', 'PureSVD, K wide'];
    return [
      ...(sweeps
        ? [
            paragraph(
              'HashGNN on MovieLens by the paper’s protocol, one option changed at a time; the other values are the ' +
                'preset’s. One seed. The paper gives these figures without numbers.',
            ),
            picture(sweeps),
          ]
        : []),
      heading(3, 'Codes against embeddings'),
      paragraph('Kept: HR@50 of hierarchical search as a share of that of exact search with the same embeddings.'),
      ...widths.map(({ caption, rows }) => htmlTable(caption, header, rows, ['left', ...right(header.length - 1)])),
    ].join('\n');
  },
  pictures: (results) => ({ fig5: drawingOf(results) }),
  csv(all): CsvRows {
    const results = ofFirstSeed(all);
    return [
      ['option', 'value', 'system', 'preset', 'search', 'masking', METRIC],
      ...SWEEPS.filter(({ option }) => option !== 'K').flatMap((sweep) =>
        LINES.flatMap(({ search, masking }) =>
          pointsOf(results, sweep, search, masking).map(([value, hr]) => [
            ...[sweep.option, value, SYSTEMS.hashgnn, presetOf(SWEPT, 'protocol')],
            ...[search, masking, hr],
          ]),
        ),
      ),
      ...WIDTHS.flatMap(({ role, system }) =>
        results.profile.bits.flatMap((bits) =>
          MASKINGS.flatMap((masking) =>
            SEARCHES.flatMap((search) => {
              const found = figureOf(results, withBits(bits, system, role), { search, masking, metric: METRIC });
              return found ? [['K', bits, SYSTEMS[system], presetOf(SWEPT, role), search, masking, found.mean]] : [];
            }),
          ),
        ),
      ),
    ];
  },
};
