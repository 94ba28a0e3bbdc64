import type { RunEvents } from '../train/index.js';
import type { PlannedRun } from './plan.js';

/**
 * How long the rest of a plan will take, judged by the seconds a step of the runs most like each: the same system, preset
 * and data; else the same preset and data; else the same preset; else any.
 */
export class Estimate {
  private readonly open: Set<PlannedRun>;
  private known: { run: PlannedRun; secondsPerStep: number }[] = [];

  constructor(
    runs: readonly PlannedRun[],
    /** Seconds. */
    private readonly now = () => performance.now() / 1000,
  ) {
    this.open = new Set(runs);
  }

  /** A run is done. */
  finish(run: PlannedRun, secondsPerStep: number): void {
    this.drop(run);
    this.known = this.known.filter((one) => one.run !== run);
    this.known.push({ run, secondsPerStep });
  }

  /** A run will not be done. */
  drop(run: PlannedRun): void {
    this.open.delete(run);
  }

  /** Events of a run's training that also tell its speed to here. */
  watching(run: PlannedRun, events: RunEvents = {}): RunEvents {
    let begun = { step: 0, at: this.now() };
    const own = { run, secondsPerStep: 0 };
    return {
      ...events,
      onStart: (step) => {
        begun = { step, at: this.now() };
        events.onStart?.(step);
      },
      onStep: (step) => {
        if (own.secondsPerStep === 0) this.known.push(own);
        own.secondsPerStep = (this.now() - begun.at) / Math.max(1, step - begun.step);
        events.onStep?.(step);
      },
    };
  }

  /** Seconds for the rest of a run and all that are open; undefined while nothing is known. */
  left(current: PlannedRun, step: number): number | undefined {
    if (this.known.length === 0) return undefined;
    let seconds = 0;
    for (const run of this.open) {
      const steps = run === current ? run.options.steps - step : run.options.steps;
      seconds += steps * this.secondsPerStep(run);
    }
    return seconds;
  }

  private secondsPerStep(run: PlannedRun): number {
    const like = [
      (other: PlannedRun) => other === run,
      (other: PlannedRun) => other.data === run.data && other.role === run.role && other.model === run.model,
      (other: PlannedRun) => other.data === run.data && other.role === run.role,
      (other: PlannedRun) => other.role === run.role,
      () => true,
    ];
    for (const fits of like) {
      const found = this.known.filter(({ run }) => fits(run));
      if (found.length > 0) return found.reduce((sum, one) => sum + one.secondsPerStep, 0) / found.length;
    }
    return 0;
  }
}
