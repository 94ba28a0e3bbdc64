import type { Exhibit } from './exhibit.js';
import { fig3 } from './fig3.js';
import { fig4 } from './fig4.js';
import { fig5 } from './fig5.js';
import { fig6 } from './fig6.js';
import { fig7 } from './fig7.js';
import { literal } from './literal.js';
import { table1 } from './table1.js';
import { table2 } from './table2.js';
import { table3 } from './table3.js';
import { table4 } from './table4.js';

export type { Exhibit } from './exhibit.js';

/** Every table and figure, in the order of the report. */
export const EXHIBITS: readonly Exhibit[] = [table1, table2, table3, table4, fig3, fig4, fig5, fig6, fig7, literal];
