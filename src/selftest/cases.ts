import type { KernelCase } from './case.js';
import { ceilingCases } from './cases/ceiling.js';
import { graphCases } from './cases/graph.js';
import { modelCases } from './cases/model.js';
import { refineCases } from './cases/refine.js';
import { searchCases } from './cases/search.js';
import { systemCases } from './cases/systems.js';

/** Small cases for every kernel of the package, each variant with its own. */
export function selfTestCases(): KernelCase[] {
  return [...graphCases(), ...modelCases(), ...systemCases(), ...refineCases(), ...searchCases(), ...ceilingCases()];
}
