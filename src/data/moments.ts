/** The moments among the options: from when until when interactions count, and from when on they test. */
import { UsageError } from '../base/errors.js';
import { type Engine, literal } from './engine.js';
import { secondsOf } from './interactions.js';
import type { PrepareOptions } from './prepare_options.js';

const names = ['from', 'until', 'testFrom'] as const;
/** Seconds since 1970 of the moments among the options. */
export type Moments = { readonly [name in (typeof names)[number]]?: number };

/** They are read as the times of interactions are. @throws UsageError for what is no moment, or out of order */
export async function readMoments(engine: Engine, options: PrepareOptions): Promise<Moments> {
  const moments: { [name in (typeof names)[number]]?: number } = {};
  for (const name of names) {
    const text = options[name];
    if (text === undefined) continue;
    const [{ seconds }] = (await engine.rows<{ seconds: number | null }>(
      `SELECT ${secondsOf('moment')} AS seconds FROM (SELECT ${literal(text)} AS moment)`,
    )) as [{ seconds: number | null }];
    if (seconds === null) {
      const option = name === 'testFrom' ? 'test-from' : name;
      throw new UsageError(`--${option} is ${JSON.stringify(text)}; expected a date such as 2019-03-31, or Unix time`);
    }
    moments[name] = seconds;
  }
  const { from, until } = moments;
  if (from !== undefined && until !== undefined && from >= until) {
    throw new UsageError('--from is not before --until');
  }
  return moments;
}
