/** Guidance against the plain straight-through estimator over training: what Figures 4 and 6 share. */
import { drawLines } from '../../page/lines.js';
import { paragraph } from '../../page/page.js';
import { type Drawing, picture } from '../../page/svg.js';
import { DATA, type DataName, SYSTEMS, type System } from '../paper.js';
import { plain, type Results, type RunResult, runsLike } from '../results.js';
import type { Exhibit } from './exhibit.js';
import { classOf } from './look.js';

/** HashGNN_nr is guidance and Hash_ste is none, both with the cross-entropy as in the paper's comparison. */
const COMPARED = ['hashgnn-nr', 'hash-ste'] as const satisfies readonly System[];

/** The run whose course is drawn: that of the first seed. */
const runOf = (results: Results, data: DataName, system: System): RunResult | undefined =>
  runsLike(results, plain(data, system, 'protocol')).find(({ curve }) => curve);

/** A figure of one column of the losses over the steps. */
export function trainingFigure(
  name: 'fig4' | 'fig6',
  title: string,
  column: 'loss' | 'auc',
  { what, low }: { readonly what: string; readonly low: number },
): Exhibit {
  const drawingOf = (results: Results): Drawing | undefined => {
    const panels = results.data.map(({ name: data, generated }) => ({
      ...{ title: `${DATA[data].title}${generated ? ', generated' : ''}, ${what}`, across: 'step', low },
      series: COMPARED.flatMap((system) => {
        const losses = runOf(results, data, system)?.curve?.losses;
        if (!losses) return [];
        const label = system === 'hash-ste' ? `${SYSTEMS[system]}: STE` : `${SYSTEMS[system]}: guidance STE`;
        return [
          {
            name: label,
            colour: classOf(system),
            points: losses.step.map((step, at) => [step, losses[column][at]!] as const),
          },
        ];
      }),
    }));
    const drawn = panels.filter(({ series }) => series.length > 0);
    return drawn.length > 0 ? drawLines(title, drawn) : undefined;
  };
  return {
    name,
    title,
    needs: ({ data }) =>
      data.flatMap((one) => COMPARED.map((system) => ({ ...plain(one, system, 'protocol'), curve: true }))),
    draw(results) {
      const drawing = drawingOf(results);
      return [
        paragraph(
          `${what[0]!.toUpperCase()}${what.slice(1)}, mean over the steps since the point before, of the first seed’s runs. ` +
            'The paper draws it on Alibaba’s data.',
        ),
        drawing ? picture(drawing) : paragraph('No run of this figure is there.'),
      ].join('\n');
    },
    pictures: (results) => ({ [name]: drawingOf(results) }),
    csv: (results) => [
      ['data', 'system', 'step', column, 'guidance p'],
      ...results.data.flatMap(({ name: data }) =>
        COMPARED.flatMap((system) => {
          const losses = runOf(results, data, system)?.curve?.losses;
          return (losses?.step ?? []).map((step, at) => [
            data,
            SYSTEMS[system],
            step,
            losses![column][at]!,
            losses!.guidance[at]!,
          ]);
        }),
      ),
    ],
  };
}
