export { EXHIBITS, type Exhibit } from './exhibits/index.js';
export { DATA_NAMES, SYSTEM_NAMES } from './paper.js';
export type { PlannedRun } from './plan.js';
export { PROFILES, type Profile, type ProfileName, shortenedBy } from './profiles.js';
export { pureSvd } from './pure_svd.js';
export { type ReproduceEvents, type ReproduceRequest, reproduce } from './reproduce.js';
export type { Results } from './results.js';
