import { drawLines, type LinePanel } from '../../page/lines.js';
import { heading, paragraph } from '../../page/page.js';
import { type Drawing, picture } from '../../page/svg.js';
import { CONTINUOUS, DATA, type DataName, SYSTEM_NAMES, SYSTEMS } from '../paper.js';
import { figureOf, plain, type Results, runsLike, yardsticksOf } from '../results.js';
import { CUTOFFS, MASKINGS, type Masking } from '../run_evaluation.js';
import type { Exhibit } from './exhibit.js';
import { classOf, shapeOf, UNMASKED_FIRST } from './look.js';
import { table2 } from './table2.js';

/** HR@n of a system's codes over n. */
function pointsOf(results: Results, data: DataName, system: (typeof SYSTEM_NAMES)[number], masking: Masking) {
  return CUTOFFS.flatMap((n): [number, number][] => {
    const place = { masking, search: 'hamming', metric: `HR@${n}` } as const;
    const found = figureOf(results, plain(data, system, 'protocol'), place);
    return found ? [[n, found.mean]] : [];
  });
}

function panelOf(results: Results, data: DataName, masking: Masking): LinePanel {
  const systems = SYSTEM_NAMES.map((system) => ({
    ...{ name: SYSTEMS[system], colour: classOf(system), shape: shapeOf(system), dashed: CONTINUOUS.includes(system) },
    points: pointsOf(results, data, system, masking),
  }));
  const bits = results.runs.find((run) => run.data === data && Object.keys(run.changes).length === 0)?.bits ?? 0;
  const popularity = yardsticksOf(results, data, bits)?.popularity[masking];
  const yardstick = {
    ...{ name: 'popularity', colour: 'peer', dashed: true },
    points: CUTOFFS.flatMap((n): [number, number][] => (popularity ? [[n, popularity[`HR@${n}`]!]] : [])),
  };
  return {
    title: `${DATA[data].title}, HR@n, ${masking}`,
    ...{ across: 'n', low: 0 },
    series: [...systems, yardstick].filter(({ points }) => points.length > 0),
  };
}

const dataOf = (results: Results) => results.data.map(({ name }) => name).filter((name) => name !== 'alibaba');

/** Nothing where no system was run. */
function drawingOf(results: Results, data: DataName): Drawing | undefined {
  if (SYSTEM_NAMES.every((system) => runsLike(results, plain(data, system, 'protocol')).length === 0)) return undefined;
  const panels = UNMASKED_FIRST.map((masking) => panelOf(results, data, masking));
  return drawLines(`HR over n in Hamming space on ${DATA[data].title}`, panels);
}

/** Figure 3: HR over the number of retrieved items in Hamming space. */
export const fig3: Exhibit = {
  name: 'fig3',
  title: 'Figure 3: Hamming space retrieval',
  needs: (profile) => table2.needs(profile).filter(({ role }) => role === 'protocol'),
  draw: (results) =>
    [
      paragraph(
        'HR of the items nearest by code alone. Systems without codes of their own (dashed) are searched by the signs of ' +
          'their embeddings. The paper gives this figure without numbers.',
      ),
      ...dataOf(results).flatMap((data) => {
        const drawing = drawingOf(results, data);
        return [
          heading(3, DATA[data].title),
          drawing ? picture(drawing) : paragraph('No run of this figure is there.'),
        ];
      }),
    ].join('\n'),
  pictures: (results) => Object.fromEntries(dataOf(results).map((data) => [`fig3-${data}`, drawingOf(results, data)])),
  csv: (results) => [
    ['data', 'masking', 'system', 'n', 'HR'],
    ...dataOf(results).flatMap((data) =>
      MASKINGS.flatMap((masking) =>
        SYSTEM_NAMES.flatMap((system) =>
          pointsOf(results, data, system, masking).map(([n, value]) => [data, masking, SYSTEMS[system], n, value]),
        ),
      ),
    ),
  ],
};
