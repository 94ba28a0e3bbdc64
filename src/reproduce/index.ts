export { pureSvd } from '../train/pure_svd.js';
export { EXHIBITS, type Exhibit } from './exhibits/index.js';
export { DATA_NAMES, SYSTEM_NAMES } from './paper.js';
export type { PlannedRun } from './plan.js';
export { PRESET_OF, PROFILES, type Profile, type ProfileName, type Role, shortenedBy } from './profiles.js';
export { type ReproduceEvents, type ReproduceRequest, reproduce } from './reproduce.js';
export type { Results } from './results.js';
