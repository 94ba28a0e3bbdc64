/** Which trainings the tables and figures need; what several of them need is trained once. */
import { createHash } from 'node:crypto';
import type { Dataset } from '../data/index.js';
import { MODELS, type OptionName, resolveOptions, stretched, type TrainOptions } from '../train/index.js';
import type { DataName, System } from './paper.js';
import { hasPreset, PRESET_OF, type Profile, presetOf, type Role } from './profiles.js';

/** Options that differ from those of the preset. */
export type Changes = Readonly<Partial<Record<OptionName, unknown>>>;

/** A system trained in one way on one data set, with whatever seed. */
export interface Recipe {
  readonly data: DataName;
  readonly model: System;
  readonly role: Role;
  readonly changes: Changes;
}

/** A recipe that a table or a figure needs. */
export interface Need extends Recipe {
  /** Trained with the first seed only. */
  readonly once?: boolean;
  /** Its losses and validations over the steps are drawn. */
  readonly curve?: boolean;
}

/** One training. */
export interface PlannedRun extends Recipe {
  /** By which results name it, and its folder below `runs/`: of the recipe, the seed, the options and the data. */
  readonly id: string;
  readonly seed: number;
  readonly options: TrainOptions;
  readonly curve: boolean;
}

/** The same text for the same recipe. */
export function keyOf({ data, model, role, changes }: Recipe): string {
  const names = Object.keys(changes).sort() as OptionName[];
  return [data, model, role, ...names.map((name) => `${name}=${String(changes[name])}`)].join(' ');
}

/** Whether this version has the system and the preset of a recipe. */
export const isTrainable = ({ model, role }: Recipe): boolean => Object.hasOwn(MODELS, model) && hasPreset(role);

/** What this version lacks of some recipes, in words; undefined where it has everything. */
export function lackingFor(recipes: readonly Recipe[]): string | undefined {
  const models = new Set(recipes.map(({ model }) => model).filter((model) => !Object.hasOwn(MODELS, model)));
  const presets = new Set(recipes.map(({ role }) => role).filter((role) => !hasPreset(role)));
  const parts = [
    ...(models.size > 0 ? [`the systems ${[...models].join(', ')}`] : []),
    ...[...presets].map((role) => `the preset ${PRESET_OF[role]}`),
  ];
  return parts.length > 0 ? `this version does not have ${parts.join(' and ')}` : undefined;
}

/** Each recipe once, in the order of their first need, with all that is wanted of it. */
export function merged(needs: readonly Need[]): Required<Need>[] {
  const found = new Map<string, Required<Need>>();
  for (const { once = false, curve = false, ...recipe } of needs) {
    const key = keyOf(recipe);
    const before = found.get(key);
    found.set(key, { ...recipe, once: once && (before?.once ?? true), curve: curve || (before?.curve ?? false) });
  }
  return [...found.values()];
}

/** The trainings of a recipe: one a seed, or one. */
export function runsOf(need: Required<Need>, profile: Profile, dataset: Dataset): PlannedRun[] {
  const { once, curve, ...recipe } = need;
  const { data, model, role, changes } = recipe;
  return (once ? profile.seeds.slice(0, 1) : profile.seeds).map((seed) => {
    const preset = presetOf(data, role);
    const resolved = resolveOptions({ model, preset, ...changes, seed }, keyOf(recipe));
    const options = stretched(resolved, profile.shorten[role]);
    const digest = createHash('sha256')
      .update(JSON.stringify([options, dataset.summary.fingerprint]))
      .digest('hex');
    const changed = Object.entries(changes).map(([name, value]) => `${name}-${String(value)}`);
    const words = [data, model, preset, ...changed, `seed-${seed}`, digest.slice(0, 8)];
    return { ...recipe, id: words.join('_'), seed, options, curve };
  });
}
