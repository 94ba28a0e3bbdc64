import type { Drawing } from '../../page/svg.js';
import type { DataName } from '../paper.js';
import type { Need } from '../plan.js';
import type { Profile } from '../profiles.js';
import type { Results } from '../results.js';

/** A table of comma-separated values: the header first. */
export type CsvRows = readonly (readonly (string | number)[])[];

/** A table or a figure of the paper: what it needs, and how it is drawn. */
export interface Exhibit {
  /** As on the command line. */
  readonly name: string;
  readonly title: string;
  needs(profile: Profile): readonly Need[];
  /** Data sets that it speaks of without needing runs on them. */
  shows?(profile: Profile): readonly DataName[];
  /** Markup of its section, with its pictures. */
  draw(results: Results): string;
  /** Its pictures by the names of their files; undefined where nothing of one was run. */
  pictures?(results: Results): Readonly<Record<string, Drawing | undefined>>;
  csv(results: Results): CsvRows;
}
