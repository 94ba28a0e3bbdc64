/** HashGNN with one option changed, for Figures 5 and 7. */
import { resolveOptions } from '../train/index.js';
import type { DataName, System } from './paper.js';
import type { Changes, Recipe } from './plan.js';
import { hasPreset, PRESET_OF, type Role } from './profiles.js';
import { plain } from './results.js';

/** The data set of the paper's sweeps. */
export const SWEPT: DataName = 'ml-1m';

/** A recipe without the changes that change nothing, so that its runs are those of the tables. */
export function changed(model: System, role: Role, changes: Changes): Recipe {
  const recipe = { data: SWEPT, model, role };
  if (!hasPreset(role)) return { ...recipe, changes };
  const preset: Readonly<Record<string, unknown>> = resolveOptions({ preset: PRESET_OF[role] });
  return {
    ...recipe,
    changes: Object.fromEntries(Object.entries(changes).filter(([name, value]) => preset[name] !== value)),
  };
}

/** λ = 0 is HashGNN_nr. */
export const withLambda = (lambda: number) =>
  lambda === 0 ? plain(SWEPT, 'hashgnn-nr', 'protocol') : changed('hashgnn', 'protocol', { rankingWeight: lambda });
export const withTriplets = (triplets: number) => changed('hashgnn', 'protocol', { triplets });
export const withBits = (bits: number, model: System, role: Role) => changed(model, role, { bits });
/** p stays what it is from the first step to the last; p = 1 is GraphSage (section 5.5). */
export const withFixed = (p: number) =>
  p === 1
    ? plain(SWEPT, 'graphsage', 'protocol')
    : changed('hashgnn', 'protocol', { guidanceStart: p, guidanceBy: 0, guidanceFloor: 0 });
