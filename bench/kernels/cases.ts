import type { KernelName } from '../../src/gpu/index.js';
import { type BenchCase, benchCase, type CaseMap } from './case.js';
import { CEILING_CASES } from './cases/ceiling.js';
import { GRAPH_CASES } from './cases/graph.js';
import { MODEL_CASES } from './cases/model.js';
import { REFINE_CASES } from './cases/refine.js';
import { SEARCH_CASES } from './cases/search.js';
import { SYSTEM_CASES } from './cases/systems.js';
import type { Setting } from './setting.js';

/** Every kernel of the package; the compiler finds one that is missing. */
const CASES: CaseMap<KernelName> = {
  ...CEILING_CASES,
  ...GRAPH_CASES,
  ...MODEL_CASES,
  ...REFINE_CASES,
  ...SEARCH_CASES,
  ...SYSTEM_CASES,
};

/** The cases of one kernel at one size, none where the kernel has none there. */
export function casesOf(kernel: string, setting: Setting): BenchCase[] {
  if (!Object.hasOwn(CASES, kernel)) return [];
  return typed(kernel as KernelName, setting);
}

function typed<K extends KernelName>(kernel: K, setting: Setting): BenchCase[] {
  return CASES[kernel](setting).map((spec) => benchCase(kernel, spec));
}
