import { drawLines } from '../../page/lines.js';
import { paragraph } from '../../page/page.js';
import { type Drawing, picture } from '../../page/svg.js';
import { SYSTEMS, type System } from '../paper.js';
import { PRESET_OF } from '../profiles.js';
import { type Curve, plain, type Results, runsLike } from '../results.js';
import { SWEPT } from '../sweeps.js';
import type { Exhibit } from './exhibit.js';
import { classOf } from './look.js';
import { CSV_HEADER, systemCsv, systemTables } from './systems.js';

const COMPARED = ['graphsage', 'hashgnn'] as const satisfies readonly System[];

/** Nothing where no run is there. */
function drawingOf(results: Results): Drawing | undefined {
  const curves = COMPARED.flatMap((system) => {
    const curve = runsLike(results, plain(SWEPT, system, 'literal')).find((run) => run.curve)?.curve;
    return curve ? [{ system, curve }] : [];
  });
  if (curves.length === 0) return undefined;
  const series = (points: (curve: Curve) => readonly (readonly [number, number])[]) =>
    curves.map(({ system, curve }) => ({ name: SYSTEMS[system], colour: classOf(system), points: points(curve) }));
  const zip = (steps: readonly number[], values: readonly number[]) =>
    steps.map((step, at) => [step, values[at]!] as const);
  return drawLines('The text taken literally: AUC on the batches, and validation HR@50', [
    {
      ...{ title: 'AUC on the batches', across: 'step', low: 0.4 },
      series: series(({ losses }) => zip(losses.step, losses.auc)),
    },
    {
      ...{ title: 'validation HR@50, hierarchical', across: 'step' },
      series: series(({ validations }) => zip(validations.step, validations.hierarchical)),
    },
  ]);
}

/** What the paper's text does where it is taken at its word. */
export const literal: Exhibit = {
  name: 'text',
  title: 'The text taken literally',
  needs: ({ data }) =>
    data.includes(SWEPT)
      ? COMPARED.map((system) => ({ ...plain(SWEPT, system, 'literal'), once: true, curve: true }))
      : [],
  draw(results) {
    const drawing = drawingOf(results);
    if (!drawing) return paragraph('No run of this preset is there.');
    return [
      paragraph(
        `Preset ${PRESET_OF.literal}: the mean of a node and its neighbours together, weights shared by users and items and ` +
          'drawn from N(0, 0.02²), sums of the losses, the inner product of codes unscaled in the sigmoid, p less 0.05 every ' +
          '250 steps from the first one. An AUC of .5 and a loss that does not fall are a model that does not train.',
      ),
      picture(drawing),
      systemTables(results, SWEPT, 'literal'),
    ].join('\n');
  },
  pictures: (results) => ({ text: drawingOf(results) }),
  csv: (results) => [CSV_HEADER, ...systemCsv(results, SWEPT, ['literal'])],
};
