/** A self-test of the kernels on the adapter at hand, each judged by its CPU twin. */
export type { KernelCase, Tolerance } from './case.js';
export { selfTestCases } from './cases.js';
export { judgeCase, lackOf, runSelfTest, type SelfTestResult, summarise, tensorsOf, type Verdict } from './run.js';
