/** The section of `bench search`: each search beside its peer, the paper's Table 4, its Alibaba search. */
import { formatTick } from '../../src/base/drawing.js';
import { formatSeconds } from '../../src/cli/output.js';
import { heading, htmlTable, paragraph, points } from '../../src/page/page.js';
import { type BarRow, barChart } from '../../src/page/svg.js';
import { formatRatio } from '../format.js';
import type { SearchBenchResult } from '../search/index.js';
import type { MeasuredRow } from '../search/measure.js';
import {
  ALIGN,
  cellsOf,
  describeAlibaba,
  describeCeilings,
  HEADER,
  shapeOf,
  summaryLines,
  TABLE4_ALIGN,
  table4Cells,
} from '../search/report.js';

export function searchBody(result: SearchBenchResult): string {
  const { adapter, ceilings, rows, table4 = [], alibaba } = result;
  const raced = rows.filter((row): row is Raced => row.peer !== null);
  const parts = [points([...summaryLines(result), describeCeilings(adapter, ceilings)])];
  if (raced.length > 0) {
    parts.push(
      heading(3, 'Beside the peer'),
      paragraph(
        'Each search has a scale of its own, on which the slower of the two is as long as the column is wide; how many ' +
          'times ours the peer takes stands at the end.',
      ),
      barChart('Time of ours and of the peer', [{ title: 'time, by that of the slower' }], raced.flatMap(pairOf)),
    );
  } else if (rows.length > 0) {
    const panels = [{ title: 'median, seconds', axis: formatTick }];
    parts.push(heading(3, 'Ours'), barChart('Time of ours', panels, rows.map(aloneOf)));
  }
  if (rows.length > 0) {
    parts.push(heading(3, 'All measurements'), htmlTable('Every search', HEADER, rows.map(cellsOf), ALIGN));
  }
  if (table4.length > 0) {
    const [header, ...cells] = table4Cells(table4);
    parts.push(
      heading(3, "The paper's Table 4"),
      htmlTable('Three searches of all users', header!, cells, TABLE4_ALIGN),
    );
  }
  if (alibaba) {
    parts.push(heading(3, "The paper's Alibaba search"), ...describeAlibaba(alibaba).split('\n').map(paragraph));
  }
  return parts.join('\n');
}

type Raced = MeasuredRow & { readonly peer: NonNullable<MeasuredRow['peer']> };

function aloneOf(row: MeasuredRow): BarRow {
  const { name, ours, k } = row;
  return {
    ...{ label: name, tooltip: `${name}, ${shapeOf(row)}, the best ${k}`, fill: 'ours' },
    bars: [{ value: ours.seconds, text: formatSeconds(ours.seconds) }],
  };
}

/** Two bars, the slower one of length 1. */
function pairOf(row: Raced): BarRow[] {
  const { name, k, ours, peer } = row;
  const slower = Math.max(ours.seconds, peer.seconds);
  const ratio = `${formatRatio(peer.seconds / ours.seconds)} times ours`;
  const about = `${name}, ${shapeOf(row)}, the best ${k}`;
  return [
    {
      ...{ label: name, note: 'ours', tooltip: `${about}: ours`, fill: 'ours', begins: true },
      bars: [{ value: ours.seconds / slower, text: formatSeconds(ours.seconds) }],
    },
    {
      ...{ label: '', note: peer.name, tooltip: `${about}: ${peer.name} ${peer.version}`, fill: 'peer' },
      bars: [{ value: peer.seconds / slower, text: `${formatSeconds(peer.seconds)}, ${ratio}` }],
    },
  ];
}
