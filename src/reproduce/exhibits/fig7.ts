import { drawLines } from '../../page/lines.js';
import { htmlTable, paragraph } from '../../page/page.js';
import { type Drawing, picture } from '../../page/svg.js';
import type { Recipe } from '../plan.js';
import { figureOf, ofFirstSeed, plain, type Results, runsLike } from '../results.js';
import { MASKINGS, SEARCHES } from '../run_evaluation.js';
import { SWEPT, withFixed } from '../sweeps.js';
import type { Exhibit } from './exhibit.js';
import { classOf, column, SEARCH_TITLES, sequenceClass } from './look.js';
import { right } from './systems.js';

const METRIC = 'HR@50';
const falling = plain(SWEPT, 'hashgnn', 'protocol');

interface Way {
  readonly name: string;
  readonly colour: string;
  readonly recipe: Recipe;
}

/** Falling p, then the fixed ones, of those that were run. */
function waysOf(results: Results): Way[] {
  const fixed = results.profile.fixed.map((p, at) => ({
    name: `p = ${p}`,
    colour: sequenceClass(at),
    recipe: withFixed(p),
  }));
  const ways = [{ name: 'p falls', colour: classOf('hashgnn'), recipe: falling }, ...fixed];
  return ways.filter(({ recipe }) => runsLike(results, recipe).length > 0);
}

/** Nothing where no run is there. */
function drawingOf(all: Results): Drawing | undefined {
  const results = ofFirstSeed(all);
  const ways = waysOf(results);
  if (ways.length === 0) return undefined;
  const panels = (['hierarchical', 'hamming'] as const).map((search) => ({
    ...{ title: `validation HR@50, ${SEARCH_TITLES[search]}`, across: 'step' },
    series: ways.flatMap(({ name, colour, recipe }) => {
      const curve = runsLike(results, recipe).find((run) => run.curve)?.curve;
      if (!curve) return [];
      const points = curve.validations.step.map((step, at) => [step, curve.validations[search][at]!] as const);
      return [{ name, colour, dashed: recipe !== falling, points }];
    }),
  }));
  return drawLines('Validation HR@50 over training, by p', panels);
}

/** Figure 7: fixed p against falling p. */
export const fig7: Exhibit = {
  name: 'fig7',
  title: 'Figure 7: fixed p against falling p',
  needs: ({ fixed, data }) =>
    data.includes(SWEPT)
      ? [{ ...falling, curve: true }, ...fixed.map((p) => ({ ...withFixed(p), once: true, curve: true }))]
      : [],
  draw(all) {
    const results = ofFirstSeed(all);
    const ways = waysOf(results);
    const drawing = drawingOf(results);
    if (!drawing) return paragraph('No run of this figure is there.');
    const places = MASKINGS.flatMap((masking) => SEARCHES.map((search) => ({ masking, search, metric: METRIC })));
    const columns = places.map((place) => column(ways.map(({ recipe }) => figureOf(results, recipe, place))));
    const kept = ways.map(({ recipe }) => {
      const [run] = runsLike(results, recipe);
      return run?.best ? `${run.best.step} of ${run.steps}` : 'the last';
    });
    const header = ['p', 'kept at step', ...places.map(({ search }) => SEARCH_TITLES[search])];
    const groups: [string, number][] = [
      ['', 2],
      ...MASKINGS.map((masking): [string, number] => [masking, SEARCHES.length]),
    ];
    return [
      paragraph(
        'HashGNN on MovieLens. p = 1 trains embeddings only, as GraphSage; below, p of the elements of a code are its ' +
          'embedding’s. Test figures are of the parameters with the best validation, all of the first seed.',
      ),
      picture(drawing),
      htmlTable(
        'HR@50 on the test interactions',
        header,
        ways.map(({ name }, at) => [name, kept[at]!, ...columns.map((one) => one[at]!)]),
        right(header.length),
        groups,
      ),
    ].join('\n');
  },
  pictures: (results) => ({ fig7: drawingOf(results) }),
  csv(all) {
    const results = ofFirstSeed(all);
    return [
      ['p', 'masking', 'search', METRIC],
      ...waysOf(results).flatMap(({ name, recipe }) =>
        MASKINGS.flatMap((masking) =>
          SEARCHES.map((search) => [
            ...[name, masking, search],
            figureOf(results, recipe, { masking, search, metric: METRIC })!.mean,
          ]),
        ),
      ),
    ];
  },
};
